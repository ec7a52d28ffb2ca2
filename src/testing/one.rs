//! One test, in a process of its own.

use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use super::RunLine;
use super::bench::OwnBench;
use super::message::{Failure, Job, Told};
use super::simulator::Simulator;
use crate::call::observer::{self, Observer};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::{Bench, Coverage, Ended, read_script};
use crate::settings::Settings;
use crate::show::errors::render;
use crate::show::streams;

/// Tells whoever started this process.
#[derive(Debug)]
pub(super) struct Teller(Mutex<std::io::Stdout>);

impl Teller {
    /// Tells one thing. Nobody is left to complain to.
    pub(super) fn tell(&self, told: &Told) {
        let line = serde_json::to_string(told).unwrap_or_default();
        let mut out = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    }
}

impl Observer for Teller {
    fn ended(&self, call: &observer::Ended<'_>) {
        let failed = |error: &Error| format!("{}: {}", error.kind.word(), error.message);
        self.tell(&Told::Call(format!("{}: {}", (call.words)(), call.error.map_or_else(|| "done".to_owned(), failed))));
    }
}

/// Runs the test and tells how it ended. The exit code says only that it was told.
///
/// # Errors
/// What keeps a test from being begun.
pub(crate) fn run(settings: &Arc<Settings>, exit: &Exit, job: Job, run_line: RunLine) -> Result<u8> {
    end_with_parent(exit)?;
    let teller = Arc::new(Teller(Mutex::new(std::io::stdout())));
    let said = Arc::clone(&teller);
    let _held = streams::give_to(Arc::new(move |_, text| said.tell(&Told::Said(text.to_owned()))));
    let coverage = job.coverage.then(Arc::<Coverage>::default);
    let own = job.file.display().to_string();
    let result = test(settings, exit, job, &teller, run_line, coverage.clone());
    if let Some(coverage) = coverage {
        let mut covered = coverage.covered();
        covered.retain(|file, _| *file != own && !file.starts_with("std/"));
        teller.tell(&Told::Covered(covered));
    }
    let failure = result.err().map(|error| {
        let message = crate::show::redaction::REDACTOR.error(error.clone()).message.clone();
        Failure { message, shown: render(&error, false) }
    });
    teller.tell(&Told::Ended(failure));
    Ok(0)
}

fn test(
    settings: &Arc<Settings>,
    exit: &Exit,
    job: Job,
    teller: &Arc<Teller>,
    run_line: RunLine,
    coverage: Option<Arc<Coverage>>,
) -> Result<()> {
    let bench = Arc::new(OwnBench {
        simulator: Arc::new(Simulator::new()),
        settings: Arc::clone(settings),
        teller: Arc::clone(teller),
        run_line,
        coverage,
        running: Mutex::default(),
        job: job.clone(),
    });
    let run = Run::watched(settings, exit, bench.ready())?;
    let text = read_script(&job.file)?;
    let root = job.file.parent().map(std::path::Path::to_owned).unwrap_or_default();
    let mut host = run.host(root, Vec::new());
    let bench: Arc<dyn Bench> = bench;
    host.open_to_tests(&bench);
    match host.run_test(&job.file.display().to_string(), &text, &job.test)? {
        Ended::Value(_) => Ok(()),
        Ended::Exit(code) => Err(Error::new(Kind::Script, format!("the test called exit({code})"))
            .hint("`t::run` runs a script that ends with a code of its own")),
    }
}

/// Ends the process when whoever started it is gone: a test that hangs must not stay behind.
fn end_with_parent(exit: &Exit) -> Result<()> {
    let exit = exit.clone();
    let wait = move || {
        let _apart = memory::apart();
        // Nothing is ever written there: it ends when the other side does.
        let _ = std::io::stdin().lock().read(&mut [0]);
        exit.leave(&Error::new(Kind::Io, "whoever ran the tests is gone"));
    };
    let started = std::thread::Builder::new().name("parent".into()).spawn(wait);
    started.map(drop).map_err(|error| Error::new(Kind::Io, format!("cannot start the test: {error}")))
}
