//! What ends a run from outside: Ctrl-C, SIGTERM, the deadline, a limit, or the script's own `exit`.
//!
//! Set once, seen by everything that computes or waits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use crate::error::{Error, Interrupt, Kind, Result};

/// A flag that ends a run, shared by all its threads.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    is_set: AtomicBool,
    why: Mutex<Option<Error>>,
    changed: Notify,
    deadline: Option<Instant>,
    /// Threads that wait for input, which notice nothing.
    reading: AtomicUsize,
}

impl Stop {
    /// A stop with a deadline, which [`Stop::keep_deadline`] keeps.
    pub(crate) fn new(deadline: Option<Instant>) -> Self {
        Self { deadline, ..Self::default() }
    }

    /// Ends the run. The first reason stays, unless it would end only a line of a session and this one ends all.
    pub(crate) fn set(&self, why: Error) {
        let mut first = self.why();
        match &*first {
            Some(known) if known.kind.ends_session() || !why.kind.ends_session() => {}
            _ => *first = Some(why),
        }
        self.is_set.store(true, Ordering::SeqCst);
        drop(first);
        self.changed.notify_waiters();
    }

    /// Lets a session go on after a line of it was stopped. What ends the session, too, stays.
    pub(crate) fn reset(&self) {
        let mut why = self.why();
        if why.as_ref().is_some_and(|why| why.kind.ends_session()) {
            return;
        }
        *why = None;
        self.is_set.store(false, Ordering::SeqCst);
        drop(why);
        self.changed.notify_waiters();
        self.check_deadline();
    }

    /// Reads what may never come. Whoever stops the run meanwhile has to end the process.
    ///
    /// # Errors
    /// Why the run is to end, if it already is.
    pub(crate) fn while_reading<T>(&self, read: impl FnOnce() -> T) -> Result<T> {
        self.reading.fetch_add(1, Ordering::SeqCst);
        // Counted before the look: either this sees the stop, or who stops sees the reader.
        let result = self.why_set().map_or_else(|| Ok(read()), Err);
        self.reading.fetch_sub(1, Ordering::SeqCst);
        result
    }

    /// Whether someone waits for input.
    pub(crate) fn is_reading(&self) -> bool {
        self.reading.load(Ordering::SeqCst) > 0
    }

    /// Whether the run is to end: one atomic read.
    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::SeqCst)
    }

    fn check_deadline(&self) {
        if self.deadline.is_some_and(|at| at <= Instant::now()) {
            self.set(deadline_passed());
        }
    }

    /// Why the run is to end, if it is.
    pub(crate) fn why_set(&self) -> Option<Error> {
        self.is_set().then(|| self.why().clone()).flatten()
    }

    /// Ends the run when its deadline passes. Someone must wait for this.
    pub(crate) async fn keep_deadline(&self) {
        if let Some(at) = self.deadline {
            tokio::time::sleep_until(at.into()).await;
            self.check_deadline();
        }
    }

    /// Waits until the run is to end, and says why.
    pub(crate) async fn stopped(&self) -> Error {
        self.until(|| self.why_set()).await
    }

    /// Waits until the run is no longer to end for this reason.
    pub(crate) async fn otherwise(&self, why: &Error) {
        self.until(|| (self.why_set().map(|now| now.kind) != Some(why.kind)).then_some(())).await;
    }

    /// Waits until the run may go on again.
    pub(crate) async fn cleared(&self) {
        self.until(|| (!self.is_set()).then_some(())).await;
    }

    async fn until<T>(&self, look: impl Fn() -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before the look, so that nothing is missed between the two.
            changed.as_mut().enable();
            if let Some(seen) = look() {
                return seen;
            }
            changed.await;
        }
    }

    fn why(&self) -> std::sync::MutexGuard<'_, Option<Error>> {
        self.why.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deadline_passed() -> Error {
    Error::new(Kind::Interrupted(Interrupt::Deadline), "the deadline has passed")
        .hint("--deadline gives a run more time")
}
