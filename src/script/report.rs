//! Where in a script an error happened, and how it is shown to a person.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rhai::{AST, Engine, EvalAltResult, NativeCallContext, Position};

use super::constants::Constants;
use super::coverage::Coverage;
use super::forms::{self, Moved};
use super::hints;
use super::host::said_name;
use super::library;
use super::modules::is_closure;
pub(super) use super::said::said;
use super::telling;
use super::tokens::{self, Token, What};
use crate::catalogue;
use crate::error::{Error, Frame};
use crate::wire::request::Target;

/// The module of what tests assert.
const TESTING: &str = "std/testing";

/// What a `catch` calls first, in what the engine reads of a script.
pub(super) const CAUGHT: &str = "caught__";

/// The texts of scripts and modules by name, to show a line of them, and where the engine reads them otherwise.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// What their functions see as `global::NAME`.
    pub constants: Constants,
    texts: Mutex<HashMap<String, Source>>,
    /// Where what runs is counted.
    pub coverage: OnceLock<Arc<Coverage>>,
    /// Whether a test runs.
    pub is_test: AtomicBool,
    /// The texts that each closure stands in, by the engine's name for it.
    closures: Mutex<HashMap<String, Vec<String>>>,
    /// The parameters whose secrets stand in a text.
    secrets: Mutex<BTreeSet<String>>,
    /// The functions that the texts define.
    defined: Mutex<HashSet<String>>,
    /// What the engine itself can call, once that was asked.
    pub callable: OnceLock<HashSet<String>>,
}

#[derive(Clone, Debug, Default)]
struct Source {
    /// What tells it from the others of the run.
    number: usize,
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
        let number = self.number(name);
        self.texts().insert(name.to_owned(), Source { number, text: text.into(), moved: Moved::default() });
    }

    /// Keeps that secrets of these parameters stand in a text, and are known.
    pub(super) fn gives_secrets(&self, names: BTreeSet<String>) {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).extend(names);
    }

    /// Whether nothing was heard of a secret of this parameter before.
    pub(super) fn is_new_secret(&self, name: &str) -> bool {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned())
    }

    /// Keeps a text that is longer than before.
    pub(super) fn grow(&self, name: &str, text: &str) {
        self.entry(name, |source| source.text = text.into());
    }

    /// Keeps where the engine reads it otherwise.
    pub(super) fn moved(&self, name: &str, moved: Moved) {
        self.entry(name, |source| source.moved.extend(moved));
    }

    /// The number of the text of a name; a new one when there is none.
    pub(super) fn number(&self, name: &str) -> usize {
        self.entry(name, |source| source.number)
    }

    fn entry<T>(&self, name: &str, work: impl FnOnce(&mut Source) -> T) -> T {
        let mut texts = self.texts();
        let number = texts.len() + 1;
        work(texts.entry(name.to_owned()).or_insert_with(|| Source { number, ..Source::default() }))
    }

    /// The author's column for one of what the engine read.
    pub(super) fn column(&self, name: &str, line: usize, column: usize) -> usize {
        self.texts().get(name).map_or(column, |source| source.moved.column(line, column))
    }

    /// Keeps which functions and closures stand in a text.
    pub(super) fn knows(&self, name: &str, ast: &AST) {
        let mut defined = self.defined.lock().unwrap_or_else(PoisonError::into_inner);
        defined.extend(ast.iter_functions().map(|function| function.name.to_owned()));
        drop(defined);
        let mut closures = self.closures.lock().unwrap_or_else(PoisonError::into_inner);
        for function in ast.iter_functions().filter(|function| is_closure(function.name)) {
            let texts = closures.entry(function.name.to_owned()).or_default();
            if !texts.iter().any(|text| text == name) {
                texts.push(name.to_owned());
            }
        }
    }

    /// Whether a text defines a function of this name.
    pub(super) fn defines(&self, function: &str) -> bool {
        self.defined.lock().unwrap_or_else(PoisonError::into_inner).contains(function)
    }

    /// The text that a function stands in. `within` is where the engine takes it to be: of the scripts that are on the
    /// way to it, one that need not be its own.
    fn of_function(&self, function: &str, within: &str) -> Option<String> {
        if let Some(number) = forms::number(function) {
            let texts = self.texts();
            let of_number = texts.iter().find(|(_, source)| source.number == number);
            return of_number.map(|(name, _)| name.clone());
        }
        let closures = self.closures.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = closures.get(function).filter(|texts| !texts.iter().any(|text| text == within));
        texts.and_then(|texts| texts.first().cloned()).or_else(|| (!within.is_empty()).then(|| within.to_owned()))
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
    // Where it does not parse, or where it comes from when it was thrown again.
    let mut found_at = std::mem::take(&mut explained.trace);
    for frame in found_at.iter_mut().filter(|frame| frame.text.is_none()) {
        frame.text = sources.line(&frame.file, frame.line);
    }
    explained.trace = found_at.into_iter().chain(trace(sources, script, error)).collect();
    let called = without_library(&mut explained.trace);
    let operation = explained.operation.as_deref().and_then(catalogue::find);
    let is_secret = operation.is_some_and(|operation| Target::Listed(operation).may_hold_secrets());
    for frame in &mut explained.trace {
        if is_secret || sources.tells(&frame.file, frame.line) {
            let begins_in_text = sources.begins_in_text(&frame.file, frame.line);
            let text = frame.text.take().filter(|_| !begins_in_text);
            frame.text = text.map(|text| telling::without_numbers(&without_literals(&text)));
        }
    }
    match called {
        Some((module, function)) => hints::of_library(&mut explained, error.unwrap_inner(), &module, &function),
        None => {
            let file = explained.trace.first().map(|frame| frame.file.clone()).unwrap_or_default();
            hints::add(&mut explained, error.unwrap_inner(), &sources.text(&file));
        }
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

/// The innermost place of an error in code of this source.
pub(super) fn place(sources: &Sources, source: &str, error: &EvalAltResult) -> Option<Frame> {
    let mut frames = trace(sources, source, error);
    without_library(&mut frames);
    frames.into_iter().find(|frame| frame.line > 0)
}

/// Takes out the places within the library that an error comes from, where a script called it: what is wrong is what the
/// script gave. The module and the function of it that the script called.
fn without_library(frames: &mut Vec<Frame>) -> Option<(String, String)> {
    let within = frames.iter().position(|frame| !frame.file.starts_with(library::PREFIX))?;
    let called = frames.drain(..within).next_back()?;
    Some((called.file, called.function?))
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
                if !(within != name && within == forms::in_text(name)) {
                    push(&file, &function, *position);
                }
                within = name;
                if let Some(source) = sources.of_function(name, source) {
                    file = source;
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
    if sources.is_test.load(Ordering::Acquire) && frames.iter().any(|frame| frame.file != TESTING) {
        // What a test asserts is wrong where it says so, not where that is looked at.
        frames.retain(|frame| frame.file != TESTING);
    }
    frames
}
