//! When attempts may begin, for all workers of a client together.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Spaces attempts in time: an optional rate, and a pause for everyone after throttling.
#[derive(Debug)]
pub struct Pacer {
    interval: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pacer {
    /// At most so many attempts a second.
    pub fn new(rate: Option<f64>) -> Self {
        let interval = rate
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate.max(1e-6)));
        Self { interval, next: Mutex::new(None) }
    }

    /// Waits for the next free moment.
    pub async fn turn(&self) {
        let at = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            match *next {
                None if self.interval.is_zero() => return,
                Some(at) if at <= now && self.interval.is_zero() => {
                    *next = None;
                    return;
                }
                at => {
                    let at = at.unwrap_or(now).max(now);
                    *next = Some(at + self.interval);
                    at
                }
            }
        };
        tokio::time::sleep_until(at.into()).await;
    }

    /// Lets nobody go before this much time has passed.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        *next = Some(next.map_or(until, |at| at.max(until)));
    }
}
