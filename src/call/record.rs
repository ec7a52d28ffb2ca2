//! The record of one call on its way: the one place that tells a write that was interrupted from one that
//! came to its end. Whatever is to know of every call, a journal say, learns of it here.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};
use std::time::Instant;

use super::observer::Ended;
use super::shared::{Owner, Shared};
use crate::catalogue::Effect;
use crate::error::{Error, Kind, Outcome, Result};
use crate::journal::keeper::Entry;
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

    /// Takes in a call that is whole and allowed. Nobody is told of it, and nothing of it is sent, before it begins.
    pub(super) fn of<'a>(
        &'a self,
        target: &'a Target,
        request: &'a Request,
        shared: &'a Shared,
        owner: &'a Owner,
    ) -> Call<'a> {
        let (attempts, throttled, is_told) = (AtomicU32::new(0), AtomicU32::new(0), AtomicBool::new(true));
        let (entry, request_id, begun) = (OnceLock::new(), OnceLock::new(), Instant::now());
        let record = self;
        Call { target, request, record, shared, owner, entry, attempts, throttled, request_id, begun, is_told }
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
        } else if (self.is(Self::WAITING) || self.is(Self::NOT_SENT)) && !known {
            error.operation(target.action()).outcome(Outcome::NotSent)
        } else {
            error
        }
    }

    /// What is known of many calls of this action that were given up together. Those under way have said so.
    pub(super) fn all_given_up(
        records: &[Self],
        target: &Target,
        shared: &Shared,
        owner: &Owner,
        error: Error,
    ) -> Error {
        let count =
            |states: &[u8]| records.iter().filter(|record| states.iter().any(|state| record.is(*state))).count();
        let (done, unknown) = (count(&[Self::DONE]), count(&[Self::UNDER_WAY, Self::UNKNOWN]));
        let left = records.len() - done - unknown;
        // Those that came to their turn are counted already.
        for observer in (0..count(&[Self::WAITING])).flat_map(|_| shared.observers(owner)) {
            observer.left(target.effect());
        }
        for call in records.iter().filter_map(|record| record.unknown.get()) {
            tracing::error!("it is not known whether {call} happened");
        }
        error
            .operation(target.action())
            .hint(format!("{done} calls came to their end, {unknown} have an unknown outcome, {left} were not made"))
            .with(|error| error.outcome = (unknown > 0).then_some(Outcome::Unknown))
    }

    fn set(&self, state: u8) {
        self.state.store(state, Ordering::Release);
    }
}

/// A call that is whole and allowed.
pub(super) struct Call<'a> {
    /// What is called.
    pub target: &'a Target,
    /// What is sent.
    pub request: &'a Request,
    record: &'a Record,
    pub(super) shared: &'a Shared,
    pub(super) owner: &'a Owner,
    /// What it is in the journal, once it is written down there.
    pub(super) entry: OnceLock<Entry>,
    attempts: AtomicU32,
    throttled: AtomicU32,
    request_id: OnceLock<String>,
    begun: Instant,
    /// Whether whoever observes has nothing more to learn of it: it did not begin, or they know of its end.
    is_told: AtomicBool,
}

impl Call<'_> {
    /// It begins. One that an earlier part of the run made already, and that is given back, never does.
    ///
    /// # Errors
    /// `limit`, or why the run is to end: no new call begins then.
    pub(super) fn begin(&self) -> Result<()> {
        self.shared.begins(self.target, self.owner).map_err(|error| {
            self.record.set(Record::NOT_SENT);
            error.operation(self.target.action()).outcome(Outcome::NotSent)
        })?;
        self.is_told.store(false, Ordering::Release);
        Ok(())
    }

    /// An earlier part of the run made it already.
    pub(super) fn was_made(self) {
        self.record.set(Record::DONE);
    }

    /// An attempt begins: from now on it may have reached the service.
    ///
    /// # Errors
    /// Why the run is to end: no attempt begins then.
    pub(super) fn exchange(&self) -> Result<Exchange<'_>> {
        self.shared.stop.why_set().map_or(Ok(()), Err)?;
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let entry = self.changes().then(|| {
            self.record.set(Record::UNDER_WAY);
            if let (Some(journal), Some(entry)) = (self.shared.journal(), self.entry.get()) {
                journal.attempt(entry);
            }
            self.shared.enter(self.words())
        });
        Ok(Exchange { call: self, entry })
    }

    fn changes(&self) -> bool {
        self.target.effect() != Effect::Read
    }

    /// An attempt was answered with throttling.
    pub(super) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt was answered with this. Of a read nobody asks for the id of the request.
    pub(super) fn answered(&self, body: &[u8]) {
        #[derive(serde::Deserialize)]
        struct Id {
            #[serde(rename = "RequestId", alias = "requestId")]
            id: String,
        }
        if let Some(Id { id }) = self.changes().then(|| serde_json::from_slice(body).ok()).flatten() {
            let _ = self.request_id.set(id);
        }
    }

    /// The service's id of the request, of a write that was answered.
    pub(super) fn request_id(&self) -> Option<&str> {
        self.request_id.get().map(String::as_str)
    }

    /// The call came to its end, with a reply or an error. One that is given up never does.
    pub(super) fn ended<T>(self, result: Result<T>) -> Result<T> {
        let outcome = result.as_ref().err().and_then(|error| error.outcome);
        self.record.set(match outcome {
            Some(Outcome::Unknown) if self.changes() => {
                let _ = self.record.unknown.set(self.words());
                Record::UNKNOWN
            }
            Some(Outcome::NotSent) => Record::NOT_SENT,
            _ => Record::DONE,
        });
        self.tell(result.as_ref().err(), outcome);
        result
    }

    /// Tells whoever observes, once.
    fn tell(&self, error: Option<&Error>, outcome: Option<Outcome>) {
        if self.is_told.swap(true, Ordering::AcqRel) {
            return;
        }
        for observer in self.shared.observers(self.owner) {
            observer.ended(&Ended {
                action: self.target.action(),
                effect: self.target.effect(),
                words: &|| self.words(),
                begun: self.begun,
                attempts: self.attempts.load(Ordering::Relaxed),
                throttled: self.throttled.load(Ordering::Relaxed),
                error,
                outcome,
                request_id: error
                    .and_then(|error| error.request_id.as_deref())
                    .or(self.request_id.get().map(String::as_str)),
            });
        }
    }

    /// It must not be made, for this reason, which is given back.
    pub(super) fn refused(self, error: Error) -> Error {
        self.record.set(Record::NOT_SENT);
        self.tell(Some(&error), Some(Outcome::NotSent));
        error
    }

    pub(super) fn words(&self) -> String {
        self.owner.words(self.target, self.request)
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.is_told.load(Ordering::Acquire) {
            let is_unknown = self.changes() && self.record.is(Record::UNDER_WAY);
            if !is_unknown {
                self.record.set(Record::NOT_SENT);
            }
            let outcome = if is_unknown { Outcome::Unknown } else { Outcome::NotSent };
            let why = self.shared.stop.why_set().unwrap_or_else(|| Error::new(Kind::UnknownOutcome, "it was given up"));
            if !is_unknown {
                self.note_not_sent(&why);
            }
            self.tell(Some(&why), Some(outcome));
        }
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
            self.call.shared.leave(entry);
        }
        self.call.record.set(Record::WAITING);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        // Unless somebody said it already.
        let entry = self.entry.and_then(|entry| self.call.shared.leave(entry));
        if let Some(call) = entry {
            tracing::error!("{call} was under way when the run was stopped: its outcome is unknown");
        }
    }
}
