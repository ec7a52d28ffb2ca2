//! A run told to people and programs. The JSON is the report; every other form derives from it.

mod html;
mod junit;
mod markdown;

use std::path::Path;

use serde_json::{Value, json};

use super::checks::Check;
use super::file;
use super::shard::Shard;
use super::tally::{Called, Counts, How};
use crate::catalogue::Effect;
use crate::error::{Error, Kind, Result};
use crate::show::redaction::REDACTOR;

/// The version of the form in JSON: it grows when a field changes its meaning or goes.
const VERSION: u32 = 1;

/// The most writes of earlier parts that are listed.
const LISTED: usize = 1_000;

/// A run that ended.
#[derive(Clone, Debug)]
pub(crate) struct Told<'a> {
    /// Its id.
    pub run: &'a str,
    /// The trace that it is part of.
    pub trace: Option<&'a str>,
    /// Its script.
    pub script: &'a str,
    /// Its profile.
    pub profile: &'a str,
    /// The part that it did.
    pub shard: Shard,
    /// Its machine.
    pub host: &'a str,
    /// When it began and ended.
    pub began: jiff::Timestamp,
    /// See above.
    pub ended: jiff::Timestamp,
    /// Its exit code.
    pub code: u8,
    /// Why it failed.
    pub error: Option<&'a Error>,
    /// What it looked at.
    pub checks: &'a [Check],
    /// What it called.
    pub counts: &'a Counts,
    /// Writes that were under way when it was ended.
    pub under_way: &'a [String],
    /// The writes of earlier parts that took effect, in words; `None` of a run that did not go on.
    pub earlier: Option<&'a [String]>,
    /// Why it ended as it did, in words; `None` of one that did well.
    pub why: Option<&'a str>,
    /// The end of what was printed and logged.
    pub said: &'a str,
}

/// The forms of a report, by the ending of its file.
type Form = fn(&Value) -> String;

const FORMS: [(&str, Form); 4] =
    [("json", |report| format!("{report:#}\n")), ("html", html::text), ("md", markdown::text), ("xml", junit::text)];

fn form(path: &Path) -> Option<Form> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    FORMS.iter().find(|(name, _)| *name == ending).map(|(_, form)| *form)
}

/// Looks whether a report can be written to a file of this name.
///
/// # Errors
/// `usage`.
pub(crate) fn check(path: &Path) -> Result<()> {
    let why = || format!("--report {}: a report ends in .json, .html, .md or .xml", path.display());
    form(path).map(drop).ok_or_else(|| Error::new(Kind::Usage, why()))
}

/// Writes a report.
///
/// # Errors
/// In words.
pub(crate) fn write(path: &Path, told: &Told<'_>) -> std::result::Result<(), String> {
    let form = form(path).ok_or_else(|| format!("cannot write {}: its ending names no form", path.display()))?;
    file::write(path, &form(&masked(report(told))))
}

/// What is told, as people may read it: whatever a text stands under, it is talk.
fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => REDACTOR.talk(&text).into_owned().into(),
        Value::Array(list) => list.into_iter().map(masked).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, masked(value))).collect(),
        other => other,
    }
}

fn report(told: &Told<'_>) -> Value {
    let Counts { writes, operations, calls, left_out } = told.counts;
    let of = |wanted: fn(&&Called) -> bool| -> Vec<Value> { calls.iter().filter(wanted).map(call).collect() };
    let mut unknown = of(|call| call.how == How::Unknown);
    unknown.extend(told.under_way.iter().map(|call| json!({"call": call, "outcome": "unknown"})));
    let operations: serde_json::Map<String, Value> = operations
        .iter()
        .map(|(action, of)| {
            let counts = json!({"calls": of.calls, "attempts": of.attempts, "throttled": of.throttled,
                "unknown": of.unknown, "failed": of.failed});
            (action.clone(), counts)
        })
        .collect();
    let checks: Vec<Value> = told
        .checks
        .iter()
        .map(|check| json!({"name": check.name, "passed": check.passed, "detail": check.detail}))
        .collect();
    json!({
        "format_version": VERSION,
        "run": told.run,
        "trace": told.trace,
        "script": told.script,
        "profile": told.profile,
        "shard": told.shard.is_part().then(|| told.shard.to_string()),
        "host": told.host,
        "jst": env!("CARGO_PKG_VERSION"),
        "started": told.began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "ended": told.ended.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        "duration_ms": told.ended.duration_since(told.began).as_millis() as u64,
        "exit_code": told.code,
        "verdict": verdict(told),
        "error": told.error.map(Error::to_json),
        "why": told.why,
        "said": told.said,
        "earlier": told.earlier.map(|made| json!({"writes": made.len(), "made": made.iter().take(LISTED).collect::<Vec<_>>()})),
        "writes": {"done": writes.done, "failed": writes.failed,
            "unknown": writes.unknown + told.under_way.len() as u64, "left": writes.left},
        "checks": checks,
        "changed": of(|call| call.how == How::Done && call.effect != Effect::Read),
        "failed": of(|call| call.how == How::Failed),
        "unknown": unknown,
        "operations": operations,
        "calls": of(|_| true),
        "calls_left_out": left_out,
    })
}

/// What a person wants to know first.
fn verdict(told: &Told<'_>) -> &'static str {
    match told.error.map(|error| error.kind) {
        None if told.code == 0 => "done",
        Some(Kind::Interrupted(_) | Kind::Limit) => "stopped",
        _ => "failed",
    }
}

fn call(call: &Called) -> Value {
    let effect = match call.effect {
        Effect::Read => "read",
        Effect::Write => "write",
        Effect::Destructive => "destructive",
    };
    json!({
        "operation": call.operation,
        "effect": effect,
        "call": call.call,
        "outcome": call.how.word(),
        "at_ms": call.at_ms,
        "took_ms": call.took_ms,
        "attempts": call.attempts,
        "error": call.error,
        "request_id": call.request_id,
    })
}

/// The text at a key; nothing where there is none.
fn text_at<'a>(value: &'a Value, key: &str) -> std::borrow::Cow<'a, str> {
    match value.get(key) {
        Some(Value::String(text)) => text.as_str().into(),
        None | Some(Value::Null) => "".into(),
        Some(other) => other.to_string().into(),
    }
}

/// The list at a key.
fn list_at<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// What the run changed, and of one that went on, what its earlier parts did.
fn summary(report: &Value) -> String {
    let writes = report.get("writes").unwrap_or(&Value::Null);
    let [done, failed, unknown, left] = ["done", "failed", "unknown", "left"].map(|key| text_at(writes, key));
    let sum =
        format!("{done} changes were made, {failed} failed, {unknown} have an unknown outcome, {left} were not made.");
    match report.get("earlier").filter(|earlier| !earlier.is_null()) {
        Some(earlier) => {
            let (at, writes) = (text_at(report, "started"), text_at(earlier, "writes"));
            let of = if writes == "1" { "1 write was" } else { &format!("{writes} writes were") };
            format!("This run went on at {at}; {of} made by earlier parts. Since then: {sum}")
        }
        None => sum,
    }
}
