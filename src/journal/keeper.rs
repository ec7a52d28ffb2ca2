//! What a run says to its journal, and what the journal says to a run that goes on.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};

use super::alive::{self, Alive, Held};
use super::event::{Event, Known, What};
use super::past::Past;
pub(crate) use super::past::PastWrite;
use super::place::{self, Place};
use super::prune::Bounds;
use super::store;
use super::writer::{self, Writer};
use crate::error::{Error, Interrupt, Kind, Outcome, Result};

/// The most lines of its log that a run keeps, and the most things it was told.
const LINES: u64 = 10_000;

/// The longest line of a log that is kept, in characters.
const LONGEST: usize = 2_000;

/// What a run is to be in the journal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plan {
    /// The journal's file.
    pub path: PathBuf,
    /// How much of old runs it keeps.
    pub bounds: Bounds,
    /// The run's id.
    pub id: String,
    /// What is known of the run when it begins: `script`, `profile`, `endpoint`, `key` and others.
    pub facts: Map<String, Value>,
    /// Steps, and writes by their numbers, that a person says are done.
    pub assume_done: Vec<String>,
    /// The same that are not.
    pub assume_not_done: Vec<String>,
    /// Whether writes that the script no longer makes are passed over.
    pub unprotected: bool,
    /// Whether nothing may be written: only differences are looked for.
    pub check_only: bool,
    /// Whether the run can be resumed: only then is kept what its script was told.
    pub resumable: bool,
}

/// A run's journal.
#[derive(Debug)]
pub(crate) struct Keeper {
    plan: Plan,
    /// The thread that writes, from the first thing on that is to be written.
    writer: OnceLock<Result<Writer>>,
    starting: Mutex<()>,
    next: AtomicI64,
    lines: AtomicU64,
    /// What was there before, of a run that goes on.
    past: Option<Mutex<Past>>,
    /// Held by a run that goes on from the look at its past on.
    alive: Mutex<Option<Alive>>,
    /// How often each place, and each question there, came already.
    turns: Mutex<HashMap<String, u32>>,
    /// Whether it did anything that is not done again when it is resumed.
    has_done: AtomicBool,
    has_ended: OnceLock<()>,
}

/// A write that was written down before it is made.
#[derive(Debug)]
pub(crate) struct Entry(i64);

/// A step that is to be done.
#[derive(Debug)]
pub(crate) struct Step {
    /// Where it is.
    pub place: Place,
    /// Whether an earlier part of the run began it.
    pub was_begun: bool,
    number: i64,
}

/// What becomes of a step that a script came by.
pub(crate) enum Came {
    /// It is to be done.
    Do(Step),
    /// It is done, and gave this.
    Done(Value),
}

/// A run that went before.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    /// Its id.
    pub id: String,
    /// What was known of it when it began.
    pub facts: Map<String, Value>,
    /// Its exit code, if it came to an end.
    pub ended: Option<u8>,
    /// Whether its process is there.
    pub lives: bool,
}

/// Looks for a run by its id or its key.
///
/// # Errors
/// `config`.
pub(crate) fn find(path: &std::path::Path, id: Option<&str>, key: Option<&str>) -> Result<Option<Before>> {
    let Some(connection) = store::open_to_read(path)? else { return Ok(None) };
    let failed = |error: rusqlite::Error| store::failed(path, &error);
    let mut query = connection.prepare("SELECT id FROM runs WHERE id = ?1 OR key = ?2").map_err(failed)?;
    let mut ids = query.query_map([id, key], |row| row.get::<_, String>(0)).map_err(failed)?;
    let Some(id) = ids.next().transpose().map_err(failed)? else { return Ok(None) };
    // Asked first: one that ends meanwhile is seen to have ended.
    let was_alive = alive::is_alive(path, &id);
    let past = Past::read(&connection, path, &id)?;
    Ok(Some(Before { id, facts: past.facts, ended: past.ended, lives: was_alive && past.ended.is_none() }))
}

/// What a run is that goes on.
const RESUMED: &str = "resumed";

impl Plan {
    /// What earlier parts of the run left, and the run's lock: nobody else resumes it from here on. Where nothing may be
    /// written, there is none.
    fn past(&self) -> Result<(Option<Alive>, Past)> {
        let (path, id) = (&self.path, &self.id);
        if self.check_only {
            if alive::is_alive(path, id) {
                return Err(lives(id));
            }
            let past = store::open_to_read(path)?.map(|connection| Past::read(&connection, path, id)).transpose()?;
            return Ok((None, past.unwrap_or_default()));
        }
        let alive = Alive::take(path, id, Held::Lives)?.map_err(|held| alive::refused(id, held, RESUMED))?;
        Ok((Some(alive), Past::read(&store::open(path)?, path, id)?))
    }
}

impl Keeper {
    /// How a run goes on that ended with an error of this kind, in words; `None` where it did nothing that a resume would
    /// not do again, or cannot be resumed.
    pub(crate) fn way_on(&self, kind: Kind) -> Option<String> {
        self.writer.get().filter(|writer| writer.is_ok())?;
        let id = &self.plan.id;
        let look = format!("`jst runs {id} --verify` looks what the account tells of it");
        // One that goes on and was refused would be refused again: the refusal says what helps.
        let is_refused = kind == Kind::Policy && self.goes_on();
        match (kind, self.plan.resumable) {
            (Kind::UnknownOutcome, true) => {
                Some(format!("this is run {id}: {look}; `jst run --resume {id}` looks and goes on"))
            }
            (Kind::UnknownOutcome, false) => Some(format!("this is run {id}: {look}")),
            (_, true) if self.has_done.load(Ordering::Acquire) && !is_refused => {
                Some(format!("this is run {id}: `jst run --resume {id}` goes on"))
            }
            _ => None,
        }
    }

    /// The journal of a run. Nothing is opened before there is something to write.
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            writer: OnceLock::new(),
            starting: Mutex::default(),
            next: AtomicI64::new(1),
            lines: AtomicU64::new(0),
            past: None,
            alive: Mutex::default(),
            turns: Mutex::default(),
            has_done: AtomicBool::new(false),
            has_ended: OnceLock::new(),
        }
    }

    /// The journal of a run where there is no place for one: each write fails with that.
    pub(crate) fn nowhere(plan: Plan, error: Error) -> Self {
        Self { writer: OnceLock::from(Err(error)), ..Self::new(plan) }
    }

    /// The journal of a run that goes on.
    ///
    /// # Errors
    /// `config`; `locked` when the run lives; `usage` for what is assumed of no step and no write.
    pub(crate) fn going_on(plan: Plan) -> Result<Self> {
        let (alive, past) = plan.past()?;
        for (flag, words, is_done) in
            [("--assume-done", &plan.assume_done, true), ("--assume-not-done", &plan.assume_not_done, false)]
        {
            if let Some(word) = words.iter().find(|word| !past.is_open(word, is_done)) {
                return Err(means_nothing(flag, word, &plan.id));
            }
        }
        if let Some(word) = plan.assume_done.iter().find(|word| plan.assume_not_done.contains(word)) {
            let why = format!("`{word}` cannot be done and not done: --assume-done and --assume-not-done both name it");
            return Err(Error::new(Kind::Usage, why).hint("leave one of them out"));
        }
        let next = AtomicI64::new(past.last + 1);
        Ok(Self {
            past: Some(Mutex::new(past)),
            alive: Mutex::new(alive),
            next,
            has_done: true.into(),
            ..Self::new(plan)
        })
    }

    /// Writes down that the run began, without waiting for it. What fails is said by the first write.
    pub(crate) fn begin(&self) {
        if !self.plan.check_only {
            let _ = self.writer();
        }
    }

    /// Writes down that the run began, and waits until that is on the disk: from then on its key is its own.
    ///
    /// # Errors
    /// `locked` when another run of this key began meanwhile; `config`.
    pub(crate) fn claim(&self) -> Result<()> {
        if self.plan.check_only {
            return Ok(());
        }
        let writer = self.writer()?;
        writer::wait(writer, writer.commit(Vec::new()))
    }

    fn writer(&self) -> Result<&Writer> {
        if let Some(writer) = self.writer.get() {
            return writer.as_ref().map_err(Clone::clone);
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        self.writer.get_or_init(|| self.start()).as_ref().map_err(Clone::clone)
    }

    fn start(&self) -> Result<Writer> {
        let held = self.alive.lock().unwrap_or_else(PoisonError::into_inner).take();
        let alive = match held {
            Some(alive) => Some(alive),
            None => Alive::take(&self.plan.path, &self.plan.id, Held::Lives)?.ok(),
        };
        let writer = Writer::start(&self.plan.path, &self.plan.id, self.plan.bounds, alive)?;
        writer.note(vec![self.numbered(What::Begun(self.plan.facts.clone()))]);
        Ok(writer)
    }

    fn event(&self, what: What) -> Event {
        // The beginning has the first number.
        self.begin();
        self.numbered(what)
    }

    fn numbered(&self, what: What) -> Event {
        Event::now(self.next.fetch_add(1, Ordering::Relaxed), what)
    }

    fn past(&self) -> Option<MutexGuard<'_, Past>> {
        self.past.as_ref().map(|past| past.lock().unwrap_or_else(PoisonError::into_inner))
    }

    // Writes.

    /// Whether there is an earlier part.
    pub(crate) fn goes_on(&self) -> bool {
        self.past.is_some()
    }

    /// A write of an earlier part that is the same as one about to be made here, on the account of this profile or on
    /// the run's own.
    pub(crate) fn same(
        &self,
        here: &Place,
        profile: Option<&str>,
        operation: &str,
        params: &Map<String, Value>,
    ) -> Option<PastWrite> {
        self.past()?.same(here.text(), profile, operation, params)
    }

    /// Whether a write that no earlier part made may be made here.
    ///
    /// # Errors
    /// `policy`: an earlier part wrote something that this one passed over. Or nothing may be written at all.
    pub(crate) fn may_write(&self, here: &Place, words: impl Fn() -> String) -> Result<()> {
        let left_out = self.past().and_then(|past| past.left_out(here.text()).cloned());
        match left_out {
            Some(earlier) if !self.plan.unprotected => Err(differs(&earlier, &words())),
            _ if self.plan.check_only => Err(reached(&words(), "made")),
            _ => Ok(()),
        }
    }

    /// Whether something may be done that is not written down: a file written, somebody told.
    ///
    /// # Errors
    /// `interrupted`: nothing may be done at all, and the run ends here.
    pub(crate) fn may_do(&self, words: impl FnOnce() -> String) -> Result<()> {
        if self.plan.check_only { Err(reached(&words(), "done")) } else { Ok(()) }
    }

    /// Whether the run only looks for differences, and does nothing.
    pub(crate) fn only_looks(&self) -> bool {
        self.plan.check_only
    }

    /// Writes down that a write is about to be made, and waits until that is on the disk.
    ///
    /// # Errors
    /// `config`: it must not be made then.
    pub(crate) async fn intend(
        &self,
        here: &Place,
        profile: Option<&str>,
        operation: &str,
        params: Map<String, Value>,
        before: Option<Value>,
    ) -> Result<Entry> {
        let intend = async {
            let writer = self.writer()?;
            let (operation, profile) = (operation.to_owned(), profile.map(str::to_owned));
            let event = self.event(What::Write { operation, params, before, profile });
            let event = event.at_place(here.text());
            let number = event.number;
            writer.answered(writer.commit(vec![event]).await)?;
            self.has_done.store(true, Ordering::Release);
            Ok(Entry(number))
        };
        intend.await.map_err(writer::not_sent)
    }

    /// Notes that an attempt of a write begins.
    pub(crate) fn attempt(&self, entry: &Entry) {
        self.note(self.event(What::Attempt).of(entry.0));
    }

    /// Notes what became of a write.
    pub(crate) fn outcome(&self, entry: &Entry, known: Known, attempts: u32, request_id: Option<String>, reply: Value) {
        self.note(self.event(What::Outcome { known, attempts, request_id, reply }).of(entry.0));
    }

    /// Settles a write that was unknown.
    pub(crate) fn settle(&self, write: &PastWrite, known: Known, reply: &Value, by: &str) {
        if let Some(mut past) = self.past() {
            past.settle(write.number, known, reply.clone());
        }
        let settled = What::Settled { known, reply: reply.clone(), by: by.to_owned() };
        self.note(self.event(settled).of(write.number));
    }

    /// What a person says of a write: by its number, or by the step that it is in.
    pub(crate) fn assumed(&self, write: &PastWrite) -> Option<Known> {
        let number = write.number.to_string();
        let is_meant = |words: &[String]| {
            words.iter().any(|word| {
                *word == number || (!write.place.is_empty() && place::is_named(place::step_of(&write.place), word))
            })
        };
        match (is_meant(&self.plan.assume_done), is_meant(&self.plan.assume_not_done)) {
            (true, _) => Some(Known::Applied),
            (_, true) => Some(Known::NotApplied),
            _ => None,
        }
    }

    /// Settles all unknown writes of a step, as the script itself has looked.
    pub(crate) fn settle_step(&self, step: &Place, is_done: bool) {
        let known = if is_done { Known::Applied } else { Known::NotApplied };
        for write in self.unknown_in(step) {
            self.settle(&write, known, &Value::Null, "the script");
        }
    }

    /// Writes of earlier parts in a step that are not settled.
    pub(crate) fn unknown_in(&self, step: &Place) -> Vec<PastWrite> {
        self.past().map(|past| past.unknown_in(step.text())).unwrap_or_default()
    }

    fn note(&self, event: Event) {
        if !self.plan.check_only
            && let Ok(writer) = self.writer()
        {
            writer.note(vec![event]);
        }
    }

    // Steps.

    /// A script came by a step of this name.
    ///
    /// # Errors
    /// `policy` when earlier parts came by other steps here; `invalid` for a value that was not kept.
    pub(crate) fn step(&self, name: &str) -> Result<Came> {
        let text = Place::here().step_text(name);
        let turn = self.turn(&text);
        let text = if turn == 0 { text } else { format!("{text}#{}", turn + 1) };
        let earlier = self.past().and_then(|mut past| past.visit(&text));
        if let Some(Some(value)) = earlier.as_ref().and_then(|step| step.finished.as_ref()) {
            return Ok(Came::Done(value.clone()));
        }
        if earlier.as_ref().is_some_and(|step| step.finished.is_some()) {
            return Err(not_kept(&text));
        }
        if let (None, Some(past), false) = (&earlier, self.past(), self.plan.unprotected)
            && let Some(other) = past.passed_over(&text).filter(|_| self.is_changed(&past))
        {
            return Err(other_step(other, &text));
        }
        let event = self.event(What::Step).at_place(&text);
        let step = Step { number: event.number, was_begun: earlier.is_some(), place: Place::of_step(text) };
        self.note(event);
        let is_done = self.plan.assume_done.iter().any(|word| place::is_named(step.place.text(), word));
        if is_done && step.was_begun {
            return self.finished(&step, Some(Value::Null)).map(|()| Came::Done(Value::Null));
        }
        Ok(Came::Do(step))
    }

    /// A step ended well, with this value or one that may not be kept. It is on the disk when this returns.
    ///
    /// # Errors
    /// `config`.
    pub(crate) fn finished(&self, step: &Step, value: Option<Value>) -> Result<()> {
        if self.plan.check_only {
            return Ok(());
        }
        let event = self.event(What::Finished(value)).at_place(step.place.text()).of(step.number);
        let writer = self.writer()?;
        writer::wait(writer, writer.commit(vec![event]))?;
        self.has_done.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the script is another than the one that the run began with.
    fn is_changed(&self, past: &Past) -> bool {
        past.facts.get("hash") != self.plan.facts.get("hash")
    }

    fn turn(&self, of: &str) -> u32 {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = turns.entry(of.to_owned()).or_default();
        let now = *turn;
        *turn = now.saturating_add(1);
        now
    }

    // What a script is told.

    /// What a script is told here: what an earlier part was told at this turn, or what is so now.
    pub(crate) fn told(&self, name: &str, now: impl FnOnce() -> Value) -> Value {
        let here = Place::here();
        let turn = self.turn(&format!("{}\n{name}", here.text()));
        if let Some(value) = self.past().and_then(|past| past.told(here.text(), name, turn).cloned()) {
            return value;
        }
        let value = now();
        if self.plan.resumable && self.lines.fetch_add(1, Ordering::Relaxed) < LINES {
            let told = What::Told { name: name.to_owned(), turn, value: value.clone() };
            self.note(self.event(told).at_place(here.text()));
        }
        value
    }

    /// Keeps a line of the run's log, once the run is in the journal.
    pub(crate) fn line(&self, level: &str, text: &str) {
        if self.writer.get().is_some_and(Result::is_ok) && self.lines.fetch_add(1, Ordering::Relaxed) < LINES {
            let text = text.chars().take(LONGEST).collect();
            self.note(self.event(What::Line { level: level.to_owned(), text }));
        }
    }

    /// Writes down how the run ended, once, and waits until that is on the disk, whoever asks for it first.
    ///
    /// # Errors
    /// What kept it from being written, for who asked first.
    pub(crate) fn end(&self, code: u8) -> Result<()> {
        let is_there = self.writer.get().is_some_and(Result::is_ok);
        let mut result = Ok(());
        if is_there && !self.plan.check_only {
            self.has_ended.get_or_init(|| result = self.write_end(code));
        }
        result
    }

    fn write_end(&self, code: u8) -> Result<()> {
        let writer = self.writer()?;
        writer::wait(writer, writer.commit(vec![self.event(What::Ended(code))]))
    }
}

/// What ends a run that only looks for differences: the first that it would do.
fn reached(words: &str, done: &str) -> Error {
    Error::new(Kind::Interrupted(Interrupt::Looked), format!("{words} would be {done} next"))
}

/// The error of words that name no step and no write of which something can be assumed.
fn means_nothing(flag: &str, word: &str, id: &str) -> Error {
    let why = format!("{flag} {word}: the run {id} has no step and no write of this name that is still open");
    Error::new(Kind::Usage, why).hint(format!("`jst runs {id}` shows its steps, and its writes with their numbers"))
}

/// The error of a run that cannot go on, as its process is there.
pub(crate) fn lives(id: &str) -> Error {
    alive::refused(id, Held::Lives, RESUMED)
}

/// A write that an earlier part made and this one does not.
fn differs(earlier: &PastWrite, now: &str) -> Error {
    let params = Value::from(earlier.params.clone());
    let made = if earlier.known == Known::Applied { "made" } else { "may have made" };
    let on = earlier.profile.as_ref().map(|name| format!(" in the profile {name}")).unwrap_or_default();
    Error::new(
        Kind::Policy,
        format!(
            "the earlier part of this run {made} {} {params}{on} (write {}), which the script no longer makes; it is \
             about to make {now} instead",
            earlier.operation, earlier.number
        ),
    )
    .outcome(Outcome::NotSent)
    .hint("run the script as it was, or with the data that it had")
    .hint("--unprotected goes on, and leaves the earlier write as it is")
}

fn other_step(earlier: &str, now: &str) -> Error {
    Error::new(
        Kind::Policy,
        format!(
            "the script has changed: the earlier part of this run had the step `{earlier}` here, and now comes `{now}`"
        ),
    )
    .outcome(Outcome::NotSent)
    .hint("run the script as it was, or give the step its name back")
    .hint("--unprotected goes on with the steps as they are now")
}

fn not_kept(step: &str) -> Error {
    Error::new(Kind::Invalid, format!("the step `{step}` is done, and its value held a secret, which is not kept"))
        .hint("have the step give something else, and look the secret up where it is used")
}

#[cfg(test)]
mod tests;
