//! What became of tests, as people read it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::found::Found;
use super::message::Failure;
use crate::script::Covered;

/// Calls and lines of a test that failed that are shown, the last ones.
const CALLS: usize = 20;
const LINES: usize = 40;

/// What became of one test.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Why it failed, if it did.
    pub failure: Option<Failure>,
    /// The calls since its start, in words; the last ones.
    pub calls: Vec<String>,
    /// How many there were.
    pub called: usize,
    /// What it printed and logged; the end of it.
    pub said: String,
    /// The scripts that it ran.
    pub ran: Vec<PathBuf>,
    /// The snapshots that it compared.
    pub snapshots: Vec<PathBuf>,
    /// What ran of the scripts that it ran.
    pub covered: BTreeMap<String, Covered>,
    /// How long it took.
    pub took: Duration,
}

/// What became of all tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Summary {
    /// Those that passed.
    pub passed: usize,
    /// Those that failed.
    pub failed: usize,
    /// Those that were not begun.
    pub not_run: usize,
}

impl Summary {
    /// Counts outcomes; those that are missing were not run.
    pub(super) fn of(outcomes: &[Option<Outcome>]) -> Self {
        let mut summary = Self::default();
        for outcome in outcomes {
            *match outcome {
                None => &mut summary.not_run,
                Some(Outcome { failure: Some(_), .. }) => &mut summary.failed,
                Some(_) => &mut summary.passed,
            } += 1;
        }
        summary
    }

    /// The last line.
    pub(super) fn line(self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }
}

/// A test and what became of it, with all that is known of one that failed.
pub(super) fn told(found: &Found, outcome: &Outcome) -> String {
    let Some(failure) = &outcome.failure else { return format!("ok    {}", found.name()) };
    let mut text = format!("FAIL  {}\n{}", found.name(), failure.shown.trim_end());
    if outcome.called > 0 {
        let skipped = outcome.called.saturating_sub(CALLS);
        text.push_str("\ncalls since its start:");
        if skipped > 0 {
            text.push_str(&format!("\n  … {skipped} before these"));
        }
        let shown = outcome.calls.iter().skip(outcome.calls.len().saturating_sub(CALLS));
        shown.for_each(|call| text.push_str(&format!("\n  {call}")));
    }
    let lines: Vec<&str> = outcome.said.lines().collect();
    if !lines.is_empty() {
        text.push_str("\nprinted and logged:");
        let shown = lines.iter().skip(lines.len().saturating_sub(LINES));
        shown.for_each(|line| text.push_str(&format!("\n  {line}")));
    }
    text + "\n"
}
