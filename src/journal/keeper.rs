//! What a run says to its journal, and what the journal says to a run that goes on [`again`].

mod again;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Map, Value};

use super::alive::{self, Alive, Held};
use super::event::{Event, Known, What};
use super::past::Past;
pub(crate) use super::past::{Later, Made, Next, PastWrite};
use super::place::Place;
use super::prune::Bounds;
use super::store;
use super::writer::{self, Writer};
use crate::error::{Error, Kind, Result};
pub(crate) use again::{Came, PERSON, Step};

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
    /// The flag that names it where nothing else does, with a blank before it.
    pub flags: String,
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
    /// How often the script was told something.
    answers: AtomicU64,
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
    Ok(Some(Before { id, facts: past.facts, ended: past.ended, lives: past.ended.is_none() && was_alive? }))
}

/// What a run is that goes on.
const RESUMED: &str = "resumed";

impl Plan {
    /// What earlier parts of the run left, and the run's lock: nobody else resumes it from here on. Where nothing may be
    /// written, there is none.
    fn past(&self) -> Result<(Option<Alive>, Past)> {
        let (path, id) = (&self.path, &self.id);
        if self.check_only {
            if alive::is_alive(path, id)? {
                return Err(lives(id));
            }
            let past = store::open_to_read(path)?.map(|connection| Past::read(&connection, path, id)).transpose()?;
            return Ok((None, still_open(past.unwrap_or_default(), id)?));
        }
        let alive = Alive::take(path, id, Held::Lives)?.map_err(|held| alive::refused(id, held, RESUMED))?;
        let past = Past::read(&store::open(path)?, path, id)?;
        Ok((Some(alive), still_open(past, id)?))
    }
}

impl Keeper {
    /// How a run goes on that ended with an error of this kind, in words; `None` where it did nothing that a resume would
    /// not do again, or cannot be resumed.
    pub(crate) fn way_on(&self, kind: Kind) -> Option<String> {
        self.writer.get().filter(|writer| writer.is_ok())?;
        let (id, flags) = (&self.plan.id, &self.plan.flags);
        let look = format!("`jst runs{flags} {id} --verify` looks what the account tells of it");
        // One that goes on and was refused would be refused again: the refusal says what helps.
        let is_refused = kind == Kind::Policy && self.goes_on();
        match (kind, self.plan.resumable) {
            (Kind::UnknownOutcome, true) => {
                Some(format!("this is run {id}: {look}; `jst run{flags} --resume {id}` looks and goes on"))
            }
            (Kind::UnknownOutcome, false) => Some(format!("this is run {id}: {look}")),
            (_, true) if self.has_done.load(Ordering::Acquire) && !is_refused => {
                Some(format!("this is run {id}: `jst run{flags} --resume {id}` goes on"))
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
            answers: AtomicU64::new(0),
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
        again::assumptions(&past, &plan)?;
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
            if let Some(mut past) = self.past() {
                past.makes(self.next.load(Ordering::Relaxed), profile.clone(), &operation, &params);
            }
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

    fn note(&self, event: Event) {
        if !self.plan.check_only
            && let Ok(writer) = self.writer()
        {
            writer.note(vec![event]);
        }
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
        if !self.plan.resumable {
            return value;
        }
        match self.answers.fetch_add(1, Ordering::Relaxed) {
            ..LINES => {
                let told = What::Told { name: name.to_owned(), turn, value: value.clone() };
                self.note(self.event(told).at_place(here.text()));
            }
            LINES => tracing::warn!(
                "the script asked for the time or for chance {LINES} times: what it is told from now on is not kept, and a resumed run is told something else"
            ),
            _ => {}
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

    /// Writes down how the run ended and why, once, and waits until that is on the disk, whoever asks for it first.
    ///
    /// # Errors
    /// What kept it from being written, for who asked first.
    pub(crate) fn end(&self, code: u8, why: Option<&str>) -> Result<()> {
        let is_there = self.writer.get().is_some_and(Result::is_ok);
        let mut result = Ok(());
        if is_there && !self.plan.check_only {
            self.has_ended.get_or_init(|| result = self.write_end(code, why));
        }
        result
    }

    fn write_end(&self, code: u8, why: Option<&str>) -> Result<()> {
        let writer = self.writer()?;
        let why = why.map(|why| why.chars().take(LONGEST).collect());
        writer::wait(writer, writer.commit(vec![self.event(What::Ended { code, why })]))
    }
}

/// What a run left, unless another process took it out, or ended it well, since it was looked for.
fn still_open(past: Past, id: &str) -> Result<Past> {
    match (past.last, past.ended) {
        (0, _) => Err(Error::new(Kind::Locked, format!("the run {id} was taken out of the journal meanwhile"))),
        (_, Some(0)) => Err(Error::new(Kind::Locked, format!("the run {id} was done by another process meanwhile"))),
        _ => Ok(past),
    }
}

/// The error of a run that cannot go on, as its process is there.
pub(crate) fn lives(id: &str) -> Error {
    alive::refused(id, Held::Lives, RESUMED)
}

#[cfg(test)]
mod tests;
