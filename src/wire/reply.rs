//! Reading an answer: whatever arrived becomes the documented reply or a [`Fault`].
//!
//! Replies come wrapped, nested, in another case or with wandering types; the facts are in the
//! documentation of [`unwrap`] and [`conform`]. `tests/golden/sample-replies.json` holds a printed
//! sample of each operation.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Number, Value};

use super::direct;
use super::request::Target;
use crate::catalogue::{Field, Operation, Shape};
use crate::error::{Error, Kind, Outcome};
use crate::secret::{mask, masked};

/// An answer as it came from the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Received {
    /// HTTP status.
    pub status: u16,
    /// The body, decompressed; perhaps cut short.
    pub body: Vec<u8>,
    /// The service's clock: the `Date` header.
    pub date: Option<String>,
    /// How long the service asks to wait, from `x-acs-retry-after`.
    pub retry_after: Option<Duration>,
}

/// Why an answer is no reply, in the terms of the retry rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Back off; nothing happened.
    Throttled,
    /// The signature was rejected; nothing happened.
    Signature,
    /// The nonce was seen before; nothing happened by this attempt.
    Nonce,
    /// The timestamp was rejected; nothing happened.
    Clock,
    /// The token of temporary credentials was rejected, and there may be another; nothing happened.
    Token,
    /// The service failed inside: what happened is not known.
    Unavailable,
    /// The answer cannot be understood: what happened is not known.
    Broken,
    /// The service said no.
    Refused,
}

/// An answer that is no reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// What the retry rule goes by.
    pub reason: Reason,
    /// What a caller sees when it is final.
    pub error: Error,
}

/// What a reply is read into: JSON here, the engine's values in the script layer. Each field is
/// moved once, from the answer's text to where it is used.
pub(crate) trait Tree: Sized {
    /// A plain value, or a part of a reply that no record describes.
    fn json(value: Value) -> Self;
    /// Text.
    fn text(text: Cow<'_, str>) -> Self;
    /// A list.
    fn list(elements: impl Iterator<Item = Self>) -> Self;
    /// A map of the documented fields in their order, then of others.
    fn map(documented: Vec<(&'static str, Self)>, others: Map<String, Value>) -> Self;
    /// The same value as JSON.
    fn to_json(&self) -> Value;
}

impl Tree for Value {
    fn to_json(&self) -> Value {
        self.clone()
    }

    fn json(value: Value) -> Self {
        value
    }

    fn text(text: Cow<'_, str>) -> Self {
        Self::String(text.into_owned())
    }

    fn list(elements: impl Iterator<Item = Self>) -> Self {
        elements.collect()
    }

    fn map(documented: Vec<(&'static str, Self)>, others: Map<String, Value>) -> Self {
        let documented = documented.into_iter().map(|(name, value)| (name.to_owned(), value));
        Self::Object(documented.chain(others).collect())
    }
}

/// About what reading an answer takes, in bytes: a short text may stand for millions of records, and each
/// of them gets every documented field.
pub(crate) fn takes(target: &Target, body: &[u8]) -> usize {
    /// A value while it is read, and a field of a record while it is handed on.
    const VALUE: usize = 96;
    const FIELD: usize = 48;
    let (mut values, mut maps) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' => maps += 1,
            b'[' | b',' => values += 1,
            _ => {}
        }
    }
    let fields = target.operation().map_or(0, |operation| widest(operation.reply));
    let each = VALUE.saturating_add(fields.saturating_mul(FIELD));
    body.len().saturating_add(values.saturating_mul(VALUE)).saturating_add(maps.saturating_mul(each))
}

/// Fields of the largest record that a list in these fields may hold.
fn widest(fields: &[Field]) -> usize {
    let inner = fields.iter().filter_map(|field| match field.shape {
        Shape::Object(inner) => Some(widest(inner)),
        Shape::Objects(inner) => Some(inner.len().max(widest(inner))),
        _ => None,
    });
    inner.max().unwrap_or(0)
}

/// Reads an answer to a call.
pub(crate) fn read<T: Tree>(target: &Target, received: &Received) -> Result<T, Box<Fault>> {
    let text = String::from_utf8_lossy(&received.body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut result = match received.status {
        200..=299 => success(target, text),
        _ => Err(failure(received.status, text)),
    };
    if let Err(fault) = &mut result {
        fault.error.operation = Some(target.action().to_owned());
        fault.error.http_status = Some(received.status);
    }
    result
}

fn success<T: Tree>(target: &Target, text: &str) -> Result<T, Box<Fault>> {
    let direct = target.operation().and_then(|operation| direct::read(operation, text));
    direct.map_or_else(|| closely(target, text), Ok)
}

/// Reads a reply in whatever form it came, and tells a success from a failure.
pub(super) fn closely<T: Tree>(target: &Target, text: &str) -> Result<T, Box<Fault>> {
    let body = match serde_json::from_str(text) {
        Ok(Value::Object(body)) => body,
        Ok(_) => return Err(broken("is JSON, but not an object")),
        Err(_) if text.starts_with('<') => return Err(broken("is not JSON but markup")),
        Err(_) if text.is_empty() => return Err(broken("is empty")),
        Err(error) if error.is_eof() => return Err(broken("is cut short")),
        Err(_) => return Err(broken("is not JSON")),
    };
    let body = unwrap(target, body);
    let documented = target.operation().map(|operation| operation.reply);
    if documented.is_some_and(|fields| fields.iter().all(|field| key_of(&body, field.name).is_none())) {
        return Err(broken("has none of the documented fields"));
    }
    if let Some(fault) = refusal(target, &body) {
        return Err(fault);
    }
    Ok(match documented {
        Some(fields) => conform(fields, body),
        None => T::json(Value::Object(mask(body))),
    })
}

fn broken(how: &str) -> Box<Fault> {
    Box::new(Fault {
        reason: Reason::Broken,
        error: Error::new(Kind::Network, format!("the answer {how}")).with(|error| error.retryable = true),
    })
}

/// Takes the wrappers off a reply. Chapter 5 puts some into one object named after the operation,
/// and some of those once more under `data` beside a lower-case `code`, `name` and `message`.
/// A documented list that happens to be called `Data` is no wrapper.
fn unwrap(target: &Target, mut body: Map<String, Value>) -> Map<String, Value> {
    let action = target.action();
    if body.len() == 1 {
        let named = body
            .keys()
            .next()
            .is_some_and(|key| key.strip_prefix(action).is_some_and(|rest| matches!(rest, "" | "Response")));
        if named && body.values().all(Value::is_object) {
            if let Some((_, Value::Object(inner))) = body.into_iter().next() {
                return unwrap(target, inner);
            }
            return Map::new();
        }
    }
    let is_envelope = body.contains_key("code")
        && body
            .get("data")
            .and_then(Value::as_object)
            .is_some_and(|data| ["Code", "RequestId", "Success"].iter().any(|name| key_of(data, name).is_some()));
    if !is_envelope {
        return body;
    }
    let Some(Value::Object(mut inner)) = body.remove("data") else {
        return body;
    };
    if key_of(&inner, "Code").is_none() {
        inner.extend(body.remove("code").map(|code| ("Code".to_owned(), code)));
    }
    // Leftovers of the envelope, which one sample shows inside `data`.
    for name in ["name", "message"] {
        if inner.get(name).and_then(Value::as_str) == Some("") {
            inner.shift_remove(name);
        }
    }
    let message = body.remove("message").filter(|message| message.as_str() != Some(""));
    if let (Some(message), None) = (message, error_text(&inner)) {
        inner.insert("ErrMsg".to_owned(), message);
    }
    inner
}

/// The key under which a map holds a field: in its canonical spelling, else in another case.
fn key_of<'a>(map: &'a Map<String, Value>, name: &'a str) -> Option<&'a str> {
    if map.contains_key(name) {
        return Some(name);
    }
    map.keys().find(|key| key.eq_ignore_ascii_case(name)).map(String::as_str)
}

/// The documented fields of a map in their order, spelling and types, null where nothing was sent;
/// then whatever else was sent, as it is.
fn conform<T: Tree>(fields: &'static [Field], mut sent: Map<String, Value>) -> T {
    let is_documented = |key: &str| fields.iter().any(|field| field.name == key);
    let mut taken = 0;
    let mut take = |name: &str| match sent.get_mut(name) {
        Some(value) => {
            taken += 1;
            Some(value.take())
        }
        None => {
            let spelt = |key: &str| spellings(&name).iter().any(|name| key.eq_ignore_ascii_case(name));
            let key = sent.keys().find(|key| spelt(key) && !is_documented(key))?.clone();
            sent.shift_remove(&key)
        }
    };
    let documented = fields.iter().map(|field| {
        let value = match take(field.name) {
            Some(value) if field.secret => T::json(masked(value)),
            Some(value) => shaped(field.shape, value),
            None => T::json(Value::Null),
        };
        (field.name, value)
    });
    let documented = documented.collect();
    if taken < sent.len() {
        sent.retain(|key, _| !is_documented(key));
    } else {
        sent.clear();
    }
    T::map(documented, mask(sent))
}

/// The three spellings of the field with a failure's text.
const ERROR_TEXT: [&str; 3] = ["ErrMsg", "ErrorMsg", "ErrMessage"];

/// The names under which a field may come, in any case.
fn spellings<'a>(name: &'a &'a str) -> &'a [&'a str] {
    if ERROR_TEXT.contains(name) { &ERROR_TEXT } else { std::slice::from_ref(name) }
}

/// A value in the documented type. What does not convert without loss stays as it was sent.
fn shaped<T: Tree>(shape: Shape, value: Value) -> T {
    match (shape, value) {
        (Shape::Object(fields), Value::Object(map)) => conform(fields, map),
        // One sample shows a list of one where an object is documented.
        (Shape::Object(fields), Value::Array(mut list)) if list.len() <= 1 => {
            list.pop().map_or_else(|| T::json(Value::Null), |value| shaped(Shape::Object(fields), value))
        }
        (Shape::Objects(fields), Value::Array(list)) => {
            T::list(list.into_iter().map(|value| shaped(Shape::Object(fields), value)))
        }
        (Shape::Objects(fields), Value::Object(map)) => T::list(std::iter::once(conform(fields, map))),
        (Shape::Strings, Value::Array(list)) => T::list(list.into_iter().map(|value| shaped(Shape::String, value))),
        (_, Value::Object(map)) => T::json(Value::Object(mask(map))),
        (shape, value) => T::json(plain(shape, value)),
    }
}

/// A plain value in the documented type.
fn plain(shape: Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::String, Value::Number(number)) => Value::String(number.to_string()),
        (Shape::String, Value::Bool(flag)) => Value::String(flag.to_string()),
        (Shape::Int, Value::String(text)) if text.is_empty() => Value::Null,
        (Shape::Int, Value::String(text)) => text.trim().parse::<i64>().map_or(Value::String(text), Value::from),
        (Shape::Int, Value::Number(number)) => whole(number),
        (Shape::Bool, Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Value::Bool(true),
            "false" | "0" => Value::Bool(false),
            "" => Value::Null,
            _ => Value::String(text),
        },
        (Shape::Bool, Value::Number(number)) => match number.as_i64() {
            Some(0) => Value::Bool(false),
            Some(1) => Value::Bool(true),
            _ => Value::Number(number),
        },
        (_, value) => value,
    }
}

/// 3.0 as 3; anything with a fraction or beyond 64 bits stays.
fn whole(number: Number) -> Value {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < EXACT => Value::from(float as i64),
        _ => Value::Number(number),
    }
}

fn error_text(body: &Map<String, Value>) -> Option<String> {
    let texts = ERROR_TEXT.iter().chain(&["Message"]).filter_map(|name| text_of(body, name));
    texts.into_iter().find(|text| !text.is_empty())
}

/// A business failure inside HTTP 200.
fn refusal(target: &Target, body: &Map<String, Value>) -> Option<Box<Fault>> {
    let fields = target.operation().map_or(&[][..], |operation| operation.reply);
    let code = deciding(fields, body, "Code");
    let succeeded = code.as_ref().is_none_or(|code| is_success(target.operation(), code));
    if let Some(Value::String(code)) = code.as_ref().filter(|_| !succeeded) {
        return Some(gateway_fault(200, code, body));
    }
    let within = fields.iter().find_map(|field| match field.shape {
        Shape::Object(fields) if field.name == "Result" => Some(fields),
        _ => None,
    });
    let result = match body.get("Result") {
        Some(Value::Array(list)) => list.first(),
        result => result,
    };
    let within = |name| deciding(within.unwrap_or_default(), result?.as_object()?, name);
    let denied = |value: Option<Value>| value == Some(Value::Bool(false));
    if !succeeded || denied(deciding(fields, body, "Success")) || denied(within("Success")) {
        let text = error_text(body).unwrap_or_else(|| "no reason given".to_owned());
        return Some(refused(Kind::Api, code, body, text));
    }
    if denied(within("Admitted")) {
        let code = within("BusinessCode");
        let why = match code.as_ref().and_then(Value::as_str) {
            Some("102000") => "there is no admission credential",
            Some("102001") => "the admission is under review",
            _ => "no reason given",
        };
        let text = format!("not admitted, nothing was deployed: {why}");
        return Some(refused(Kind::NotAdmitted, code, body, text));
    }
    None
}

/// A field that decides what a reply means, in its documented type. A part without a record is
/// taken by its exact spelling.
fn deciding(fields: &[Field], map: &Map<String, Value>, name: &str) -> Option<Value> {
    let value = match fields.iter().find(|field| field.name == name) {
        Some(field) => plain(field.shape, map.get(key_of(map, name)?)?.clone()),
        None => map.get(name)?.clone(),
    };
    (!value.is_null()).then_some(value)
}

fn is_success(operation: Option<&'static Operation>, code: &Value) -> bool {
    let number = match code {
        Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    };
    number.is_some_and(|n| n == 0 || operation.is_some_and(|op| op.success == n))
}

fn refused(kind: Kind, code: Option<Value>, reply: &Map<String, Value>, message: String) -> Box<Fault> {
    Box::new(Fault {
        reason: Reason::Refused,
        error: Error::new(kind, message).outcome(Outcome::Refused).with(|error| {
            error.code = code;
            error.request_id = text_of(reply, "RequestId");
        }),
    })
}

fn text_of(map: &Map<String, Value>, name: &str) -> Option<String> {
    map.get(key_of(map, name)?)?.as_str().map(str::to_owned)
}

/// An answer with a status that says failure: JSON or XML of the gateway, or a page of something between.
fn failure(status: u16, text: &str) -> Box<Fault> {
    let body = match serde_json::from_str(text) {
        Ok(Value::Object(body)) => Some(body),
        _ => from_xml(text),
    };
    let code = body.as_ref().and_then(|body| text_of(body, "Code"));
    match (body, code) {
        (Some(body), Some(code)) => gateway_fault(status, &code, &body),
        _ if status == 429 => gateway_fault(status, "Throttling", &Map::new()),
        _ => Box::new(Fault {
            reason: if status >= 500 { Reason::Unavailable } else { Reason::Broken },
            error: Error::new(Kind::Network, format!("HTTP {status} without an error of the gateway"))
                .hint("something between here and the service may have answered: check the endpoint and the proxy")
                .with(|error| error.retryable = true),
        }),
    }
}

/// The children of an XML answer's root as a map of text.
fn from_xml(text: &str) -> Option<Map<String, Value>> {
    use quick_xml::escape::resolve_predefined_entity;
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut map: std::collections::BTreeMap<String, String> = std::collections::BTreeMap::new();
    let mut path: Vec<String> = Vec::new();
    loop {
        let piece = match reader.read_event().ok()? {
            Event::Start(tag) => {
                path.push(tag.name().as_ref().to_owned());
                continue;
            }
            Event::End(_) => {
                path.pop();
                continue;
            }
            Event::Text(text) => text.to_string(),
            Event::CData(text) => text.to_string(),
            Event::GeneralRef(entity) => match entity.resolve_char_ref() {
                Ok(Some(character)) => character.to_string(),
                _ => resolve_predefined_entity(&entity)?.to_owned(),
            },
            Event::Eof => break,
            _ => continue,
        };
        if let [_, name] = path.as_slice() {
            map.entry(name.clone()).or_default().push_str(&piece);
        }
    }
    let map = map.into_iter().map(|(name, text)| (name, Value::from(text)));
    path.is_empty().then(|| map.collect())
}

/// A failure by the gateway's code, which decides what it means for a caller.
fn gateway_fault(status: u16, code: &str, body: &Map<String, Value>) -> Box<Fault> {
    let begins = |prefix: &str| code.starts_with(prefix);
    let (reason, kind, hint) = if code.contains("Throttling") {
        (Reason::Throttled, Kind::Throttled, Some("lower --concurrency, or set --rate"))
    } else if begins("SignatureNonceUsed") {
        (Reason::Nonce, Kind::Api, None)
    } else if begins("SignatureDoesNotMatch") || begins("IncompleteSignature") {
        (Reason::Signature, Kind::Credentials, None)
    } else if begins("InvalidTimeStamp") || begins("IllegalTimestamp") {
        (Reason::Clock, Kind::Api, Some("set this machine's clock"))
    } else if begins("InvalidAccessKeyId") {
        let hint = "`jst whoami` shows which access key is used and where it comes from";
        (Reason::Refused, Kind::Credentials, Some(hint))
    } else if begins("InvalidSecurityToken") {
        (Reason::Refused, Kind::Credentials, Some("get new temporary credentials"))
    } else if begins("Forbidden") || begins("NoPermission") {
        let hint = "the access key may not do this: grant the action in the account's RAM policy";
        (Reason::Refused, Kind::Api, Some(hint))
    } else if status >= 500 || matches!(code, "InternalError" | "UnknownError" | "ServiceUnavailable") {
        (Reason::Unavailable, Kind::Api, None)
    } else {
        (Reason::Refused, Kind::Api, None)
    };
    // The message of a rejected signature repeats what was signed, tokens included.
    let message = match (reason, text_of(body, "Message")) {
        (Reason::Signature, _) => "the signature was rejected".to_owned(),
        (_, Some(message)) if !message.is_empty() => message,
        _ => "no message given".to_owned(),
    };
    let mut error = Error::new(kind, format!("{code}: {message}")).with(|error| {
        error.code = Some(Value::from(code));
        error.request_id = text_of(body, "RequestId");
        error.retryable = matches!(reason, Reason::Throttled | Reason::Unavailable);
    });
    if reason != Reason::Unavailable {
        error = error.outcome(Outcome::Refused);
    }
    error.hints.extend(hint.map(str::to_owned));
    Box::new(Fault { reason, error })
}

/// Whether a gateway that rejected a signature says that it signed the very same text: then the
/// secret is wrong. `None` when its message does not tell.
pub(crate) fn signed_the_same(body: &[u8], string_to_sign: &str) -> Option<bool> {
    let text = String::from_utf8_lossy(body);
    let theirs = serde_json::from_str::<Map<String, Value>>(&text)
        .ok()
        .or_else(|| from_xml(&text))
        .and_then(|body| text_of(&body, "Message"))?;
    let tells = theirs.contains("string to sign") || theirs.contains("StringToSign");
    (tells || theirs.contains(string_to_sign)).then(|| theirs.contains(string_to_sign))
}
