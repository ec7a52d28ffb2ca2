//! Where in a script an error happened, and how it is shown to a person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use rhai::{Engine, EvalAltResult, ParseErrorType, Position};
use serde_json::Value;

use super::modules::is_closure;
use super::value::error_of;
use crate::catalogue::{self, Field, Shape};
use crate::error::{Error, Frame, Kind, Problem};
use crate::suggest;

/// The texts of scripts and modules by name, to show a line of them.
#[derive(Debug, Default)]
pub struct Sources(Mutex<HashMap<String, Arc<str>>>);

impl Sources {
    /// Keeps a text.
    pub fn add(&self, name: &str, text: &str) {
        self.texts().insert(name.to_owned(), text.into());
    }

    fn line(&self, name: &str, line: usize) -> Option<String> {
        let text = self.texts().get(name).cloned()?;
        text.lines().nth(line.checked_sub(1)?).map(str::to_owned)
    }

    fn texts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The crate's error for an error of the engine's, with the places on the way to it and hints for
/// what the engine only names.
pub fn explain(engine: &Engine, sources: &Sources, script: &str, error: &EvalAltResult) -> Error {
    let mut explained = match error.unwrap_inner() {
        EvalAltResult::ErrorParsing(what, _) => parse_error(what),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(engine, signature),
        EvalAltResult::ErrorPropertyNotFound(name, _) => no_property(name),
        EvalAltResult::ErrorVariableNotFound(name, _) => {
            Error::new(Kind::Script, format!("there is no variable `{name}`"))
        }
        EvalAltResult::ErrorStackOverflow(_) => Error::new(Kind::Limit, "functions call each other too deeply"),
        EvalAltResult::ErrorDataRace(..) => {
            Error::new(Kind::Script, "a variable was written by several threads at once")
                .hint("return values from the closure instead of changing captured variables")
        }
        _ => error_of(error),
    };
    explained.trace = trace(sources, script, error);
    explained
}

fn parse_error(what: &ParseErrorType) -> Error {
    let message = match what {
        ParseErrorType::VariableUndefined(name) => format!("there is no variable `{name}`"),
        ParseErrorType::Reserved(word) => format!("`{word}` is a reserved word"),
        other => other.to_string(),
    };
    Error::new(Kind::Parse, message)
}

/// `signature` is the engine's: `list_ap (map)`.
fn no_function(engine: &Engine, signature: &str) -> Error {
    let (name, given) = signature.split_once(" (").unwrap_or((signature, ""));
    let given = given.trim_end_matches(')');
    let known = engine.gen_fn_signatures(true);
    let named = |wanted: &str| -> Vec<&String> {
        known.iter().filter(|s| s.split_once('(').is_some_and(|(n, _)| n.trim() == wanted)).collect()
    };
    let overloads = named(name);
    if let Some(first) = overloads.first() {
        let message = format!("`{name}` does not take ({given})");
        let others = overloads.len() - 1;
        let more = if others > 0 { format!(", and {others} other forms") } else { String::new() };
        return Error::new(Kind::Script, message).hint(format!("it takes {first}{more}"));
    }
    let error = Error::new(Kind::Script, format!("there is no function `{name}`"));
    let names = known.iter().filter_map(|s| Some(s.split_once('(')?.0.trim()));
    match suggest::nearest(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

fn no_property(name: &str) -> Error {
    fn names(fields: &'static [Field], found: &mut Vec<&'static str>) {
        for field in fields {
            found.push(field.name);
            if let Shape::Object(inner) | Shape::Objects(inner) = field.shape {
                names(inner, found);
            }
        }
    }
    let error = Error::new(Kind::Script, format!("the map has no property `{name}`"));
    let mut known = Vec::new();
    catalogue::operations().for_each(|operation| names(operation.reply, &mut known));
    match suggest::nearest(name, known).filter(|near| *near != name) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("ask without risk by map.get(\"{name}\")")),
    }
}

/// The places on the way to an error, innermost first.
fn trace(sources: &Sources, script: &str, error: &EvalAltResult) -> Vec<Frame> {
    let mut frames = Vec::new();
    let (mut file, mut function) = (script.to_owned(), None);
    let mut error = error;
    let mut push = |file: &str, function: &Option<String>, position: Position| {
        let line = position.line().unwrap_or(0);
        frames.push(Frame {
            file: file.to_owned(),
            line,
            column: position.position().unwrap_or(0),
            text: sources.line(file, line),
            function: function.clone(),
        });
    };
    loop {
        match error {
            EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
                push(&file, &function, *position);
                if !source.is_empty() {
                    file.clone_from(source);
                }
                let anonymous = is_closure(name);
                function = Some(if anonymous { "closure".to_owned() } else { name.clone() });
                error = inner;
            }
            EvalAltResult::ErrorInModule(name, inner, position) => {
                push(&file, &function, *position);
                file.clone_from(name);
                function = None;
                error = inner;
            }
            other => {
                push(&file, &function, other.position());
                break;
            }
        }
    }
    frames.reverse();
    frames
}

/// An error as a person reads it: what, where, the way there, every problem, and what to do.
pub fn render(error: &Error, colour: bool) -> String {
    let mut group =
        Level::ERROR.primary_title(error.message.as_str()).elements(Vec::<annotate_snippets::Element<'_>>::new());
    let innermost = error.trace.first();
    if let Some((frame, text)) = innermost.and_then(|frame| Some((frame, frame.text.as_deref()?))) {
        let at = text.char_indices().map(|(at, _)| at).chain([text.len()]);
        let start = at.clone().nth(frame.column.saturating_sub(1)).unwrap_or(text.len());
        let end = word_end(text, start);
        group = group.element(
            Snippet::source(text)
                .line_start(frame.line)
                .path(frame.file.as_str())
                .annotation(AnnotationKind::Primary.span(start..end)),
        );
    } else if let Some(frame) = innermost.filter(|frame| frame.line > 0) {
        group = group.element(Level::NOTE.message(format!("at {}", place(frame))));
    }
    for frame in error.trace.iter().skip(1) {
        group = group.element(Level::NOTE.message(format!("called from {}", place(frame))));
    }
    for problem in &error.problems {
        group = group.element(Level::NOTE.message(problem_line(problem)));
    }
    for (item, error) in error.failures.iter().take(SHOWN) {
        group = group.element(Level::NOTE.message(format!("{}: {}", one_line(item), failure_line(error))));
    }
    if error.failures.len() > SHOWN {
        let more = error.failures.len() - SHOWN;
        group = group.element(Level::NOTE.message(format!("and {more} more")));
    }
    if let Some(fact) = facts(error) {
        group = group.element(Level::NOTE.message(fact));
    }
    for hint in &error.hints {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Failures of a call of many that are shown one by one.
const SHOWN: usize = 20;

fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let least = rest.chars().next().map_or(0, char::len_utf8);
    start + word.max(least)
}

fn place(frame: &Frame) -> String {
    let function = frame.function.as_ref().map(|name| format!("{name} at ")).unwrap_or_default();
    match frame.line {
        0 => format!("{function}{}", frame.file),
        line => format!("{function}{}:{line}:{}", frame.file, frame.column),
    }
}

fn problem_line(problem: &Problem) -> String {
    let given = problem.given.as_ref().map(|given| format!(" ({})", one_line(given))).unwrap_or_default();
    let near = problem.nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    format!("{}{given} {}{near}", problem.path, problem.message)
}

fn failure_line(error: &Error) -> String {
    let problems: Vec<String> = error.problems.iter().map(problem_line).collect();
    if problems.is_empty() { error.message.clone() } else { format!("{} ({})", error.message, problems.join("; ")) }
}

/// What support wants to know of a failed call.
fn facts(error: &Error) -> Option<String> {
    let code = error.code.as_ref().map(|code| format!("code {}", one_line(code).trim_matches('"')));
    let facts: Vec<String> = [
        error.operation.clone(),
        code,
        error.http_status.map(|status| format!("HTTP {status}")),
        error.request_id.as_ref().map(|id| format!("request {id}")),
        (error.attempts > 1).then(|| format!("{} attempts", error.attempts)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let said = error.http_status.is_some() || error.attempts > 0;
    (said && !facts.is_empty()).then(|| facts.join(", "))
}

fn one_line(value: &Value) -> String {
    const LONGEST: usize = 120;
    let text = value.to_string();
    if text.chars().count() > LONGEST { format!("{}…", text.chars().take(LONGEST).collect::<String>()) } else { text }
}
