//! Where in a script an error happened, and how it is shown to a person.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rhai::{Engine, EvalAltResult, NativeCallContext, Position};

use super::coverage::Coverage;
use super::forms::{self, Moved};
use super::hints;
use super::host::said_name;
use super::modules::is_closure;
pub(super) use super::said::said;
use super::telling;
use super::tokens::{self, Token, What};
use crate::catalogue;
use crate::error::{Error, Frame, Kind};
use crate::wire::request::Target;

/// The module of what tests assert.
const TESTING: &str = "std/testing";

/// What a `catch` calls first, in what the engine reads of a script.
pub(super) const CAUGHT: &str = "caught__";

/// The texts of scripts and modules by name, to show a line of them, and where the engine reads them otherwise.
#[derive(Debug, Default)]
pub(super) struct Sources {
    texts: Mutex<HashMap<String, Source>>,
    /// Where what runs is counted.
    pub coverage: OnceLock<Arc<Coverage>>,
    /// The file of the test that runs.
    pub test: OnceLock<String>,
}

#[derive(Clone, Debug, Default)]
struct Source {
    text: Arc<str>,
    moved: Moved,
}

impl Sources {
    /// Those of a running script.
    pub(super) fn of(context: &NativeCallContext<'_>) -> Option<Arc<Self>> {
        context.tag()?.clone().try_cast()
    }

    /// Keeps a text, in place of another of this name.
    pub(super) fn add(&self, name: &str, text: &str) {
        self.texts().insert(name.to_owned(), Source { text: text.into(), moved: Moved::default() });
    }

    /// Keeps a text that is longer than before.
    pub(super) fn grow(&self, name: &str, text: &str) {
        self.texts().entry(name.to_owned()).or_default().text = text.into();
    }

    /// Keeps where the engine reads it otherwise.
    pub(super) fn moved(&self, name: &str, moved: Moved) {
        self.texts().entry(name.to_owned()).or_default().moved.extend(moved);
    }

    /// The author's column for one of what the engine read.
    pub(super) fn column(&self, name: &str, line: usize, column: usize) -> usize {
        self.texts().get(name).map_or(column, |source| source.moved.column(line, column))
    }

    fn line(&self, name: &str, line: usize) -> Option<String> {
        let text = self.texts().get(name)?.text.clone();
        text.lines().nth(line.checked_sub(1)?).map(str::to_owned)
    }

    /// Whether a line tells of a secret.
    fn tells(&self, name: &str, line: usize) -> bool {
        let text = self.text(name);
        telling::line_tells(&text, line)
    }

    /// Whether a line begins inside a text of the script.
    fn begins_in_text(&self, name: &str, line: usize) -> bool {
        telling::begins_in_text(&self.text(name), line)
    }

    /// A text; an empty one when it is not known.
    pub(super) fn text(&self, name: &str) -> Arc<str> {
        self.texts().get(name).map(|source| source.text.clone()).unwrap_or_default()
    }

    fn texts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Source>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The crate's error for an error of the engine's, with the places on the way to it.
pub(super) fn explain(engine: &Engine, sources: &Sources, script: &str, error: &EvalAltResult) -> Error {
    let mut explained = said(engine, error);
    let found_at = if explained.kind == Kind::Parse { std::mem::take(&mut explained.trace) } else { Vec::new() };
    explained.trace = found_at.into_iter().chain(trace(sources, script, error)).collect();
    let operation = explained.operation.as_deref().and_then(catalogue::find);
    let is_secret = operation.is_some_and(|operation| Target::Listed(operation).may_hold_secrets());
    for frame in &mut explained.trace {
        if is_secret || sources.tells(&frame.file, frame.line) {
            let begins_in_text = sources.begins_in_text(&frame.file, frame.line);
            let text = frame.text.take().filter(|_| !begins_in_text);
            frame.text = text.map(|text| telling::without_numbers(&without_literals(&text)));
        }
    }
    let file = explained.trace.first().map(|frame| frame.file.clone()).unwrap_or_default();
    hints::add(&mut explained, error.unwrap_inner(), &sources.text(&file));
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

/// The innermost place of an error in code of this source.
pub(super) fn place(sources: &Sources, source: &str, error: &EvalAltResult) -> Option<Frame> {
    trace(sources, source, error).into_iter().find(|frame| frame.line > 0)
}

/// What a test asserts is wrong where it says so, not where that is looked at. The engine takes a closure that
/// another module calls for that module's.
fn of_test(sources: &Sources, test: &str, frames: &mut Vec<Frame>) {
    for frame in frames.iter_mut().filter(|frame| frame.file == TESTING) {
        if frame.function.as_deref() == Some(CLOSURE) {
            test.clone_into(&mut frame.file);
            frame.text = sources.line(test, frame.line);
        }
    }
    if frames.iter().any(|frame| frame.file != TESTING) {
        frames.retain(|frame| frame.file != TESTING);
    }
}

/// What a closure is called in a place.
const CLOSURE: &str = "closure";

/// The places on the way to an error, innermost first.
fn trace(sources: &Sources, script: &str, error: &EvalAltResult) -> Vec<Frame> {
    let mut frames = Vec::new();
    let (mut file, mut function) = (script.to_owned(), None);
    // As the engine calls it.
    let mut within: &str = "";
    let mut error = error;
    let mut push = |file: &str, function: &Option<String>, position: Position| {
        let (line, column) = (position.line().unwrap_or(0), position.position().unwrap_or(0));
        let column = if column == 0 { 0 } else { sources.column(file, line, column) };
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
                // What a module exports only passes on to the module's own.
                if !(within != name && within == forms::name_in_module(name)) {
                    push(&file, &function, *position);
                }
                within = name;
                if !source.is_empty() {
                    file.clone_from(source);
                }
                function = Some(if is_closure(name) { CLOSURE.to_owned() } else { said_name(name).to_owned() });
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
    if let Some(test) = sources.test.get() {
        of_test(sources, test, &mut frames);
    }
    frames
}
