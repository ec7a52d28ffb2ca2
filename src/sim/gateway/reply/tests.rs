//! Tests of `reply`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use super::*;
use crate::catalogue;
use crate::sim::demo;
use crate::sim::engine::call::Call;
use crate::wire::reply::{Received, read};
use crate::wire::request::Target;

/// Every path of names in a tree; elements of a list share theirs.
fn paths(value: &Value, at: &str, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let at = format!("{at}/{name}");
                paths(value, &at, into);
                into.insert(at);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| paths(value, &format!("{at}[]"), into)),
        _ => {}
    }
}

/// Without the fields that have no value.
fn sent(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, sent(value))).collect()
        }
        Value::Array(list) => list.into_iter().map(sent).collect(),
        plain => plain,
    }
}

fn read_back(operation: &'static Operation, body: &Value) -> Option<Map<String, Value>> {
    let received = Received { status: 200, body: body.to_string().into_bytes(), ..Received::default() };
    match read(&Target::Listed(operation), &received) {
        Ok(Value::Object(reply)) => Some(reply),
        _ => None,
    }
}

fn samples() -> Map<String, Value> {
    serde_json::from_str(include_str!("../../../../tests/golden/sample-replies.json")).unwrap()
}

#[test]
fn replies_have_the_names_and_wrappers_of_the_documents_samples() {
    for (action, sample) in samples() {
        let operation = catalogue::find(&action).unwrap();
        // The one sample of a failure.
        let printed = if action == "DeleteNodeLabel" {
            refusal_tree(operation, Shape::Documented, "id", &Refusal { code: 3, text: "no".into() })
        } else {
            let mut payload = read_back(operation, &sample).unwrap();
            payload.retain(|name, _| !["RequestId", "Code", "Success"].contains(&name.as_str()));
            success_tree(operation, Shape::Documented, "id", sent(Value::Object(payload)))
        };
        let [mut expected, mut got] = [BTreeSet::new(), BTreeSet::new()];
        paths(&sample, "", &mut expected);
        paths(&printed, "", &mut got);
        // What the samples leave out now and then, every reply has.
        for path in ["RequestId", "Code", "Success"] {
            let is_always_there = |known: &String| known.rsplit('/').next().unwrap().eq_ignore_ascii_case(path);
            expected.retain(|known| !is_always_there(known));
            got.retain(|known| !is_always_there(known));
        }
        assert_eq!(got, expected, "{action}");
    }
}

#[test]
fn a_reply_written_from_its_payload_is_the_one_that_its_tree_gives() {
    for operation in catalogue::operations() {
        let params = serde_json::from_str(operation.example).unwrap();
        let payload = demo::account().unwrap().apply(&Call::new(operation, params)).unwrap();
        for shape in [Shape::Documented, Shape::Plain] {
            let tree = success_tree(operation, shape, "id", payload.value());
            let text = success(operation, shape, Format::Json, "id", &payload);
            assert_eq!(String::from_utf8(text).unwrap(), tree.to_string(), "{}", operation.action);
        }
    }
}

#[test]
fn either_shape_reads_back_as_the_same_reply() {
    for operation in catalogue::operations().filter(|operation| operation.action != "DeleteNodeLabel") {
        let mut payload = read_back(operation, &samples()[operation.action]).unwrap();
        payload.retain(|name, value| !["RequestId", "Code", "Success"].contains(&name.as_str()) && !value.is_null());
        let of = |shape| read_back(operation, &success_tree(operation, shape, "id", payload.clone().into())).unwrap();
        let [documented, plain] = [of(Shape::Documented), of(Shape::Plain)];
        assert_eq!(documented, plain, "{}", operation.action);
        assert_eq!(plain["RequestId"], "id", "{}", operation.action);
        assert_eq!(plain["Code"], SUCCESS, "{}", operation.action);
    }
}

#[test]
fn either_shape_of_the_demo_accounts_replies_reads_back_alike() {
    for operation in catalogue::operations() {
        let params: Map<String, Value> = serde_json::from_str(operation.example).unwrap();
        let payload = demo::account().unwrap().apply(&Call::new(operation, params)).unwrap();
        let [plain, documented] = [Shape::Plain, Shape::Documented].map(|shape| {
            let text = success(operation, shape, Format::Json, "id", &payload);
            read_back(operation, &serde_json::from_slice(&text).unwrap())
        });
        assert!(plain.is_some() && plain == documented, "{}: {plain:?} {documented:?}", operation.action);
    }
}

#[test]
fn the_list_of_users_and_a_deleted_account_answer_as_their_samples() {
    for (action, path, expected) in
        [("ListUsers", "/Code", json!(0)), ("DeleteRdsAccount", "/Result/RequestId", json!("id"))]
    {
        let operation = catalogue::find(action).unwrap();
        let params = serde_json::from_str(operation.example).unwrap();
        let payload = demo::account().unwrap().apply(&Call::new(operation, params)).unwrap();
        let text = success(operation, Shape::Plain, Format::Json, "id", &payload);
        let reply: Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(reply.pointer(path), Some(&expected), "{action}: {reply}");
    }
}

#[test]
fn a_refusal_reads_back_with_its_code_and_text() {
    let no = Refusal { code: 10409, text: "in use".into() };
    for operation in catalogue::operations() {
        for shape in [Shape::Documented, Shape::Plain] {
            let body = refusal(operation, shape, Format::Json, "id", &no);
            let fault =
                read::<Value>(&Target::Listed(operation), &Received { status: 200, body, ..Received::default() })
                    .unwrap_err();
            let error = &fault.error;
            assert_eq!(error.code, Some(Value::from(10409)), "{}", operation.action);
            assert_eq!(error.message, "in use", "{}", operation.action);
            assert_eq!(error.request_id.as_deref(), Some("id"), "{}", operation.action);
        }
    }
}

#[test]
fn answers_are_written_in_xml() {
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    for (value, expected) in [
        (json!({"Code": 0, "Success": true}), "<R><Code>0</Code><Success>true</Success></R>"),
        (json!({"Data": [{"A": 1}, {"A": null}], "E": []}), "<R><Data><A>1</A></Data><Data><A></A></Data></R>"),
        (json!({"Message": "a<b & \"c\"\u{0}\n"}), "<R><Message>a&lt;b &amp; &quot;c&quot;\u{fffd}\n</Message></R>"),
        (json!({"XResponse": {"Code": 0}}), "<XResponse><Code>0</Code></XResponse>"),
        (json!({"a b": 1, "1": 2}), "<R><a_b>1</a_b><_1>2</_1></R>"),
    ] {
        assert_eq!(String::from_utf8(bytes(&value, Format::Xml, "R")).unwrap(), format!("{head}{expected}"));
    }
}

#[test]
fn an_error_of_the_gateway_reads_back_in_either_syntax() {
    let no = Rejection::new(403, "Forbidden.RAM", "no <b>permission</b> & no cake");
    for format in [Format::Json, Format::Xml] {
        let body = rejection("id", "host", &no, format);
        let received = Received { status: 403, body, ..Received::default() };
        let fault = read::<Value>(&Target::named("ListApp").unwrap(), &received).unwrap_err();
        assert_eq!(fault.error.code, Some(Value::from("Forbidden.RAM")));
        assert_eq!(fault.error.message, "Forbidden.RAM: no <b>permission</b> & no cake");
    }
}
