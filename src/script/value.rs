//! Values between scripts and the rest: JSON and the engine's values, errors and what a script throws.

use base64::Engine as _;
use rhai::{Dynamic, EvalAltResult, Map as RhaiMap, Position};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Interrupt, Kind, Outcome, Problem, Result};

/// A JSON value for a script. Integers beyond 64 bits with sign become text, so that nothing is lost.
pub fn to_dynamic(value: Value) -> Dynamic {
    match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(flag) => flag.into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => integer.into(),
            (None, Some(float)) if number.is_f64() => float.into(),
            _ => number.to_string().into(),
        },
        Value::String(text) => text.into(),
        Value::Array(list) => list.into_iter().map(to_dynamic).collect::<Vec<_>>().into(),
        Value::Object(map) => {
            let map: RhaiMap = map.into_iter().map(|(key, value)| (key.into(), to_dynamic(value))).collect();
            map.into()
        }
    }
}

/// Deeper than any data; keeps a value that contains itself many times over off the stack.
const DEPTH: usize = 100;

/// A script's value as JSON.
///
/// # Errors
/// `invalid`, with the path of the first thing that has no JSON form.
pub fn from_dynamic(value: &Dynamic) -> Result<Value> {
    convert(value, &mut String::new(), 0)
}

fn convert(value: &Dynamic, path: &mut String, depth: usize) -> Result<Value> {
    let refuse = |what: String, path: &str| {
        let at = if path.is_empty() { String::new() } else { format!(" at {path}") };
        Err(Error::new(Kind::Invalid, format!("{what}{at} cannot be data")))
    };
    if depth > DEPTH {
        return refuse(format!("something nested more than {DEPTH} levels deep"), "");
    }
    if value.is_shared() {
        return convert(&value.flatten_clone(), path, depth);
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
            None => refuse(format!("the number {float}"), path),
        };
    }
    if let Ok(character) = value.as_char() {
        return Ok(character.to_string().into());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(text.as_str().into());
    }
    if let Ok(list) = value.as_array_ref() {
        let mut array = Vec::with_capacity(list.len());
        for (n, element) in list.iter().enumerate() {
            array.push(within(element, &format!("[{n}]"), path, depth)?);
        }
        return Ok(array.into());
    }
    if let Ok(map) = value.as_map_ref() {
        let mut object = Map::with_capacity(map.len());
        for (key, element) in map.iter() {
            let dot = if path.is_empty() { "" } else { "." };
            object.insert(key.to_string(), within(element, &format!("{dot}{key}"), path, depth)?);
        }
        return Ok(object.into());
    }
    if let Ok(bytes) = value.as_blob_ref() {
        return Ok(base64::prelude::BASE64_STANDARD.encode(&*bytes).into());
    }
    refuse(format!("a value of type {}", value.type_name()), path)
}

fn within(element: &Dynamic, step: &str, path: &mut String, depth: usize) -> Result<Value> {
    // The path is only spelt out where something may be refused.
    if !element.is_array() && !element.is_map() && !element.is_shared() {
        if let Ok(value) = convert(element, &mut String::new(), depth + 1) {
            return Ok(value);
        }
    }
    let length = path.len();
    path.push_str(step);
    let value = convert(element, path, depth + 1)?;
    path.truncate(length);
    Ok(value)
}

/// An error as a script throws it: the map that `catch` sees. A stop of the run becomes what no
/// `catch` sees.
pub fn throw(error: Error) -> Box<EvalAltResult> {
    match error.kind {
        Kind::Interrupted(_) | Kind::Limit => terminate(Ending::Stopped(Box::new(error))),
        _ => EvalAltResult::ErrorRuntime(to_map(&error), Position::NONE).into(),
    }
}

/// What ends a script past every `catch`.
#[derive(Clone, Debug)]
pub enum Ending {
    /// `exit` was called.
    Exit(u8),
    /// The run is being stopped.
    Stopped(Box<Error>),
}

/// The engine's error that no script catches.
pub fn terminate(ending: Ending) -> Box<EvalAltResult> {
    EvalAltResult::ErrorTerminated(Dynamic::from(ending), Position::NONE).into()
}

/// The map that a script sees of an error.
pub fn to_map(error: &Error) -> Dynamic {
    to_dynamic(error.to_json())
}

/// What a script's `catch` would see of an error of the engine's.
pub fn thrown(error: &EvalAltResult) -> Dynamic {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) => value.clone(),
        other => to_map(&Error::new(Kind::Script, describe(other))),
    }
}

/// The crate's error behind an error of the engine's. What came from this crate comes back as it was.
pub fn error_of(error: &EvalAltResult) -> Error {
    match error.unwrap_inner() {
        EvalAltResult::ErrorRuntime(value, _) => from_thrown(value),
        EvalAltResult::ErrorTerminated(ending, _) => match ending.clone().try_cast::<Ending>() {
            Some(Ending::Stopped(error)) => *error,
            _ => Error::new(Kind::Script, "the script ended"),
        },
        other => Error::new(Kind::Script, describe(other)),
    }
}

/// An engine's error in words, without its position.
fn describe(error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorStackOverflow(_) => "functions call each other too deeply".to_owned(),
        other => {
            let text = other.to_string();
            let place = format!(" ({})", other.position());
            text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
        }
    }
}

fn from_thrown(value: &Dynamic) -> Error {
    let json = from_dynamic(value).unwrap_or_else(|_| value.to_string().into());
    match &json {
        Value::Object(map) => from_map(map).unwrap_or_else(|| {
            let text = map.get("message").and_then(Value::as_str).map(str::to_owned);
            Error::new(Kind::Script, text.unwrap_or_else(|| json.to_string()))
        }),
        Value::String(text) => Error::new(Kind::Script, text.clone()),
        Value::Null => Error::new(Kind::Script, "the script threw nothing"),
        other => Error::new(Kind::Script, other.to_string()),
    }
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
    Some(Error::new(*kind, text("message").unwrap_or_default()).with(|error| {
        error.code = map.get("code").filter(|code| !code.is_null()).cloned();
        error.operation = text("operation").map(str::to_owned);
        error.request_id = text("request_id").map(str::to_owned);
        error.http_status = map.get("http_status").and_then(Value::as_u64).and_then(|n| u16::try_from(n).ok());
        error.outcome = OUTCOMES.into_iter().find(|outcome| Some(outcome.word()) == text("outcome"));
        error.retryable = map.get("retryable") == Some(&Value::Bool(true));
        error.attempts = map.get("attempts").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        error.hints = list("hints").filter_map(Value::as_str).map(str::to_owned).collect();
        error.problems = list("problems").filter_map(problem).collect();
        error.failures = list("failures").filter_map(failure).collect();
    }))
}

/// The kinds that a script may have caught and thrown again.
const KINDS: [Kind; 13] = [
    Kind::Invalid,
    Kind::Api,
    Kind::NotAdmitted,
    Kind::Throttled,
    Kind::Network,
    Kind::UnknownOutcome,
    Kind::Credentials,
    Kind::Policy,
    Kind::Limit,
    Kind::Interrupted(Interrupt::Interrupt),
    Kind::Script,
    Kind::Config,
    Kind::Io,
];

const OUTCOMES: [Outcome; 3] = [Outcome::NotSent, Outcome::Refused, Outcome::Unknown];
