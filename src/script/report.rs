//! Where in a script an error happened, and how it is shown to a person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Engine, EvalAltResult, ParseErrorType, Position};

use super::api;
use super::modules::is_closure;
use super::tokens::{self, Token, What};
use super::value::thrown;
use crate::catalogue::{self, Field, Shape};
use crate::error::{Error, Frame, Kind};
use crate::suggest;
use crate::wire::request::Target;

/// The texts of scripts and modules by name, to show a line of them.
#[derive(Debug, Default)]
pub(super) struct Sources(Mutex<HashMap<String, Arc<str>>>);

impl Sources {
    /// Keeps a text.
    pub(super) fn add(&self, name: &str, text: &str) {
        self.texts().insert(name.to_owned(), text.into());
    }

    fn line(&self, name: &str, line: usize) -> Option<String> {
        let text = self.texts().get(name).cloned()?;
        text.lines().nth(line.checked_sub(1)?).map(str::to_owned)
    }

    /// The names in a text.
    fn words(&self, name: &str) -> Vec<String> {
        let text = self.texts().get(name).cloned().unwrap_or_default();
        let names = tokens::read(&text).into_iter().filter(|token| token.what == What::Name);
        names.map(|token| token.text.to_owned()).collect()
    }

    fn texts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<str>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The crate's error for an error of the engine's, with the places on the way to it.
pub(super) fn explain(engine: &Engine, sources: &Sources, script: &str, error: &EvalAltResult) -> Error {
    let mut explained = said(engine, error);
    let found_at = if explained.kind == Kind::Parse { std::mem::take(&mut explained.trace) } else { Vec::new() };
    explained.trace = found_at.into_iter().chain(trace(sources, script, error)).collect();
    let operation = explained.operation.as_deref().and_then(catalogue::find);
    if operation.is_some_and(|operation| Target::Listed(operation).may_hold_secrets()) {
        let texts = explained.trace.iter_mut().filter_map(|frame| frame.text.as_mut());
        texts.for_each(|text| *text = without_literals(text));
    }
    let unknown = match error.unwrap_inner() {
        EvalAltResult::ErrorParsing(ParseErrorType::VariableUndefined(name), _)
        | EvalAltResult::ErrorVariableNotFound(name, _)
        | EvalAltResult::ErrorFunctionNotFound(name, _) => name.split(' ').next(),
        _ => None,
    };
    // Neither the engine nor the catalogue knows anything like it: the script itself may.
    if let (Some(name), Some(frame), true) = (unknown, explained.trace.first(), explained.hints.is_empty()) {
        let words = sources.words(&frame.file);
        let near = suggest::nearest(name, words.iter().map(String::as_str).filter(|word| *word != name));
        explained.hints.extend(near.map(did_you_mean));
    }
    explained
}

/// A line of a script with a star for each character of its texts: whatever the call was given, one of
/// them may be a password.
fn without_literals(line: &str) -> String {
    let within = |token: &Token<'_>| match token.what {
        What::Text { open: false } => Some(token.start + 1..token.end() - 1),
        What::Text { open: true } | What::Wrong => Some(token.start + 1..token.end()),
        _ => None,
    };
    let texts: Vec<_> = tokens::read(line).iter().filter_map(within).collect();
    line.char_indices().map(|(at, c)| if texts.iter().any(|text| text.contains(&at)) { '*' } else { c }).collect()
}

/// The crate's error for an error of the engine's, with hints for what the engine only names.
pub(super) fn said(engine: &Engine, error: &EvalAltResult) -> Error {
    let script = |message: String| Error::new(Kind::Script, message);
    match error.unwrap_inner() {
        EvalAltResult::ErrorParsing(what, _) => parse_error(what),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(engine, signature),
        EvalAltResult::ErrorPropertyNotFound(name, _) => no_property(name),
        EvalAltResult::ErrorVariableNotFound(name, _) => script(format!("there is no variable `{name}`")),
        EvalAltResult::ErrorStackOverflow(_) => Error::new(Kind::Limit, "functions call each other too deeply"),
        EvalAltResult::ErrorDataRace(..) => {
            script("a captured variable was in use elsewhere at the same time".to_owned())
                .hint("return values from the closure instead of changing captured variables")
        }
        other => thrown(other).unwrap_or_else(|| script(in_words(other))),
    }
}

/// An engine's error in its own words, without its position.
fn in_words(error: &EvalAltResult) -> String {
    let text = error.to_string();
    let place = format!(" ({})", error.position());
    text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
}

fn did_you_mean(near: &str) -> String {
    format!("did you mean `{near}`?")
}

fn parse_error(what: &ParseErrorType) -> Error {
    let message = match what {
        ParseErrorType::VariableUndefined(name) => format!("there is no variable `{name}`"),
        ParseErrorType::ModuleUndefined(name) => format!("there is no module `{name}`"),
        ParseErrorType::Reserved(word) => format!("`{word}` is a reserved word"),
        other => other.to_string(),
    };
    Error::new(Kind::Parse, message)
}

/// `signature` is the engine's: `list_ap (map)`.
fn no_function(engine: &Engine, signature: &str) -> Error {
    let (name, given) = signature.split_once(" (").unwrap_or((signature, ""));
    let name = if name == api::CALL { "call" } else { name };
    let given = given.trim_end_matches(')').replace("&str | ImmutableString | String", "string");
    if let Some(operation) = catalogue::operations().find(|operation| operation.function == name) {
        return api::misused(operation, &given);
    }
    let known = engine.gen_fn_signatures(true);
    let named = |signature: &str| signature.split_once('(').map(|(name, _)| name.trim().to_owned());
    let forms_in = |known: &[String]| -> Vec<String> {
        known.iter().filter(|form| named(form).as_deref() == Some(name)).cloned().collect()
    };
    // Ours hide those of the engine's own library.
    let own = forms_in(&engine.gen_fn_signatures(false));
    let forms = if own.is_empty() { forms_in(&known) } else { own };
    if !forms.is_empty() {
        // The engine lists them in an order of its own, and its functions by their types in Rust.
        let mut forms: Vec<String> = forms.iter().map(|form| in_script_words(form)).collect();
        forms.sort_unstable_by_key(|form| (form.len(), form.clone()));
        forms.dedup();
        return Error::new(Kind::Script, format!("`{name}` does not take ({given})"))
            .hint(format!("it takes {}", forms.join(", or ")));
    }
    let error = Error::new(Kind::Script, format!("there is no function `{name}`"));
    let is_name = |name: &String| name.starts_with(|c: char| c.is_alphabetic());
    let names: Vec<String> = known.iter().filter_map(|form| named(form)).filter(is_name).collect();
    match suggest::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => error.hint(did_you_mean(near)),
        None => error,
    }
}

/// A signature without what only Rust has: references, paths, and errors in the result.
fn in_script_words(signature: &str) -> String {
    let plain = signature.replace("&mut ", "");
    let Some((call, result)) = plain.split_once(" -> ").filter(|(_, result)| result.contains(['<', ':'])) else {
        return plain;
    };
    let value = result.split_once("Result<").and_then(|(_, rest)| rest.split([',', '>']).next());
    match value.filter(|value| value.chars().all(char::is_alphanumeric)) {
        Some(value) => format!("{call} -> {}", value.to_lowercase()),
        None => call.to_owned(),
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
        Some(near) => error.hint(did_you_mean(near)),
        None => error.hint(format!("ask without risk by map.get(\"{name}\")")),
    }
}

/// The innermost place of an error in code of this source.
pub(super) fn place(source: &str, error: &EvalAltResult) -> Option<Frame> {
    trace(&Sources::default(), source, error).into_iter().find(|frame| frame.line > 0)
}

/// The places on the way to an error, innermost first.
fn trace(sources: &Sources, script: &str, error: &EvalAltResult) -> Vec<Frame> {
    let mut frames = Vec::new();
    let (mut file, mut function) = (script.to_owned(), None);
    let mut error = error;
    let mut push = |file: &str, function: &Option<String>, position: Position| {
        let (line, column) = (position.line().unwrap_or(0), position.position().unwrap_or(0));
        // A function of the engine's that calls a closure has no place of its own: it repeats its caller's.
        let repeats = |frame: &Frame| frame.file == file && (frame.line, frame.column) == (line, column);
        if !frames.last().is_some_and(repeats) {
            let (file, text) = (file.to_owned(), sources.line(file, line));
            frames.push(Frame { file, line, column, text, function: function.clone() });
        }
    };
    loop {
        match error {
            EvalAltResult::ErrorInFunctionCall(name, source, inner, position) => {
                push(&file, &function, *position);
                if !source.is_empty() {
                    file.clone_from(source);
                }
                function = Some(if is_closure(name) { "closure".to_owned() } else { name.clone() });
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
