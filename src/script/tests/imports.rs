//! Imports: what they find, what they refuse, and errors that come out of them.

use std::fs;
use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::bench::{Bench, ok};
use crate::error::Kind;
use crate::script::Ended;
use crate::script::library::MODULES;
use crate::show::errors::render;

/// A folder of scripts with these files, below a folder with a secret.
fn folder(files: &[(&str, &str)]) -> (TempDir, Bench) {
    let temporary = TempDir::new().unwrap();
    let root = temporary.path().join("scripts");
    fs::create_dir(&root).unwrap();
    fs::write(temporary.path().join("outside.rhai"), "export const SECRET = 1;").unwrap();
    for (name, text) in files {
        let file = root.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    (temporary, Bench::new(|_| ok(json!({}))).in_folder(&root))
}

fn eval(bench: &Bench, text: &str) -> crate::error::Result<Ended> {
    let name = bench.config.root.join("main.rhai").display().to_string();
    bench.host().eval(&name, text)
}

#[test]
fn modules_of_the_folder_and_below_are_found() {
    let (_temporary, bench) = folder(&[
        (
            "lib.rhai",
            "export const K = 7; fn twice(x) { x * 2 } private fn hidden() { 1 } fn uses() { hidden() + global::K }",
        ),
        ("deep/a.rhai", "import \"b\" as b; import \"sub/c\" as c; fn f() { b::f() + c::f() }"),
        ("deep/b.rhai", "fn f() { 1 }"),
        ("deep/sub/c.rhai", "fn f() { 10 }"),
        ("closures.rhai", "fn adder(n) { |x| x + n } fn all(list, f) { parallel(list, f) } fn nested() { || || 5 }"),
        ("first.rhai", "import \"closures\" as c; fn make() { c::adder(100) }"),
    ]);
    for (script, expected) in [
        (r#"import "lib" as lib; [lib::twice(4), lib::K, lib::uses()]"#, json!([8, 7, 8])),
        (r#"import "lib.rhai" as lib; lib::twice(1)"#, json!(2)),
        (r#"import "./lib" as lib; lib::twice(1)"#, json!(2)),
        (r#"import "deep/a" as a; a::f()"#, json!(11)),
        (r#"fn f() { import "lib" as lib; lib::twice(2) } f()"#, json!(4)),
        (r#"import "lib" as lib; fn f() { lib::twice(3) } f()"#, json!(6)),
        (
            r#"import "closures" as c; let f = c::adder(1); [f.call(1), [1, 2].map(f), parallel([1, 2], f), c::nested().call().call()]"#,
            json!([2, [2, 3], [2, 3], 5]),
        ),
        (r#"import "closures" as c; c::all([1, 2], |x| x * 3)"#, json!([3, 6])),
        (r#"import "first" as first; parallel([1, 2], 2, first::make())"#, json!([101, 102])),
        (r#"parallel([1, 2, 3, 4], 4, |x| { import "deep/a" as a; a::f() + x })"#, json!([12, 13, 14, 15])),
    ] {
        assert_eq!(eval(&bench, script).map_err(|e| render(&e, false)), Ok(Ended::Value(expected)), "{script}");
    }
}

#[test]
fn the_bundled_library_parses_and_is_found_from_anywhere() {
    let (_temporary, bench) = folder(&[(
        "deep/uses.rhai",
        "import \"std/args\" as cli; fn f() { cli::parse(#{name: \"n\", about: \"a\", options: []}, []) }",
    )]);
    for (name, _) in MODULES.iter().filter(|(name, _)| *name != "std/testing").chain(&[("std/args", "")]) {
        assert_eq!(eval(&bench, &format!("import \"{name}\" as m; 1")), Ok(Ended::Value(json!(1))), "{name}");
    }
    assert_eq!(eval(&bench, "import \"deep/uses\" as u; u::f()"), Ok(Ended::Value(json!({}))));
    let error = eval(&bench, "import \"std/nothing\" as m; 1").unwrap_err();
    assert_eq!(
        error.message,
        "cannot import: the library has no module `std/nothing`; it has audit, backups, capacity, ensure, fleet, \
         k8s, labels, list, options, report, rollout, rows, settle, testing, wait"
    );
}

#[test]
fn nothing_outside_the_folder_is_read() {
    let (temporary, bench) = folder(&[("deep/up.rhai", "import \"../lib\" as lib;"), ("lib.rhai", "")]);
    let outside = temporary.path().join("outside.rhai");
    let link = |to: &Path, name: &str| {
        #[cfg(unix)]
        std::os::unix::fs::symlink(to, bench.config.root.join(name)).unwrap();
    };
    link(&outside, "link.rhai");
    link(temporary.path(), "folder");
    let absolute = outside.display().to_string();
    for path in [
        "../outside",
        "deep/../../outside",
        "deep/../lib",
        absolute.as_str(),
        "link",
        "folder/outside",
        "/etc/passwd",
        "",
        "std/../lib",
    ] {
        let error = eval(&bench, &format!("import \"{path}\" as m; m::SECRET")).unwrap_err();
        let refused = format!("cannot import: `{path}` is outside the script's folder; imports stay inside it");
        let unknown = format!(
            "cannot import: the library has no module `{path}`; it has audit, backups, capacity, ensure, fleet, \
             k8s, labels, list, options, report, rollout, rows, settle, testing, wait"
        );
        assert!([refused, unknown].contains(&error.message), "{path}: {}", error.message);
        assert_eq!((error.trace[0].line, error.kind), (1, Kind::Script), "{path}");
    }
    assert_eq!(
        eval(&bench, "import \"deep/up\" as up; 1").unwrap_err().message,
        "cannot import: `../lib` is outside the script's folder; imports stay inside it"
    );
}

#[test]
fn only_scripts_are_imported_and_nothing_of_another_file_is_shown() {
    let text = "fn f() { 1 }\nfake-password-in-a-file";
    let (_temporary, bench) = folder(&[("pw.txt", text), ("noext", text), ("pw.RHAI", text)]);
    #[cfg(unix)]
    std::os::unix::fs::symlink("pw.txt", bench.config.root.join("link.rhai")).unwrap();
    for path in ["pw.txt", "link", "link.rhai", "pw.RHAI"] {
        let error = eval(&bench, &format!("import \"{path}\" as m; 1")).unwrap_err();
        assert_eq!(error.message, format!("cannot import: `{path}` is no script: only .rhai files are imported"));
        assert!(!render(&error, false).contains("fake-password"), "{path}");
    }
    let error = eval(&bench, "import \"noext\" as m; 1").unwrap_err();
    assert!(error.message.starts_with("cannot import: cannot read `noext`: "), "{}", error.message);
}

#[test]
fn modules_that_do_not_load_say_why() {
    let (_temporary, bench) = folder(&[
        ("one.rhai", "import \"two\" as two;"),
        ("two.rhai", "fn f() { 1 }\nimport \"one\" as one;"),
        ("itself.rhai", "import \"itself\" as me;"),
        ("threads.rhai", "parallel([1, 2], 2, |x| { import \"threads\" as me; 1 });"),
        ("wrong.rhai", "fn f() {\n  let x = ;\n}"),
        ("throws.rhai", "\nthrow \"not today\";"),
        ("empty_loop.rhai", "for x in [1] {}"),
        ("reads.rhai", "list_ap()"),
    ]);
    fs::write(bench.config.root.join("binary.rhai"), [0xff, 0xfe]).unwrap();
    let root = bench.config.root.display().to_string();
    for (module, kind, message, at) in [
        ("one", Kind::Script, "cannot import: `one` imports itself", "two.rhai:2:8"),
        ("itself", Kind::Script, "cannot import: `itself` imports itself", "itself.rhai:1:8"),
        ("wrong", Kind::Parse, "Unexpected ';'", "wrong.rhai:2:11"),
        ("throws", Kind::Script, "not today", "throws.rhai:2:1"),
        (
            "empty_loop",
            Kind::Parse,
            "a loop with an empty body would hide every error of its list",
            "empty_loop.rhai:1:1",
        ),
        ("reads", Kind::Parse, "there is no function `list_ap`", "reads.rhai:1:1"),
    ] {
        let error = eval(&bench, &format!("import \"{module}\" as m; 1")).unwrap_err();
        let place = format!("{}:{}:{}", error.trace[0].file, error.trace[0].line, error.trace[0].column);
        assert_eq!((error.kind, error.message.as_str(), place), (kind, message, format!("{root}/{at}")), "{module}");
    }
    let error = eval(&bench, "import \"threads\" as m; 1").unwrap_err();
    assert_eq!(error.failures[0].1.message, "cannot import: `threads` imports itself");
    let error = eval(&bench, "import \"missing\" as m; 1").unwrap_err();
    assert!(error.message.starts_with("cannot import: cannot read `missing`: "), "{}", error.message);
    let error = eval(&bench, "import \"fleet\" as m; 1").unwrap_err();
    assert!(error.message.ends_with("; did you mean `std/fleet`?"), "{}", error.message);
    let error = eval(&bench, "import \"binary\" as m; 1").unwrap_err();
    assert!(error.message.starts_with("cannot import: cannot read `binary`: "), "{}", error.message);
    fs::File::create(bench.config.root.join("sparse.rhai")).unwrap().set_len(8 << 30).unwrap();
    std::os::unix::net::UnixListener::bind(bench.config.root.join("socket.rhai")).unwrap();
    fs::create_dir(bench.config.root.join("folder.rhai")).unwrap();
    for (module, why) in [
        ("sparse", "it is larger than the 16 MB that are read"),
        ("socket", "it is not a regular file"),
        ("folder", "it is a folder"),
    ] {
        let error = eval(&bench, &format!("import \"{module}\" as m; 1")).unwrap_err();
        assert_eq!(error.message, format!("cannot import: cannot read `{module}`: {why}"));
    }
    // A failed import can be caught, and tried again.
    assert_eq!(
        eval(
            &bench,
            "let n = 0; try { import \"missing\" as m; } catch { n += 1; } try { import \"throws\" as m; } catch { n += 1; } n"
        ),
        Ok(Ended::Value(json!(2)))
    );
}

#[test]
fn an_error_shows_its_way_through_imported_modules() {
    let (_temporary, mut bench) = folder(&[
        ("main.rhai", "import \"lib/outer\" as outer;\n\nlet apps = [#{ Title: \"前台\" }];\nouter::each(apps);\n"),
        ("lib/outer.rhai", "import \"inner\" as inner;\n\nfn each(apps) {\n    apps.map(|app| inner::title(app))\n}\n"),
        ("lib/inner.rhai", "fn title(app) {\n    \"名: \" + app.Titel\n}\n"),
    ]);
    let name = bench.config.root.join("main.rhai");
    let error = bench.host().run(&name.display().to_string(), &fs::read_to_string(&name).unwrap()).unwrap_err();
    let shown = render(&error, false).replace(&bench.config.root.display().to_string(), "scripts");
    assert_eq!(
        shown,
        "\
error: the map has no property `Titel`
 --> scripts/lib/inner.rhai:2:17
  |
2 |     \"名: \" + app.Titel
  |                  ^^^^^
  |
  = note: called from closure at scripts/lib/outer.rhai:4:27
  = note: called from each at scripts/lib/outer.rhai:4:10
  = note: called from scripts/main.rhai:4:8
  = help: did you mean `Title`?"
    );
    bench.config.root = "nowhere".into();
    let error = bench.error("import \"x\" as x; 1");
    assert!(error.message.starts_with("cannot import: cannot read nowhere: "), "{}", error.message);
}

#[test]
fn a_module_calls_its_own_functions_whatever_others_are_called() {
    let (_temporary, bench) = folder(&[
        (
            "one.rhai",
            "fn said(x) { helper(x) } private fn helper(x) { `one ${x}` } fn mapped(list) { list.map(|x| helper(x)) }",
        ),
        ("two.rhai", "import \"one\" as one; fn said(x) { helper(x) + one::said(x) } fn helper(x) { `two ${x} ` }"),
        (
            "own.rhai",
            "fn named() { [1].map(\"helper\") } fn helper(x) { x + 1 } fn twice() { this * 2 } fn use_(x) { x.twice() }",
        ),
    ]);
    let code = "import \"one\" as one; import \"two\" as two; import \"own\" as own; fn helper(x) { `main ${x} ` }
        let all = []; for n in 0..3 { all.push(helper(n) + one::said(n) + two::said(n)); }
        [all[2], one::mapped([7]), two::helper(1), own::named(), own::use_(4)]";
    let expected = json!(["main 2 one 2two 2 one 2", ["one 7"], "two 1 ", [2], 8]);
    assert_eq!(eval(&bench, code), Ok(Ended::Value(expected)));
}

#[test]
fn what_a_script_hands_to_a_module_means_what_it_means_in_the_script() {
    let (_temporary, bench) = folder(&[
        ("a.rhai", "fn f() { \"a\" }"),
        ("b.rhai", "fn f() { \"b\" }"),
        (
            "m.rhai",
            "import \"b\" as x; const LIMIT = 1; fn f() { x::f() } fn limit() { global::LIMIT } fn h(n) { n }\n\
             fn start(g) { `${g.call()} ${x::f()} ${limit()}` } fn each(list, g) { list.map(|x| g.call(x)) } fn kept() { || limit() }",
        ),
        ("n.rhai", "const LIMIT = 2; fn limit() { `n${global::LIMIT}` } fn start(g) { g.call() }"),
    ]);
    let script = |code: &str| {
        format!(
            "import \"a\" as x; import \"m\" as m; import \"n\" as n;\nconst LIMIT = 9; fn limit() {{ global::LIMIT }} \
             fn f() {{ x::f() }} fn h(n) {{ n * global::LIMIT }} fn h2() {{ h(2) }}\n{code}"
        )
    };
    for (code, expected) in [
        ("m::start(|| x::f())", json!("a b 1")),
        ("m::start(|| f())", json!("a b 1")),
        ("m::start(f)", json!("a b 1")),
        ("m::start(Fn(\"f\"))", json!("a b 1")),
        ("m::start(|| limit())", json!("9 b 1")),
        ("m::start(|| global::LIMIT)", json!("9 b 1")),
        ("m::start(h2)", json!("18 b 1")),
        ("m::each([1, 2], h)", json!([9, 18])),
        ("m::each([1, 2], |x| h(x))", json!([9, 18])),
        ("n::start(|| m::start(|| limit()))", json!("9 b 1")),
        ("n::start(m::kept())", json!(1)),
        ("m::start(|| n::limit())", json!("n2 b 1")),
        ("parallel([1], 2, |k| m::start(|| n::start(|| h(k))))", json!(["9 b 1"])),
        ("[1].map(|k| n::start(|| [k].map(|k| h(k))))", json!([[9]])),
        ("m::x::f()", json!("b")),
        ("let limit = 3; [limit, global::LIMIT, limit()]", json!([3, 9, 9])),
    ] {
        assert_eq!(eval(&bench, &script(code)).map_err(|e| render(&e, false)), Ok(Ended::Value(expected)), "{code}");
    }
    let error = eval(&bench, &script("m::start(|| global::LIMITS)")).unwrap_err();
    assert_eq!(error.message, "there is no variable `global::LIMITS`");
    for code in ["fn g() { global::LIMIT = 3; } g()", "const L = [1]; fn g() { global::L.push(2) } g()"] {
        assert!(eval(&bench, &script(code)).is_err(), "{code}");
    }
}

#[test]
fn what_is_imported_is_looked_at_before_anything_runs() {
    let (_temporary, bench) = folder(&[
        ("wrong.rhai", "fn f() { scale_apps(1, 2) }\nfn g() { list_ap() }"),
        ("behind.rhai", "import \"wrong\" as wrong; fn f() { 1 }"),
        ("ring.rhai", "fn f() { import \"ring\" as ring; 1 }"),
        ("broken.rhai", "let x = ;"),
        ("from_main.rhai", "fn f() { of_main() }"),
        ("throws.rhai", "throw 1;"),
    ]);
    let root = bench.config.root.display().to_string();
    for (code, message, at) in [
        ("import \"wrong\" as w;", "there is no function `scale_apps`", "wrong.rhai:1:10"),
        ("if false { import \"wrong\" as w; }", "there is no function `scale_apps`", "wrong.rhai:1:10"),
        ("fn f() { import \"behind\" as b; }", "there is no function `scale_apps`", "wrong.rhai:1:10"),
        ("import \"broken\" as b;", "Unexpected ';'", "broken.rhai:1:9"),
    ] {
        let error = eval(&bench, &format!("list_app();\n{code}")).unwrap_err();
        let place = format!("{}:{}:{}", error.trace[0].file, error.trace[0].line, error.trace[0].column);
        assert_eq!(
            (error.kind, error.message.as_str(), place),
            (Kind::Parse, message, format!("{root}/{at}")),
            "{code}"
        );
        assert_eq!(bench.requests.lock().unwrap().len(), 0, "{code}");
    }
    let error = eval(&bench, "import \"wrong\" as w;").unwrap_err();
    assert_eq!(error.more.len(), 1);
    for code in [
        "let n = 0; if n == 1 { import \"missing\" as m; } n + 1",
        "import \"ring\" as ring; ring::f()",
        "import \"from_main\" as m; fn of_main() { 1 } m::f()",
        "if false { import \"throws\" as t; } 1",
        "let path = \"missing\"; if false { import path as p; p::nope(); } 1",
    ] {
        assert_eq!(eval(&bench, code).map_err(|e| render(&e, false)), Ok(Ended::Value(json!(1))), "{code}");
    }
}
