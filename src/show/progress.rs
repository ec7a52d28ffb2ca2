//! How far a script is, on stderr: a bar on the last line of a terminal, which whatever else is said there takes
//! away first; elsewhere a line of the log a minute.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use unicode_width::UnicodeWidthChar as _;

use crate::show::log::SCRIPT;
use crate::show::redaction::REDACTOR;
use crate::show::{streams, visible};
use crate::terminal;

/// Whether a bar stands on the last line.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// How often a bar is drawn at most.
const FRAME: Duration = Duration::from_millis(100);

/// How often a line is logged.
const LINE: SignedDuration = SignedDuration::from_mins(1);

/// What was shown of a run so far.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    drawn: Option<Instant>,
    /// When a line was logged, or when progress was first told.
    told: Option<Timestamp>,
    has_lines: bool,
}

impl Progress {
    /// Tells that so many of so many are done, at this time of the run's clock.
    pub(crate) fn tell(&self, done: u64, total: u64, text: &str, now: Timestamp) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !tracing::enabled!(target: "script", tracing::Level::INFO) {
            return;
        }
        if io::stderr().is_terminal() && streams::are_free() {
            if done >= total {
                clear();
            } else if state.drawn.is_none_or(|drawn| drawn.elapsed() >= FRAME) {
                state.drawn = Some(Instant::now());
                draw(done, total, text);
            }
        } else if state.is_due(done >= total, now) {
            tracing::info!(target: SCRIPT, "{}", line(done, total, &REDACTOR.talk(text)));
        }
    }
}

impl State {
    /// Whether a line is to be logged. Work of less than a minute needs none.
    fn is_due(&mut self, is_end: bool, now: Timestamp) -> bool {
        let since = *self.told.get_or_insert(now);
        let is_due = now.duration_since(since) >= LINE;
        if is_end {
            let said = std::mem::take(self);
            return is_due || said.has_lines;
        }
        if is_due {
            (self.told, self.has_lines) = (Some(now), true);
        }
        is_due
    }
}

fn line(done: u64, total: u64, text: &str) -> String {
    let share = u128::from(done) * 100 / u128::from(total.max(1));
    let line = format!("{done} of {total} ({share} %) {text}");
    line.trim_end().to_owned()
}

fn draw(done: u64, total: u64, text: &str) {
    const CELLS: u64 = 20;
    let filled = usize::try_from(done.min(total).saturating_mul(CELLS) / total.max(1)).unwrap_or(0);
    let bar: String = (0..CELLS as usize).map(|n| if n < filled { '█' } else { '░' }).collect();
    let line = format!("{bar} {}", visible::line(&line(done, total, &REDACTOR.talk(text))));
    let width = terminal::size().map_or(80, |(width, _)| usize::from(width)).saturating_sub(1);
    DRAWN.store(true, Ordering::Release);
    let _ = write!(io::stderr(), "\r\u{1b}[K{}", fitted(&line, width));
}

/// As much of a line as so many columns show.
fn fitted(line: &str, width: usize) -> String {
    let mut left = width;
    let fits = |c: &char| {
        let takes = c.width().unwrap_or(0);
        let fits = takes <= left;
        left = left.saturating_sub(takes);
        fits
    };
    line.chars().take_while(fits).collect()
}

/// Takes the bar away, where one stands.
pub(crate) fn clear() {
    if DRAWN.swap(false, Ordering::AcqRel) {
        let _ = write!(io::stderr(), "\r\u{1b}[K");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_minute_and_none_for_what_is_short() {
        let at = |seconds: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds);
        for (calls, expected) in [
            (&[(0, false), (30, false), (59, true)][..], &[][..]),
            (&[(0, false), (60, false), (61, false), (119, false), (120, false), (125, true)], &[60, 120, 125]),
            (&[(0, false), (70, true)], &[70]),
            (&[(0, true), (100, false), (130, true)], &[]),
        ] {
            let mut state = State::default();
            let told = calls.iter().filter(|(seconds, is_end)| state.is_due(*is_end, at(*seconds)));
            assert_eq!(told.map(|(seconds, _)| *seconds).collect::<Vec<_>>(), expected, "{calls:?}");
        }
    }

    #[test]
    fn a_line_says_how_far_and_fits() {
        assert_eq!(line(3, 4, "商城"), "3 of 4 (75 %) 商城");
        assert_eq!(line(0, 0, ""), "0 of 0 (0 %)");
        assert_eq!(line(u64::MAX, u64::MAX, ""), format!("{0} of {0} (100 %)", u64::MAX));
        assert_eq!(fitted("ab商城c", 5), "ab商");
    }
}
