//! An error as a person reads it.

use std::borrow::Cow;
use std::collections::HashMap;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::Value;

use crate::error::{Error, Frame, Outcome, Problem};
use crate::show::log::{self, LogFormat};
use crate::show::redaction::REDACTOR;
use crate::show::visible;

/// An error as stderr gets it, in the form of the log and without secrets.
pub(crate) fn line(error: &Error, format: LogFormat, colour: bool) -> String {
    match format {
        LogFormat::Text => REDACTOR.talk(&render(error, colour)).into_owned(),
        LogFormat::Json => {
            let line = REDACTOR.error(error.clone()).to_json().to_string();
            log::with_run(&visible::json(&REDACTOR.text(&line))).into_owned()
        }
    }
}

/// An error as a person reads it: what, where, the way there, every problem, and what to do. Line breaks of a
/// message stay within its own column; nothing else in it steers the terminal.
pub(crate) fn render(error: &Error, colour: bool) -> String {
    // Before anything is shortened: the beginning of a secret would be left at the end.
    let error = &REDACTOR.error(error.clone());
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let messages: Vec<(&Error, String)> =
        std::iter::once(error).chain(&error.more).map(|error| (error, block(&error.message))).collect();
    let groups: Vec<Group<'_>> = messages.iter().map(|(error, message)| group_of(error, message)).collect();
    renderer.render(&groups)
}

fn group_of<'a>(error: &'a Error, message: &'a str) -> Group<'a> {
    let mut group = Level::ERROR.primary_title(message).elements(Vec::<annotate_snippets::Element<'_>>::new());
    let innermost = error.trace.first();
    if let Some((frame, text)) = innermost.and_then(|frame| Some((frame, frame.text.as_deref()?))) {
        // Of a line without end only its beginning can be shown.
        let text = text.char_indices().nth(LONGEST_LINE).and_then(|(end, _)| text.get(..end)).unwrap_or(text);
        // A character stands for each that would steer the terminal: the column stays.
        let text = text.replace(|c| visible::steers(c) && c != '\t', "\u{fffd}");
        let nth = text.char_indices().map(|(at, _)| at).nth(frame.column.saturating_sub(1));
        let start = nth.unwrap_or(text.len());
        let end = word_end(&text, start);
        group = group.element(
            Snippet::source(text)
                .line_start(frame.line)
                .path(visible::line(&frame.file))
                .annotation(AnnotationKind::Primary.span(start..end)),
        );
    } else if let Some(frame) = innermost.filter(|frame| frame.line > 0) {
        group = group.element(note(&format!("at {}", place_of(frame))));
    }
    for frame in error.trace.iter().skip(1) {
        group = group.element(note(&format!("called from {}", place_of(frame))));
    }
    for problem in &error.problems {
        group = group.element(note(&problem_line(problem)));
    }
    let failures = Causes::of(error);
    for failure in failures.0.iter().take(SHOWN) {
        group = group.element(note(&failure.line()));
    }
    if failures.0.len() > SHOWN {
        group = group.element(note(&format!("and {} more", failures.0.len() - SHOWN)));
    }
    if let Some(fact) = facts(error) {
        group = group.element(note(&fact));
    }
    for hint in &error.hints {
        group = group.element(Level::HELP.message(block(hint)));
    }
    group
}

/// A note on one line.
fn note(text: &str) -> annotate_snippets::Message<'static> {
    Level::NOTE.message(visible::line(&shortened(text)).into_owned())
}

/// A text with its line breaks.
fn block(text: &str) -> String {
    visible::block(&shortened(text)).into_owned()
}

/// Characters of a message that a person reads, and of a script's line.
const LONGEST: usize = 4_000;
const LONGEST_LINE: usize = 1_000;

/// A message of bearable length.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => {
            let rest = text.get(end..).unwrap_or_default().chars().count();
            Cow::Owned(format!("{}… and {rest} characters more", text.get(..end).unwrap_or_default()))
        }
        None => Cow::Borrowed(text),
    }
}

/// Causes that a call of many failed with that are shown.
const SHOWN: usize = 20;

fn word_end(text: &str, start: usize) -> usize {
    let rest = text.get(start..).unwrap_or_default();
    let word = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let least = rest.chars().next().map_or(0, char::len_utf8);
    start + word.max(least)
}

fn place_of(frame: &Frame) -> String {
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

/// The innermost causes of what a call of many failed with, the same cause once.
struct Causes<'a>(Vec<Cause<'a>>);

/// A cause, and the items that failed with it.
struct Cause<'a> {
    /// The first of them, where nothing is known of them a few more: of calls within calls each one's item,
    /// outermost first.
    items: Vec<String>,
    count: usize,
    error: &'a Error,
}

impl<'a> Causes<'a> {
    fn of(error: &'a Error) -> Self {
        let (mut failures, mut known) = (Self(Vec::new()), HashMap::new());
        failures.add(error, "", &mut known);
        failures
    }

    fn add(&mut self, error: &'a Error, outer: &str, known: &mut HashMap<String, usize>) {
        for (item, error) in &error.failures {
            let item = if outer.is_empty() { one_line(item) } else { format!("{outer} / {}", one_line(item)) };
            if !error.failures.is_empty() {
                self.add(error, &item, known);
                continue;
            }
            let at = *known.entry(failure_line(error, false)).or_insert(self.0.len());
            match self.0.get_mut(at) {
                Some(same) => {
                    same.count += 1;
                    // Each of these has to be looked at.
                    if error.outcome == Some(Outcome::Unknown) && same.items.len() < UNKNOWN {
                        same.items.push(item);
                    }
                }
                None => self.0.push(Cause { items: vec![item], count: 1, error }),
            }
        }
    }
}

impl Cause<'_> {
    fn line(&self) -> String {
        match self.count {
            1 => format!("{}: {}", self.items.concat(), failure_line(self.error, true)),
            count => {
                let items = self.items.join(", ");
                let more = if self.items.len() > 1 && count > self.items.len() { ", …" } else { "" };
                format!("{count} items, the first {items}{more}: {}", failure_line(self.error, false))
            }
        }
    }
}

/// Items of one failure that are shown where it is not known what became of them.
const UNKNOWN: usize = 20;

/// Problems of one failure that are shown.
const PROBLEMS: usize = 8;

/// A failure with its problems; with the values given, or without, which many failures may share.
fn failure_line(error: &Error, given: bool) -> String {
    let mut line = error.message.clone();
    if !error.problems.is_empty() {
        let problem = |problem: &Problem| match given {
            true => problem_line(problem),
            false => problem_line(&Problem { given: None, ..problem.clone() }),
        };
        let mut problems: Vec<String> = error.problems.iter().take(PROBLEMS).map(problem).collect();
        if error.problems.len() > PROBLEMS {
            problems.push(format!("and {} problems more", error.problems.len() - PROBLEMS));
        }
        line.push_str(&format!(" ({})", problems.join("; ")));
    }
    if let Some(frame) = error.trace.first() {
        line.push_str(&format!(" at {}", place_of(frame)));
    }
    line
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
