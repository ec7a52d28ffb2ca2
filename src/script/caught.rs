//! What `catch` sees of an error that the engine itself found: the same map as of any other error, in the
//! words of scripts. [`super::forms`] writes the call.

use rhai::{Dynamic, EvalAltResult, Map, NativeCallContext, Position};

use super::hints;
use super::report::{CAUGHT, Sources, said};
use super::value::to_map;
use crate::error::Frame;

/// Registers the function that a `catch` begins with.
pub(super) fn register(engine: &mut rhai::Engine) {
    engine.register_fn(CAUGHT, |context: NativeCallContext<'_>, error: &mut Dynamic| {
        let explained = error.as_map_ref().ok().and_then(|map| explained(&context, &map));
        if let Some(explained) = explained {
            *error = explained;
        }
    });
}

/// The engine's own map of an error, as jst says it; `None` for any other map.
fn explained(context: &NativeCallContext<'_>, map: &Map) -> Option<Dynamic> {
    let text = |name: &str| map.get(name)?.as_immutable_string_ref().ok().map(|text| text.to_string());
    let number = |name: &str| map.get(name)?.as_int().ok().and_then(|n| usize::try_from(n).ok());
    if !text("error")?.starts_with("Error") || map.contains_key("outcome") {
        return None;
    }
    let message = text("message")?;
    let engines = engines(&message);
    let mut error = said(context.engine(), &engines);
    if let Some(sources) = Sources::of(context) {
        hints::add(&mut error, &engines, &sources.text(&text("source").unwrap_or_default()));
    }
    if let (Some(line), Some(column)) = (number("line"), number("position")) {
        let file = text("source").unwrap_or_default();
        let column = Sources::of(context).map_or(column, |sources| sources.column(&file, line, column));
        error.trace = vec![Frame { file, line, column, text: None, function: None }];
    }
    let mut explained = to_map(&error);
    if let Ok(mut map) = explained.as_map_mut() {
        map.insert("outcome".into(), Dynamic::UNIT);
    }
    Some(explained)
}

/// The engine's error that it told in these words. Of the lines the first tells of the innermost.
fn engines(message: &str) -> EvalAltResult {
    let first = message.lines().next().unwrap_or_default();
    let first = first.rfind(" (line ").and_then(|place| first.get(..place)).unwrap_or(first);
    let first = first.rfind(" @ '").and_then(|place| first.get(..place)).unwrap_or(first);
    let rest = |before: &str| first.strip_prefix(before).map(str::to_owned);
    if let Some(signature) = rest("Function not found: ") {
        return EvalAltResult::ErrorFunctionNotFound(signature, Position::NONE);
    }
    if let Some(name) = rest("Property not found: ") {
        return EvalAltResult::ErrorPropertyNotFound(name, Position::NONE);
    }
    if let Some(name) = rest("Variable not found: ") {
        return EvalAltResult::ErrorVariableNotFound(name, Position::NONE);
    }
    if let Some(what) = rest("Indexer unavailable: ") {
        return EvalAltResult::ErrorIndexingType(what, Position::NONE);
    }
    if let Some((given, wanted)) =
        rest("Data type incorrect: ").as_deref().and_then(|kinds| kinds.split_once(" (expecting "))
    {
        let wanted = wanted.trim_end_matches(')').to_owned();
        return EvalAltResult::ErrorMismatchDataType(wanted, given.to_owned(), Position::NONE);
    }
    if let Some(name) = rest("Cannot modify constant ") {
        return EvalAltResult::ErrorAssignmentToConstant(name, Position::NONE);
    }
    if let Some((function, _)) = rest("Non-pure method '").as_deref().and_then(|text| text.split_once('\'')) {
        return EvalAltResult::ErrorNonPureMethodCallOnConstant(function.to_owned(), Position::NONE);
    }
    match first {
        race if race.starts_with("Data race detected") => EvalAltResult::ErrorDataRace(String::new(), Position::NONE),
        unknown if unknown.starts_with("Unknown property ") => {
            EvalAltResult::ErrorDotExpr(unknown.to_owned(), Position::NONE)
        }
        "For loop expects iterable type" => EvalAltResult::ErrorFor(Position::NONE),
        other => EvalAltResult::ErrorArithmetic(other.to_owned(), Position::NONE),
    }
}
