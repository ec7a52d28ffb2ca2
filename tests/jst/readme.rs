//! The code blocks of README and of its chapters, the `README.md` of the folders, executed. `console` blocks hold commands behind `$ ` and what they print to
//! stdout; a line `…` stands for any lines, a block without output is only run, and `! exit N` says
//! how it ends. `rhai` blocks run on the simulator. Other blocks are data.

use std::path::Path;

use crate::support::jst;

/// README's command for the tests: it is running already.
const TESTS: &str = "cargo test";

/// The language and text of each code block.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.take()) {
            (Some(language), None) => open = Some((language.to_owned(), String::new())),
            (Some(_), Some(block)) => found.push(block),
            (None, Some((language, text))) => open = Some((language, text + line + "\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The words of a command line, as a shell divides it: quotes, and nothing else of a shell's.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match (c, quote) {
            (c, Some(q)) if c == q => quote = None,
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (' ', None) => words.extend(word.take()),
            (c, _) => word.get_or_insert_default().push(c),
        }
    }
    assert!(quote.is_none(), "{line}");
    words.extend(word);
    words
}

fn console(text: &str) {
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let command = line.strip_prefix("$ ").unwrap_or_else(|| panic!("not a command: {line}"));
        let mut expected = Vec::new();
        let mut code = 0;
        while let Some(line) = lines.next_if(|line| !line.starts_with("$ ")) {
            match line.strip_prefix("! exit ") {
                Some(number) => code = number.parse().unwrap(),
                None => expected.push(line),
            }
        }
        if command == TESTS || command.starts_with("cargo bench") {
            continue;
        }
        let words =
            words(command.strip_prefix("cargo run --release -- ").or(command.strip_prefix("jst ")).expect(command));
        let ran = jst(&words).in_folder(Path::new(env!("CARGO_MANIFEST_DIR"))).run();
        assert_eq!(ran.code, Some(code), "{command}: {ran:#?}");
        if !expected.is_empty() {
            let shown: Vec<&str> = ran.stdout.lines().map(str::trim_end).collect();
            assert!(fits(&expected, &shown), "{command} prints\n{}", ran.stdout);
        }
    }
}

/// The chapters: README and every `README.md` that stands beside what it explains, with their paths.
fn chapters() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let beside = ["benches", "packaging", "scripts", "src", "stdlib"].map(|folder| format!("{folder}/**/README.md"));
    let patterns = ["README.md".to_owned()].into_iter().chain(beside);
    let paths = patterns.flat_map(|pattern| glob::glob(&format!("{}/{pattern}", root.display())).unwrap());
    let read = |path: std::path::PathBuf| (path.display().to_string(), std::fs::read_to_string(&path).unwrap());
    paths.map(|path| read(path.unwrap())).collect()
}

/// The text of the block, in whichever chapter, that begins with this line.
pub(crate) fn text_block(first: &str) -> String {
    let blocks = chapters().into_iter().flat_map(|(_, text)| blocks(&text));
    let found = blocks.into_iter().find(|(_, text)| text.lines().next() == Some(first));
    found.unwrap_or_else(|| panic!("no block begins with {first}")).1
}

/// Whether lines are as expected, `…` standing for any number of them.
pub(crate) fn fits(expected: &[&str], shown: &[&str]) -> bool {
    match expected {
        [] => shown.is_empty(),
        ["…", rest @ ..] => (0..=shown.len()).any(|n| fits(rest, &shown[n..])),
        [line, rest @ ..] => shown.first() == Some(line) && fits(rest, &shown[1..]),
    }
}

#[test]
fn the_blocks_of_readme_do_what_they_say() {
    let (mut commands, mut scripts) = (0, 0);
    for (chapter, text) in chapters() {
        for (language, block) in blocks(&text) {
            match language.as_str() {
                "console" => {
                    console(&block);
                    commands += 1;
                }
                "rhai" => {
                    let ran = jst(["run", "--sim", "-"]).stdin(&block).run();
                    assert_eq!(ran.code, Some(0), "{chapter}: {block}\n{ran:#?}");
                    scripts += 1;
                }
                "json" | "text" | "python" | "toml" | "yaml" => {}
                other => panic!("{chapter} has a block of `{other}`"),
            }
        }
    }
    assert!(commands >= 5 && scripts >= 3, "{commands} {scripts}");
}

#[test]
fn links_between_chapters_lead_somewhere() {
    for (chapter, text) in chapters() {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") {
                let target = Path::new(&chapter).parent().unwrap().join(file);
                assert!(target.exists(), "{chapter} links to {link}");
            }
        }
    }
}
