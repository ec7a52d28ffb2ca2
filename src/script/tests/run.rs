//! What every script can do without an account, how a run ends, and what is shown of an error.

use serde_json::json;

use super::bench::{Answer, Bench, ok, refused};
use crate::error::{Interrupt, Kind};
use crate::script::Ended;

#[test]
fn builtins_do_what_they_say() {
    let bench = Bench::idle();
    for (script, expected) in [
        ("args", json!(["--env", "3001"])),
        ("now()", json!("2020-02-20T08:00:00Z")),
        ("sleep(90); sleep(0.5); now()", json!("2020-02-20T08:01:30Z")),
        ("let t = unix_time(); sleep(5); unix_time() - t", json!(5)),
        (
            r#"[parse_time("1970-01-01T00:01:00Z"), parse_time("1970-01-01 08:01:00"), parse_time("1970-01-01T08:01")]"#,
            json!([60, 60, 60]),
        ),
        ("time(unix_time()) == now()", json!(true)),
        (r#"json(#{b: 1, a: [1, (), true, "名"]})"#, json!(r#"{"a":[1,null,true,"名"],"b":1}"#)),
        // The document's order of fields, where a map has all of them.
        (
            r#"json(#{Code: 0, ErrMsg: (), RequestId: "R", Result: #{AppId: 1}})"#,
            json!(r#"{"Code":0,"ErrMsg":null,"RequestId":"R","Result":{"AppId":1}}"#),
        ),
        ("json([1], true)", json!("[\n  1\n]")),
        (
            r#"parse_json("{\"a\": [1, 2.5, null, 18446744073709551615]}").a"#,
            json!([1, 2.5, null, "18446744073709551615"]),
        ),
        (r#"parse_json(json(#{a: 1})) == #{a: 1}"#, json!(true)),
        (
            r#"table([#{Title: "商城前台", AppId: 1}, #{Title: "b", AppId: 20}], ["AppId", "Title"])"#,
            json!(" AppId  Title\n─────────────────\n 1      商城前台\n 20     b"),
        ),
        (r#"table([])"#, json!("")),
        (r#"env("PATH") == ()"#, json!(false)),
        ("simulated()", json!(true)),
        ("log::debug(1); log::info(\"x\"); log::warn([1]); log::error(#{a: 1}); 7", json!(7)),
        (r#"[1, "a", #{b: 2.0, c: ()}, 'x'].to_string()"#, json!(r#"[1, "a", #{"b": 2.0, "c": ()}, 'x']"#)),
        (r#"`${[1, "x"]}` + #{a: 1} + 2"#, json!(r#"[1, "x"]#{"a": 1}2"#)),
        (
            r#"[[1, "a"] == [1, "a"], [1] == [2], #{a: 1} == #{a: 1.0}, [1] != [1], [|x| x] == [1], args == ["a"]]"#,
            json!([true, false, true, false, false, false]),
        ),
        (r#"[1 in [1], [[1]].contains([1]), [[1], [2]].index_of([2])]"#, json!([true, true, 1])),
        (
            r#"let s = "a,b,,c"; [s.split(","), s.split(',', 2), s.split_rev(",", 2), " a  b ".split(), "ab".to_chars(), s.split(1)]"#,
            json!([["a", "b", "", "c"], ["a", "b,,c"], ["c", "a,b,"], ["a", "b"], ["a", "b"], ["a", ",b,,c"]]),
        ),
        (
            r#"let s = "名"; s.pad(4, "ab"); let t = "x"; t.pad(3, '-'); let a = [1]; a.pad(3, 0); let k = "k"; k.pad(0, "x"); [s, t, a, k]"#,
            json!(["名aba", "x--", [1, 0, 0], "k"]),
        ),
        (r#"let s = "a.b.c"; s.replace(".", "-"); s.replace('a', "xx"); s"#, json!("xx-b-c")),
        ("blob(3, 1).to_array()", json!([1, 1, 1])),
        ("#{a: [1]}.to_json()", json!(r#"{"a":[1]}"#)),
        ("[1, |x| x].len()", json!(2)),
        ("type_of(|x| x)", json!("Fn")),
    ] {
        assert_eq!(bench.value(script), expected, "{script}");
    }
}

#[test]
fn builtins_refuse_what_they_cannot_do() {
    let bench = Bench::idle();
    for (script, kind, message) in [
        ("sleep(-1)", Kind::Invalid, "sleep takes seconds, 0 or more, not -1"),
        (
            r#"parse_time("2020-02-30 00:00:00")"#,
            Kind::Invalid,
            "parse_time was given `2020-02-30 00:00:00`, which is no time",
        ),
        (r#"parse_time("-")"#, Kind::Invalid, "parse_time was given `-`, which is no time"),
        ("time(1 << 62)", Kind::Invalid, "time was given 4611686018427387904, which is too far away"),
        ("sleep(0.0 / 0.0)", Kind::Invalid, "sleep takes seconds, 0 or more, not NaN"),
        (
            r#"parse_json("{")"#,
            Kind::Invalid,
            "parse_json was given text that is not JSON: EOF while parsing an object at line 1 column 1",
        ),
        ("json(|x| x)", Kind::Invalid, "a closure cannot be data"),
        ("json(#{a: [1, |x| x]})", Kind::Invalid, "a closure at a[1] cannot be data"),
        ("table([1])", Kind::Invalid, "table takes an array of maps, and one row is 1"),
        ("table([#{a: 1}], [1])", Kind::Invalid, "table takes column names as text, not an int"),
        (r#"table([#{a: 1}], ["b"])"#, Kind::Invalid, "table has no column `b`; the rows have a"),
        (r#"env("HOME")"#, Kind::Policy, "the script may not read the environment variable HOME"),
        ("exit(1)", Kind::Invalid, "exit takes 0, 4 or a code from 64 to 113, not 1"),
        ("exit(63)", Kind::Invalid, "exit takes 0, 4 or a code from 64 to 113, not 63"),
        ("exit(114)", Kind::Invalid, "exit takes 0, 4 or a code from 64 to 113, not 114"),
        ("exit(320)", Kind::Invalid, "exit takes 0, 4 or a code from 64 to 113, not 320"),
        ("[1, |x| x]", Kind::Invalid, "a closure at [1] cannot be data"),
        (r#"eval("1")"#, Kind::Parse, "reserved keyword 'eval' is disabled"),
        ("1 / 0", Kind::Script, "Division by zero: 1 / 0"),
        ("throw", Kind::Script, "the script threw nothing"),
        ("throw 5", Kind::Script, "5"),
        ("throw [1, |x| x].map(|x| 1)", Kind::Script, "[1,1]"),
        (r#"throw #{message: "so it is"}"#, Kind::Script, "so it is"),
        (r#"throw "it is late""#, Kind::Script, "it is late"),
    ] {
        let error = bench.error(script);
        assert_eq!((error.kind, error.message.as_str()), (kind, message), "{script}");
    }
}

#[test]
fn a_run_ends_with_the_code_of_the_contract() {
    for (script, expected) in [
        ("1 + 1", 0),
        ("[1, |x| x]", 0),
        ("exit()", 0),
        ("exit(0)", 0),
        ("exit(4)", 4),
        ("exit(64)", 64),
        ("exit(113)", 113),
        ("try { exit(70); } catch {} exit(71);", 70),
        ("fn f() { exit(72); } [1].map(|x| f()); 1", 72),
        ("throw 1", 1),
        ("list_app(5)", 1),
        ("let x = ;", 3),
        ("delete_app_detail(1, true)", 30),
        (r#"env("HOME")"#, 30),
        (r#"read_file("/etc/hosts")"#, 30),
        ("fn f() { f() } f()", 42),
        ("scale_app(1, 1)", 10),
        ("deploy_app(1, \"x\", 1)", 10),
        ("describe_app_detail(2)", 20),
    ] {
        let bench = Bench::new(|request| match request.action.as_str() {
            "ScaleApp" => refused(9, "no"),
            "DeployApp" => ok(json!({"Success": true, "Result": {"Admitted": false, "BusinessCode": "102000"}})),
            _ => Answer::Json(
                404,
                json!({"Code": "InvalidAccessKeyId.NotFound", "Message": "no such key", "RequestId": "R"}),
            ),
        });
        let code = bench.host().run("test.rhai", script).unwrap_or_else(|error| error.kind.exit_code());
        assert_eq!(code, expected, "{script}");
    }
    let table = [
        ("invalid", 1),
        ("api", 10),
        ("not_admitted", 10),
        ("throttled", 10),
        ("unknown_outcome", 11),
        ("network", 12),
        ("credentials", 20),
        ("config", 21),
        ("policy", 30),
        ("script", 1),
        ("io", 1),
        ("anything", 1),
    ];
    for (word, code) in table {
        let error = Bench::idle()
            .error(&format!("throw #{{error: \"{word}\", message: \"m\", hint: \"first\", hints: [\"h\"]}}"));
        assert_eq!(error.hints, ["first", "h"]);
        assert_eq!((error.kind.exit_code(), error.message.as_str()), (code, "m"), "{word}");
    }
    let interrupts = [(Interrupt::Deadline, 41), (Interrupt::CtrlC, 130), (Interrupt::Terminate, 143)];
    for (interrupt, code) in interrupts {
        assert_eq!(Kind::Interrupted(interrupt).exit_code(), code);
    }
}

#[test]
fn a_destructive_call_is_refused_with_the_flag_to_add() {
    let error = Bench::idle().error("delete_app_detail(1, true)");
    assert_eq!(error.message, "DeleteAppDetail was not sent: it is destructive");
    assert_eq!(error.hints, ["add --allow DeleteAppDetail, or --allow-destructive for all of them"]);
    for script in [r#"call("RemoveThing", #{})"#, r#"call_all("DeleteNodeLabel", [#{}])"#] {
        assert_eq!(Bench::idle().error(script).kind, Kind::Policy, "{script}");
    }
}

#[test]
fn a_hundred_thousand_replies_are_an_ordinary_amount() {
    // Linear in operations, within a budget that anything quadratic passes at once.
    let bench =
        Bench::with(|_| ok(json!({})), crate::stop::Stop::default(), |config| config.max_operations = 10_000_000);
    let script = r#"
        let replies = [];
        for n in 0..100000 { replies.push(#{ EnvId: n, Name: "env-" + n, Region: "cn-zhangjiakou", Replicas: n % 7 }); }
        for reply in replies { if reply.Replicas == 3 { reply.Name; } }
        let large = replies.filter(|reply| reply.Replicas > 3);
        let by_name = #{};
        for reply in large { by_name[reply.Name] = reply.EnvId; }
        large.sort(|a, b| b.EnvId - a.EnvId);
        [replies.len(), large.len(), by_name.len(), large[0].EnvId, json(replies).len() > 1000000]"#;
    assert_eq!(bench.eval(script), Ok(Ended::Value(json!([100_000, 42_856, 42_856, 99_999, true]))));
}
