//! What earlier parts of a run left, for the part that goes on: the values of its steps, its writes and what became of
//! them, and what its script was told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::event::{Known, What};
use super::{place, store};
use crate::error::Result;

/// The earlier parts of a run.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// What was said of the run when it began.
    pub facts: Map<String, Value>,
    /// The number of the latest event.
    pub last: i64,
    /// The exit code of the latest part, if it came to its end.
    pub ended: Option<u8>,
    steps: HashMap<String, PastStep>,
    writes: BTreeMap<i64, PastWrite>,
    told: HashMap<(String, String, u32), Value>,
    /// Steps that this part came by.
    visited: HashSet<String>,
}

/// A step of an earlier part.
#[derive(Clone, Debug)]
pub(super) struct PastStep {
    /// The number of the event that began it.
    pub number: i64,
    /// What it gave, once it ended well; inside, `None` for a value that could not be kept.
    pub finished: Option<Option<Value>>,
}

/// A write of an earlier part.
#[derive(Clone, Debug)]
pub(crate) struct PastWrite {
    /// Its number among the events.
    pub number: i64,
    /// When it was about to be made, in milliseconds since 1970.
    pub at: i64,
    /// Where in the script.
    pub place: String,
    /// Its operation.
    pub operation: String,
    /// Its parameters, secrets masked.
    pub params: Map<String, Value>,
    /// What a look showed before it.
    pub before: Option<Value>,
    /// The profile that the script named for it; `None` for the run's own account.
    pub profile: Option<String>,
    /// What is known of it.
    pub known: Known,
    /// What the script got for it.
    pub reply: Value,
    /// Whether this part came by it.
    taken: bool,
}

impl PastWrite {
    /// One that was about to be made now.
    #[cfg(test)]
    pub(crate) fn made(operation: &str, params: Map<String, Value>, before: Option<Value>) -> Self {
        Self {
            number: 1,
            at: jiff::Timestamp::now().as_millisecond(),
            place: String::new(),
            operation: operation.to_owned(),
            params,
            before,
            profile: None,
            known: Known::Unknown,
            reply: Value::Null,
            taken: false,
        }
    }

    /// Whether it is done, or may be.
    fn counts(&self) -> bool {
        matches!(self.known, Known::Applied | Known::Unknown)
    }
}

impl Past {
    /// What the events of a run say.
    ///
    /// # Errors
    /// `config`.
    pub(super) fn read(connection: &Connection, path: &Path, run: &str) -> Result<Self> {
        let read = || -> rusqlite::Result<Self> {
            let mut past = Self::default();
            let mut query = connection
                .prepare("SELECT number, at, kind, of, place, body FROM events WHERE run = ?1 ORDER BY number")?;
            let mut rows = query.query([run])?;
            while let Some(row) = rows.next()? {
                past.last = row.get(0)?;
                let (kind, body): (String, String) = (row.get(2)?, row.get(5)?);
                if let Some(what) = What::read(&kind, &body) {
                    past.take(row.get(0)?, row.get(1)?, row.get(3)?, row.get(4)?, what);
                }
            }
            Ok(past)
        };
        read().map_err(|error| store::failed(path, &error))
    }

    fn take(&mut self, number: i64, at: i64, of: Option<i64>, place: String, what: What) {
        let write = of.and_then(|of| self.writes.get_mut(&of));
        match what {
            What::Begun(facts) => {
                self.ended = None;
                if self.facts.is_empty() {
                    self.facts = facts;
                }
            }
            What::Write { operation, params, before, profile } => {
                let (known, reply) = (Known::Unknown, Value::Null);
                let write =
                    PastWrite { number, at, place, operation, params, before, profile, known, reply, taken: false };
                self.writes.insert(number, write);
            }
            What::Outcome { known, reply, .. } | What::Settled { known, reply, .. } => {
                if let Some(write) = write {
                    (write.known, write.reply) = (known, reply);
                }
            }
            What::Step => {
                self.steps.entry(place).or_insert(PastStep { number, finished: None });
            }
            What::Finished(value) => {
                if let Some(step) = self.steps.get_mut(&place) {
                    step.finished = Some(value);
                }
            }
            What::Told { name, turn, value } => drop(self.told.insert((place, name, turn), value)),
            What::Ended(code) => self.ended = Some(code),
            What::Attempt | What::Line { .. } => {}
        }
    }

    /// The step at this place, now that the script came by it.
    pub(super) fn visit(&mut self, place: &str) -> Option<PastStep> {
        self.visited.insert(place.to_owned());
        self.steps.get(place).cloned()
    }

    /// What the script was told there.
    pub(super) fn told(&self, place: &str, name: &str, turn: u32) -> Option<&Value> {
        self.told.get(&(place.to_owned(), name.to_owned(), turn))
    }

    /// Writes of a step that are not settled, those of its items too; inner steps have their own.
    pub(super) fn unknown_in(&self, step: &str) -> Vec<PastWrite> {
        let is_in = |write: &&PastWrite| {
            let rest = write.place.strip_prefix(step);
            write.known == Known::Unknown && rest.is_some_and(|rest| !place::is_in_step(rest))
        };
        self.writes.values().filter(is_in).cloned().collect()
    }

    /// The write that was made there on the same account with this operation and these parameters, or by another item
    /// of the same step, if this part did not come by it yet. Where there is none, one that is unknown and was made
    /// anywhere else: a script that looks at what is left to do may come by it at another item. It counts as come by from
    /// now on, if it was made or may have been.
    pub(super) fn same(
        &mut self,
        here: &str,
        profile: Option<&str>,
        operation: &str,
        params: &Map<String, Value>,
    ) -> Option<PastWrite> {
        let step = place::step_of(here);
        let fits = |write: &PastWrite| {
            let is_new = !write.taken && write.counts() && write.profile.as_deref() == profile;
            is_new && write.operation == operation && write.params == *params
        };
        let there = self.writes.values().find(|write| write.place == here && fits(write));
        let elsewhere = || self.writes.values().find(|write| place::step_of(&write.place) == step && fits(write));
        let anywhere = || self.writes.values().find(|write| write.known == Known::Unknown && fits(write));
        let number = there.or_else(elsewhere).or_else(anywhere)?.number;
        let write = self.writes.get_mut(&number)?;
        write.taken = true;
        Some(write.clone())
    }

    /// Says what a write is now known to be.
    pub(super) fn settle(&mut self, number: i64, known: Known, reply: Value) {
        if let Some(write) = self.writes.get_mut(&number) {
            (write.known, write.reply) = (known, reply);
        }
    }

    /// What an earlier part wrote outside steps before it came by here, and this one did not.
    pub(super) fn left_out(&self, here: &str) -> Option<&PastWrite> {
        // A step that was there has only what was before it before itself.
        let wholes =
            std::iter::successors(Some(here), |text| Some(place::around(text)).filter(|text| !text.is_empty()));
        let begun = wholes.filter_map(|text| self.steps.get(text)).map(|step| step.number).min();
        let before = if place::is_in_step(here) { begun.unwrap_or(i64::MAX) } else { i64::MAX };
        let mut writes = self.writes.values().filter(|write| write.number < before);
        writes.find(|write| {
            let on_the_way = here.starts_with(&write.place) || write.place.starts_with(here);
            write.counts() && !write.taken && !place::is_in_step(&write.place) && on_the_way
        })
    }

    /// A step that an earlier part came by in the same place, and this one did not.
    pub(super) fn passed_over(&self, place: &str) -> Option<&str> {
        let beside = |text: &str| place::around(text) == place::around(place);
        let unseen = self.steps.iter().filter(|(text, _)| beside(text) && !self.visited.contains(*text));
        unseen.min_by_key(|(_, step)| step.number).map(|(text, _)| text.as_str())
    }

    /// Whether it means something that a person says of this step, or of the write of this number, that it is done or
    /// not: it is there, and nothing else is known of it.
    pub(super) fn is_open(&self, word: &str, is_done: bool) -> bool {
        let said = if is_done { Known::Applied } else { Known::NotApplied };
        let is_meant = |write: &&PastWrite| write.number.to_string() == word;
        let fits = |write: &PastWrite| write.known == Known::Unknown || write.known == said;
        let mut steps = self.steps.iter().filter(|(place, _)| place::is_named(place, word));
        self.writes.values().find(is_meant).is_some_and(fits)
            || steps.any(|(_, step)| is_done || step.finished.is_none())
    }

    /// Writes that are not settled.
    pub(super) fn unknown(&self) -> Vec<PastWrite> {
        self.writes.values().filter(|write| write.known == Known::Unknown).cloned().collect()
    }
}
