//! Tests of `pacer`.

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
