//! Values between scripts and the rest: JSON and the engine's values, errors and what a script throws.

use std::borrow::Cow;

use base64::Engine as _;
use rhai::{Dynamic, EvalAltResult, Map as RhaiMap, Position};
use serde_json::{Map, Number, Value};

use super::api::Pages;
use super::forms::said_names;
use super::words::{a, kind_of};
use crate::error::{Error, Frame, Kind, Outcome, Problem, Result};
use crate::memory;
use crate::wire::reply::Tree;

/// What the engine carries when something failed.
pub(super) type ScriptError = Box<EvalAltResult>;

/// What a function of a script gives back to the engine.
pub(super) type ScriptResult<T = Dynamic> = std::result::Result<T, ScriptError>;

/// A JSON value for a script. Integers beyond 64 bits with sign become text, so that nothing is lost.
pub(super) fn to_dynamic(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.into(),
            (None, Some(float)) if number.is_f64() => float.into(),
            _ => number.to_string().into(),
        },
        Value::String(text) => text.into(),
        Value::Array(list) => Tree::list(list.into_iter().map(to_dynamic)),
        Value::Object(map) => Tree::map(Vec::new(), map),
    }
}

impl Tree for Dynamic {
    fn to_json(&self) -> Value {
        from_dynamic(self).unwrap_or_default()
    }

    fn json(value: Value) -> Self {
        to_dynamic(value)
    }

    fn text(text: Cow<'_, str>) -> Self {
        text.as_ref().into()
    }

    fn list(elements: impl Iterator<Item = Self>) -> Self {
        // Unlike `into()`, the engine's constructors take a collection as it is.
        Self::from_array(elements.collect())
    }

    fn map(mut documented: Vec<(&'static str, Self)>, others: Map<String, Value>) -> Self {
        // Sorting is cheaper before the names become the engine's.
        documented.sort_unstable_by_key(|(name, _)| *name);
        let documented = documented.into_iter().map(|(name, value)| (name.into(), value));
        let others = others.into_iter().map(|(name, value)| (name.into(), to_dynamic(value)));
        Self::from_map(documented.chain(others).collect())
    }
}

/// Deeper than any data. Whatever walks a value stops here, so that no value overflows the stack.
pub(super) const DEPTH: usize = 100;

/// A script's value as JSON.
///
/// # Errors
/// `invalid`, with the path of the first thing that has no JSON form; `limit` when the JSON would
/// take more memory than the script may hold: a value may hold the same large text many times.
pub(super) fn from_dynamic(value: &Dynamic) -> Result<Value> {
    named_from_dynamic("", value)
}

/// The same for the value of this name, which is where paths in errors begin.
///
/// # Errors
/// As [`from_dynamic`].
pub(super) fn named_from_dynamic(name: &str, value: &Dynamic) -> Result<Value> {
    convert(value, &Path { parent: None, depth: 0, step: Step::Key(name) })
}

/// The way to a value, for errors.
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    depth: usize,
    step: Step<'a>,
}

enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl Path<'_> {
    fn below<'a>(&'a self, step: Step<'a>) -> Path<'a> {
        Path { parent: Some(self), depth: self.depth + 1, step }
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Index(n) => write!(f, "[{n}]"),
            // The first key may be the name of nothing.
            Step::Key(key)
                if self.parent.is_none_or(|p| matches!(p, Path { parent: None, step: Step::Key(""), .. })) =>
            {
                f.write_str(key)
            }
            Step::Key(key) => write!(f, ".{key}"),
        }
    }
}

fn convert(value: &Dynamic, path: &Path<'_>) -> Result<Value> {
    if path.depth > DEPTH {
        return Err(Error::new(Kind::Invalid, format!("data may not be nested more than {DEPTH} levels deep")));
    }
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(flag.into());
    }
    if let Ok(integer) = value.as_int() {
        return Ok(integer.into());
    }
    if let Ok(float) = value.as_float() {
        return match Number::from_f64(float) {
            Some(number) => Ok(number.into()),
            None => Err(no_data(&format!("the number {float}"), path)),
        };
    }
    if let Ok(character) = value.as_char() {
        return Ok(character.to_string().into());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        memory::room_for(text.len())?;
        return Ok(text.as_str().into());
    }
    if let Ok(list) = value.as_array_ref() {
        memory::room_for(list.len().saturating_mul(size_of::<Value>()))?;
        let mut array = Vec::with_capacity(list.len());
        for (n, element) in list.iter().enumerate() {
            array.push(convert(element, &path.below(Step::Index(n)))?);
        }
        return Ok(array.into());
    }
    if let Ok(map) = value.as_map_ref() {
        let mut object = Map::with_capacity(map.len());
        for (key, element) in map.iter() {
            memory::room_for(key.len())?;
            object.insert(key.to_string(), convert(element, &path.below(Step::Key(key)))?);
        }
        return Ok(object.into());
    }
    if let Ok(bytes) = value.as_blob_ref() {
        memory::room_for(bytes.len().saturating_mul(2))?;
        return Ok(base64::prelude::BASE64_STANDARD.encode(&*bytes).into());
    }
    if let Some(pages) = value.read_lock::<Pages>() {
        let records =
            pages.fetch().map_err(|error| thrown(&error).unwrap_or_else(|| no_data("a list of pages", path)))?;
        return convert(&Dynamic::from_array(records), path);
    }
    Err(no_data(&a(&kind_of(value)), path))
}

fn no_data(what: &str, path: &Path<'_>) -> Error {
    let way = path.to_string();
    let at = if way.is_empty() { String::new() } else { format!(" at {way}") };
    Error::new(Kind::Invalid, format!("{what}{at} cannot be data"))
}

/// A value as `to_string` gives it: text as it is, arrays and maps as a script writes them. `None`
/// when it would take more memory than the script may hold.
pub(super) fn written(value: &Dynamic) -> Option<String> {
    match value.as_immutable_string_ref() {
        Ok(text) => (text.len() < memory::left()).then(|| text.to_string()),
        Err(_) if value.is_array() || value.is_map() => write(|text| write_value(text, value, 0)),
        Err(_) if value.is_fnptr() => Some(said_names(&value.to_string())),
        Err(_) => Some(value.to_string()),
    }
}

/// The same for an array.
pub(super) fn written_list(list: &[Dynamic]) -> Option<String> {
    write(|text| write_list(text, list, 0))
}

/// The same for a map.
pub(super) fn written_map(map: &RhaiMap) -> Option<String> {
    write(|text| write_map(text, map, 0))
}

fn write(write_into: impl FnOnce(&mut String) -> Option<()>) -> Option<String> {
    let mut text = String::new();
    write_into(&mut text).map(|()| text)
}

fn write_value(text: &mut String, value: &Dynamic, depth: usize) -> Option<()> {
    if depth > DEPTH {
        return push(text, "…");
    }
    if let Ok(list) = value.as_array_ref() {
        return write_list(text, &list, depth);
    }
    if let Ok(map) = value.as_map_ref() {
        return write_map(text, &map, depth);
    }
    if value.as_immutable_string_ref().is_ok_and(|inner| inner.len() >= memory::left()) {
        return None;
    }
    push(text, &format!("{value:?}"))
}

fn write_list(text: &mut String, list: &[Dynamic], depth: usize) -> Option<()> {
    push(text, "[")?;
    for (n, element) in list.iter().enumerate() {
        push(text, if n == 0 { "" } else { ", " })?;
        write_value(text, element, depth + 1)?;
    }
    push(text, "]")
}

fn write_map(text: &mut String, map: &RhaiMap, depth: usize) -> Option<()> {
    push(text, "#{")?;
    for (n, (key, element)) in map.iter().enumerate() {
        push(text, if n == 0 { "" } else { ", " })?;
        push(text, &format!("{key:?}: "))?;
        write_value(text, element, depth + 1)?;
    }
    push(text, "}")
}

fn push(text: &mut String, piece: &str) -> Option<()> {
    let grows_to = if text.capacity() - text.len() < piece.len() { text.len() + piece.len() } else { 0 };
    (grows_to < memory::left()).then(|| text.push_str(piece))
}

/// An error as a script throws it: the map that `catch` sees. A stop of the run becomes what no
/// `catch` sees.
pub(super) fn throw(error: Error) -> Box<EvalAltResult> {
    match error.kind {
        Kind::Interrupted(_) | Kind::Limit => terminate(Ending::Stopped(Box::new(error))),
        _ => EvalAltResult::ErrorRuntime(to_map(&error), Position::NONE).into(),
    }
}

/// What ends a script past every `catch`.
#[derive(Clone, Debug)]
pub(super) enum Ending {
    /// `exit` was called.
    Exit(u8),
    /// The run is being stopped.
    Stopped(Box<Error>),
}

/// The engine's error that no script catches.
pub(super) fn terminate(ending: Ending) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(Dynamic::from(ending), Position::NONE).into()
}

/// The map that a script sees of an error.
pub(super) fn to_map(error: &Error) -> Dynamic {
    to_dynamic(error.to_json())
}

/// The crate's error behind an error of the engine's that this crate or a script threw; `None` for
/// what the engine itself found wrong.
pub(super) fn thrown(error: &EvalAltResult) -> Option<Error> {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) => Some(from_thrown(value)),
        EvalAltResult::ErrorTerminated(ending, _) => Some(match ending.clone().try_cast::<Ending>() {
            Some(Ending::Stopped(error)) => *error,
            _ => Error::new(Kind::Script, "the script ended"),
        }),
        _ => None,
    }
}

fn from_thrown(value: &Dynamic) -> Error {
    let json = from_dynamic(value).unwrap_or_else(|_| written(value).unwrap_or_default().into());
    match &json {
        Value::Object(map) => from_map(map).unwrap_or_else(|| {
            let text = map.get("message").and_then(Value::as_str).map(str::to_owned);
            let text = text.filter(|text| !text.trim().is_empty());
            let error = hinted(Error::new(Kind::Script, text.unwrap_or_else(|| json.to_string())), map);
            error.with(|error| error.trace = origin(map))
        }),
        Value::String(text) if text.trim().is_empty() && !text.is_empty() => {
            Error::new(Kind::Script, "the script threw a text without words")
        }
        Value::String(text) if text.is_empty() => Error::new(Kind::Script, "the script threw an empty text"),
        Value::String(text) => Error::new(Kind::Script, text.clone()),
        Value::Null => Error::new(Kind::Script, "the script threw nothing"),
        other => Error::new(Kind::Script, other.to_string()),
    }
}

/// Whether a value is an error's map as [`to_map`] makes it.
pub(super) fn is_ours(value: &Dynamic) -> bool {
    value
        .as_map_ref()
        .is_ok_and(|map| ["error", "message", "outcome", "attempts"].iter().all(|key| map.contains_key(*key)))
}

/// The inverse of [`to_map`]; `None` for a map that is not one of ours.
fn from_map(map: &Map<String, Value>) -> Option<Error> {
    let text = |name: &str| map.get(name).and_then(Value::as_str);
    let kind = KINDS.iter().find(|kind| Some(kind.word()) == text("error"))?;
    let list = |name: &str| map.get(name).and_then(Value::as_array).into_iter().flatten();
    let problem = |value: &Value| {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Problem {
            path: text("path")?,
            given: value.get("given").filter(|given| !given.is_null()).cloned(),
            message: text("message")?,
            nearest: text("nearest"),
        })
    };
    let failure = |value: &Value| {
        let error = value.get("error")?.as_object()?;
        let item = value.get("item").cloned().unwrap_or_default();
        Some((
            item,
            from_map(error).unwrap_or_else(|| Error::new(Kind::Script, Value::from(error.clone()).to_string())),
        ))
    };
    Some(hinted(Error::new(*kind, text("message").unwrap_or_default()), map).with(|error| {
        error.code = map.get("code").filter(|code| !code.is_null()).cloned();
        error.operation = text("operation").map(str::to_owned);
        error.request_id = text("request_id").map(str::to_owned);
        error.http_status = map.get("http_status").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        error.outcome = OUTCOMES.into_iter().find(|outcome| Some(outcome.word()) == text("outcome"));
        error.retryable = map.get("retryable") == Some(&Value::Bool(true));
        error.attempts = map.get("attempts").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        error.problems = list("problems").filter_map(problem).collect();
        error.failures = list("failures").filter_map(failure).collect();
        error.trace = origin(map);
    }))
}

/// An error with the ways out that its map names: a text `hint`, a list `hints`.
fn hinted(error: Error, map: &Map<String, Value>) -> Error {
    let list = map.get("hints").and_then(Value::as_array).into_iter().flatten();
    let texts = map.get("hint").into_iter().chain(list).filter_map(Value::as_str);
    texts.fold(error, Error::hint)
}

/// Where an error comes from that was thrown again.
fn origin(map: &Map<String, Value>) -> Vec<Frame> {
    map.get("at").and_then(Value::as_str).and_then(place).into_iter().collect()
}

/// The place that `at` names in the map of an error.
fn place(at: &str) -> Option<Frame> {
    let mut parts = at.rsplitn(3, ':');
    let (column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let (line, column) = (line.parse().ok()?, column.parse().ok()?);
    Some(Frame { file: file.to_owned(), line, column, text: None, function: None })
}

/// The kinds that a script may have caught and thrown again.
const KINDS: [Kind; 11] = [
    Kind::Invalid,
    Kind::Api,
    Kind::NotAdmitted,
    Kind::Throttled,
    Kind::Network,
    Kind::UnknownOutcome,
    Kind::Credentials,
    Kind::Policy,
    Kind::Script,
    Kind::Config,
    Kind::Io,
];

const OUTCOMES: [Outcome; 3] = [Outcome::NotSent, Outcome::Refused, Outcome::Unknown];
