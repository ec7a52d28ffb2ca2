//! What is found in a script before it runs.

use super::bench::Bench;
use crate::error::Kind;
use crate::script::diagnostics::{Diagnostic, Level, RULES};
use crate::script::host::{Part, compile};
use crate::script::library::MODULES;
use crate::show::errors::render;

fn found(text: &str) -> Vec<Diagnostic> {
    let host = Bench::idle().host();
    compile(&host.engine, &host.sources, &host.new_scope(), "test.rhai", text, Part::Script).unwrap().1
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
        (
            "unknown-function",
            "scale_app(1, 2); scale_apps(1, 2);\nif false { nope(list_ap()) }",
            &[(1, 18), (2, 12), (2, 17)],
        ),
        (
            "unknown-function",
            "try { } catch { nope(1); }\nfn f() { nope() }\nlet m = #{a: || nope(), b: [nope()]};",
            &[(1, 17), (2, 10), (3, 17), (3, 29)],
        ),
        (
            "unknown-function",
            "try /* { */ { nope(1); let m = #{a: `${nope()}}`}; [1].map(|x| nope()); try { } catch { nope() } } catch { nope() } nope()",
            &[(1, 108), (1, 117)],
        ),
        ("unknown-function", "fn f() { try { nope(); log::nope() } catch (e) { nope(e) } }", &[(1, 50)]),
        (
            "unknown-function",
            "if is_def_fn(\"nope\", 0) { nope(); } if is_def_fn(/* a */ `other`, 1) { other(1); } other(nopes());",
            &[(1, 90)],
        ),
        (
            "unknown-function",
            "let name = \"nope\"; if is_def_fn(name, 0) { nope(); } print(\"is_def_fn(nope)\");",
            &[(1, 44)],
        ),
        (
            "unknown-function",
            "`a ${nope(1)}`; switch nope() { 1 if nope() => nope(), _ => 2 }",
            &[(1, 6), (1, 24), (1, 38), (1, 48)],
        ),
        (
            "unknown-function",
            "let l = [1]; while nope() { l[nope()] = nope(); } return nope();",
            &[(1, 20), (1, 31), (1, 41), (1, 58)],
        ),
        ("unknown-function", "let f = |x| x; f(1); l(2); fn g() { l(); } let l = 1;", &[(1, 16), (1, 22), (1, 37)]),
        ("unknown-function", "log::inf(1); log::info(1);", &[(1, 6)]),
        (
            "unknown-function",
            "import \"std/wait\" as w; w::until(\"a\", #{}, || true); fn f() { w::untill(1); } w::call();",
            &[(1, 66), (1, 82)],
        ),
        ("unknown-function", "later(1); fn later(x) { x } private fn own() { this } 5.own(); own()", &[]),
        (
            "unknown-function",
            "let f = |x| x; f.call(1); let m = #{f: f, nope: 1}; m.f(1); m.f.call(1); call(\"X\"); \"nope(1)\"; // nope(1)",
            &[],
        ),
        (
            "unknown-function",
            "print(type_of(1)); debug(is_def_fn(\"f\", 1)); is_def_var(\"x\"); let g = Fn(\"nope\"); curry(g, 1); is_shared(g);",
            &[],
        ),
        (
            "unknown-function",
            "fn 中() { 1 } 中(); let x = 1; parallel([1], |y| y + x); [1].map(|y| [y].map(|z| z + x)); x < 2; -x; !true;",
            &[],
        ),
        (
            "unknown-function",
            "import \"x\" as x; x::nope(); import `std/${1}` as w; w::nope(); import \"std/list\" as l; l::sum([1]); import \"y\" as l;",
            &[],
        ),
        (
            "unknown-function",
            "const A = 1; fn f() { global::A } try { f() } catch (e) { print(e) } let m = #{a: [1]}; m?.a[0..1].map(|x| m); m[\"b\"] ?? 1;",
            &[],
        ),
        ("change-in-parallel", "let n = 0; parallel([1], |x| { n += x; });", &[(1, 32)]),
        (
            "change-in-parallel",
            "let m = #{}; let r = try_parallel([1], 4, |x| { m.a = x; m[\"b\"] = x; m.c.d += x; x });",
            &[(1, 49), (1, 58), (1, 70)],
        ),
        (
            "change-in-parallel",
            "let l = [[1]]; [1].parallel(|x| l.push(x)); [1].try_parallel(2, |x| { if x > 1 { l[0].push(x); } });",
            &[(1, 35), (1, 87)],
        ),
        ("change-in-parallel", "let n = 0; parallel([[1]], |x| { x.for_each(|y| n += y); });", &[(1, 49)]),
        (
            "change-in-parallel",
            "fn f(n) { parallel([1], |x| { n = x; }) } fn g() { let s = \" a\"; parallel([1], |x| { s.trim(); x }) }",
            &[(1, 31), (1, 88)],
        ),
        (
            "change-in-parallel",
            "let n = 0; parallel([1], |x| { let n = x; n += 1; n }); parallel([1], |n| { n += 1; n }); n",
            &[],
        ),
        (
            "change-in-parallel",
            "let n = 0; parallel([1], |x| { let m = #{n: n}; m.n = 2; let l = [n]; l.push(x); m }); [1].map(|x| { n += x; });",
            &[],
        ),
        (
            "change-in-parallel",
            "let m = #{push: |x| x}; parallel([1], |x| m.push(x)); let l = [[1]]; parallel([1], |x| l.map(|y| y.pop()));",
            &[],
        ),
        (
            "change-in-parallel",
            "fn push(x) { this } let l = []; parallel([1], |x| l.push(x)); [1].parallel(|x| { x += 1; x }); let m = #{}; parallel([1], |x| m.get(\"a\").push(x));",
            &[],
        ),
        (
            "change-in-step",
            "let l = []; step(\"a\", || l.push(1)); step(`b`, || { l += [1]; l[0] = 1; l.pop() });",
            &[(1, 28), (1, 53), (1, 63), (1, 75)],
        ),
        (
            "change-in-step",
            "let m = #{l: []}; let r = step(\"a\", || { m.l.insert(0, 1); m.n = 1; m.remove(\"n\"); 1 }, #{done: || true});",
            &[(1, 46), (1, 60), (1, 71)],
        ),
        (
            "change-in-step",
            "let n = 0; step(\"a\", || { parallel([1], |x| { [x].for_each(|y| print(y)); x }); [1].for_each(|x| n += x); });",
            &[(1, 98)],
        ),
        (
            "change-in-step",
            "let l = [2]; step(\"a\", || { let l = []; l.push(1); let m = #{}; m.a = 1; l }); step(\"b\", || l.filter(|x| x > 1)); [1].each(|| { this += 1 });",
            &[],
        ),
        (
            "change-in-step",
            "fn step(x, f) { f.call() } let n = 0; step(1, || { n += 1; }); let l = [1]; step(\"c\", || { l.for_each(|x| print(x)); l.len() });",
            &[],
        ),
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
        ("lost-change", "\"abc\".replace(\"a\", \"b\"); `a${1}`.trim(); [2, 1].sort();", &[(1, 7), (1, 34), (1, 49)]),
        (
            "lost-change",
            "let s = \"a\"; s.to_upper().replace(\"A\", \"b\"); json(s).trim(); fn f(l) { l[0..1].sort(); 1 }",
            &[(1, 27), (1, 54), (1, 80)],
        ),
        (
            "lost-change",
            "let m = #{l: [1], s: \"a\"}; m.l.push(1); m.l[0..1]; m[\"s\"].trim(); m.s.to_upper(); \"abc\".len(); [1].for_each(|x| x);",
            &[],
        ),
        (
            "quoted-interpolation",
            "let name = 1; print(\"hello ${name}\"); `${\"${ name.x }\"}`; \"a ${b} ${name + 1}\";",
            &[(1, 28), (1, 43), (1, 67)],
        ),
        (
            "quoted-interpolation",
            "let name = 1; `${name}\"${name}\"${name}`; \"${HOME} {name} $name ${name\"; '\"'; // \"${name}\"",
            &[],
        ),
        ("backtick-escape", "let n = 1; `${n}\"\\n`;", &[(1, 18)]),
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
        let mut found = found(&text);
        // What ends so is of the bench, which only tests have.
        found.retain(|found| name != "std/testing" || !found.message.ends_with("__`"));
        assert_eq!(found, [], "{name}");
    }
}
