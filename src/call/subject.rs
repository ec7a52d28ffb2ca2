//! A call in words for people: `ScaleApp of environment 3002 商城前台 / 正式环境 (Replicas=5)`. Whatever tells
//! people of calls, a question, the log, a journal or a plan, says it so.
//!
//! What a call is about is the [`catalogue`](crate::catalogue)'s to say. [`words`] and [`called`] are pure;
//! [`look_up`] finds names by the catalogue's reads, through whoever it is given to ask.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value};

use super::account::Params;
use crate::catalogue::{Kind, Read, Subject, Thing};
use crate::secret;
use crate::show::redaction::REDACTOR;
use crate::show::visible;
use crate::wire::request::{Target, text};

/// Things of one call, and calls of many, that are shown one by one.
pub(crate) const SHOWN: usize = 3;

/// Characters of a value that are shown.
const LONGEST: usize = 60;

/// What was looked up in this run: what a call is about without names, and with them.
#[derive(Debug, Default)]
pub(crate) struct Names(Mutex<HashMap<String, String>>);

impl Names {
    /// The same words with names, where they are known.
    fn with(&self, plain: String) -> String {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&plain).cloned().unwrap_or(plain)
    }

    fn knows(&self, plain: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains_key(plain)
    }

    fn learn(&self, plain: String, named: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(plain, named);
    }
}

/// What a call is about and its further parameters, secrets masked:
/// `environment 3002 商城前台 / 正式环境 (AppId=1001, Force=true)`.
pub(crate) fn words(target: &Target, params: &Params, names: &Names) -> String {
    let (subject, rest) = parts(target, params, names);
    match (subject, rest.as_str()) {
        (Some(subject), "") => subject,
        (Some(subject), rest) => format!("{subject} ({rest})"),
        (None, "") => "no parameters".to_owned(),
        (None, rest) => rest.to_owned(),
    }
}

/// A whole call: `ScaleApp of environment 3002 (Replicas=5)`.
pub(crate) fn called(target: &Target, params: &Params, names: &Names) -> String {
    let (subject, rest) = parts(target, params, names);
    let of = subject.map(|subject| format!(" of {subject}")).unwrap_or_default();
    let rest = if rest.is_empty() { rest } else { format!(" ({rest})") };
    format!("{}{of}{rest}", target.action())
}

fn parts(target: &Target, params: &Params, names: &Names) -> (Option<String>, String) {
    let subject = thing(target).and_then(|thing| Some((thing, plain(thing, params)?)));
    let naming: Vec<&str> = match subject {
        Some((thing, _)) => chain(thing).map(|thing| thing.param).collect(),
        None => Vec::new(),
    };
    let rest = params.iter().filter(|(name, value)| !value.is_null() && !naming.contains(&name.as_str()));
    let rest: Vec<String> =
        rest.map(|(name, value)| format!("{}={}", short(name), shown(target, name, value))).collect();
    (subject.map(|(_, plain)| names.with(plain)), rest.join(", "))
}

/// What calls of a target are about; `None` where they are about no one thing.
fn thing(target: &Target) -> Option<&'static Thing> {
    match target.operation()?.subject {
        Subject::Thing(thing) => Some(thing),
        Subject::Nothing(_) => None,
    }
}

/// A thing and what it is a part of, outwards.
fn chain(thing: &'static Thing) -> impl Iterator<Item = &'static Thing> {
    std::iter::successors(Some(thing), |thing| thing.of)
}

/// What a call is about by its parameters alone: `node i-1 of cluster c-1`. `None` when it does not say.
fn plain(thing: &'static Thing, params: &Params) -> Option<String> {
    let said = |thing: &Thing| {
        let ids = ids(thing, params);
        let shown = ids.iter().map(|id| short(&text(id))).collect();
        (!ids.is_empty()).then(|| several(thing.kind, shown, ids.len()))
    };
    let first = said(thing)?;
    Some(chain(thing).skip(1).filter_map(said).fold(first, |part, whole| format!("{part} of {whole}")))
}

/// The ids that a call's parameters give for a thing, as they were given.
fn ids(thing: &Thing, params: &Params) -> Vec<Value> {
    let given = match params.get(thing.param) {
        Some(Value::Array(list)) => list.as_slice(),
        Some(value) => std::slice::from_ref(value),
        None => &[],
    };
    given.iter().filter(|value| value.is_string() || value.is_number()).cloned().collect()
}

/// Things of a kind, the first few one by one.
fn several(kind: &Kind, mut things: Vec<String>, count: usize) -> String {
    let plural = if count > 1 { "s" } else { "" };
    things.truncate(SHOWN);
    let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
    format!("{}{plural} {}{more}", kind.name, things.join(", "))
}

fn shown(target: &Target, name: &str, value: &Value) -> String {
    if target.is_secret(name) {
        return secret::MASK.to_owned();
    }
    match value {
        Value::Array(_) | Value::Object(_) => {
            let masked = secret::mask(Map::from_iter([(name.to_owned(), value.clone())]));
            short(&masked.get(name).map(Value::to_string).unwrap_or_default())
        }
        plain => short(&text(plain)),
    }
}

/// Text of bearable length on one line. Secrets are taken out first: half of one would be left otherwise.
fn short(text: &str) -> String {
    let text = visible::line(&REDACTOR.talk(text)).into_owned();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Finds the names of what a call is about. `ask` makes a read and gives what is at its place in the reply,
/// all pages of a list together; where it gives nothing, ids have to do.
pub(crate) async fn look_up(
    target: &Target,
    params: &Params,
    names: &Names,
    ask: &impl AsyncFn(&'static Read, Params) -> Option<Value>,
) {
    let Some((thing, plain)) = thing(target).and_then(|thing| Some((thing, plain(thing, params)?))) else {
        return;
    };
    if names.knows(&plain) {
        return;
    }
    let (mut search, ids) = (Search::of(thing, params), ids(thing, params));
    let mut named = Vec::new();
    for id in ids.iter().take(SHOWN) {
        search.known.insert(thing.kind.id.to_owned(), id.clone());
        named.push(search.named(thing.kind, &text(id), ask).await);
    }
    let mut found = several(thing.kind, named, ids.len());
    for whole in chain(thing).skip(1) {
        if let Some(id) = search.known.get(whole.kind.id).map(text) {
            let whole_named = search.named(whole.kind, &id, ask).await;
            found = format!("{found} of {} {whole_named}", whole.kind.name);
        }
    }
    names.learn(plain, found);
}

/// A search for names: what is known so far, and what was asked already.
struct Search {
    known: Params,
    asked: HashMap<String, Option<Value>>,
}

impl Search {
    fn of(thing: &'static Thing, params: &Params) -> Self {
        let mut known = params.clone();
        for thing in chain(thing) {
            if let Some(id) = ids(thing, params).into_iter().next() {
                known.insert(thing.kind.id.to_owned(), id);
            }
        }
        Self { known, asked: HashMap::new() }
    }

    /// A thing's id and, where all its reads show it, its name.
    async fn named(
        &mut self,
        kind: &'static Kind,
        id: &str,
        ask: &impl AsyncFn(&'static Read, Params) -> Option<Value>,
    ) -> String {
        let mut parts = vec![];
        if kind.reads.iter().all(|read| read.name.is_none()) {
            return short(id);
        }
        for read in kind.reads {
            match self.read(read, id, ask).await {
                Some(part) => parts.extend(part.filter(|part| !part.is_empty())),
                None => return short(id),
            }
        }
        if parts.is_empty() { short(id) } else { format!("{} {}", short(id), parts.join(" / ")) }
    }

    /// The part of the name that a read shows, if it is to show one; `None` where it shows nothing at all.
    async fn read(
        &mut self,
        read: &'static Read,
        id: &str,
        ask: &impl AsyncFn(&'static Read, Params) -> Option<Value>,
    ) -> Option<Option<String>> {
        if read.finds.is_some_and(|found| self.known.contains_key(found)) {
            return Some(None);
        }
        let value = |known: &str| self.known.get(known).filter(|value| !value.is_null()).cloned();
        let params: Option<Params> =
            read.params.iter().map(|(name, known)| Some(((*name).to_owned(), value(known)?))).collect();
        let params = params?;
        let question = format!("{} {}", read.action, Value::from(params.clone()));
        if !self.asked.contains_key(&question) {
            let answer = ask(read, params).await;
            self.asked.insert(question.clone(), answer);
        }
        let answer = self.asked.get(&question)?.as_ref()?;
        let record = match (read.key, answer) {
            (Some(key), Value::Array(records)) => {
                records.iter().find(|record| record.get(key).map(text).as_deref() == Some(id))?
            }
            (None, record @ Value::Object(_)) => record,
            _ => return None,
        };
        let name = read.name.and_then(|field| Some(short(record.get(field)?.as_str()?)));
        for (field, value) in record.as_object().into_iter().flatten() {
            let plain = value.is_string() || value.is_number();
            if plain && !self.known.contains_key(field) {
                self.known.insert(field.clone(), value.clone());
            }
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests;
