//! Code entered piece by piece.

use serde_json::{Value, json};

use super::bench::{Bench, ok};
use crate::error::Kind;
use crate::script::{Ended, Session};
use crate::show::errors::render;

fn value(session: &mut Session, piece: &str) -> Value {
    match session.run(piece) {
        Ok(Ended::Value(value)) => value,
        other => panic!("{piece} ended with {other:#?}"),
    }
}

#[test]
fn what_one_piece_defines_later_ones_see_whatever_happens_between() {
    let mut session = Bench::new(|_| ok(json!({}))).session();
    for (piece, expected) in [
        ("let x = 2;", json!(null)),
        ("const K = 5;", json!(null)),
        ("fn twice(n) { n * 2 }", json!(null)),
        ("let f = |n| n + x;", json!(null)),
        ("twice(x) + K", json!(9)),
        ("f.call(1)", json!(3)),
        ("import \"std/rollout\" as rollout;", json!(null)),
        ("rollout::FINISHED", json!(3)),
        ("import \"std/rollout\" as rollout; rollout::DEPLOYING", json!(1)),
        ("fn twice(n) { n * 3 }", json!(null)),
        ("twice(x)", json!(6)),
        ("fn finished() { rollout::FINISHED }\nfinished()", json!(3)),
        ("x = 7; x", json!(7)),
        ("let x = x + 1; x", json!(8)),
    ] {
        assert_eq!(value(&mut session, piece), expected, "{piece}");
        // Each of these fails, and costs nothing.
        for (wrong, kind) in [
            ("nothing", Kind::Parse),
            ("throw 1", Kind::Script),
            ("let = 1", Kind::Parse),
            ("list_app(1)", Kind::Invalid),
        ] {
            assert_eq!(session.run(wrong).unwrap_err().kind, kind, "{wrong}");
        }
    }
    // What a piece defined before it failed stays, what it imported too.
    assert!(session.run("let y = 1; import \"std/args\" as cli; fn g() { 4 } throw 1; let z = 1;").is_err());
    assert_eq!(value(&mut session, "y + g()"), 5);
    assert_eq!(value(&mut session, "cli::usage(#{name: \"n\", about: \"a\", options: []}).len() > 0"), true);
    assert_eq!(session.run("z").unwrap_err().message, "there is no variable `z`");
    assert!(session.run("if true { let inner = 1; throw inner; }").is_err());
    assert_eq!(session.run("inner").unwrap_err().message, "there is no variable `inner`");
    assert_eq!(session.run("import \"nothing\" as n; 1").unwrap_err().kind, Kind::Script);
    assert_eq!(value(&mut session, "1"), 1);
    assert_eq!(session.run("exit(70)"), Ok(Ended::Exit(70)));
}

#[test]
fn errors_name_the_line_of_the_piece_that_they_come_from() {
    let mut session = Bench::idle().session();
    value(&mut session, "import \"std/args\" as cli;");
    value(&mut session, "fn f(map) {\n    map.Titel\n}");
    value(&mut session, "let x = 1;");
    let error = session.run("let y = 2;\nf(#{})").unwrap_err();
    assert_eq!(
        render(&error, false),
        "\
error: the map has no property `Titel`
 --> input:3:9
  |
3 |     map.Titel
  |         ^^^^^
  |
  = note: called from input:7:1
  = help: did you mean `Title`?"
    );
    let error = session.run("  let = 3").unwrap_err();
    assert_eq!((error.trace[0].line, error.trace[0].column, error.trace[0].text.as_deref()), (8, 7, Some("  let = 3")));
}

#[test]
fn a_limit_gives_back_what_the_piece_took() {
    let bench = Bench::with(|_| ok(json!({})), crate::stop::Stop::default(), |config| config.max_operations = 100_000);
    let mut session = bench.session();
    value(&mut session, "let x = 1;");
    assert_eq!(session.run("let y = [1]; loop { y.push(1); }").unwrap_err().kind, Kind::Limit);
    bench.stop.reset();
    assert_eq!(value(&mut session, "x"), 1);
    assert_eq!(session.run("y").unwrap_err().message, "there is no variable `y`");
}

#[test]
fn an_unfinished_piece_is_told_from_a_wrong_one() {
    let mut session = Bench::idle().session();
    value(&mut session, "let envs = [1]; import \"std/args\" as cli;");
    for (piece, complete) in [
        ("", true),
        ("1", true),
        ("let x = 1;", true),
        ("let x =", false),
        ("let x", true),
        ("1 +", false),
        ("scale_app(1,", false),
        ("scale_app(#{EnvId: 1,", false),
        ("scale_app(#{EnvId:", false),
        ("[1, 2", false),
        ("fn f(x)", false),
        ("fn f(", false),
        ("fn f(x) {\n", false),
        ("fn f(x) {\n  x\n}", true),
        ("for e in envs {", false),
        ("for e in envs {\n  print(e);", false),
        ("for e in envs {\n  print(e);\n}", true),
        ("if envs.len() > 0 {", false),
        ("if true { 1 } else", false),
        ("while true {", false),
        ("try { 1 }", false),
        ("try { 1 } catch {", false),
        ("switch envs[0] { 1 =>", false),
        ("cli::parse(", false),
        ("let f = |x|", true),
        ("envs.", false),
        ("envs[", false),
        ("`open", false),
        ("`open\nstill", false),
        ("`closed`", true),
        ("\"open", true),
        ("/* open", false),
        ("/* open */ 1", true),
        ("/* /* nested */", false),
        ("print(\"/* text\")", true),
        ("1 // /* said", true),
        ("\"a\\\"/*\"", true),
        ("let = 1", true),
        ("nothing(", false),
        ("nothing {", false),
        ("fn f() {\n  let = 1;", false),
        ("fn f() {\n  nothing;\n}", true),
        ("fn f() {\n  let s = \"open;", true),
        ("('(', ')')", true),
        ("`(`", true),
        ("\"{\" // {", true),
        ("}", true),
        (")", true),
        ("#{a: 1", false),
    ] {
        assert_eq!(session.is_complete(piece), complete, "{piece}");
    }
}

#[test]
fn a_session_knows_its_names_and_explains_its_functions() {
    let mut session = Bench::idle().session();
    value(&mut session, "let envs = [];\n/// Twice as much.\nfn twice(n) { n * 2 }");
    let names = session.names();
    for name in ["envs", "twice", "scale_app", "sleep", "log::info", "args", "call", "paginate", "parse_int"] {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(names.iter().all(|name| !name.contains(['$', ' ', '='])), "{names:?}");
    assert_eq!(session.help("twice").unwrap(), "twice(n)\nTwice as much.");
    assert_eq!(session.help("unix_time").unwrap(), "unix_time() -> int\nThe same time as seconds since 1970.");
    assert_eq!(session.help("nothing"), None);
}

#[test]
fn a_module_that_changed_is_read_again_when_it_is_imported_again() {
    let folder = tempfile::TempDir::new().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("m.rhai", "import \"d\" as d; fn f() { 1 }");
    write("d.rhai", "fn g() { 1 }");
    write("e.rhai", "import \"d\" as d; fn h() { import \"d\" as d; d::g() }");
    let bench = Bench::idle().in_folder(folder.path());
    let mut session = bench.session();
    assert_eq!(value(&mut session, "import \"m\" as m; import \"e\" as e; fn twice() { m::f() * 2 } m::f()"), 1);
    // Before it is imported again, nothing changes, whatever the file says.
    write("m.rhai", "fn f() { 2 }");
    assert_eq!(value(&mut session, "m::f() + twice()"), 3);
    assert_eq!(value(&mut session, "import \"m\" as other; other::f()"), 2);
    assert_eq!(value(&mut session, "m::f() + other::f() + twice()"), 8);
    write("m.rhai", "fn f() { 3 }");
    assert_eq!(value(&mut session, "import \"m\" as m; m::f()"), 3);
    // What a module imports itself counts as its own.
    write("d.rhai", "fn g() { 5 }");
    assert_eq!(value(&mut session, "import \"e\" as e; e::h()"), 5);
    // One that cannot be loaded leaves what was loaded before, and costs other pieces nothing.
    write("m.rhai", "fn f( { 4 }");
    assert_eq!(session.run("import \"m\" as m; m::f()").unwrap_err().kind, Kind::Parse);
    std::fs::remove_file(folder.path().join("e.rhai")).unwrap();
    assert!(session.run("import \"e\" as e;").is_err());
    assert_eq!(value(&mut session, "m::f() + 1"), 4);
    // Within a run, a module is what it was when it was first imported.
    write("m.rhai", "fn f() { 6 }");
    assert_eq!(bench.value("import \"m\" as m; import \"m\" as n; m::f() + n::f()"), 12);
}

#[test]
fn a_session_knows_what_may_follow_a_dot() {
    let mut session = Bench::idle().session();
    value(&mut session, "let r = #{Result: #{Title: \"a\"}, Data: [#{AppId: 1}], `odd key`: 1}; fn own() { 1 }");
    let members = |variable: &str, path: &[&str]| {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        session.members(variable, &path)
    };
    for (variable, path, has, lacks) in [
        ("r", &[][..], &["Result", "Data", "keys", "contains"][..], &["push", "odd key", "list_app", "to_upper"][..]),
        ("r", &["Data"], &["push", "len", "filter"], &["Result", "keys", "to_upper", "delete_app"]),
        ("r", &["Data", "AppId"], &["is_odd"], &["push", "Result"]),
        ("r", &["Result"], &["Title", "keys"], &["Data"]),
        ("r", &["Result", "Title"], &["to_upper", "split"], &["push", "keys"]),
        ("r", &["Nothing"], &[], &["len"]),
        ("nothing", &[], &[], &["len"]),
    ] {
        let found = members(variable, path);
        assert!(has.iter().all(|name| found.iter().any(|known| known == name)), "{path:?}: {found:?}");
        assert!(!lacks.iter().any(|name| found.iter().any(|known| known == name)), "{path:?}: {found:?}");
    }
    assert_eq!(session.own(), ["r", "own"]);
}
