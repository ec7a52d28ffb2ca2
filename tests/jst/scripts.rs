//! Scripts beside their expected output, found by walking `tests/scripts`: `x.rhai` is run on the
//! simulator and must print `x.out` to the letter. A first line `// jst: …` gives more arguments, and
//! `// exit: N` another exit code than 0.

use std::path::{Path, PathBuf};

use crate::support::jst;

fn scripts(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            scripts(&path, found);
        } else if path.with_extension("out").is_file() && path.extension().is_some_and(|e| e == "rhai") {
            found.push(path);
        }
    }
}

#[test]
fn scripts_print_what_stands_beside_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    scripts(&root.join("tests/scripts"), &mut found);
    assert!(!found.is_empty());
    for script in found {
        let text = std::fs::read_to_string(&script).unwrap();
        let directive = |name: &str| text.lines().find_map(|line| line.strip_prefix(&format!("// {name}: ")));
        let more = directive("jst").unwrap_or_default();
        let file = directive("run").unwrap_or(script.to_str().unwrap());
        let args = ["run", "--sim", "-q", file].into_iter().chain(more.split_whitespace());
        let ran = jst(args).in_folder(root).run();
        let code = directive("exit").map_or(0, |code| code.parse().unwrap());
        assert_eq!(ran.code, Some(code), "{}: {ran:#?}", script.display());
        let expected = std::fs::read_to_string(script.with_extension("out")).unwrap();
        assert_eq!(ran.stdout, expected, "{}: {}", script.display(), ran.stderr);
    }
}

#[test]
fn batch_scale_without_arguments_scales_the_demo_account() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = jst(["run", "--sim", "-q", "scripts/batch_scale.rhai"]).in_folder(root).run().ok();
    // Which of the two gets its deploy order first is open: both are asked for at once.
    let summary: serde_json::Value = serde_json::from_str(out.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["counts"]["chosen"], &summary["counts"]["done"]), (&2.into(), &2.into()), "{out}");
}
