//! The record of one call on its way: the one place that tells a write that was interrupted from one that
//! came to its end. Whatever is to know of every call, a journal say, learns of it here.

use std::sync::atomic::{AtomicU8, Ordering};

use super::subject::{self, Names};
use crate::catalogue::Effect;
use crate::error::{Error, Kind, Outcome, Result};
use crate::wire::request::{Request, Target};

/// How far a call is. Whoever may have to give the call up holds it.
#[derive(Debug, Default)]
pub(super) struct Record(AtomicU8);

impl Record {
    const WAITING: u8 = 0;
    const UNDER_WAY: u8 = 1;
    const DONE: u8 = 2;

    /// Begins a call that is whole and allowed. Nothing of it was sent yet.
    pub(super) fn begin<'a>(&'a self, target: &'a Target, request: &'a Request, names: &'a Names) -> Call<'a> {
        Call { target, request, record: self, names }
    }

    /// Whether an exchange that may change something had begun and not ended: its outcome is unknown.
    fn is_under_way(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::UNDER_WAY
    }

    /// Whether the call came to its end.
    pub(super) fn is_done(&self) -> bool {
        self.0.load(Ordering::Acquire) == Self::DONE
    }

    /// What is known of a call of this action that was given up with this error.
    pub(super) fn given_up(&self, action: &str, error: Error) -> Error {
        match error.kind {
            Kind::Interrupted(_) if self.is_under_way() => error.operation(action).outcome(Outcome::Unknown),
            _ => error,
        }
    }

    /// What is known of many calls of this action that were given up together.
    pub(super) fn all_given_up(records: &[Self], action: &str, error: Error) -> Error {
        let done = records.iter().filter(|record| record.is_done()).count();
        let unknown = records.iter().filter(|record| record.is_under_way()).count();
        let left = records.len() - done - unknown;
        error
            .operation(action)
            .hint(format!("{done} calls came to their end, {unknown} have an unknown outcome, {left} were not made"))
            .with(|error| error.outcome = (unknown > 0).then_some(Outcome::Unknown))
    }

    fn set(&self, state: u8) {
        self.0.store(state, Ordering::Release);
    }
}

/// A call that has begun.
pub(super) struct Call<'a> {
    /// What is called.
    pub target: &'a Target,
    /// What is sent.
    pub request: &'a Request,
    record: &'a Record,
    /// What people call what it is about.
    names: &'a Names,
}

impl Call<'_> {
    /// An attempt begins: from now on it may have reached the service.
    pub(super) fn exchange(&self) -> Exchange<'_> {
        let changes = self.target.effect() != Effect::Read;
        if changes {
            self.record.set(Record::UNDER_WAY);
        }
        Exchange { call: self, ended: !changes }
    }

    /// The call came to its end, with a reply or an error. One that is given up never does.
    pub(super) fn ended<T>(self, result: Result<T>) -> Result<T> {
        self.record.set(Record::DONE);
        result
    }
}

/// An attempt under way. When it is dropped before it ended, the run was stopped in the middle of it,
/// and someone must be told.
pub(super) struct Exchange<'a> {
    call: &'a Call<'a>,
    ended: bool,
}

impl Exchange<'_> {
    /// It brought an answer, or certainly none.
    pub(super) fn ended(mut self) {
        self.ended = true;
        self.call.record.set(Record::WAITING);
    }
}

impl Drop for Exchange<'_> {
    fn drop(&mut self) {
        if !self.ended {
            let Call { target, request, names, .. } = self.call;
            let call = subject::called(target, &request.params(target), names);
            tracing::error!("{call} was under way when the run was stopped: its outcome is unknown");
        }
    }
}
