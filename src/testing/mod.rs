//! Tests of scripts: `jst test`.
//!
//! [`found`] looks for them, [`pool`] starts a process for each, jst itself, which runs it as [`one`] on a
//! [`bench`]: a simulator, its clock, and the scripts that the test runs. So a test's memory, secrets and limits are
//! its own, and one that hangs is killed. What it tells on the way are [`message`]s; [`told`] says it to people,
//! [`report`] to other programs; [`coverage`] is what they ran of scripts, [`snapshots`] what they keep, and [`watch`] runs
//! them again.

mod bench;
mod coverage;
mod found;
mod message;
mod one;
mod pool;
mod report;
mod simulator;
mod snapshots;
mod told;
mod watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::run::Ready;
use crate::settings::{Settings, Surroundings};
use crate::show::data;
use crate::show::errors::render;

pub(crate) use message::Job;
pub(crate) use one::run as run_one;
pub(crate) use report::Report;
use told::Outcome;

/// Runs a command line of jst on a service that is there already, all that it says included, and gives its exit code.
pub(crate) type RunLine = Arc<dyn Fn(Vec<String>, Surroundings, Ready) -> u8 + Send + Sync>;

/// What is wanted of `jst test`.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Files, and folders to look for them in.
    pub paths: Vec<PathBuf>,
    /// A part of the name of each test, its file included.
    pub filter: Option<String>,
    /// Tests at once.
    pub jobs: usize,
    /// Whether none is begun behind one that failed.
    pub fail_fast: bool,
    /// What their order derives from; without it, they come as they were found.
    pub shuffle: Option<u64>,
    /// The longest that one may take.
    pub limit: Duration,
    /// Whether snapshots are kept anew.
    pub update: bool,
    /// Whether they are run again when a file changes.
    pub watch: bool,
    /// Files for other programs.
    pub reports: Vec<Report>,
    /// Whether what runs of scripts is counted, and the file that it is written into.
    pub coverage: Option<Option<PathBuf>>,
}

/// Exit code when a test failed, or none was found.
const FAILED: u8 = 4;

/// Runs the tests, says what became of each on stdout, and gives the exit code. With `watch`, again and again, as often
/// as a file changes.
///
/// # Errors
/// `io` for a path that is not there, and for a report that cannot be written.
pub(crate) fn run(settings: &Arc<Settings>, plan: &Plan) -> Result<u8> {
    if !plan.watch {
        return round(settings, plan).map(|round| round.code);
    }
    let mut ran = Vec::new();
    loop {
        // Looked at before they run: what changes meanwhile has changed.
        let mut seen = watch::Seen::now(&plan.paths, &ran);
        match round(settings, plan) {
            Ok(round) if round.ran != ran => {
                ran = round.ran;
                seen = watch::Seen::now(&plan.paths, &ran);
            }
            Ok(_) => {}
            Err(error) => data::tell(&render(&error, false)),
        }
        print("waiting for a change; Ctrl-C ends it")?;
        seen.wait(&plan.paths, &ran);
    }
}

/// What one run of all tests came to.
struct Round {
    code: u8,
    /// The scripts that the tests ran.
    ran: Vec<PathBuf>,
}

fn round(settings: &Arc<Settings>, plan: &Plan) -> Result<Round> {
    let files = found::files(&plan.paths)?;
    let mut tests = found::Tests::in_files(settings, &files)?;
    tests.keep(plan.filter.as_deref());
    if let Some(seed) = plan.shuffle {
        tests.shuffle(seed);
    }
    if tests.is_empty() {
        return nothing(plan, &files);
    }
    let outcomes = pool::Pool::new(settings, plan)?.run(&tests, &print)?;
    for report in &plan.reports {
        report.write(&tests, &outcomes)?;
    }
    let summary = told::Summary::of(&outcomes);
    if plan.filter.is_none() && summary.failed + summary.not_run == 0 {
        name_unused(&files, &outcomes)?;
    }
    if let Some(file) = &plan.coverage {
        cover(file.as_deref(), &outcomes)?;
    }
    if summary.not_run > 0 {
        print(&format!("{} not run, as one failed", summary.not_run))?;
    }
    print(&summary.line())?;
    let mut ran: Vec<PathBuf> = outcomes.into_iter().flatten().flat_map(|outcome| outcome.ran).collect();
    ran.sort();
    ran.dedup();
    Ok(Round { code: if summary.failed == 0 { 0 } else { FAILED }, ran })
}

/// Names the snapshots that no test compared, where all were there to.
fn name_unused(files: &[PathBuf], outcomes: &[Option<Outcome>]) -> Result<()> {
    let compared: Vec<PathBuf> = outcomes.iter().flatten().flat_map(|outcome| outcome.snapshots.clone()).collect();
    let unused = snapshots::unused(files.iter().map(PathBuf::as_path), &compared);
    unused.iter().try_for_each(|file| print(&format!("unused snapshot: {}", file.display())))
}

/// Says what ran of scripts, and writes it into a file where one is wanted.
fn cover(file: Option<&Path>, outcomes: &[Option<Outcome>]) -> Result<()> {
    let mut total = coverage::Total::default();
    outcomes.iter().flatten().for_each(|outcome| total.add(&outcome.covered));
    file.map_or(Ok(()), |file| report::write(file, &total.lcov()))?;
    print(&total.text())
}

/// Says that there was nothing to run.
fn nothing(plan: &Plan, files: &[PathBuf]) -> Result<Round> {
    let paths: Vec<String> = plan.paths.iter().map(|path| path.display().to_string()).collect();
    let error = match &plan.filter {
        Some(filter) if !files.is_empty() => {
            Error::new(Kind::Usage, format!("no test's name holds `{filter}`")).hint("leave --filter out to run all")
        }
        _ => Error::new(Kind::Usage, format!("no test was found in {}", paths.join(", ")))
            .hint("tests are functions `test_…` in files `*_test.rhai`"),
    };
    data::tell(&render(&error, false));
    print(&told::Summary::default().line())?;
    Ok(Round { code: FAILED, ran: Vec::new() })
}

fn print(text: &str) -> Result<()> {
    match data::print_rendered(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Io, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
