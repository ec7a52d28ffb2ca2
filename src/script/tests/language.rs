//! What the language does that the engine alone does not, and what it says of mistakes.

use serde_json::{Value, json};

use super::bench::{Bench, ok, page, refused};
use crate::error::Kind;
use crate::script::Ended;
use crate::script::functions::all;
use crate::show::errors::render;

#[test]
fn errors_of_closures_reach_the_script_whichever_function_called_them() {
    let calls = [
        "filter(|e| C)",
        "some(|e| C)",
        "all(|e| C)",
        "find(|e| C)",
        "find_map(|e| C)",
        "map(|e| C)",
        "for_each(|e| C)",
        "index_of(|e| C)",
        "retain(|e| C)",
        "drain(|e| C)",
        "reduce(|a, e| C)",
        "reduce_rev(|a, e| C, 0)",
        "sort(|e, f| C)",
        "sort_by(|e, f| C)",
        "order(|e, f| C)",
        "order_by(|e, f| C)",
        "dedup(|e, f| C)",
    ];
    let bench = Bench::idle();
    for call in calls {
        for (body, kind, says) in [
            ("e.Titel", Kind::Script, "the map has no property `Titel`"),
            ("{ throw \"no\" }", Kind::Script, "no"),
            ("list_app(1)", Kind::Invalid, "list_app takes a map of parameters; it was given (int)"),
            ("sleep(-1)", Kind::Invalid, "sleep takes seconds, 0 or more, not -1"),
        ] {
            let script =
                format!("let l = [#{{Title: 1}}, #{{Title: 2}}, #{{Title: 3}}]; l.{}", call.replace('C', body));
            let error = bench.error(&script);
            assert_eq!((error.kind, error.message.as_str()), (kind, says), "{script}");
        }
        let script = format!("let l = [1, 2, 3]; l.{}", call.replace('C', "exit(70)"));
        assert_eq!(bench.eval(&script), Ok(Ended::Exit(70)), "{script}");
    }
    for call in ["filter(|k, v| C)", "retain(|k, v| C)", "drain(|k| C)"] {
        let script = format!("#{{a: 1}}.{}", call.replace('C', "{ throw \"no\" }"));
        assert_eq!(bench.error(&script).message, "no", "{script}");
        let script = format!("#{{a: 1}}.{}", call.replace('C', "1"));
        assert!(bench.error(&script).message.ends_with("gives true or false, not 1"), "{script}");
    }
}

#[test]
fn lists_are_sorted_searched_and_folded() {
    let bench = Bench::idle();
    for (script, expected) in [
        ("let x = [3.5, 1.2, 2.0]; x.sort(|a, b| a - b); x", json!([1.2, 2.0, 3.5])),
        ("let x = [\"b\", \"c\", \"a\"]; x.sort(|a, b| a < b); x", json!(["a", "b", "c"])),
        ("let x = [2, 3, 1]; x.sort(|a, b| b - a); x", json!([3, 2, 1])),
        ("let x = [2, 1.5, 1]; x.sort(); x", json!([1, 1.5, 2])),
        ("[2, 3, 1].order_desc()", json!([3, 2, 1])),
        ("let x = [2, 1]; try { x.sort(|a, b| throw 1); } catch {} x", json!([2, 1])),
        (
            "let x = [[1, \"a\"], [0, \"b\"], [1, \"c\"]]; x.sort(|a, b| a[0] - b[0]); x.map(|e| e[1])",
            json!(["b", "a", "c"]),
        ),
        ("let n = 0; [5, 6].for_each(|x| n += x); n", json!(11)),
        ("let n = 0; [5, 6].for_each(|x, i| n += i); n", json!(1)),
        ("let l = [#{a: 1}]; l.for_each(|| this.a = 2); l", json!([{"a": 2}])),
        ("[5, 6].map(|x, i| x * i)", json!([0, 6])),
        ("[5, 6].map(|| this + 1)", json!([6, 7])),
        ("fn twice(x) { x * 2 } [5, 6].map(\"twice\") + [5].map(Fn(\"twice\"))", json!([10, 12, 10])),
        ("[\"a\", \"twice\"].index_of(\"twice\")", json!(1)),
        ("[1, 2, 3].reduce(|sum, x| sum + x, 10)", json!(16)),
        ("[1, 2].reduce(|sum, x, i| (sum ?? 0) + x * i)", json!(2)),
        ("[[1], \"a\", 2.0, ()].contains([1])", json!(true)),
        ("[1, \"a\", true, (), 2.5].map(|x| [1, \"a\", true, (), 2.5].index_of(x))", json!([0, 1, 2, 3, 4])),
        ("[1, 2, 1].index_of(1, 1)", json!(2)),
        ("[1, \"1\", 1.0, 'a', \"a\"].map(|x| [\"1\", 'b'].contains(x))", json!([false, true, false, false, false])),
        ("#{a: 1, b: 2}.filter(|k, v| v > 1)", json!({"b": 2})),
        (
            "[\" a \".trimmed(), \"a.b\".replaced(\".\", \"-\"), \"a\".padded(3, \"-\"), [1].padded(2, 0)]",
            json!(["a", "a-b", "a--", [1, 0]]),
        ),
    ] {
        assert_eq!(bench.value(script), expected, "{script}");
    }
}

#[test]
fn what_is_large_is_searched_natively() {
    let bench = Bench::with(|_| ok(json!({})), crate::stop::Stop::default(), |config| config.max_operations = 500_000);
    let script =
        "let ids = []; for n in 0..3000 { ids.push(n); } let all = ids + []; all.filter(|id| ids.contains(id)).len()";
    assert_eq!(bench.value(script), 3000);
}

#[test]
fn keys_that_are_not_there_are_asked_for_without_risk_where_the_script_says_so() {
    let bench = Bench::idle();
    for (script, expected) in [
        ("let m = #{}; for k in [\"a\", \"b\", \"a\"] { m[k] = (m[k] ?? 0) + 1; } m", json!({"a": 2, "b": 1})),
        ("let x = #{}; x?.a", json!(null)),
        ("let x = #{a: #{b: 1}}; [x?.a?.b, x?.c?.d, x[\"q\"]?.z, x?.a.b, x[\"n\"] ?? 3]", json!([1, null, null, 1, 3])),
        ("let x = (); [x?.a, x?.a?.b]", json!([null, null])),
        ("let x = #{}; x?.a = 5; x", json!({"a": 5})),
        ("let x = #{l: [1]}; x?.l.push(2); x", json!({"l": [1, 2]})),
        ("let x = #{a: []}; x.a[3] ?? \"none\"", json!("none")),
        ("let m = #{a: #{}}; `${m.a[\"k\"] ?? 7}`", json!("7")),
        (
            "let a = [1, 2, 3, 4]; [a[1..], a[..2], a[1..=2], a[-2..], a[9..], \"中文字\"[1..]]",
            json!([[2, 3, 4], [1, 2], [2, 3], [3, 4], [], "文字"]),
        ),
        ("args[1..]", json!(["3001"])),
        ("args.remove(0)", json!("--env")),
        ("let 应用 = 3; fn 加倍(数) { 数 * 2 } 加倍(应用)", json!(6)),
        ("#!/usr/bin/env -S jst run\n1", json!(1)),
    ] {
        assert_eq!(bench.value(script), expected, "{script}");
    }
    for (script, says) in [
        ("let m = #{}; m[\"a\"]", "the map has no property `a`"),
        ("let m = #{}; m.a ?? 0", "the map has no property `a`"),
        ("let m = #{}; let x = m?.a.b; x", "() has no property `b`"),
    ] {
        assert_eq!(bench.error(script).message, says, "{script}");
    }
}

#[test]
fn every_mistake_is_told_in_the_words_of_the_script() {
    // A script, what is said, and a hint.
    let table: &[(&str, &str, &str)] = &[
        (
            "const A = 1; fn f() { A } f()",
            "there is no variable `A`",
            "a function sees no names from outside it: write global::A, or make it a parameter",
        ),
        (
            "let a = 1; fn f() { a } f()",
            "there is no variable `a`",
            "a function sees no names from outside it: make it a parameter, or the function a closure",
        ),
        (
            "let f = |x| x; f(1)",
            "there is no function `f`",
            "`f` is a variable: a closure in it is called as f.call(…)",
        ),
        (
            "let until = 1",
            "Expecting name of a variable",
            "`until` is a word of the language: take another name, `until_` for instance",
        ),
        ("print（1）", "`print` is a reserved word", "a call is written `print(…)`, with these brackets"),
        ("null == 1", "`null` is a reserved word", "nothing is `()` here"),
        ("var x = 1", "`var` is a reserved word", "a variable begins with `let`"),
        ("let go = 1", "`go` is a reserved word", "take another name, `go_` for instance"),
        (
            "[3, \"a\"].sort()",
            "\"a\" and 3 have no order to sort by",
            "give sort a closure that says which comes first: |a, b| a.Name < b.Name",
        ),
        (
            "() + 1",
            "`+` does not work between () and an int",
            "() is what a field without a value gives: `x ?? 0` says what to take instead",
        ),
        (
            "() < 1",
            "`<` cannot compare () with an int",
            "() is what a field without a value gives: `x ?? 0` says what to take instead",
        ),
        (
            "[1] >= ()",
            "`>=` cannot compare an array with ()",
            "() is what a field without a value gives: `x ?? 0` says what to take instead",
        ),
        ("parse_time(())", "`parse_time` does not take (())", "it takes parse_time(text: text) -> int"),
        (
            "fn add(l, x) { l + [x] } let l = [1]; l.add(2)",
            "there is no function `add`",
            "a function called behind a dot has what stands before it as `this`: write add(…) with all values in the brackets",
        ),
        (
            "for (k, v) in #{a: 1} { print(k); }",
            "`for` goes through an array, pages, a range or a text, and this is none",
            "a map is walked by its keys: for key in map.keys() { let value = map[key]; … }",
        ),
        (
            "let m = #{a: 1}; for (k, v) in m { print(k); }",
            "`for` goes through an array, pages, a range or a text, and this is none",
            "a map is walked by its keys: for key in map.keys() { let value = map[key]; … }",
        ),
        (
            "().Title",
            "() has no property `Title`",
            "() is what a field without a value gives: `x ?? 0` says what to take instead",
        ),
        ("log::inf(1)", "there is no function `log::inf`", "did you mean `log::info`?"),
    ];
    for (script, says, hint) in table {
        let error = Bench::idle().error(script);
        assert_eq!((error.message.as_str(), error.hints.first().map(String::as_str)), (*says, Some(*hint)), "{script}");
    }
    for (script, says) in [
        ("let x = 1; x + (y)", "there is no variable `y`"),
        ("1 < \"a\"", "`<` cannot compare an int with a text"),
        ("#{} > #{}", "`>` cannot compare a map with a map"),
        ("fn g(a) { a } g(1, 2)", "`g` takes 1 value, and was given 2 values"),
        ("5.foo", "an int has no property `foo`"),
        ("1 + #{}", "`+` does not work between an int and a map"),
        ("(|x| x).call(1, 2)", "a closure was given (int, int), which is not as many values as it takes"),
        (
            "[1].map(|a, b, c| a)",
            "the closure of map takes another number of values: it is given the element, or the element and its index",
        ),
        ("[1].filter(|x| x)", "the closure of filter gives true or false, not 1"),
        ("[2, 1].sort(|a, b| \"x\")", "the closure of sort gives a number or a Boolean, not \"x\""),
        ("throw \"\"", "the script threw an empty text"),
    ] {
        let error = Bench::idle().error(script);
        assert_eq!(error.message, says, "{script}");
        let all = render(&error, false);
        for rust in ["i64", "Vec<", "rhai::", "anon$", "FnPtr", "Dynamic", "``", "__"] {
            assert!(!all.contains(rust), "{script}: {all}");
        }
    }
}

#[test]
fn catch_sees_the_engines_errors_as_all_others() {
    let caught = |body: &str| format!("try {{ {body} }} catch (err) {{ [err.error, err.message, err.outcome] }}");
    let bench = Bench::idle();
    for (body, kind, says) in [
        ("list_app(1, 2, 3);", "invalid", "list_app takes a map of parameters; it was given (int, int, int)"),
        ("let m = #{}; m.Foo;", "script", "the map has no property `Foo`"),
        ("1 / 0;", "script", "Division by zero: 1 / 0"),
        ("() + 1;", "script", "`+` does not work between () and an int"),
        ("nope(1);", "script", "there is no function `nope`"),
        ("log::nope(1);", "script", "there is no function `log::nope`"),
        ("1.fn_that_is_not();", "script", "there is no function `fn_that_is_not`"),
        ("[1].map(|x| x.y);", "script", "an int has no property `y`"),
        ("[1].map(|x| x.nope());", "script", "there is no function `nope`"),
    ] {
        let script = format!(
            "let seen = []; {}; seen",
            caught(body).replace("[err.error", "seen = [err.error").replace("outcome] }", "outcome]; }")
        );
        assert_eq!(bench.value(&script), json!([kind, says, null]), "{script}");
    }
    assert_eq!(bench.value("let n = 1; if is_def_fn(\"nope\", 0) { n = nope(); } n"), 1);
    assert_eq!(bench.value("let e = (); try { throw 5; } catch (err) { e = err; } e"), 5);
    assert_eq!(bench.value("let e = (); try { 1 / 0; } catch (err) { e = err.at; } e"), json!("test.rhai:1:21"));
}

#[test]
fn places_are_the_authors_where_the_engine_reads_otherwise() {
    let error = Bench::idle().error("let m = #{}; let x = m[\"a\"] ?? m?.b ?? nothing(1);");
    assert_eq!((error.trace[0].line, error.trace[0].column), (1, 40));
    let error = Bench::idle().error("try { throw 1 } catch (e) { e.y }");
    assert_eq!((error.message.as_str(), error.trace[0].column), ("an int has no property `y`", 31));
}

#[test]
fn pages_stand_wherever_an_array_does() {
    let bench = || Bench::new(|request| page(request, 7));
    let pages = "paginate(\"ListApp\", #{PageSize: 3})";
    for (script, expected) in [
        ("P.len()", json!(7)),
        ("P.len", json!(7)),
        ("P.is_empty()", json!(false)),
        ("P.map(|a| a.AppId)", json!([1, 2, 3, 4, 5, 6, 7])),
        ("P.filter(|a| a.AppId > 5).len()", json!(2)),
        ("P.reduce(|n, a| n + a.AppId, 0)", json!(28)),
        ("P.order(|a, b| b.AppId - a.AppId)[0].AppId", json!(7)),
        ("P[0].AppId", json!(1)),
        ("P[5..].map(|a| a.AppId)", json!([6, 7])),
        ("parallel(P, 2, |a| a.AppId).len()", json!(7)),
        ("try_parallel(P, 2, |a| a.AppId).len()", json!(7)),
        ("([1] + P).len()", json!(8)),
        ("(P + [1]).len()", json!(8)),
        ("let l = [1]; l.append(P); l.len()", json!(8)),
        ("parse_json(json(P)).len()", json!(7)),
        ("parse_json(json(#{all: P})).all.len()", json!(7)),
        ("table(P, [\"AppId\"]).split(\"\\n\").len()", json!(9)),
        ("P.find(|a| a.AppId == 3).Title", json!("应用3")),
        ("#{AppId: 8} in P", json!(false)),
    ] {
        let script = script.replace('P', pages).replace("paginate(\"ListApp\", #{paginate", "paginate");
        let script = script.replace(&format!("#{{{pages}ageSize"), "#{PageSize");
        assert_eq!(bench().value(&script), expected, "{script}");
    }
    let error = bench().error(&format!("{pages}.push(1)"));
    assert_eq!(error.message, "`push` changes a list, and pages cannot be changed");
}

#[test]
fn nested_failures_are_shown_by_their_causes_and_the_same_cause_once() {
    let bench = Bench::new(|request| refused(102, &format!("environment {} is gone", request.number("EnvId"))));
    let error = bench
        .error("parallel([1, 2], 1, |n| call_all(\"ScaleApp\", [#{EnvId: 9, Replicas: n}, #{EnvId: n, Replicas: 1}]))");
    let shown = render(&error, false);
    for line in [
        "2 items, the first 1 / {\"EnvId\":9,\"Replicas\":1}: environment 9 is gone",
        "1 / {\"EnvId\":1,\"Replicas\":1}: environment 1 is gone",
        "2 / {\"EnvId\":2,\"Replicas\":1}: environment 2 is gone",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    let items = "let items = []; for n in 0..30 { items.push(#{EnvId: n, AppId: 1, Name: \"n\", Kind: n}); } call_all(\"DescribeAppEnvironmentDetail\", items)";
    let shown = render(&Bench::idle().error(items), false);
    assert_eq!(shown.matches("Kind is not a parameter").count(), 1, "{shown}");
    assert!(shown.contains("30 items, the first {\"AppId\":1,\"EnvId\":0"), "{shown}");
}

#[test]
fn a_try_form_gives_every_error_as_a_map() {
    for (body, expected) in [
        ("throw \"no\"", json!(["script", "no", null, "no"])),
        ("throw 5", json!(["script", "5", null, 5])),
        ("throw #{code: 7}", json!(["script", "{\"code\":7}", null, {"code": 7}])),
        ("x.y", json!(["script", "an int has no property `y`", null, null])),
        ("list_app(1)", json!(["invalid", "list_app takes a map of parameters; it was given (int)", "not_sent", null])),
    ] {
        let script =
            format!("let e = try_parallel([1], 1, |x| {body})[0].error; [e.error, e.message, e.outcome, e.thrown]");
        assert_eq!(Bench::idle().value(&script), expected, "{script}");
    }
}

#[test]
fn ordinary_code_is_not_too_deep_and_the_deepest_fits_its_stack() {
    let sum = vec!["1"; 90].join(" + ");
    let chain: String = (0..60).map(|n| format!("if x == {n} {{ {n} }} else ")).collect();
    let blocks = format!("{}1{}", "if true { ".repeat(25), " }".repeat(25));
    let closures = "let a = |p| { let b = |q| { let c = |r| { let d = |s| { [s].map(|t| t + 1) }; d.call(r) }; c.call(q) }; b.call(p) }; a.call(1)";
    for body in [sum.as_str(), &format!("let x = 59; {chain} {{ 0 }}"), &blocks, closures] {
        for script in [body.to_owned(), format!("fn f() {{ {body} }} f()")] {
            assert!(Bench::idle().eval(&script).is_ok(), "{script}");
        }
    }
    // Every call as deep as functions may be, and as many calls as there may be.
    let deep =
        format!("fn f(n) {{ {}if n > 0 {{ f(n - 1) }} else {{ 1 }}{} }} f(60)", "(0 + ".repeat(50), ")".repeat(50));
    let bench = Bench::with(|_| ok(json!({})), crate::stop::Stop::default(), |config| config.max_memory = 16 << 20);
    assert_eq!(bench.value(&deep), json!(1));
    let error = Bench::idle().error(&vec!["1"; 400].join(" + "));
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Parse, "an expression or block is nested deeper than the engine reads")
    );
}

#[test]
fn every_function_is_explained_in_the_words_of_scripts() {
    let host = Bench::idle().host();
    let known = all(&host.engine);
    for name in ["sort", "split", "log::info", "trimmed", "paginate", "parallel", "for_each", "call", "len", "keys"] {
        let function = known.iter().find(|function| function.name == name).unwrap_or_else(|| panic!("{name}"));
        assert!(!function.forms.is_empty() && !function.help.is_empty(), "{function:?}");
    }
    for function in &known {
        let text = format!("{} {}", function.forms.join(" "), function.help);
        for rust in
            ["i64", "f64", "Vec<", "Dynamic", "FnPtr", "ImmutableString", "NativeCallContext", "std::", "&mut", "__"]
        {
            assert!(!text.contains(rust), "{function:?}");
        }
    }
    let chapter = |path: &str| std::fs::read_to_string(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let readme = [chapter("src/script/README.md"), chapter("stdlib/README.md")].concat();
    let missing: Vec<&str> = known
        .iter()
        .map(|function| function.name.as_str())
        .filter(|name| {
            crate::catalogue::find(name).is_none()
                && !readme.contains(&format!("`{name}`"))
                && !readme.contains(&format!("`{name}("))
        })
        .collect();
    assert_eq!(missing, [""; 0], "in no chapter");
}

#[test]
fn marks_and_line_ends_of_other_systems_do_not_matter() {
    let folder = tempfile::TempDir::new().unwrap();
    std::fs::write(folder.path().join("m.rhai"), "\u{feff}fn text() {\r\n  `a\r\nb`\r\n}\r\n").unwrap();
    std::fs::write(folder.path().join("data.json"), "\u{feff}{\"a\":\r\n1}").unwrap();
    let script = folder.path().join("s.rhai");
    std::fs::write(&script, "\u{feff}#!/usr/bin/env -S jst run\r\nimport \"m\" as m;\r\nm::text()").unwrap();
    let text = crate::script::read_script(&script).unwrap();
    let bench = Bench::idle().in_folder(folder.path());
    assert_eq!(bench.value(&text), Value::from("a\nb"));
    assert_eq!(bench.value("parse_json(\"\\uFEFF[1]\")"), json!([1]));
}

#[test]
fn a_closure_is_asked_once_for_each_element() {
    for name in ["filter", "retain", "drain", "map", "for_each", "all"] {
        let script = format!("let seen = []; let list = [1, 2, 3]; list.{name}(|x| {{ seen.push(x); true }}); seen");
        assert_eq!(Bench::idle().value(&script), json!([1, 2, 3]), "{name}");
    }
    assert_eq!(
        Bench::idle().value("let a = [1, 2, 3, 4]; let out = a.retain(|x| x % 2 == 0); [a, out]"),
        json!([[2, 4], [1, 3]])
    );
    let error = Bench::idle().error("let a = [1, 1, 2]; a.dedup(|a, b| a - b)");
    assert_eq!(error.message, "the closure of dedup gives true or false, not 0");
}

#[test]
fn a_closure_sees_the_variable_that_it_is_called_for() {
    let bench = Bench::idle();
    for (script, expected) in [
        ("let m = #{a: 1, b: 2}; m.keys().map(|k| m[k])", json!([1, 2])),
        ("let m = #{a: 1, b: 2}; let f = |k| m[k]; m.keys().map(f)", json!([1, 2])),
        ("let m = #{a: 1, b: 2}; m.filter(|k, v| m[k] > 1)", json!({"b": 2})),
        ("let m = #{a: [3], b: 2}; m.a.map(|x| x * m.b)", json!([6])),
        ("let m = #{a: [3]}; m?.a.map(|x| m.len())", json!([1])),
        ("let l = [2, 1]; l.filter(|x| l.contains(x)).map(|x| l.index_of(x))", json!([0, 1])),
        ("let l = [2, 1]; l.sorted_by(|x| l.index_of(x))", json!([2, 1])),
        ("let l = [2, 1]; l[0..1].map(|x| l.len())", json!([2])),
        ("let l = [[2], 1]; l[0].map(|x| l.len())", json!([2])),
        ("let l = [2, 1]; let seen = []; l.for_each(|x| seen.push(l.len())); seen", json!([2, 2])),
        ("let l = [2, 1]; `${l.map(|x| l.len())}`", json!("[2, 2]")),
        ("let l = [2, 1]; l.parallel(2, |x| l.len())", json!([2, 2])),
        ("let l = [2, 1]; l.reduce(|sum, x| sum + l.len(), 0)", json!(4)),
        // What changes the list has it for itself.
        ("let l = [2, 1]; l.for_each(|| this += 1); let n = || l.len(); l", json!([3, 2])),
        ("let l = [2, 1]; let n = || l.len(); l.retain(|x| x > 1); l.push(n.call()); l", json!([2, 1])),
        ("let m = #{l: [2, 1]}; let n = || m; m?.l.sort(); m", json!({"l": [1, 2]})),
    ] {
        assert_eq!(bench.eval(script), Ok(Ended::Value(expected)), "{script}");
    }
    let error = bench.error("let l = [2, 1]; l.retain(|x| l.len() > 1)");
    assert_eq!(error.message, "a captured variable was in use elsewhere at the same time");
}

#[test]
fn every_function_that_takes_a_closure_is_known_to_take_one() {
    let takes = |form: &String| {
        form.starts_with(|c: char| c.is_alphabetic())
            && form.contains("(list: array, ")
            && ["closure: Fn", "key: any", "comparer: Fn", "filter: Fn"].iter().any(|closure| form.contains(closure))
    };
    let found = all(&Bench::idle().host().engine);
    let lacking =
        found.iter().filter(|function| function.forms.iter().any(takes)).map(|function| function.name.as_str());
    let lacking: Vec<&str> = lacking.filter(|name| !crate::script::api::TAKE_CLOSURES.contains(name)).collect();
    assert_eq!(lacking, [""; 0]);
}
