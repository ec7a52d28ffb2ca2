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
mod tests;
