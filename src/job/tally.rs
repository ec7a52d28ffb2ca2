//! What a run called, counted: the limits, the metrics and the report come from it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::limits::{Limits, Writes};
use crate::call::observer::{Ended, Observer};
use crate::catalogue::Effect;
use crate::error::{Kind, Outcome, Result};
use crate::stop::Stop;

/// The calls of a run.
#[derive(Debug)]
pub(crate) struct Tally {
    limits: Limits,
    stop: Arc<Stop>,
    /// Whether each call is kept, for a report.
    keeps_calls: bool,
    began: Instant,
    counts: Mutex<Counts>,
}

/// What was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// Writes of each kind.
    pub writes: Writes,
    /// Calls by action.
    pub operations: BTreeMap<String, OfOperation>,
    /// Each call, of reads the first ones only.
    pub calls: Vec<Called>,
    /// Calls that are not among them.
    pub left_out: u64,
}

/// What was counted of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct OfOperation {
    /// Calls that came to an end.
    pub calls: u64,
    /// HTTP exchanges.
    pub attempts: u64,
    /// Exchanges that were answered with throttling.
    pub throttled: u64,
    /// Calls that may have happened.
    pub unknown: u64,
    /// Calls that failed otherwise.
    pub failed: u64,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// With a reply.
    Done,
    /// It certainly did not happen, or was only a read.
    Failed,
    /// It may have happened.
    Unknown,
}

impl How {
    /// The word for it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A call that came to its end.
#[derive(Clone, Debug)]
pub(crate) struct Called {
    /// The action.
    pub operation: String,
    /// What it does.
    pub effect: Effect,
    /// The call in words, without secrets.
    pub call: String,
    /// Milliseconds from the start of the run to its own.
    pub at_ms: u64,
    /// Milliseconds that it took.
    pub took_ms: u64,
    /// HTTP exchanges.
    pub attempts: u32,
    /// How it ended.
    pub how: How,
    /// Why it failed.
    pub error: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
}

/// Calls that are kept: of all kinds, and of writes and what failed.
const KEPT: usize = 2_000;
const KEPT_WRITES: usize = 20_000;

impl Tally {
    /// Counts from now on, and stops the run at these limits.
    pub(crate) fn new(limits: Limits, stop: Arc<Stop>, keeps_calls: bool) -> Self {
        Self { limits, stop, keeps_calls, began: Instant::now(), counts: Mutex::default() }
    }

    /// What was counted so far.
    pub(crate) fn counts(&self) -> Counts {
        self.locked().clone()
    }

    /// The writes so far.
    pub(crate) fn writes(&self) -> Writes {
        self.locked().writes
    }

    fn locked(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn called(&self, call: &Ended<'_>, how: How) -> Called {
        Called {
            operation: call.action.to_owned(),
            effect: call.effect,
            call: (call.words)(),
            at_ms: millis(call.begun.duration_since(self.began)),
            took_ms: millis(call.begun.elapsed()),
            attempts: call.attempts,
            how,
            error: call.error.map(|error| error.message.clone()),
            request_id: call.request_id.map(str::to_owned),
        }
    }
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

impl Observer for Tally {
    fn begins(&self, action: &str, effect: Effect) -> Result<()> {
        if effect == Effect::Read {
            return Ok(());
        }
        let mut counts = self.locked();
        let destroys = effect == Effect::Destructive;
        if let Some(why) = self.limits.crossed(&counts.writes, action, destroys) {
            counts.writes.left += 1;
            drop(counts);
            self.stop.set(why.clone());
            return Err(why);
        }
        counts.writes.begun += 1;
        counts.writes.destructive += u64::from(destroys);
        Ok(())
    }

    fn left(&self, effect: Effect) {
        self.locked().writes.left += u64::from(effect != Effect::Read);
    }

    fn ended(&self, call: &Ended<'_>) {
        let is_write = call.effect != Effect::Read;
        // Stopped before anything was sent: nothing failed.
        let is_left = call.outcome == Some(Outcome::NotSent)
            && call.error.is_some_and(|error| matches!(error.kind, Kind::Interrupted(_) | Kind::Limit));
        let how = match (call.error, call.outcome) {
            (None, _) => How::Done,
            (Some(_), Some(Outcome::Unknown)) if is_write => How::Unknown,
            (Some(_), _) => How::Failed,
        };
        let called = self.keeps_calls.then(|| self.called(call, how));
        let mut counts = self.locked();
        let of = counts.operations.entry(call.action.to_owned()).or_default();
        of.calls += 1;
        of.attempts += u64::from(call.attempts);
        of.throttled += u64::from(call.throttled);
        of.unknown += u64::from(how == How::Unknown);
        of.failed += u64::from(how == How::Failed && !is_left);
        if is_write {
            let writes = &mut counts.writes;
            match how {
                _ if is_left => writes.left += 1,
                How::Done => writes.done += 1,
                How::Failed => writes.failed += 1,
                How::Unknown => writes.unknown += 1,
            }
        }
        if let Some(called) = called {
            let most = if is_write || how != How::Done { KEPT_WRITES } else { KEPT };
            if counts.calls.len() < most { counts.calls.push(called) } else { counts.left_out += 1 }
        }
    }
}
