//! What is found in a script before it runs.

use super::bench::Bench;
use crate::error::Kind;
use crate::script::diagnostics::{Diagnostic, Level, RULES};
use crate::script::host::compile;
use crate::script::library::MODULES;
use crate::show::errors::render;

fn found(text: &str) -> Vec<Diagnostic> {
    let host = Bench::idle().host();
    compile(&host.engine, &host.sources, &host.new_scope(), "test.rhai", text, false).unwrap().1
}

#[test]
fn each_rule_finds_what_it_looks_for_and_nothing_else() {
    // A rule, a script, and where it finds something.
    type Places = &'static [(usize, usize)];
    let table: &[(&str, &str, Places)] = &[
        ("empty-loop", "for x in [1] {}\nfor y in [2] {\n}", &[(1, 1), (2, 1)]),
        ("open-comment", "let a = 1; /* /* a */ b", &[(1, 12)]),
        ("open-comment", "let a = \"/*\"; /* b */ // /*", &[]),
        ("call-key", "let m = #{ call: 1 };", &[(1, 12)]),
        ("value-of-change", "let s = \"a\"; let t = s.replace(\"a\", \"b\");", &[(1, 24)]),
        ("value-of-change", "let s = \" a\"; print(s.trim());", &[(1, 23)]),
        ("value-of-change", "let s = \" a\"; s.trim().len();", &[(1, 17)]),
        ("value-of-change", "let s = \"a\"; `${s.pad(3, \"-\")}`;", &[(1, 19)]),
        ("value-of-change", "[\" a\"].map(|s| s.trim());", &[(1, 18)]),
        ("value-of-change", "fn clean(s) {\n  s.trim()\n}", &[(2, 5)]),
        ("value-of-change", "fn clean(s) { return s.trim(); }", &[(1, 24)]),
        ("value-of-change", "let m = #{a: [2, 1]}; let x = [m.a.sort()];", &[(1, 36)]),
        ("value-of-change", "[\" a\"].map(|s| { s.trim(); s });", &[]),
        ("value-of-change", "let s = \" a\"; s.trim(); if true { s.pad(3, '-'); }", &[]),
        ("value-of-change", "let l = []; [1].for_each(|x| l.push(x));", &[]),
        ("value-of-change", "let s = \" a\"; s.trim()", &[]),
        ("value-of-change", "fn replace(a) { 1 } let s = 1; print(s.replace(2));", &[]),
        ("lost-change", "for e in [#{n: 1}] { e.n = 2; }", &[(1, 22)]),
        ("lost-change", "for n in [1] { print(n); n += 1; }", &[(1, 26)]),
        ("lost-change", "for s in [\" a\"] { s.trim(); }", &[(1, 19)]),
        ("lost-change", "for e in [#{n: 1}] { e.n = 2; print(e); }", &[]),
        ("lost-change", "for n in [1] { while n < 3 { print(n); n += 1; } }", &[]),
        ("lost-change", "let m = #{}; for n in [\"a\"] { m[n] = 1; }", &[]),
        ("backtick-escape", "let n = 1; `a\\n${n}\\t`;", &[(1, 14), (1, 20)]),
        ("backtick-escape", "\"a\\n\"; `a\nb`; `${\"\\n\"}`; 'a';", &[]),
        ("captured-loop-variable", "let fs = []; for i in 0..3 { fs.push(|x| x + i); }", &[(1, 46)]),
        ("captured-loop-variable", "let m = #{}; for i in 0..3 { m[`${i}`] = || i; }", &[(1, 45)]),
        ("captured-loop-variable", "let fs = []; for i in 0..3 { fs.push(#{run: || i}); }", &[(1, 48)]),
        ("captured-loop-variable", "let fs = []; for i in 0..3 { let own = i; fs.push(|x| x + own); }", &[]),
        ("captured-loop-variable", "let fs = []; for i in 0..3 { fs.push([1].map(|x| x + i)); }", &[]),
    ];
    for (rule, script, expected) in table {
        let found = found(script);
        let places: Vec<(usize, usize)> =
            found.iter().filter(|found| found.rule == *rule).map(|found| found.place.start).collect();
        assert_eq!(places, *expected, "{script}: {found:#?}");
        assert_eq!(found.len(), expected.len(), "{script}: {found:#?}");
    }
    for rule in RULES {
        assert!(table.iter().any(|(id, ..)| *id == rule.id), "{} is not tested", rule.id);
        assert_eq!(RULES.iter().filter(|other| other.id == rule.id).count(), 1);
    }
}

#[test]
fn a_finding_says_what_where_and_the_way_out() {
    let found = found("let s = \"a\";\nprint(s.replace(\"a\", \"b\"));");
    let [found] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((found.level, found.place.start, found.place.end), (Level::Warning, (2, 9), (2, 16)));
    assert_eq!(found.message, "`replace` changes what stands before it and gives (); its value is used here");
    assert_eq!(found.hint.as_deref(), Some("`replaced` gives the new text"));
}

#[test]
fn every_error_of_a_script_is_reported_at_once() {
    let error = Bench::idle().error("for x in [1] {}\nlet m = #{ call: 1 };");
    assert_eq!(error.kind, Kind::Parse);
    assert_eq!(
        render(&error, false),
        "\
error: a loop with an empty body would hide every error of its list
 --> test.rhai:1:1
  |
1 | for x in [1] {}
  | ^^^
  |
error: write the key `call` in quotes
 --> test.rhai:2:12
  |
2 | let m = #{ call: 1 };
  |            ^^^^"
    );
}

#[test]
fn what_comes_with_jst_is_clean() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut scripts: Vec<(String, String)> =
        MODULES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    for folder in ["scripts", "tests/scripts"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "rhai") {
                scripts.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    for (name, text) in scripts {
        assert_eq!(found(&text), [], "{name}");
    }
}
