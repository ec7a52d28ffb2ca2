//! When attempts may begin, for all workers of a client together.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// Spaces attempts in time: an optional rate, and a pause for everyone after throttling.
#[derive(Debug)]
pub(super) struct Pacer {
    interval: Duration,
    clock: Arc<Clock>,
    /// When the next attempt may begin, in [`Clock::waited`].
    next: Mutex<Duration>,
}

impl Pacer {
    /// At most so many attempts a second.
    pub(super) fn new(rate: Option<f64>, clock: Arc<Clock>) -> Self {
        let interval = rate
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.max(1e-6)));
        Self { interval, clock, next: Mutex::default() }
    }

    /// Waits for the next free moment.
    pub(super) async fn turn(&self) {
        let wait = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            if next.is_zero() && self.interval.is_zero() {
                return;
            }
            let now = self.clock.waited();
            let at = now.max(*next);
            *next = at + self.interval;
            at - now
        };
        if !wait.is_zero() {
            self.clock.sleep(wait).await;
        }
    }

    /// Lets nobody go before this much time has passed.
    pub(super) fn hold(&self, wait: Duration) {
        let until = self.clock.waited() + wait;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = until.max(*next);
    }
}
