//! What earlier parts of a run left, for the part that goes on: the values of its steps, its writes and what became of
//! them, and what its script was told.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::{Map, Value};

use super::event::{Known, What};
use super::{place, store};
use crate::error::Result;
use crate::secret::{MASK, tells_of_secret};

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
    /// The numbers of writes by what is the same in those that are alike.
    alike: HashMap<String, Vec<i64>>,
    /// Those outside steps that this part did not come by.
    bare: BTreeSet<i64>,
    /// Parameters that are masked for their names, with the places of their writes.
    masked: Vec<(String, String)>,
    /// What this part made, or may have made.
    now: Vec<Later>,
    /// All that was made or may have been, for who judges those that are unknown.
    all: OnceCell<Arc<[Later]>>,
    /// Where writes were made that this part came by at another place.
    moved: Vec<String>,
    told: HashMap<(String, String, u32), Value>,
    /// Steps that this part came by.
    visited: HashSet<String>,
    /// Those of them that gave the value that they had.
    given: HashSet<String>,
    /// The longest that an attempt could take in the part that was read last.
    attempt: Duration,
}

/// A step of an earlier part.
#[derive(Clone, Debug)]
pub(super) struct PastStep {
    /// The number of the event that began it.
    pub number: i64,
    /// The item of a `parallel` that it was begun in; empty where nothing tells.
    pub item: String,
    /// What it gave, once it ended well; inside, `None` for a value that could not be kept.
    pub finished: Option<Option<Value>>,
}

/// A write that is about to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Next<'a> {
    /// Where in the script.
    pub here: &'a str,
    /// The profile that the script named for it; `None` for the run's own account.
    pub profile: Option<&'a str>,
    /// Its operation.
    pub operation: &'a str,
    /// Its parameters, secrets masked.
    pub params: &'a Map<String, Value>,
    /// Whether a write, the first, may change again what another one did.
    pub undoes: fn(&Made<'_>, &Made<'_>) -> bool,
}

/// The operation and the parameters of a write.
pub(crate) type Made<'a> = (&'a str, &'a Map<String, Value>);

/// What writes have in common that are the same, wherever they are made.
fn likeness(profile: Option<&str>, operation: &str, params: &Map<String, Value>) -> String {
    let mut params = Value::from(params.clone());
    params.sort_all_objects();
    format!("{operation} {params} {}", profile.unwrap_or_default())
}

/// A write of an earlier part.
#[derive(Clone, Debug)]
pub(crate) struct PastWrite {
    /// Its number among the events.
    pub number: i64,
    /// When this process read of it: whoever made it was gone by then.
    pub read: Instant,
    /// The longest that an attempt of it could take.
    pub attempt: Duration,
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
    /// Of one that is unknown: all that the run made, or may have made.
    all: Arc<[Later]>,
    /// Whether this part came by it.
    taken: bool,
}

/// A write that was made behind another one, or may have been.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    /// Its number among the events.
    pub number: i64,
    profile: Option<String>,
    /// Its operation.
    pub operation: String,
    /// Its parameters, secrets masked.
    pub params: Map<String, Value>,
    /// What is known of it.
    pub known: Known,
}

impl Later {
    /// What was made.
    pub(crate) fn made(&self) -> Made<'_> {
        (&self.operation, &self.params)
    }
}

impl PastWrite {
    /// One of which nothing more is known than that it was about to be made.
    pub(crate) fn begun(operation: String, params: Map<String, Value>, before: Option<Value>) -> Self {
        Self {
            number: 1,
            read: Instant::now(),
            attempt: Duration::ZERO,
            place: String::new(),
            operation,
            params,
            before,
            profile: None,
            known: Known::Unknown,
            reply: Value::Null,
            all: Arc::default(),
            taken: false,
        }
    }

    /// It in words: what was called with which parameters, and where.
    pub(crate) fn words(&self) -> String {
        let on = self.profile.as_ref().map(|name| format!(" in the profile {name}")).unwrap_or_default();
        let step = place::step_of(&self.place);
        let step = if step.is_empty() { String::new() } else { format!(" in the step `{step}`") };
        format!("{} {}{on}{step}", self.operation, Value::from(self.params.clone()))
    }

    /// What was made.
    pub(crate) fn made(&self) -> Made<'_> {
        (&self.operation, &self.params)
    }

    /// What the run made behind it on the same account, or may have made; of one that is unknown.
    pub(crate) fn later(&self) -> impl Iterator<Item = &Later> {
        self.all.iter().filter(|later| later.number > self.number && later.profile == self.profile)
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
                .prepare("SELECT number, kind, of, place, body FROM events WHERE run = ?1 ORDER BY number")?;
            let mut rows = query.query([run])?;
            while let Some(row) = rows.next()? {
                past.last = row.get(0)?;
                let (kind, body): (String, String) = (row.get(1)?, row.get(4)?);
                if let Some(what) = What::read(&kind, &body) {
                    past.take(row.get(0)?, row.get(2)?, row.get(3)?, what);
                }
            }
            Ok(past)
        };
        read().map_err(|error| store::failed(path, &error))
    }

    fn take(&mut self, number: i64, of: Option<i64>, place: String, what: What) {
        let write = of.and_then(|of| self.writes.get_mut(&of));
        match what {
            What::Begun(facts) => {
                self.ended = None;
                let millis = facts.get("timeout_ms").and_then(Value::as_u64).unwrap_or_default();
                self.attempt = Duration::from_millis(millis);
                if self.facts.is_empty() {
                    self.facts = facts;
                }
            }
            What::Write { operation, params, before, profile } => {
                self.alike.entry(likeness(profile.as_deref(), &operation, &params)).or_default().push(number);
                if !place::is_in_step(&place) {
                    self.bare.insert(number);
                }
                let masked = params.iter().filter(|(name, value)| *value == MASK && tells_of_secret(name));
                self.masked.extend(masked.map(|(name, _)| (place.clone(), name.clone())));
                let begun = PastWrite::begun(operation, params, before);
                self.writes.insert(number, PastWrite { number, place, profile, attempt: self.attempt, ..begun });
            }
            What::Outcome { known, reply, .. } | What::Settled { known, reply, .. } => {
                if let Some(write) = write {
                    (write.known, write.reply) = (known, reply);
                }
            }
            What::Step(item) => {
                self.steps.entry(place).or_insert(PastStep { number, item, finished: None });
            }
            What::Finished(value) => {
                if let Some(step) = self.steps.get_mut(&place) {
                    step.finished = Some(value);
                }
            }
            What::Told { name, turn, value } => drop(self.told.insert((place, name, turn), value)),
            What::Ended { code, .. } => self.ended = Some(code),
            What::Attempt | What::Line { .. } => {}
        }
    }

    /// The step at this place, now that the script came by it. One that is finished gives its value, unless a write of
    /// its was taken for another's meanwhile: then it is to be done for itself. So is one that is done `again` as it
    /// looks for itself.
    pub(super) fn visit(&mut self, place: &str, is_again: bool) -> Option<PastStep> {
        self.visited.insert(place.to_owned());
        let mut step = self.steps.get(place)?.clone();
        if is_again || self.moved.iter().any(|moved| place::is_within(moved, place)) {
            step.finished = None;
        }
        if step.finished.is_some() {
            self.given.insert(place.to_owned());
        }
        Some(step)
    }

    /// The item that the step at this place was begun in, if that is another one than this.
    pub(super) fn other_item(&self, place: &str, item: &str) -> Option<&str> {
        let began = self.steps.get(place).map(|step| step.item.as_str())?;
        (!began.is_empty() && !item.is_empty() && began != item).then_some(began)
    }

    /// What the script was told there.
    pub(super) fn told(&self, place: &str, name: &str, turn: u32) -> Option<&Value> {
        self.told.get(&(place.to_owned(), name.to_owned(), turn))
    }

    /// Writes of a step that are not settled, those of its items too; inner steps have their own.
    pub(super) fn unknown_in(&self, step: &str) -> Vec<PastWrite> {
        self.unknown_where(|write| place::step_of(&write.place) == step)
    }

    /// Writes of a step that are not settled, with those of the steps in it.
    pub(super) fn unknown_within(&self, step: &str) -> Vec<PastWrite> {
        self.unknown_where(|write| place::is_within(&write.place, step))
    }

    /// Whether there are writes that are not settled.
    pub(super) fn has_unknown(&self) -> bool {
        self.writes.values().any(|write| write.known == Known::Unknown)
    }

    /// Writes that are not settled.
    pub(super) fn unknown(&self) -> Vec<PastWrite> {
        self.unknown_where(|_| true)
    }

    fn unknown_where(&self, fits: impl Fn(&PastWrite) -> bool) -> Vec<PastWrite> {
        let unknown = self.writes.values().filter(|write| write.known == Known::Unknown && fits(write));
        unknown.map(|write| self.with_all(write)).collect()
    }

    /// A write as others judge it: one that is unknown with all that the run made, or may have made.
    fn with_all(&self, write: &PastWrite) -> PastWrite {
        let made = |write: &PastWrite| Later {
            number: write.number,
            profile: write.profile.clone(),
            operation: write.operation.clone(),
            params: write.params.clone(),
            known: write.known,
        };
        let all = || self.writes.values().filter(|write| write.counts()).map(made).chain(self.now.clone()).collect();
        let is_unknown = write.known == Known::Unknown;
        let all = if is_unknown { Arc::clone(self.all.get_or_init(all)) } else { Arc::default() };
        PastWrite { all, ..write.clone() }
    }

    /// The write of an earlier part that this one is: made there, or by another item of the same step, or anywhere where
    /// this part did not come by it: a step may have another name by now, an item another place in its list. It counts as
    /// come by from now on, if it was made or may have been.
    pub(super) fn same(&mut self, next: &Next<'_>) -> Option<PastWrite> {
        let step = place::step_of(next.here);
        let begun = self.begun_around(next.here);
        let fit: Vec<&PastWrite> =
            self.like(next).filter(|write| write.counts() && !self.is_undone(write, next)).collect();
        let there = fit.iter().find(|write| write.place == next.here);
        let elsewhere = || fit.iter().find(|write| place::step_of(&write.place) == step);
        let is_open = |write: &PastWrite| write.number < begun && !self.is_given(&write.place);
        let may_be = |write: &PastWrite| write.known == Known::Unknown || self.may_have_moved(write, next);
        let anywhere = || fit.iter().find(|write| is_open(write) && may_be(write));
        let write = there.or_else(elsewhere).or_else(anywhere)?;
        let (whole, is_moved) = (self.with_all(write), place::step_of(&write.place) != step);
        if is_moved {
            self.moved.push(whole.place.clone());
        }
        self.come_by(whole.number);
        Some(whole)
    }

    /// Whether a write that was made may stand here by now: not where its own item of a `parallel` may yet come by it.
    fn may_have_moved(&self, write: &PastWrite, next: &Next<'_>) -> bool {
        let is_beside = place::is_beside(&write.place, next.here);
        let is_alike = || place::unnumbered(&write.place) == place::unnumbered(next.here);
        let is_new = || !self.steps.contains_key(place::step_of(next.here));
        !is_beside || is_alike() && is_new()
    }

    /// Whether something that this part came by, or made, changed again what a write did that was made before it. One
    /// that is unknown has to be settled nevertheless.
    fn is_undone(&self, write: &PastWrite, next: &Next<'_>) -> bool {
        let undoes =
            |profile: &Option<String>, made: &Made<'_>| *profile == write.profile && (next.undoes)(made, &write.made());
        let behind = self.writes.range(write.number + 1..).map(|(_, later)| later);
        let mut come_by = behind.filter(|later| later.counts() && (later.taken || self.is_given(&later.place)));
        write.known != Known::Unknown
            && (self.now.iter().any(|now| undoes(&now.profile, &now.made()))
                || come_by.any(|later| undoes(&later.profile, &later.made())))
    }

    /// This part is about to make a write.
    pub(super) fn makes(&mut self, number: i64, profile: Option<String>, operation: &str, params: &Map<String, Value>) {
        let (operation, params) = (operation.to_owned(), params.clone());
        self.now.push(Later { number, profile, operation, params, known: Known::Unknown });
        self.all.take();
    }

    /// The writes of a step took effect, with those of the steps in it: whoever says so came by them.
    pub(super) fn come_by_step(&mut self, step: &str) {
        let within = self.writes.values().filter(|write| place::is_within(&write.place, step));
        let numbers: Vec<i64> = within.map(|write| write.number).collect();
        numbers.into_iter().for_each(|number| self.come_by(number));
    }

    /// Where among the events an earlier part began the outermost of the steps around this place.
    fn begun_around(&self, here: &str) -> i64 {
        let wholes =
            std::iter::successors(Some(here), |text| Some(place::around(text)).filter(|text| !text.is_empty()));
        let begun = wholes.filter_map(|text| self.steps.get(text)).map(|step| step.number).min();
        begun.unwrap_or(i64::MAX)
    }

    /// Writes of earlier parts that are the same as this one, and that this part did not come by.
    fn like(&self, next: &Next<'_>) -> impl Iterator<Item = &PastWrite> {
        let numbers = self.alike.get(&likeness(next.profile, next.operation, next.params)).into_iter().flatten();
        numbers.filter_map(|number| self.writes.get(number)).filter(|write| !write.taken)
    }

    fn come_by(&mut self, number: i64) {
        self.bare.remove(&number);
        self.writes.entry(number).and_modify(|write| write.taken = true);
    }

    /// Whether a step around this place gave the value that it had.
    fn is_given(&self, text: &str) -> bool {
        let mut step = place::step_of(text);
        while !step.is_empty() && !self.given.contains(step) {
            step = place::step_of(place::around(step));
        }
        !step.is_empty()
    }

    /// Where among the events an earlier part tried this write here, to no effect.
    pub(super) fn tried(&mut self, next: &Next<'_>) -> Option<i64> {
        let step = place::step_of(next.here);
        let mut fit = self.like(next).filter(|write| !write.counts() && place::step_of(&write.place) == step);
        let number = fit.next()?.number;
        drop(fit);
        self.come_by(number);
        Some(number)
    }

    /// Says what a write is now known to be.
    pub(super) fn settle(&mut self, number: i64, known: Known, reply: Value) {
        if let Some(write) = self.writes.get_mut(&number) {
            (write.known, write.reply) = (known, reply);
        }
        self.all.take();
    }

    /// What an earlier part wrote outside steps before it came by here, and this one did not; only events before this one
    /// are looked at.
    pub(super) fn left_out(&self, here: &str, before: i64) -> Option<&PastWrite> {
        // A step that was there has only what was before it before itself.
        let before = before.min(self.begun_around(here));
        self.bare.range(..before).filter_map(|number| self.writes.get(number)).find(|write| {
            let on_the_way = here.starts_with(&write.place) || write.place.starts_with(here);
            write.counts() && on_the_way
        })
    }

    /// A step that an earlier part began around this place before this event, and this one did not come by.
    pub(super) fn passed_over(&self, around: &str, before: i64) -> Option<&str> {
        let is_beside = |text: &str, step: &PastStep| place::around(text) == around && step.number < before;
        let unseen = self.steps.iter().filter(|(text, step)| is_beside(text, step) && !self.visited.contains(*text));
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

    /// The parameters of a step's writes, and of the steps in it, that are masked for their names.
    pub(super) fn secrets_in(&self, step: &str) -> Vec<String> {
        let within = self.masked.iter().filter(|(place, _)| place::is_within(place, step));
        within.map(|(_, name)| name.clone()).collect()
    }

    /// Writes that took effect.
    pub(super) fn made(&self) -> Vec<PastWrite> {
        self.writes.values().filter(|write| write.known == Known::Applied).cloned().collect()
    }
}
