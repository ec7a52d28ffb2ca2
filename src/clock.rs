//! Time as a run sees it: the real clock, or the simulator's, which `sleep` moves instead of waiting.
//!
//! Real time rules the timestamps on the wire and the deadline; a [`Clock`] rules what a script calls time, how
//! long is waited before a call is sent again, and what happens inside the simulator.
//!
//! Where a client shares its clock with the simulator that it calls, answers take the clock's time as well. The
//! simulator cannot know how long its client waits, and the client not how long an answer would take: so the
//! simulator answers at once and says in [`TOOK`] how long that was, and the client moves the clock by it, or by
//! its time-out when that is shorter, and takes the answer for one that never came.

mod alarms;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp};

pub(crate) use self::alarms::Alarm;
use self::alarms::Alarms;
use crate::error::{Error, Kind};

/// The header in which a simulator tells those who share its clock how many milliseconds an answer took.
pub(crate) const TOOK: &str = "x-jst-took";

/// Where the service keeps its times that name no zone.
pub(crate) const BEIJING: Offset = Offset::constant(8);

/// Reads a time as the service writes it, or takes it: `2019-02-03T12:20:00Z` is UTC,
/// `2020-01-01 00:00:00` is Beijing's.
///
/// # Errors
/// It is no time.
pub(crate) fn parse_time(text: &str) -> Result<Timestamp, jiff::Error> {
    let text = text.trim();
    text.parse().or_else(|_: jiff::Error| BEIJING.to_timestamp(text.parse::<DateTime>()?))
}

/// A zone by its name, `Asia/Tokyo`, or its distance from UTC, `+09:00`. Names are those that come with jst.
///
/// # Errors
/// `invalid`.
pub(crate) fn zone(name: &str) -> Result<TimeZone, Error> {
    let offset = DateTimeParser::new().parse_time_zone(name).ok();
    let fixed = offset.filter(|_| name.starts_with(['+', '-']));
    fixed.or_else(|| named_zone(name)).ok_or_else(|| {
        let shown: String = name.chars().take(40).collect();
        Error::new(Kind::Invalid, format!("`{shown}` is no zone of time"))
            .hint("write a name such as UTC or Asia/Shanghai, or a distance from UTC such as +08:00")
    })
}

/// A zone by its name alone.
pub(crate) fn named_zone(name: &str) -> Option<TimeZone> {
    TimeZoneDatabase::bundled().get(name).ok()
}

/// The zone of the times that people are shown, as it stands beside them.
pub(crate) const ZONE: &str = "UTC+8";

/// Milliseconds since 1970 for people, as the service's people read time: in Beijing's.
pub(crate) fn local(millis: i64) -> String {
    let at =
        Timestamp::from_millisecond(millis).map(|at| BEIJING.to_datetime(at).strftime("%Y-%m-%d %H:%M:%S").to_string());
    at.unwrap_or_default()
}

/// How a clock runs by itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Pace {
    /// With real time, this many times as fast.
    Times(f64),
    /// Only when told: it stands still at its start until [`Clock::advance`].
    Told,
}

/// A clock that many threads may share.
#[derive(Debug)]
pub(crate) struct Clock {
    pace: Pace,
    /// Whether [`Clock::sleep`] moves the clock instead of waiting.
    skips: bool,
    origin: Timestamp,
    started: std::time::Instant,
    /// Milliseconds added by [`Clock::advance`].
    skipped: AtomicI64,
    alarms: Alarms,
}

impl Clock {
    /// The real clock: sleeping waits.
    pub(crate) fn real() -> Self {
        Self { skips: false, ..Self::simulated(Pace::Times(1.0), Timestamp::now()) }
    }

    /// A simulator's clock that starts at `origin`: sleeping moves it at once.
    pub(crate) fn simulated(pace: Pace, origin: Timestamp) -> Self {
        Self {
            pace,
            skips: true,
            origin,
            started: std::time::Instant::now(),
            skipped: AtomicI64::new(0),
            alarms: Alarms::default(),
        }
    }

    /// Whether waits move it instead of taking real time.
    pub(crate) fn skips(&self) -> bool {
        self.skips
    }

    /// Whether it moves by itself.
    pub(crate) fn runs(&self) -> bool {
        self.pace != Pace::Told
    }

    /// The time now.
    pub(crate) fn now(&self) -> Timestamp {
        let ran = match self.pace {
            Pace::Times(factor) => self.started.elapsed().as_secs_f64() * factor * 1000.0,
            Pace::Told => 0.0,
        };
        let moved = SignedDuration::from_millis(ran as i64)
            .saturating_add(SignedDuration::from_millis(self.skipped.load(Ordering::Acquire)));
        self.origin.saturating_add(moved).unwrap_or(Timestamp::MAX)
    }

    /// How long this clock had whoever sleeps by it wait, since it was made: what waits are counted in.
    pub(crate) fn waited(&self) -> Duration {
        let ran = if self.runs() { self.started.elapsed() } else { Duration::ZERO };
        ran + Duration::from_millis(u64::try_from(self.skipped.load(Ordering::Acquire)).unwrap_or(0))
    }

    /// What a sleep takes of real time.
    pub(crate) fn takes(&self, sleep: Duration) -> Duration {
        if self.skips { Duration::ZERO } else { sleep }
    }

    /// What this much takes of real time when nobody moves the clock; `None` when it never comes.
    fn runs_for(&self, by: Duration) -> Option<Duration> {
        match self.pace {
            Pace::Times(factor) => {
                Some(Duration::try_from_secs_f64(by.as_secs_f64() / factor).unwrap_or(Duration::MAX))
            }
            Pace::Told => None,
        }
    }

    /// Sets an alarm for so much later.
    pub(crate) fn alarm(&self, after: Duration) -> Alarm<'_> {
        Alarm::new(self, later(self.now(), after))
    }

    /// Moves the clock forward.
    pub(crate) fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let _ = self
            .skipped
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |skipped| Some(skipped.saturating_add(millis)));
        self.alarms.moved();
    }

    /// Waits, or moves the clock when it is a simulator's: until it shows at least `by` more than
    /// when the wait began, however many wait at once.
    pub(crate) async fn sleep(&self, by: Duration) {
        if !self.skips {
            return tokio::time::sleep(by).await;
        }
        let until = later(self.now(), by);
        // Let calls that are under way finish their step first.
        tokio::task::yield_now().await;
        self.skip_to(until).await;
    }

    /// Moves a clock that skips to this much after `from`, unless it is there already; alarms on the way are heard.
    pub(crate) async fn skip(&self, from: Timestamp, by: Duration) {
        self.skip_to(later(from, by)).await;
    }

    async fn skip_to(&self, until: Timestamp) {
        if let Ok(left) = Duration::try_from(self.now().duration_until(until)) {
            self.advance(left);
        }
        self.alarms.heard(self).await;
    }
}

fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.saturating_add(SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_utc_when_it_says_so_and_beijings_when_it_names_no_zone() {
        let same = Timestamp::constant(1_578_243_780, 0);
        for text in ["2020-01-05T17:03Z", "2020-01-05T17:03:00Z", "2020-01-06 01:03:00", " 2020-01-06T01:03 "] {
            assert_eq!(parse_time(text).ok(), Some(same), "{text}");
        }
        for text in ["", "tomorrow", "2020-02-30 00:00:00", "Z"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }
}
