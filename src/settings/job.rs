//! The flags of jobs: runs that nobody watches.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::flags::{switch, wait};
use crate::error::{Error, Kind};
use crate::job::limits::{Failures, Limits};
use crate::job::shard::{self, Shard};

/// Flags of a run that is left alone.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Flags for jobs")]
pub(crate) struct JobFlags {
    /// One run at a time: of this script, profile and part (--shard), or of this name; another ends with 40
    #[arg(long, global = true, env = "JST_LOCK", num_args = 0..=1, default_missing_value = "yes", require_equals = true, value_name = "NAME")]
    pub lock: Option<String>,
    /// Wait so long for the lock
    #[arg(long, global = true, env = "JST_LOCK_WAIT", value_parser = wait, value_name = "TIME")]
    pub lock_wait: Option<Duration>,
    /// The folder of locks, which all who share them can write to [default: /run/lock]
    #[arg(long, global = true, env = "JST_LOCK_DIR", value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub lock_dir: Option<PathBuf>,
    /// What calls under way get to end when the run is stopped [default: 10s]
    #[arg(long, global = true, env = "JST_GRACE", value_parser = wait, value_name = "TIME")]
    pub grace: Option<Duration>,
    /// Most calls that change something
    #[arg(long, global = true, env = "JST_MAX_WRITES", value_name = "N")]
    pub max_writes: Option<u64>,
    /// Most destructive calls
    #[arg(long, global = true, env = "JST_MAX_DESTRUCTIVE", value_name = "N")]
    pub max_destructive: Option<u64>,
    /// Most writes of which it is not known whether they happened
    #[arg(long, global = true, env = "JST_MAX_UNKNOWN", value_name = "N")]
    pub max_unknown: Option<u64>,
    /// Most writes that may fail, of all so far (of the first 20 at least): 5%, or a number of them
    #[arg(long, global = true, env = "JST_MAX_FAILURES", value_parser = failures, value_name = "P%")]
    pub max_failures: Option<Failures>,
    /// Print nothing unless the run fails; then all of both streams
    #[arg(long, global = true, env = "JST_QUIET_SUCCESS", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub quiet_success: Option<bool>,
    /// Wait up to so long before anything else; always the same for this host and script
    #[arg(long, global = true, env = "JST_JITTER", value_parser = wait, value_name = "TIME")]
    pub jitter: Option<Duration>,
    /// Tell this URL of the start, the end and the exit code, as healthchecks.io takes it
    #[arg(long, global = true, env = "JST_HEARTBEAT", hide_env_values = true, value_name = "URL")]
    pub heartbeat: Option<String>,
    /// Write what became of the run for Prometheus' textfile collector
    #[arg(long, global = true, env = "JST_METRICS_FILE", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub metrics_file: Option<PathBuf>,
    /// Write a report, by the file's ending: .json, .html, .md or .xml; may be given more than once
    #[arg(long, global = true, env = "JST_REPORT", value_delimiter = ',', value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub report: Vec<PathBuf>,
    /// Do part K of N, counted from 0 [default: JOB_COMPLETION_INDEX, with --shards]
    #[arg(long, global = true, env = "JST_SHARD", value_parser = clap::value_parser!(Shard), value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Of how many parts this run is one; which, Kubernetes says
    #[arg(long, global = true, env = "JST_SHARDS", value_parser = clap::value_parser!(u32).range(1..=i64::from(shard::MOST)), value_name = "N")]
    pub shards: Option<u32>,
}

impl JobFlags {
    /// How much may be changed.
    pub(crate) fn limits(&self) -> Limits {
        Limits {
            profile: None,
            writes: self.max_writes,
            destructive: self.max_destructive,
            unknown: self.max_unknown,
            failures: self.max_failures,
        }
    }

    /// Whether the wait before a run leaves time for it before its deadline.
    ///
    /// # Errors
    /// `usage`.
    pub(crate) fn leaves_time(&self, deadline: Duration) -> Result<(), Error> {
        let Some(jitter) = self.jitter.filter(|jitter| *jitter >= deadline) else { return Ok(()) };
        let why = format!(
            "--jitter {jitter:?} waits as long as --deadline {deadline:?} lets the run take: there may be no time left for it"
        );
        Err(Error::new(Kind::Usage, why).hint("the wait counts towards the deadline: give a longer one, or wait less"))
    }

    /// Of each flag the nearest that was given.
    pub(super) fn merged<'a>(levels: impl Fn() -> Vec<&'a Self>) -> Self {
        fn of<'a, T>(levels: Vec<&'a JobFlags>, flag: impl Fn(&'a JobFlags) -> Option<T>) -> Option<T> {
            levels.into_iter().rev().find_map(flag)
        }
        Self {
            lock: of(levels(), |flags| flags.lock.clone()),
            lock_wait: of(levels(), |flags| flags.lock_wait),
            lock_dir: of(levels(), |flags| flags.lock_dir.clone()),
            grace: of(levels(), |flags| flags.grace),
            // Limits of all levels hold: the least is the one.
            max_writes: levels().iter().filter_map(|flags| flags.max_writes).min(),
            max_destructive: levels().iter().filter_map(|flags| flags.max_destructive).min(),
            max_unknown: levels().iter().filter_map(|flags| flags.max_unknown).min(),
            max_failures: of(levels(), |flags| flags.max_failures),
            quiet_success: of(levels(), |flags| flags.quiet_success),
            jitter: of(levels(), |flags| flags.jitter),
            heartbeat: of(levels(), |flags| flags.heartbeat.clone()),
            metrics_file: of(levels(), |flags| flags.metrics_file.clone()),
            report: of(levels(), |flags| Some(flags.report.clone()).filter(|list| !list.is_empty()))
                .unwrap_or_default(),
            shard: of(levels(), |flags| flags.shard),
            shards: of(levels(), |flags| flags.shards),
        }
    }
}

fn failures(text: &str) -> Result<Failures, String> {
    let wrong = || format!("`{text}` is neither a share of the writes such as 5%, nor a number of them");
    match text.strip_suffix('%') {
        Some(share) => match share.trim().parse::<f64>() {
            Ok(share) if (0.0..=100.0).contains(&share) => Ok(Failures::Percent(share)),
            _ => Err(wrong()),
        },
        None => text.parse().map(Failures::Count).map_err(|_| wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_or_refused() {
        for (text, wanted) in [
            ("5%", Some(Failures::Percent(5.0))),
            ("0.5 %", Some(Failures::Percent(0.5))),
            ("3", Some(Failures::Count(3))),
            ("101%", None),
            ("-1%", None),
            ("NaN%", None),
            ("five", None),
        ] {
            assert_eq!(failures(text).ok(), wanted, "{text}");
        }
        for (text, wanted) in [("0", Some(0)), ("0s", Some(0)), ("1m", Some(60)), ("-1s", None), ("400d", None)] {
            assert_eq!(wait(text).ok(), wanted.map(Duration::from_secs), "{text}");
        }
    }
}
