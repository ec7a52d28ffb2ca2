//! Tests of `data`.

#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

#[test]
fn values_are_rendered_in_every_form() {
    let reply = json!({"RequestId": "R", "Code": 0, "ErrorMsg": null, "TotalCount": 2, "Data": [
        {"AppId": 1, "Title": "商城前台"}, {"AppId": 20, "Title": "a\u{1b}[31m\n,b"}]});
    let table = [
        (
            &reply,
            Format::Table,
            " AppId  Title\n────────────────────────\n 1      商城前台\n 20     a\\u{1b}[31m\\n,b\nRequestId: R  Code: 0  TotalCount: 2",
        ),
        (&reply, Format::Jsonl, "{\"AppId\":1,\"Title\":\"商城前台\"}\n{\"AppId\":20,\"Title\":\"a\\u001b[31m\\n,b\"}"),
        (&reply, Format::Csv, "AppId,Title\n1,商城前台\n20,\"a\u{1b}[31m\n,b\""),
        (&json!({"A": {"B": 1}, "C": null}), Format::Table, " A  {\"B\":1}\n C"),
        (&json!({"Result": {"Items": [{"Id": 1}]}}), Format::Csv, "Id\n1"),
        (&json!([1, "x"]), Format::Table, "1\nx"),
        (&json!(null), Format::Table, ""),
        (&json!("text"), Format::Json, "\"text\""),
    ];
    for (value, format, expected) in table {
        assert_eq!(render(value.clone(), format, None).unwrap(), expected, "{value} as {format:?}");
    }
    let error = render(json!([1]), Format::Csv, None).unwrap_err();
    assert_eq!(error.message, "CSV needs a list of maps, and this is none");
}

#[test]
fn maps_come_back_in_the_documents_order() {
    let sorted = json!({"AppId": 1, "EnvId": 2, "Note": "mine", "AppSchemaId": 3, "EnvName": "n", "EnvType": 1, "EnvTypeName": "t", "Region": "r"});
    let keys = |value: Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let documented = catalogue::find("ListAppEnvironment").unwrap().reply.iter().find_map(|field| match field.shape {
        Shape::Objects(fields) => Some(fields.iter().map(|f| f.name).collect::<Vec<_>>()),
        _ => None,
    });
    let expected = [documented.unwrap(), vec!["Note"]].concat();
    assert_eq!(keys(in_document_order(sorted)), expected);
    assert_eq!(keys(in_document_order(json!({"b": 1, "a": 2}))), ["b", "a"]);
}

#[test]
fn a_scripts_table_wants_maps_and_known_columns() {
    let rows = [json!({"A": 1, "B": "名"}), json!({"A": 22})];
    assert_eq!(table("table", &rows, Some(&["B".into(), "A".into()])).unwrap(), " B   A\n────────\n 名  1\n     22");
    let error = table("table", &rows, Some(&["C".into()])).unwrap_err();
    assert_eq!(error.message, "table has no column `C`; the rows have A, B");
    let error = table("table", &[json!(1)], None).unwrap_err();
    assert_eq!(error.message, "table takes an array of maps, and one row is 1");
}
