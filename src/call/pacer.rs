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
mod tests {
    use futures_util::future::{join, join_all};

    use super::*;
    use crate::clock::Pace;

    /// A pacer of this rate, and its clock, which moves only as it is slept by.
    fn pacer(rate: Option<f64>) -> (Pacer, Arc<Clock>) {
        let clock = Arc::new(Clock::simulated(Pace::Told, jiff::Timestamp::UNIX_EPOCH));
        (Pacer::new(rate, Arc::clone(&clock)), clock)
    }

    /// When each of so many turns came, in milliseconds.
    async fn turns(pacer: &Pacer, clock: &Clock, count: usize) -> Vec<u128> {
        let turn = async || {
            pacer.turn().await;
            clock.waited().as_millis()
        };
        join_all((0..count).map(|_| turn())).await
    }

    #[tokio::test]
    async fn turns_are_spaced_by_the_rate_and_none_is_saved_up() {
        let (pacer, clock) = pacer(Some(5.0));
        assert_eq!(turns(&pacer, &clock, 4).await, [0, 200, 400, 600]);
        clock.advance(Duration::from_secs(60));
        // The first is as if it came when the timer was at its latest.
        assert_eq!(turns(&pacer, &clock, 3).await, [60_600, 60_798, 60_998]);
    }

    #[tokio::test]
    async fn a_pause_holds_those_who_wait_already_and_the_rate_holds_behind_it() {
        let (pacer, clock) = pacer(Some(5.0));
        pacer.turn().await;
        // Begun while the others wait for their turns.
        let pause = async { pacer.hold(Duration::from_secs(3)) };
        let (times, ()) = join(turns(&pacer, &clock, 4), pause).await;
        assert_eq!(times, [3_000, 3_200, 3_400, 3_600]);
    }

    #[tokio::test]
    async fn without_a_rate_only_a_pause_is_waited_for() {
        let (pacer, clock) = pacer(None);
        assert_eq!(turns(&pacer, &clock, 2).await, [0, 0]);
        pacer.hold(Duration::from_secs(1));
        assert_eq!(turns(&pacer, &clock, 3).await, [1_000, 1_000, 1_000]);
    }

    #[tokio::test]
    async fn who_gives_up_takes_no_turn() {
        let (pacer, clock) = pacer(Some(5.0));
        pacer.turn().await;
        let given_up = join_all((0..10).map(|_| pacer.turn()));
        assert!(futures_util::future::poll_immediate(given_up).await.is_none());
        assert_eq!(turns(&pacer, &clock, 2).await, [200, 400]);
    }
}
