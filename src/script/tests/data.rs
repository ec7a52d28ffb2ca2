//! Texts that stand for data, numbers and times for people, and patterns.

use proptest::prelude::*;
use serde_json::json;

use super::bench::Bench;
use crate::error::{Error, Kind};

#[test]
fn texts_are_read_and_written() {
    let bench = Bench::idle();
    for (script, expected) in [
        (
            r#"parse_csv("\uFEFFEnvId, Name\r\n1,\"a, \"\"b\"\"\"\r\n\r\n2,\"x\ny\"")"#,
            json!([{"EnvId": "1", "Name": "a, \"b\""}, {"EnvId": "2", "Name": "x\ny"}]),
        ),
        (
            r#"parse_csv("a,b,c,d\n 1 ,2.5,yes,07\n,,,\n", #{ types: #{ a: "int", b: "float", c: "bool", d: "text" } })"#,
            json!([{"a": 1, "b": 2.5, "c": true, "d": "07"}, {"a": null, "b": null, "c": null, "d": ""}]),
        ),
        (r#"parse_csv("a;b\n1;2", #{ separator: ";" })"#, json!([{"a": "1", "b": "2"}])),
        (r#"parse_csv("a\n")"#, json!([])),
        (r#"csv([#{ b: 1, a: "x,y" }, #{ b: (), a: [1] }])"#, json!("a,b\n\"x,y\",1\n[1],")),
        (r#"csv([#{ b: 1, a: 2 }], ["b"])"#, json!("b\n1")),
        (r#"csv([], ["b"])"#, json!("b")),
        (
            r#"csv([#{ a: "=1+1", b: "-5", c: "@x", d: -5 }], ["a", "b", "c", "d"], #{ safe: true })"#,
            json!("a,b,c,d\n'=1+1,-5,'@x,-5"),
        ),
        // What could stand for the end of a text is a cell like any other.
        (r#"parse_csv("a\n\x01\n2")"#, json!([{"a": "\u{1}"}, {"a": "2"}])),
        (
            r#"parse_csv("a,b\n1,2\n\n\n\"x\r\ny\",\"\"\"\"\n")"#,
            json!([{"a": "1", "b": "2"}, {"a": "x\r\ny", "b": "\""}]),
        ),
        (
            r#"csv([#{ a: "\n=1", b: "＝1", c: "+inf", d: "-1e5", e: "a=1", "=f": "-" }], ["a", "b", "c", "d", "e", "=f"], #{ safe: true })"#,
            json!("a,b,c,d,e,'=f\n\"'\n=1\",'＝1,'+inf,-1e5,a=1,'-"),
        ),
        (r#"csv([#{ a: "" }, #{ a: () }], ["a"])"#, json!("a\n\"\"\n\"\"")),
        (r#"csv([#{ a: "1;2" }], ["a"], #{ separator: ";" })"#, json!("a\n\"1;2\"")),
        (
            r#"parse_yaml("base: &b { x: 1, y: 0.5 }\ncopy: *b\nlist: [yes, null, ~, \"1\"]\n")"#,
            json!({"base": {"x": 1, "y": 0.5}, "copy": {"x": 1, "y": 0.5}, "list": [true, null, null, "1"]}),
        ),
        // As Kubernetes reads numbers.
        (
            r#"parse_yaml("a: 0644\nb: 0o17\nc: 0x1F\nd: \"0644\"\ne: !!str 5\nf: 1e3\ng: -010\nh: 0\ni: 0.5\n")"#,
            json!({"a": 420, "b": 15, "c": 31, "d": "0644", "e": "5", "f": 1000.0, "g": -8, "h": 0, "i": 0.5}),
        ),
        (r#"parse_yaml("d: &d {x: 1, y: 2}\ne:\n  <<: *d\n  y: 3\n").e"#, json!({"x": 1, "y": 3})),
        (r#"parse_yaml("a: 1\n---\nb: 2\n")"#, json!([{"a": 1}, {"b": 2}])),
        (
            r#"[parse_yaml("a: 1", #{ many: true }), parse_yaml("", #{ many: true }), parse_yaml("")]"#,
            json!([[{"a": 1}], [], null]),
        ),
        (
            r#"parse_yaml(yaml(#{ a: [1, "1", (), "x: y", "line\nline"], b: #{} })) == #{ a: [1, "1", (), "x: y", "line\nline"], b: #{} }"#,
            json!(true),
        ),
        (r#"parse_yaml(yaml([#{ a: 1 }, #{ b: "true" }], #{ many: true }))"#, json!([{"a": 1}, {"b": "true"}])),
        (
            r#"parse_toml("a = 1\n[b]\nc = [1.5, true]\nd = 2026-01-05\n")"#,
            json!({"a": 1, "b": {"c": [1.5, true], "d": "2026-01-05"}}),
        ),
        (
            r#"[base64("名"), from_base64("5ZCN"), from_base64(" 5Z\nCN "), from_base64("-_8", #{ bytes: true }).len()]"#,
            json!(["5ZCN", "名", "名", 2]),
        ),
        (r#"sha256("abc")"#, json!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")),
        (r#"sha256(blob(3, 97)) == sha256("aaa")"#, json!(true)),
    ] {
        assert_eq!(bench.value(script), expected, "{script}");
    }
}

#[test]
fn numbers_and_times_are_for_people() {
    let bench = Bench::idle();
    for (script, expected) in [
        (
            "[decimals(3.71828, 2), decimals(1.005, 2), decimals(-0.5, 0), decimals(7, 1), decimals(1e300, 2)]",
            json!([3.72, 1.01, -1.0, 7.0, 1e300]),
        ),
        ("[percent(1, 4), decimals(percent(1, 3), 1), percent(0, 5)]", json!([25.0, 33.3, 0.0])),
        (
            r#"["512Mi", "1.5 GiB", "10MB", "4096", "1k", "0.5", "0"].map(|text| bytes(text))"#,
            json!([536_870_912, 1_610_612_736, 10_000_000, 4096, 1000, 1, 0]),
        ),
        (r#"[bytes(7), bytes("7.5Ei"), bytes("1PiB")]"#, json!([7, 8_646_911_284_551_352_320_i64, 1_i64 << 50])),
        (r#"["abc".bytes, "名".bytes]"#, json!([3, 3])),
        (
            "[0, 1023, 1024, 1536, 536870912, 1048575, -2048, 9223372036854775807].map(|n| size_text(n))",
            json!(["0 B", "1023 B", "1 KiB", "1.5 KiB", "512 MiB", "1 MiB", "-2 KiB", "8 EiB"]),
        ),
        (
            r#"["1h30m", "2d", "1w", "90", "500ms", "1h 30m", "1.5"].map(|text| duration(text))"#,
            json!([5400, 172_800, 604_800, 90, 0.5, 5400, 1.5]),
        ),
        ("[duration(5), duration(0.5)]", json!([5, 0.5])),
        (
            "[0, 59, 60, 5400, 90061, 0.25].map(|s| duration_text(s))",
            json!(["0s", "59s", "1m", "1h30m", "1d1h1m1s", "0.25s"]),
        ),
        // It is 2020-02-20T08:00:00Z.
        (r#"[age("2020-02-20 15:00:00"), age(unix_time() - 5), age("2020-02-20T08:01:00Z")]"#, json!([3600, 5, -60])),
        (
            r#"[format_time(0, "%Y-%m-%d %H:%M"), format_time("1970-01-01T00:00:00Z", "%H:%M %z", "UTC"), format_time(0, "%H", "-03:00"), format_time(0, "%H:%M", "Asia/Kolkata")]"#,
            json!(["1970-01-01 08:00", "00:00 +0000", "21", "05:30"]),
        ),
        (
            r#"[weekday(), weekday("2026-01-04 23:00:00"), weekday("2026-01-05T00:30:00+08:00", "UTC"), weekday(0)]"#,
            json!([4, 7, 7, 4]),
        ),
        (r#"[matches("web-1", "^web-\\d+$"), matches("x", "y"), "web-1".matches("b-")]"#, json!([true, false, true])),
        (
            r#"[find_all("a1b22", "[0-9]+"), find_all("k=v, x=y", "(\\w)=(\\w)"), find_all("k=v", "(?<key>\\w)=(?<value>\\w)"), find_all("", "a")]"#,
            json!([["1", "22"], [["k", "v"], ["x", "y"]], [{"key": "k", "value": "v"}], []]),
        ),
        (
            r##"[replaced("a.b", ".", "-"), replaced("a1b22", regex("[0-9]+"), "#"), replaced("a=b", regex("(\\w)=(\\w)"), "$2=$1")]"##,
            json!(["a-b", "a#b#", "b=a"]),
        ),
        (
            r#"[matches_glob("web-1", "web-*"), matches_glob("web", "w?"), matches_glob("a/b", "*")]"#,
            json!([true, false, true]),
        ),
        ("type_of(regex(\"a\"))", json!("regex")),
        ("progress(1, 2); progress(2, 2, \"done\"); 1", json!(1)),
    ] {
        assert_eq!(bench.value(script), expected, "{script}");
    }
}

/// Six lines that stand for a million values.
const BOMB: &str = r#"
    let text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for n in 1..6 { let all = ""; for m in 0..10 { all += `*a${n - 1},`; } text += `a${n}: &a${n} [${all}]` + "\n"; }
    parse_yaml(text)"#;

#[test]
fn what_is_no_data_number_or_time_is_told() {
    let bench = Bench::idle();
    for (script, message) in [
        (r#"parse_csv(5)"#, "parse_csv takes a text, not 5"),
        (r#"parse_csv("")"#, "parse_csv was given a text without a line of names"),
        ("parse_csv(\"a,b\\n1,\\\"2\\n3,4\\n\")", "parse_csv: a quote in line 2 or behind it is not closed"),
        (r#"parse_csv("a;b\n1;2")"#, "parse_csv: the columns are divided by ';', not by commas"),
        (
            r#"parse_csv("a", #{ types: #{ a: "integer" } })"#,
            "the type of the column `a` is one of int, float, bool, text, not \"integer\"",
        ),
        (r#"parse_csv("a", #{ separator: "ab" })"#, "a separator is one character such as ; or a tab, not \"ab\""),
        (r#"parse_csv("a", #{ type: 1 })"#, "parse_csv has no option `type`"),
        ("csv(5)", "csv takes a list, not 5"),
        ("csv([5])", "csv takes an array of maps, and one row is 5"),
        (r#"csv([#{ a: 1 }], ["b"])"#, "csv has no column `b`; the rows have a"),
        (r#"print_rows([#{ a: 1 }], ["b"])"#, "print_rows has no column `b`; the rows have a"),
        ("print_rows([#{ a: 1 }], [1])", "print_rows takes column names as text, not an int"),
        (r#"csv([#{ a: 1 }], "a")"#, "csv takes a list of column names, not \"a\""),
        ("table([#{ a: 1 }], 5)", "table takes a list of column names, not 5"),
        (
            r#"parse_toml("a = ")"#,
            "parse_toml was given text that is not TOML: string values must be quoted, expected literal string at line 1",
        ),
        (r#"parse_toml("a = nan")"#, "parse_toml was given NaN, which cannot be data"),
        (
            r#"parse_toml("a = 1\nb = 9223372036854775808")"#,
            "parse_toml was given text that is not TOML: a number is too large at line 2",
        ),
        (
            r#"parse_yaml("a: &a [*a]")"#,
            "parse_yaml was given text that is not YAML: line 1 column 8: an anchor holds itself",
        ),
        (
            r#"parse_yaml("a:\n  ? [1]\n  : 1")"#,
            "parse_yaml was given text that is not YAML: line 2 column 5: a key is no text",
        ),
        (
            r#"parse_yaml("a: 1\nb: .inf")"#,
            "parse_yaml was given text that is not YAML: line 2 column 4: a number without end cannot be data",
        ),
        (
            r#"parse_yaml("a: !!int x")"#,
            "parse_yaml was given text that is not YAML: line 1 column 10: the value is not what its tag says",
        ),
        (
            r#"parse_yaml("a: *x")"#,
            "parse_yaml was given text that is not YAML: line 1 column 4: alias references unknown anchor",
        ),
        (
            BOMB,
            "parse_yaml was given text that is not YAML: line 6 column 14: there is too much of it once its anchors are followed",
        ),
        (r#"from_base64("?")"#, "from_base64 was given text that is not base64"),
        (r#"from_base64("/w==")"#, "from_base64 was given base64 of bytes that are no text"),
        ("base64(5)", "base64 takes a text or a blob, not 5"),
        ("yaml(5, #{ many: true })", "yaml writes a list as many documents, not 5"),
        ("decimals((), 2)", "decimals takes a number, not ()"),
        ("decimals(1, 16)", "decimals takes 0 to 15 places"),
        ("percent(1, 0)", "percent was given 0 for the whole"),
        (r#"bytes("12 apples")"#, "`12 apples` is no amount of bytes"),
        ("bytes(-5)", "`-5` is no amount of bytes"),
        (r#"bytes("8Ei")"#, "`8Ei` is no amount of bytes: it is too large"),
        (r#"bytes("-5")"#, "`-5` is no amount of bytes"),
        (r#"bytes("99999999E")"#, "`99999999E` is no amount of bytes: it is too large"),
        (r#"bytes(".")"#, "`.` is no amount of bytes"),
        (r#"duration("1 month")"#, "`1 month` is no span of time: write 30s, 20m, 1h30m, 2d or a number of seconds"),
        (r#"duration("-5s")"#, "`-5s` is no span of time: write 30s, 20m, 1h30m, 2d or a number of seconds"),
        ("duration(-5)", "`-5` is no span of time: write 30s, 20m, 1h30m, 2d or a number of seconds"),
        ("duration(())", "duration takes a text, not ()"),
        ("duration_text(-1)", "duration_text takes seconds, 0 or more, not -1"),
        ("age(())", "age takes a time, and () is none"),
        (r#"format_time(0, "%Y", "Mars/Phobos")"#, "`Mars/Phobos` is no zone of time"),
        (r#"matches("a", "(")"#, "`(` is no regular expression: found open group without closing ')'"),
        ("progress(-1, 5)", "progress takes whole numbers, 0 or more, not -1"),
    ] {
        let error = bench.error(script);
        let kinds = [Kind::Invalid, Kind::Script];
        assert!(kinds.contains(&error.kind), "{script}: {error:?}");
        assert_eq!(error.message, message, "{script}");
    }
    for (script, begins) in [
        (r#"parse_yaml("a: [")"#, "parse_yaml was given text that is not YAML: "),
        (r#"parse_yaml("a: 1\na: 2")"#, "parse_yaml was given text that is not YAML: "),
        (r#"parse_yaml("a: .nan")"#, "parse_yaml was given text that is not YAML: "),
        (r#"format_time(0, "%!")"#, "format_time cannot write `%!`: "),
    ] {
        let error = bench.error(script);
        assert!(error.message.starts_with(begins) && error.message.len() > begins.len(), "{script}: {error}");
    }
}

#[test]
fn everything_wrong_with_a_csv_is_told_at_once() {
    let csv = r#"EnvId,Replica,Replica,\n1,2,3,4\nx,y,z,4\n1,2\n"#;
    let script = format!("parse_csv(\"{csv}\", #{{ types: #{{ EnvId: \"int\", Replicas: \"int\" }} }})");
    let error: Error = Bench::idle().error(&script);
    let told: Vec<String> = error.problems.iter().map(|p| format!("{}: {:?} {}", p.path, p.given, p.message)).collect();
    assert_eq!(error.message, "parse_csv found 5 things wrong");
    assert_eq!(
        told,
        [
            "line 1, Replica: None is the name of two columns",
            "line 1, column 4: None has no name",
            "line 1, Replicas: None is no column; there are EnvId, Replica, Replica, ",
            "line 3, EnvId: Some(String(\"x\")) must be a whole number",
            "line 4: None has 2 cells, and the line of names has 4",
        ]
    );
    assert_eq!(error.problems[2].nearest.as_deref(), Some("Replica"));
    let many = format!("parse_csv(\"a\\n{}\", #{{ types: #{{ a: \"int\" }} }})", "x\\n".repeat(50));
    let error = Bench::idle().error(&many);
    assert_eq!(
        (error.problems.len(), error.message.as_str()),
        (20, "parse_csv found 50 things wrong, of which these are the first")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn csv_is_read_as_it_is_written(cells in prop::collection::vec(("[ -~\n\r中;]{0,6}", "[\",\n=a]{0,4}"), 1..5)) {
        let rows: Vec<_> = cells.iter().map(|(a, b)| json!({"a": a, "b": b})).collect();
        let text = json!(json!(rows).to_string()).to_string();
        let script = format!("parse_csv(csv(parse_json({})))", text.replace('$', "\\x24"));
        prop_assert_eq!(Bench::idle().value(&script), json!(rows));
    }
}
