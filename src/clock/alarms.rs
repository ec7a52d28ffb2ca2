//! Those who wait for a time without moving the clock, and are done with it before whoever moved the clock goes on:
//! a simulator that listens again at some time does, before a client that slept until then connects.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::Clock;

/// The alarms that are set on one clock.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    set: Mutex<Vec<Timestamp>>,
    /// The clock was moved, or an alarm is no longer set.
    changed: Notify,
}

/// An alarm that is set. Whoever moves the clock beyond it waits until it is dropped.
#[derive(Debug)]
pub(crate) struct Alarm<'a> {
    clock: &'a Clock,
    at: Timestamp,
}

impl Alarms {
    fn set(&self) -> MutexGuard<'_, Vec<Timestamp>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that the clock was moved.
    pub(super) fn moved(&self) {
        self.changed.notify_waiters();
    }

    /// Until no alarm is set whose time has come.
    pub(super) async fn heard(&self, clock: &Clock) {
        loop {
            // Listens before it looks: what changes in between is not missed.
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            let now = clock.now();
            if !self.set().iter().any(|at| *at <= now) {
                return;
            }
            changed.await;
        }
    }
}

impl<'a> Alarm<'a> {
    /// Sets an alarm.
    pub(super) fn new(clock: &'a Clock, at: Timestamp) -> Self {
        clock.alarms.set().push(at);
        Self { clock, at }
    }

    /// Until its time has come; it stays set.
    pub(crate) async fn rings(&self) {
        loop {
            let mut changed = std::pin::pin!(self.clock.alarms.changed.notified());
            changed.as_mut().enable();
            let Ok(left) = Duration::try_from(self.at.duration_since(self.clock.now())) else { return };
            if left.is_zero() {
                return;
            }
            let runs_out = async {
                match self.clock.runs_for(left) {
                    Some(left) => tokio::time::sleep(left).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = changed => {}
                () = runs_out => {}
            }
        }
    }
}

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        let mut set = self.clock.alarms.set();
        if let Some(n) = set.iter().position(|at| *at == self.at) {
            set.swap_remove(n);
        }
        drop(set);
        self.clock.alarms.changed.notify_waiters();
    }
}
