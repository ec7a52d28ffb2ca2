//! What became of the last run, for Prometheus' textfile collector.

use std::path::Path;

use super::file;
use super::shard::Shard;
use super::tally::{Counts, OfOperation};
use crate::error::{Error, Kind, Result};

/// A run that ended.
#[derive(Clone, Debug)]
pub(crate) struct Told<'a> {
    /// Its script.
    pub script: &'a str,
    /// Its profile.
    pub profile: &'a str,
    /// The part that it did.
    pub shard: Shard,
    /// When it ended, in seconds since 1970.
    pub ended: f64,
    /// Seconds that it took.
    pub took: f64,
    /// Its exit code.
    pub code: u8,
    /// What it called.
    pub counts: &'a Counts,
    /// Of a run that went on, how many writes its earlier parts made.
    pub earlier: Option<usize>,
}

/// Refuses a file that no collector would read.
///
/// # Errors
/// `usage`.
pub(crate) fn check(path: &Path) -> Result<()> {
    if path.extension().is_some_and(|ending| ending == "prom") {
        return Ok(());
    }
    let why = format!("--metrics-file {}: Prometheus' collector reads files that end in .prom", path.display());
    Err(Error::new(Kind::Usage, why))
}

const LAST_SUCCESS: &str = "jst_run_last_success_timestamp_seconds";

/// Writes the file anew. When the run failed, the time of the last success stays.
///
/// # Errors
/// In words.
pub(crate) fn write(path: &Path, told: &Told<'_>) -> std::result::Result<(), String> {
    let before = crate::files::read_text(path, crate::files::LARGEST).unwrap_or_default();
    file::write(path, &text(told, &before))
}

fn text(told: &Told<'_>, before: &str) -> String {
    let mut labels = format!("script=\"{}\",profile=\"{}\"", escaped(told.script), escaped(told.profile));
    // The files of all parts are collected together, where each series may come once.
    if told.shard.is_part() {
        labels.push_str(&format!(",shard=\"{}\"", told.shard));
    }
    let success = match told.code {
        0 => Some(told.ended),
        _ => value_of(before, &format!("{LAST_SUCCESS}{{{labels}}} ")),
    };
    let mut text = String::new();
    let mut metric = |name: &str, help: &str, samples: &[(String, f64)]| {
        if !samples.is_empty() {
            text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        }
        for (labels, value) in samples {
            text.push_str(&format!("{name}{{{labels}}} {value}\n"));
        }
    };
    let one = |value: f64| vec![(labels.clone(), value)];
    metric("jst_run_last_timestamp_seconds", "When the last run ended.", &one(told.ended));
    metric(LAST_SUCCESS, "When the last run ended that ended with 0.", &success.map(one).unwrap_or_default());
    metric("jst_run_duration_seconds", "How long the last run took.", &one(told.took));
    metric("jst_run_exit_code", "The exit code of the last run.", &one(told.code.into()));
    let earlier = told.earlier.map(|writes| one(writes as f64)).unwrap_or_default();
    metric("jst_run_earlier_writes", "Writes that earlier parts of the last run made, which went on.", &earlier);
    type Of = fn(&OfOperation) -> u64;
    let operations: [(&str, &str, Of); 5] = [
        ("jst_run_calls", "Calls of the last run.", |of| of.calls),
        ("jst_run_attempts", "HTTP exchanges of the last run.", |of| of.attempts),
        ("jst_run_throttled", "Exchanges of the last run that were throttled.", |of| of.throttled),
        ("jst_run_unknown", "Calls of the last run with an unknown outcome.", |of| of.unknown),
        ("jst_run_failed", "Calls of the last run that failed.", |of| of.failed),
    ];
    for (name, help, count) in operations {
        let of = told.counts.operations.iter();
        let samples: Vec<_> =
            of.map(|(action, of)| (format!("{labels},operation=\"{}\"", escaped(action)), count(of) as f64)).collect();
        metric(name, help, &samples);
    }
    text
}

fn value_of(text: &str, beginning: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(beginning)?.trim().parse().ok())
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_keeps_the_last_success_of_the_same_script() {
        let counts = Counts::default();
        let shard = Shard::default();
        let told = |script, ended, code| Told {
            script,
            profile: "p",
            shard,
            ended,
            took: 1.5,
            code,
            counts: &counts,
            earlier: None,
        };
        let good = text(&told("a \"b\"\\", 100.0, 0), "");
        assert!(
            good.contains("jst_run_last_success_timestamp_seconds{script=\"a \\\"b\\\"\\\\\",profile=\"p\"} 100\n")
        );
        let bad = text(&told("a \"b\"\\", 200.0, 11), &good);
        assert!(bad.contains("success_timestamp_seconds{script=\"a \\\"b\\\"\\\\\",profile=\"p\"} 100\n"), "{bad}");
        assert!(bad.contains("jst_run_exit_code{script=\"a \\\"b\\\"\\\\\",profile=\"p\"} 11\n"), "{bad}");
        assert!(!text(&told("other", 200.0, 11), &good).contains("last_success"));
        let part = Told { shard: Shard { part: 0, parts: 2 }, ..told("a", 1.0, 0) };
        assert!(text(&part, "").contains("jst_run_exit_code{script=\"a\",profile=\"p\",shard=\"0/2\"} 0\n"));
    }
}
