//! The record of one call on its way: the one place that tells a write that was interrupted from one that
//! came to its end. Whatever is to know of every call, a journal say, learns of it here.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::subject::{self, Names};
use crate::catalogue::Effect;
use crate::error::{Error, Outcome, Result};
use crate::journal::keeper::{Entry, Keeper};
use crate::wire::request::{Request, Target};

/// How far a call is. Whoever may have to give the call up holds it.
#[derive(Debug, Default)]
pub(super) struct Record {
    state: AtomicU8,
    /// The call in words, once its outcome is unknown.
    unknown: OnceLock<String>,
}

impl Record {
    const WAITING: u8 = 0;
    const UNDER_WAY: u8 = 1;
    const DONE: u8 = 2;
    /// It ended, and it is not known whether it happened.
    const UNKNOWN: u8 = 3;
    const NOT_SENT: u8 = 4;

    /// Begins a call that is whole and allowed. Nothing of it was sent yet.
    pub(super) fn begin<'a>(&'a self, target: &'a Target, request: &'a Request, around: &'a Around) -> Call<'a> {
        Call { target, request, record: self, around, entry: OnceLock::new() }
    }

    fn is(&self, state: u8) -> bool {
        self.state.load(Ordering::Acquire) == state
    }

    /// What is known of a call that was given up with this error: a write may have happened when an exchange
    /// had begun and not ended, and certainly did not when none had begun.
    pub(super) fn given_up(&self, target: &Target, error: Error) -> Error {
        let known = error.outcome.is_some() || target.effect() == Effect::Read;
        if self.is(Self::UNDER_WAY) {
            error.operation(target.action()).outcome(Outcome::Unknown)
        } else if self.is(Self::WAITING) && !known {
            error.operation(target.action()).outcome(Outcome::NotSent)
        } else {
            error
        }
    }

    /// What is known of many calls of this action that were given up together. Those under way have said so.
    pub(super) fn all_given_up(records: &[Self], action: &str, error: Error) -> Error {
        let count =
            |states: &[u8]| records.iter().filter(|record| states.iter().any(|state| record.is(*state))).count();
        let (done, unknown) = (count(&[Self::DONE]), count(&[Self::UNDER_WAY, Self::UNKNOWN]));
        let left = records.len() - done - unknown;
        for call in records.iter().filter_map(|record| record.unknown.get()) {
            tracing::error!("it is not known whether {call} happened");
        }
        error
            .operation(action)
            .hint(format!("{done} calls came to their end, {unknown} have an unknown outcome, {left} were not made"))
            .with(|error| error.outcome = (unknown > 0).then_some(Outcome::Unknown))
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }
}

/// What calls of an account share: what people call things, and the writes that are under way.
#[derive(Debug, Default)]
pub(crate) struct Around {
    /// Names that were found.
    pub names: Names,
    /// Who is told of every call that came to its end.
    watcher: Watcher,
    /// What writes are written down in, where the run has a journal.
    journal: OnceLock<Arc<Keeper>>,
    /// In words, by their order.
    under_way: Mutex<BTreeMap<u64, String>>,
    begun: AtomicU64,
}

/// Is told of a call in words, its action, and what it failed with.
pub(crate) type Watch = Box<dyn Fn(&str, &str, Option<&Error>) + Send + Sync>;

/// Who is told of calls, if anybody is.
#[derive(Default)]
struct Watcher(OnceLock<Watch>);

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Watcher").field(&self.0.get().is_some()).finish()
    }
}

impl Around {
    /// Has somebody told of every call that comes to its end: its words, its action, and what it failed with. The
    /// first who asks is.
    pub(crate) fn watch(&self, watch: Watch) {
        let _ = self.watcher.0.set(watch);
    }

    /// Has writes written down from now on.
    pub(crate) fn keep(&self, journal: Arc<Keeper>) {
        let _ = self.journal.set(journal);
    }

    /// What writes are written down in, where the run has a journal.
    pub(crate) fn journal(&self) -> Option<&Arc<Keeper>> {
        self.journal.get()
    }

    /// Names the writes that are under way: whoever ends the process in the middle of them does it.
    pub(crate) fn name_unknown(&self) {
        for call in std::mem::take(&mut *self.under_way()).into_values() {
            tracing::error!("{call} was under way when the run was stopped: its outcome is unknown");
        }
    }

    fn enter(&self, call: String) -> u64 {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        self.under_way().insert(number, call);
        number
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<u64, String>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that has begun.
pub(super) struct Call<'a> {
    /// What is called.
    pub target: &'a Target,
    /// What is sent.
    pub request: &'a Request,
    record: &'a Record,
    pub(super) around: &'a Around,
    /// What it is in the journal, once it is written down there.
    pub(super) entry: OnceLock<Entry>,
}

impl Call<'_> {
    /// An attempt begins: from now on it may have reached the service.
    pub(super) fn exchange(&self) -> Exchange<'_> {
        let changes = self.target.effect() != Effect::Read;
        let entry = changes.then(|| {
            self.record.set(Record::UNDER_WAY);
            if let (Some(journal), Some(entry)) = (self.around.journal(), self.entry.get()) {
                journal.attempt(entry);
            }
            self.around.enter(self.words())
        });
        Exchange { call: self, entry }
    }

    /// The call came to its end, with a reply or an error. One that is given up never does.
    pub(super) fn ended<T>(self, result: Result<T>) -> Result<T> {
        let outcome = result.as_ref().err().and_then(|error| error.outcome);
        self.record.set(match outcome {
            Some(Outcome::Unknown) if self.target.effect() != Effect::Read => {
                let _ = self.record.unknown.set(self.words());
                Record::UNKNOWN
            }
            Some(Outcome::NotSent) => Record::NOT_SENT,
            _ => Record::DONE,
        });
        if let Some(watch) = self.around.watcher.0.get() {
            watch(&self.words(), self.target.action(), result.as_ref().err());
        }
        result
    }

    pub(super) fn words(&self) -> String {
        subject::called(self.target, &self.request.params(self.target), &self.around.names)
    }
}

/// An attempt under way. When it is dropped before it ended, the run was stopped in the middle of it,
/// and someone must be told.
pub(super) struct Exchange<'a> {
    call: &'a Call<'a>,
    /// Of a write.
    entry: Option<u64>,
}

impl Exchange<'_> {
    /// It brought an answer, or certainly none.
    pub(super) fn ended(mut self) {
        if let Some(entry) = self.entry.take() {
            self.call.around.under_way().remove(&entry);
        }
        self.call.record.set(Record::WAITING);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        // Unless somebody said it already.
        let entry = self.entry.and_then(|entry| self.call.around.under_way().remove(&entry));
        if let Some(call) = entry {
            tracing::error!("{call} was under way when the run was stopped: its outcome is unknown");
        }
    }
}
