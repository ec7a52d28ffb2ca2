//! The walls of the crate: no cycle between the rooms of `src`, each library in its room, one way out.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The sources without their tests: path below `src`, and text.
fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    walk(&root, &mut files);
    let is_test = |path: &Path| path.iter().any(|part| part == "tests" || part == "tests.rs");
    files
        .into_iter()
        .map(|path| (path.strip_prefix(&root).unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .filter(|(path, _)| path.extension().is_some_and(|ending| ending == "rs") && !is_test(path))
        .map(|(path, text)| {
            let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            (path, code.collect::<Vec<_>>().join("\n"))
        })
        .collect()
}

/// The room that a file is in: its folder, or itself.
fn room(path: &Path) -> String {
    path.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned()
}

/// The names behind `crate::` in a text, those of `crate::{a, b::c}` too.
fn named(text: &str) -> BTreeSet<String> {
    let word = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => {
                found.insert(word(rest));
            }
            Some(list) => {
                let (mut depth, mut begins) = (1, true);
                for (at, c) in list.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        ',' if depth == 1 => begins = true,
                        _ if begins && !c.is_whitespace() => {
                            found.insert(word(&list[at..]));
                            begins = false;
                        }
                        _ => {}
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    found
}

#[test]
fn no_arrow_runs_back_up() {
    let sources = sources();
    let rooms: BTreeSet<String> = sources.iter().map(|(path, _)| room(path)).collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (path, text) in &sources {
        let to = named(text).into_iter().filter(|to| rooms.contains(to) && *to != room(path));
        arrows.entry(room(path)).or_default().extend(to);
    }
    assert!(arrows["commands"].contains("run") && arrows["call"].contains("wire"), "{arrows:?}");
    // Rooms that name no other are the ground; each round takes them away.
    while let Some(ground) = arrows.iter().find(|(_, to)| to.is_empty()).map(|(from, _)| from.clone()) {
        arrows.remove(&ground);
        for to in arrows.values_mut() {
            to.remove(&ground);
        }
    }
    assert!(arrows.is_empty(), "these rooms name each other in a ring, or stand on one that does: {arrows:#?}");
}

#[test]
fn each_library_stays_in_its_room() {
    let table: &[(&str, &[&str])] = &[
        ("rhai::", &["script"]),
        ("rustyline::", &["repl"]),
        ("rusqlite::", &["journal"]),
        ("reqwest::", &["call", "net"]),
        ("hyper::", &["sim", "harness.rs"]),
        ("clap::", &["settings", "commands"]),
        // One way out of the process beside the end of `main`.
        ("process::exit", &["run/exit.rs"]),
    ];
    let sources = sources();
    for (library, rooms) in table {
        let users: Vec<&PathBuf> =
            sources.iter().filter(|(_, text)| text.contains(library)).map(|(path, _)| path).collect();
        assert!(!users.is_empty(), "nobody names {library}");
        for user in users {
            assert!(rooms.iter().any(|room| user.starts_with(room)), "{} names {library}", user.display());
        }
    }
}
