//! Tests of scripts: `jst test`.
//!
//! [`found`] looks for them, [`pool`] starts a process for each, jst itself, which runs it as [`one`] on a
//! [`bench`]: a simulator, its clock, and the scripts that the test runs. So a test's memory, secrets and limits are
//! its own, and one that hangs is killed. What it tells on the way are [`message`]s; [`told`] says it to people.

mod bench;
mod found;
mod message;
mod one;
mod pool;
mod simulator;
mod snapshots;
mod told;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Kind, Result};
use crate::run::Ready;
use crate::settings::{Settings, Surroundings};
use crate::show::data;

pub(crate) use message::Job;
pub(crate) use one::run as run_one;

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
}

/// Exit code when a test failed, or none was found.
const FAILED: u8 = 4;

/// Runs the tests, says what became of each on stdout, and gives the exit code.
///
/// # Errors
/// `io` for a path that is not there, `usage` for `update` where tests are only looked at.
pub(crate) fn run(settings: &Arc<Settings>, plan: &Plan) -> Result<u8> {
    let files = found::files(&plan.paths)?;
    let mut tests = found::Tests::in_files(settings, &files)?;
    tests.keep(plan.filter.as_deref());
    if let Some(seed) = plan.shuffle {
        tests.shuffle(seed);
    }
    if tests.is_empty() {
        return nothing(plan, &files);
    }
    let printed = |text: &str| print(text);
    let outcomes = pool::Pool::new(settings, plan)?.run(&tests, &printed)?;
    let summary = told::Summary::of(&outcomes);
    if summary.not_run > 0 {
        printed(&format!("{} not run, as one failed", summary.not_run))?;
    }
    printed(&summary.line())?;
    Ok(if summary.failed == 0 { 0 } else { FAILED })
}

/// Says that there was nothing to run.
fn nothing(plan: &Plan, files: &[PathBuf]) -> Result<u8> {
    let paths: Vec<String> = plan.paths.iter().map(|path| path.display().to_string()).collect();
    let error = match &plan.filter {
        Some(filter) if !files.is_empty() => {
            Error::new(Kind::Usage, format!("no test's name holds `{filter}`")).hint("leave --filter out to run all")
        }
        _ => Error::new(Kind::Usage, format!("no test was found in {}", paths.join(", ")))
            .hint("tests are functions `test_…` in files `*_test.rhai`"),
    };
    data::tell(&crate::show::errors::render(&error, false));
    print(&told::Summary::default().line())?;
    Ok(FAILED)
}

fn print(text: &str) -> Result<()> {
    match data::print_rendered(text) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Io, format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}
