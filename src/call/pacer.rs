//! When attempts may begin, for all workers of a client together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Spaces attempts in time: an optional rate, and a pause for everyone after throttling.
///
/// A turn is taken when an attempt is about to be sent, never ahead of it: turns that were handed out
/// while something else kept their owners waiting would all be used at once.
#[derive(Debug)]
pub(super) struct Pacer {
    interval: Duration,
    clock: Arc<Clock>,
    /// Who waits for a turn, in the order they came; the first of them watches the clock.
    queue: tokio::sync::Mutex<()>,
    /// When the next attempt may begin, in [`Clock::waited`].
    next: Mutex<Duration>,
}

/// A timer may be this late. What it is late by is not lost to the rate.
const COARSE: Duration = Duration::from_millis(2);

impl Pacer {
    /// At most so many attempts a second.
    pub(super) fn new(rate: Option<f64>, clock: Arc<Clock>) -> Self {
        let interval = rate
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.max(1e-6)));
        Self { interval, clock, queue: tokio::sync::Mutex::default(), next: Mutex::default() }
    }

    /// Waits for the next free moment and takes it. Whoever gives up while waiting takes none.
    pub(super) async fn turn(&self) {
        if self.interval.is_zero() && self.next().is_zero() {
            return;
        }
        let _first = self.queue.lock().await;
        // Looked at again behind each wait: a pause may have begun meanwhile.
        while let Some(wait) = self.take() {
            self.clock.sleep(wait).await;
        }
    }

    /// Lets nobody go before this much time has passed.
    pub(super) fn hold(&self, wait: Duration) {
        let until = self.clock.waited() + wait;
        let mut next = self.next();
        *next = until.max(*next);
    }

    /// Takes the moment if it is free, or says how long it is until then.
    fn take(&self) -> Option<Duration> {
        let mut next = self.next();
        let now = self.clock.waited();
        let wait = next.checked_sub(now).filter(|wait| !wait.is_zero());
        if wait.is_none() {
            *next = now.saturating_sub(COARSE).max(*next) + self.interval;
        }
        wait
    }

    fn next(&self) -> MutexGuard<'_, Duration> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
