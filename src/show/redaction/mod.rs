//! Takes known secrets out of whatever leaves the process. The rule for each class of secrets stands at
//! [`crate::secret`]; [`forms`] is how a secret may be written, [`place`] when it stands as a word or a value of
//! its own, [`finder`] how many of them are found fast.
//!
//! What is laid out or shortened is redacted before: half a secret is found by nobody.

mod finder;
mod forms;
mod place;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{LazyLock, PoisonError, RwLock, RwLockReadGuard};

use serde_json::{Map, Value};

use crate::error::{Error, Facts};
use crate::memory;
use crate::secret::{Class, MASK, Secret};
use finder::{Finder, Form};

/// The secrets of this process.
pub(crate) static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::default);

/// Knows secrets, and takes them out of text and data.
#[derive(Debug, Default)]
pub(crate) struct Redactor(RwLock<Finder>);

/// Where a secret was found, and what goes there instead.
type Found = (Range<usize>, &'static str);

impl Redactor {
    /// Secrets shorter than this would take ordinary words apart; they are masked by name only.
    const SHORTEST: usize = 6;
    /// Bytes of the longest secret that is looked for.
    const LONGEST: usize = 64 << 10;

    /// Knows one more secret.
    pub(crate) fn add(&self, secret: &Secret, class: Class) {
        // What is longer than any real one would take more than all else to find; its name still masks it.
        if secret.expose().len() <= Self::LONGEST && secret.expose().chars().count() >= Self::SHORTEST {
            self.0.write().unwrap_or_else(PoisonError::into_inner).add(secret, class);
        }
    }

    /// Text for people, as it may be shown on stderr.
    pub(crate) fn talk<'a>(&self, text: &'a str) -> Cow<'a, str> {
        replaced(text, self.in_talk(text))
    }

    /// A line of a log in JSON: talk in its fields, whose names are jst's own.
    pub(crate) fn json_line<'a>(&self, line: &'a str) -> Cow<'a, str> {
        match serde_json::from_str::<Map<String, Value>>(line) {
            Ok(fields) if !self.finder().is_empty() => {
                let fields: Map<_, _> = fields.into_iter().map(|(name, value)| (name, self.said(value))).collect();
                let shown = Value::from(fields).to_string() + "\n";
                Cow::Owned(self.text(&shown).into_owned())
            }
            Ok(_) => Cow::Borrowed(line),
            Err(_) => self.talk(line),
        }
    }

    /// Text that a script made, as it may be shown on stdout.
    pub(crate) fn data<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let found = self.finder().find(text, |form, at| match form.anywhere {
            true => Some(MASK),
            false => place::as_value(text, at),
        });
        replaced(text, found)
    }

    /// Text without credentials: for what was made of data that [`Redactor::value`] has passed.
    pub(crate) fn text<'a>(&self, text: &'a str) -> Cow<'a, str> {
        replaced(text, self.finder().find(text, |form, _| (form.class == Class::Credential).then_some(MASK)))
    }

    /// A line of a script: a star for each character, so that places in it stay where they are.
    pub(crate) fn line(&self, line: &str) -> String {
        let stars = |at: &Range<usize>| "*".repeat(line.get(at.clone()).map_or(0, |text| text.chars().count()));
        let found = merged(self.in_talk(line)).into_iter().map(|(at, _)| (at.clone(), stars(&at)));
        with(line, found)
    }

    /// A value, as it may be shown on stdout. What stands under a key that the catalogue documents as a plain
    /// field of a reply is no password, though it may read like one.
    pub(crate) fn value(&self, value: Value) -> Value {
        if self.finder().is_empty() { value } else { self.below(value, false) }
    }

    fn below(&self, value: Value, is_plain: bool) -> Value {
        match value {
            Value::String(text) if is_plain => self.text(&text).into(),
            Value::String(text) => self.data(&text).into(),
            Value::Number(number) if !is_plain && self.data(&number.to_string()) == MASK => MASK.into(),
            Value::Array(list) => list.into_iter().map(|value| self.below(value, is_plain)).collect(),
            Value::Object(map) => self.entries(map).into(),
            other => other,
        }
    }

    fn entries(&self, map: Map<String, Value>) -> Map<String, Value> {
        let mut shown = Map::with_capacity(map.len());
        for (key, value) in map {
            let is_plain = place::is_plain(&key);
            let mut name = if is_plain { self.text(&key) } else { self.data(&key) }.into_owned();
            while shown.contains_key(&name) {
                name.push('*');
            }
            shown.insert(name, self.below(value, is_plain));
        }
        shown
    }

    /// An error, as it may be shown anywhere: it is talk, whoever reads it.
    pub(crate) fn error(&self, error: Error) -> Error {
        if self.finder().is_empty() { error } else { error.with(|facts| self.facts(facts)) }
    }

    fn facts(&self, facts: &mut Facts) {
        let talk = |text: &mut String| {
            if let Cow::Owned(shown) = self.talk(text) {
                *text = shown;
            }
        };
        let value = |value: &mut Value| *value = self.said(value.take());
        talk(&mut facts.message);
        facts.operation.iter_mut().for_each(talk);
        facts.request_id.iter_mut().for_each(talk);
        facts.hints.iter_mut().for_each(talk);
        facts.code.iter_mut().for_each(value);
        for problem in &mut facts.problems {
            talk(&mut problem.path);
            talk(&mut problem.message);
            problem.nearest.iter_mut().for_each(talk);
            problem.given.iter_mut().for_each(value);
        }
        facts.more.iter_mut().for_each(|error| self.facts(error));
        for (item, error) in &mut facts.failures {
            value(item);
            self.facts(error);
        }
        for frame in &mut facts.trace {
            frame.text.iter_mut().for_each(|text| *text = self.line(text));
            talk(&mut frame.file);
            frame.function.iter_mut().for_each(talk);
        }
    }

    /// A value in an error.
    fn said(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.talk(&text).into(),
            Value::Number(number) if self.talk(&number.to_string()) == MASK => MASK.into(),
            Value::Array(list) => list.into_iter().map(|value| self.said(value)).collect(),
            Value::Object(map) => {
                map.into_iter().map(|(key, value)| (self.talk(&key).into_owned(), self.said(value))).collect()
            }
            other => other,
        }
    }

    fn in_talk(&self, text: &str) -> Vec<Found> {
        let hides = |form: &Form, at: &Range<usize>| form.anywhere || place::is_word(text, at);
        self.finder().find(text, |form, at| hides(form, at).then_some(MASK))
    }

    /// What finds the secrets that are known by now.
    fn finder(&self) -> RwLockReadGuard<'_, Finder> {
        let finder = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if finder.is_ready() {
            return finder;
        }
        drop(finder);
        // Not on the script's account: it may have used up what it has, and that must still be said.
        let _apart = memory::apart();
        self.0.write().unwrap_or_else(PoisonError::into_inner).prepare();
        // Another may have been added meanwhile, too late for this text.
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn replaced(text: &str, found: Vec<Found>) -> Cow<'_, str> {
    if found.is_empty() { Cow::Borrowed(text) } else { Cow::Owned(with(text, merged(found))) }
}

/// What overlaps or touches becomes one.
fn merged(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by_key(|(at, _)| at.start);
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for (at, instead) in found {
        match apart.last_mut() {
            Some((last, _)) if at.start <= last.end => last.end = last.end.max(at.end),
            _ => apart.push((at, instead)),
        }
    }
    apart
}

fn with<S: AsRef<str>>(text: &str, found: impl IntoIterator<Item = (Range<usize>, S)>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    for (at, instead) in found {
        shown.push_str(text.get(end..at.start).unwrap_or_default());
        shown.push_str(instead.as_ref());
        end = at.end;
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    shown
}
