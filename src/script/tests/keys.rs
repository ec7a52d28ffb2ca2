//! Lists by a key of their elements, and two lists beside each other.

use serde_json::{Value, json};

use super::bench::{Bench, page};
use crate::error::Kind;

/// Rows that the scripts below work on.
const ROWS: &str = r#"
    let rows = [#{ Id: 3, App: "b", Load: 0.5 }, #{ Id: 1, App: "a", Load: 2.0 }, #{ Id: 2, App: "b", Load: () }];
"#;

#[test]
fn lists_are_worked_on_by_a_field_or_a_closure() {
    let bench = Bench::idle();
    let ids = |list: &str| format!("{ROWS} {list}.map(|row| row.Id)");
    let plain = |expression: &str| format!("{ROWS} {expression}");
    for (script, expected) in [
        (ids(r#"sorted_by(rows, "Id")"#), json!([1, 2, 3])),
        (ids("rows.sorted_by(|row| -row.Id)"), json!([3, 2, 1])),
        (ids(r#"rows.sorted_by("Id", #{ descending: true })"#), json!([3, 2, 1])),
        // Equals stay in their order, and nothing comes last whatever the direction.
        (ids(r#"rows.sorted_by("App")"#), json!([1, 3, 2])),
        (ids(r#"rows.sorted_by("App", #{ descending: true })"#), json!([3, 2, 1])),
        (ids(r#"rows.sorted_by("Load")"#), json!([3, 1, 2])),
        (ids(r#"rows.sorted_by("Load", #{ descending: true })"#), json!([1, 3, 2])),
        (ids("rows.sorted_by(|row| [row.App, -row.Id])"), json!([1, 3, 2])),
        (ids("rows.sorted_by(|row, n| -n)"), json!([2, 1, 3])),
        (ids(r#"rows.sorted_by(|| this.Id)"#), json!([1, 2, 3])),
        (ids(r#"group_by(rows, "App").b"#), json!([3, 2])),
        (plain(r#"group_by(rows, "Load").keys()"#), json!(["", "0.5", "2.0"])),
        (plain(r#"index_by(rows, "Id")["3"].App"#), json!("b")),
        (plain(r#"count_by(rows, |row| row.App)"#), json!({"a": 1, "b": 2})),
        (ids(r#"unique_by(rows, "App")"#), json!([3, 1])),
        ("unique_by([1, 1.0, \"1\", true, (), (), [1], [1.0]], |x| x)".into(), json!([1, "1", true, null, [1]])),
        (plain(r#"[min_by(rows, "Load").Id, max_by(rows, "Load").Id]"#), json!([3, 1])),
        (r#"[min_by([], "Id"), max_by([#{ Id: () }], "Id")]"#.into(), json!([null, null])),
        (
            plain(r#"[sum(rows, "Id"), sum([1, 0.5]), sum([]), sum(rows, |row| row.Load ?? 0)]"#),
            json!([6, 1.5, 0, 2.5]),
        ),
        ("[50, 95, 0, 100, 12.5].map(|p| percentile([4, 1, 3, 2], p))".into(), json!([2, 4, 1, 4, 1])),
        (plain(r#"[percentile(rows, 50, "Load"), percentile([], 50)]"#), json!([0.5, null])),
        ("flat([[1, 2], 3, [], [[4]]])".into(), json!([1, 2, 3, [4]])),
        (r#"[[1, "a", 2.5, ()].join(", "), [].join("-")]"#.into(), json!(["1, a, 2.5, ", ""])),
        // A list stays as it was.
        (ids(r#"let s = rows.sorted_by("Id"); s[0].Id = 9; rows"#), json!([3, 1, 2])),
    ] {
        assert_eq!(bench.value(&script), expected, "{script}");
    }
}

#[test]
fn what_differs_and_what_belongs_together_is_found_by_key() {
    let bench = Bench::idle();
    const OLD: &str = r#"[#{ Id: 1, N: 1 }, #{ Id: 2, N: 2, Old: 1 }, #{ Id: 3, N: [#{ a: 1 }] }]"#;
    const NEW: &str = r#"[#{ Id: 3, N: [#{ a: 1 }] }, #{ Id: 2, N: 3, New: () }, #{ Id: 4, N: 1 }]"#;
    let changed = json!({"key": 2, "before": {"Id": 2, "N": 2, "Old": 1}, "after": {"Id": 2, "N": 3, "New": null},
        "fields": ["N", "Old", "New"]});
    let both = json!([{"Id": 1, "Name": "x", "Name_2": "p"}, {"Id": 1, "Name": "x", "Name_2": "q"}]);
    let alone = json!({"Id": 2, "Name": "y", "Name_2": null});
    const NAMES: &str = r#"[#{ Id: 1, Name: "x" }, #{ Id: 2, Name: "y" }]"#;
    const OTHERS: &str = r#"[#{ Id: 1, Name: "p" }, #{ Id: 1, Name: "q" }, #{ Id: 3, Name: "r" }]"#;
    let with_alone: Vec<Value> = both.as_array().unwrap().iter().cloned().chain([alone]).collect();
    for (script, expected) in [
        (
            format!("diff({OLD}, {NEW}, \"Id\")"),
            json!({"added": [{"Id": 4, "N": 1}], "removed": [{"Id": 1, "N": 1}], "changed": [changed]}),
        ),
        ("diff([1, 2], [2, 3], |x| x)".into(), json!({"added": [3], "removed": [1], "changed": []})),
        (
            "diff([1.5], [1.75], |x| x.to_int()).changed".into(),
            json!([{"key": 1, "before": 1.5, "after": 1.75, "fields": []}]),
        ),
        (format!("joined({NAMES}, {OTHERS}, \"Id\")"), both),
        (format!("joined({NAMES}, {OTHERS}, \"Id\", #{{ all: true }})"), with_alone.into()),
        ("joined([#{ a: () }], [#{ a: () }], \"a\")".into(), json!([])),
        ("joined([#{ a: 1 }], [#{ b: 1 }], |row| row?.a ?? row?.b)".into(), json!([{"a": 1, "b": 1}])),
    ] {
        assert_eq!(bench.value(&script), expected, "{script}");
    }
}

#[test]
fn what_has_no_key_or_no_order_is_named() {
    let bench = Bench::idle();
    for (script, message, hint) in [
        ("sorted_by(5, \"a\")", "sorted_by takes a list, not 5", None),
        (
            "sorted_by([1], 5)",
            "the key of sorted_by is the name of a field or a closure, not 5",
            Some("write \"Name\", or |element| element.Name"),
        ),
        ("sorted_by([1], \"a\")", "sorted_by by the field `a` takes maps, and element 0 is 1", None),
        (
            "group_by([#{ Name: 1 }, #{ Nama: 1 }], \"Name\")",
            "group_by: element 1 has no field `Name`",
            Some("did you mean `Nama`?"),
        ),
        (
            "count_by([#{}], \"Name\")",
            "count_by: element 0 has no field `Name`",
            Some("|element| element?.Name gives () for those that have none"),
        ),
        (
            "sorted_by([1, \"a\"], |x| x)",
            "sorted_by: the keys \"a\" and 1 have no order",
            Some("keys are numbers, texts, Booleans, or lists of such"),
        ),
        (
            "max_by([1, 0.0 / 0.0], |x| x)",
            "max_by: the keys NaN and 1 have no order",
            Some("keys are numbers, texts, Booleans, or lists of such"),
        ),
        (
            "sorted_by([1], |x| x, #{ desc: true })",
            "sorted_by has no option `desc`",
            Some("its options are descending"),
        ),
        ("sorted_by([1], |x| x, 1)", "the options of sorted_by are a map, not 1", Some("its options are descending")),
        (
            "sorted_by([1], |x| x, #{ descending: 1 })",
            "the option `descending` of sorted_by is true or false, not 1",
            None,
        ),
        (
            "index_by([1, 2], |x| 7)",
            "index_by found the key \"7\" a second time, at element 1",
            Some("group_by gives all elements of each key"),
        ),
        ("group_by([#{}], |x| x)", "group_by takes a text, a number or a Boolean for a key, not a map", None),
        ("unique_by([1], |x| || x)", "unique_by takes a text, a number or a Boolean for a key, not a closure", None),
        ("sum([1, \"a\"])", "sum adds numbers, and that of element 1 is \"a\"", None),
        (
            "sum([()])",
            "sum adds numbers, and that of element 0 is ()",
            Some("() is what a field without a value gives: `x ?? 0` says what to take instead"),
        ),
        ("sum([1 << 62, 1 << 62])", "the sum is larger than an integer can be", None),
        ("percentile([1], 101)", "percentile takes a number from 0 to 100, not 101", None),
        ("[1].join(2)", "join takes a text to put between elements, not 2", None),
        ("diff([1, 1], [], |x| x)", "diff: elements 0 and 1 of the old list have the same key 1", None),
        ("joined([1], [], |x| x)", "", None),
        ("joined([], [1], |x| x)", "joined takes lists of maps, and element 0 is 1", None),
        ("sorted_by([1], |x| throw \"mine\")", "mine", None),
        (
            "group_by([1], |x, y, z| x)",
            "the closure of group_by takes another number of values: it is given the element, or the element and its index",
            None,
        ),
    ] {
        if message.is_empty() {
            assert_eq!(bench.value(script), json!([]), "{script}");
            continue;
        }
        let error = bench.error(script);
        assert_eq!((error.message.as_str(), error.hints.first().map(String::as_str)), (message, hint), "{script}");
        assert!(matches!(error.kind, Kind::Script | Kind::Invalid), "{script}");
    }
}

#[test]
fn pages_are_lists_here_too() {
    let bench = Bench::new(|request| page(request, 120));
    const PAGES: &str = r#"let pages = paginate("ListApp");"#;
    for (script, expected) in [
        (r#"pages.sorted_by("AppId", #{ descending: true })[0].AppId"#, json!(120)),
        (r#"sorted_by(pages, |app| -app.AppId)[0].AppId"#, json!(120)),
        (r#"pages.group_by(|app| app.AppId % 2)["1"].len()"#, json!(60)),
        (r#"sum(pages, "AppId")"#, json!(7260)),
        (r#"flat([pages, pages]).len()"#, json!(240)),
        (r#"diff(pages, [], "AppId").removed.len()"#, json!(120)),
        (r#"diff([], pages, "AppId").added.len()"#, json!(120)),
        (r#"joined([#{ AppId: 7 }], pages, "AppId")[0].Title"#, json!("应用7")),
    ] {
        assert_eq!(bench.value(&format!("{PAGES} {script}")), expected, "{script}");
    }
}

#[test]
fn a_long_list_is_sorted_and_grouped_in_few_operations() {
    let bench =
        Bench::with(|_| unreachable!(), crate::stop::Stop::default(), |config| config.max_operations = 2_000_000);
    let script = r#"
        let rows = [];
        for n in 0..100000 { rows.push(#{ Id: n, Group: n % 7 }); }
        [rows.sorted_by("Id", #{ descending: true })[0].Id, rows.group_by("Group").len(), rows.sum("Id")]"#;
    assert_eq!(bench.value(script), json!([99_999, 7, 4_999_950_000_i64]));
}
