//! What goes back: from a handler's payload to the bytes of the service's own reply. Pure.
//!
//! [`success`], [`refusal`] and [`rejection`] add what every reply has; [`Shape`] says whether the
//! result is the plain tree or keeps the forms that the document prints (lowerCamelCase, wrappers);
//! [`bytes`] writes it as JSON or XML. A payload that is sent as it is never becomes a tree.

use std::fmt::Write as _;

use quick_xml::escape::escape;
use serde_json::{Map, Value, json};

use crate::catalogue::{Field, Operation, Shape as Type};
use crate::sim::engine::call::Refusal;
use crate::sim::engine::json::Json;
use crate::sim::gateway::Rejection;

/// The `Code` of what was carried out. One table of the document has 200 for `ListUsers`, the sample
/// beside it 0 like all others.
pub(crate) const SUCCESS: i64 = 0;

/// The form of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// The documented fields and nothing around them: what the vendor's newer client reads. It finds
    /// nothing in the other form of chapters 5 and 6, so this is the likelier form of the wire.
    Plain,
    /// As the document's samples print them: wrapped, lowerCamelCase, each where it does so.
    Documented,
}

/// The syntax of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// `Format=JSON`, or nothing said.
    Json,
    /// `Format=XML`
    Xml,
}

/// How the document prints a reply that it does not print plainly.
#[derive(Clone, Copy)]
enum Printed {
    /// Every name begins in lower case.
    LowerCamel,
    /// Inside one object of this name.
    Wrapped(&'static str),
    /// Inside one object of this name and there under `data`, beside `code`, `name` and `message`.
    Enveloped(&'static str),
    /// The same, with `name` and `message` under `data` too, and the result as a list of one.
    EnvelopedAsList(&'static str),
    /// With this field in that spelling.
    Respelt(&'static str, &'static str),
}

/// Every reply that the document does not print plainly.
const PRINTED: &[(&str, &[Printed])] = {
    use Printed::*;
    &[
        ("ListSlbAPs", &[Respelt("AppId", "appId")]),
        ("CreateNodeLabel", &[EnvelopedAsList("CreateNodeLabelResponse")]),
        ("ListNodeLabels", &[Wrapped("ListNodeLabelsResponse")]),
        ("DeleteNodeLabel", &[Enveloped("DeleteNodeLabelResponse")]),
        ("BindNodeLabel", &[Wrapped("BindNodeLabelResponse")]),
        ("UnbindNodeLabel", &[Wrapped("UnbindNodeLabelResponse")]),
        ("CreateAppResourceAlloc", &[Wrapped("CreateAppResourceAlloc")]),
        ("ListAppResourceAllocs", &[Wrapped("ListAppResourceAllocsResponse")]),
        ("DeleteAppResourceAlloc", &[Wrapped("DeleteAppResourceAllocResponse")]),
        ("DescribeAppResourceAlloc", &[Respelt("AppId", "appId"), Wrapped("DescribeAppResourceAllocResponse")]),
        ("DescribeDatabases", &[LowerCamel]),
        ("DeleteRdsAccount", &[LowerCamel]),
        ("DescribeRdsAccounts", &[LowerCamel]),
        ("GrantDbToAccount", &[LowerCamel]),
        ("GetRdsBackUp", &[Respelt("HostInstanceID", "HostInstanceId"), LowerCamel]),
    ]
};

/// The reply of an operation that was carried out, written. `payload` is what its handler gave.
pub(crate) fn success(
    operation: &Operation,
    shape: Shape,
    format: Format,
    request_id: &str,
    payload: &Json,
) -> Vec<u8> {
    let is_plain = shape == Shape::Plain || forms(operation).is_empty();
    if format == Format::Json && is_plain && !has_id_within(operation) {
        let mut reply = Json::object();
        reply.add("RequestId", request_id);
        reply.add("Code", &SUCCESS);
        if has(operation.reply, "Success") {
            reply.add("Success", &true);
        }
        reply.add_all(payload);
        return reply.end().into_text();
    }
    let reply = success_tree(operation, shape, request_id, payload.value());
    written(operation, &reply, format)
}

fn success_tree(operation: &Operation, shape: Shape, request_id: &str, payload: Value) -> Value {
    let mut payload = match payload {
        Value::Object(payload) => payload,
        _ => Map::new(),
    };
    if let Some(Value::Object(result)) = payload.get_mut("Result")
        && has_id_within(operation)
    {
        result.insert("RequestId".into(), request_id.into());
    }
    reply(operation, shape, request_id, SUCCESS, payload)
}

/// The reply of an operation that was refused, written: a business failure inside HTTP 200.
pub(crate) fn refusal(
    operation: &Operation,
    shape: Shape,
    format: Format,
    request_id: &str,
    refusal: &Refusal,
) -> Vec<u8> {
    written(operation, &refusal_tree(operation, shape, request_id, refusal), format)
}

fn refusal_tree(operation: &Operation, shape: Shape, request_id: &str, refusal: &Refusal) -> Value {
    let error_text = ["ErrMsg", "ErrorMsg", "ErrMessage"].into_iter().find(|name| has(operation.reply, name));
    let payload = [(error_text.unwrap_or("ErrMsg").to_owned(), Value::from(refusal.text.as_str()))];
    reply(operation, shape, request_id, refusal.code, payload.into_iter().collect())
}

/// An error of the gateway, written.
pub(crate) fn rejection(request_id: &str, host: &str, rejection: &Rejection, format: Format) -> Vec<u8> {
    let Rejection { code, message, .. } = rejection;
    let error = json!({"RequestId": request_id, "HostId": host, "Code": code, "Message": message});
    bytes(&error, format, "Error")
}

fn written(operation: &Operation, reply: &Value, format: Format) -> Vec<u8> {
    bytes(reply, format, &format!("{}Response", operation.action))
}

fn forms(operation: &Operation) -> &'static [Printed] {
    PRINTED.iter().find(|(action, _)| *action == operation.action).map_or(&[], |(_, forms)| forms)
}

/// Whether the result repeats the request's id.
fn has_id_within(operation: &Operation) -> bool {
    has(fields_of(operation, "Result"), "RequestId")
}

fn has(fields: &[Field], name: &str) -> bool {
    fields.iter().any(|field| field.name == name)
}

fn fields_of(operation: &Operation, name: &str) -> &'static [Field] {
    match operation.reply.iter().find(|field| field.name == name).map(|field| field.shape) {
        Some(Type::Object(fields) | Type::Objects(fields)) => fields,
        _ => &[],
    }
}

fn reply(operation: &Operation, shape: Shape, request_id: &str, code: i64, payload: Map<String, Value>) -> Value {
    let mut body = Map::with_capacity(payload.len() + 3);
    body.insert("RequestId".into(), request_id.into());
    body.insert("Code".into(), code.into());
    if has(operation.reply, "Success") {
        body.insert("Success".into(), (code == SUCCESS).into());
    }
    body.extend(payload);
    let forms = if shape == Shape::Plain { &[] } else { forms(operation) };
    forms.iter().fold(Value::Object(body), |body, form| print(*form, body, code))
}

fn print(form: Printed, mut body: Value, code: i64) -> Value {
    let name = || if code == SUCCESS { String::new() } else { format!("{code}Error") };
    match form {
        Printed::LowerCamel => renamed(body, &lower_camel),
        Printed::Wrapped(root) => object([(root, body)]),
        Printed::Enveloped(root) => {
            let envelope = [("code", code.into()), ("data", body), ("name", name().into()), ("message", "".into())];
            object([(root, object(envelope))])
        }
        Printed::EnvelopedAsList(root) => {
            if let Value::Object(body) = &mut body {
                if let Some(result) = body.get_mut("Result") {
                    *result = json!([result.take()]);
                }
                body.insert("name".into(), name().into());
                body.insert("message".into(), "".into());
            }
            object([(root, object([("code", code.into()), ("data", body)]))])
        }
        Printed::Respelt(name, printed) => renamed(body, &|key| if key == name { printed.to_owned() } else { key }),
    }
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn lower_camel(mut name: String) -> String {
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

/// A value with every name in it, at any depth, in another spelling.
fn renamed(value: Value, spelling: &impl Fn(String) -> String) -> Value {
    match value {
        Value::Object(map) => {
            map.into_iter().map(|(key, value)| (spelling(key), renamed(value, spelling))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.into_iter().map(|value| renamed(value, spelling)).collect(),
        plain => plain,
    }
}

/// A reply or error in its syntax. `root` names the outermost element of XML.
pub(crate) fn bytes(value: &Value, format: Format, root: &str) -> Vec<u8> {
    match format {
        Format::Json => serde_json::to_vec(value).unwrap_or_default(),
        Format::Xml => {
            let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
            match value.as_object().filter(|map| map.len() == 1).and_then(|map| map.iter().next()) {
                // A wrapper is the outermost element itself.
                Some((name, wrapped @ Value::Object(_))) => element(name, wrapped, &mut text),
                _ => element(root, value, &mut text),
            }
            text.into_bytes()
        }
    }
}

/// One element; a list becomes one for each of its values.
fn element(name: &str, value: &Value, out: &mut String) {
    let name = element_name(name);
    if let Value::Array(list) = value {
        return list.iter().for_each(|value| element(&name, value, out));
    }
    let _ = write!(out, "<{name}>");
    match value {
        Value::Object(map) => map.iter().for_each(|(name, value)| element(name, value, out)),
        Value::String(text) => out.push_str(&escape(text.replace(|c: char| !allowed(c), "\u{fffd}"))),
        Value::Null | Value::Array(_) => {}
        plain => drop(write!(out, "{plain}")),
    }
    let _ = write!(out, "</{name}>");
}

/// Characters that XML can hold.
fn allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}

/// A name that XML takes.
fn element_name(name: &str) -> String {
    let mut name = name.replace(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '-' | '.'), "_");
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}

#[cfg(test)]
mod tests {
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
        serde_json::from_str(include_str!("../../../tests/golden/sample-replies.json")).unwrap()
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
            payload
                .retain(|name, value| !["RequestId", "Code", "Success"].contains(&name.as_str()) && !value.is_null());
            let of =
                |shape| read_back(operation, &success_tree(operation, shape, "id", payload.clone().into())).unwrap();
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
            (
                json!({"Message": "a<b & \"c\"\u{0}\n"}),
                "<R><Message>a&lt;b &amp; &quot;c&quot;\u{fffd}\n</Message></R>",
            ),
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
}
