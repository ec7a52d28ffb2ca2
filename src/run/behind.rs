//! What is told behind a run: reports, metrics, a monitor. It never changes what became of the run.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::Run;
use super::id::RunId;
use super::places::Places;
use crate::call::shared::Shared;
use crate::error::{Error, Kind, Result};
use crate::job::checks::Checks;
use crate::job::heartbeat::{self, Heartbeat, Way};
use crate::job::shard::Shard;
use crate::job::tally::{Counts, Tally};
use crate::job::{metrics, report};
use crate::journal::keeper::PastWrite;
use crate::settings::Settings;
use crate::show::redaction::REDACTOR;
use crate::show::streams;
use crate::system;

/// What is told of a run behind it.
pub(super) struct Behind {
    settings: Arc<Settings>,
    script: String,
    shard: Shard,
    pub(super) places: Places,
    pub(super) host: String,
    began: Mutex<Began>,
    is_begun: AtomicBool,
    /// Whether its exit code is one that the script ended with.
    pub(super) is_own_code: AtomicBool,
    pub(super) tally: Arc<Tally>,
    checks: Arc<Checks>,
    pub(super) shared: Arc<Shared>,
    heartbeat: Mutex<Option<Heartbeat>>,
    pub(super) is_told: AtomicBool,
    /// What is said when the process ends now: a heartbeat is being told.
    untold: Mutex<Option<String>>,
}

/// A run that began; before that, one that waits to.
#[derive(Clone)]
struct Began {
    /// What it is called.
    run: String,
    /// Since when it does one or the other.
    at: Timestamp,
    since: Instant,
}

impl Began {
    fn now(run: &str) -> Self {
        Self { run: run.to_owned(), at: Timestamp::now(), since: Instant::now() }
    }

    /// When it ends, which is now, by a clock that nobody sets.
    fn ended(&self) -> Timestamp {
        let took = jiff::SignedDuration::try_from(self.since.elapsed()).unwrap_or_default();
        self.at.saturating_add(took).unwrap_or(self.at)
    }
}

/// Tells of a run that was refused before there was one, as its flags ask for, and gives the error back.
pub(crate) fn refused(settings: &Arc<Settings>, name: &str, error: Error) -> Error {
    if let Ok(behind) = Behind::new(settings, RunId::new().as_str(), name) {
        behind.tell(error.kind.exit_code(), Some(&error), heartbeat::PATIENT);
    }
    error
}

/// Tells a monitor that an earlier run did what one with its key would do. Its report and metrics stay.
///
/// # Errors
/// `config` for a heartbeat that goes nowhere.
pub(crate) fn is_done(settings: &Settings, run: &str, key: &str) -> Result<()> {
    let said = format!("the run {run} of the key {key} is done");
    let is_quiet = settings.job().quiet_success == Some(true);
    if !is_quiet {
        tracing::info!("{said}");
    }
    let failures = heartbeat_of(settings, run)?.map(|heartbeat| heartbeat.end(0, said, heartbeat::PATIENT));
    failures.into_iter().flatten().for_each(|why| tracing::warn!("{why}"));
    Ok(())
}

/// Who is told that the run lives.
fn heartbeat_of(settings: &Settings, run: &str) -> Result<Option<Heartbeat>> {
    let Some(url) = settings.job().heartbeat.as_deref() else { return Ok(None) };
    let way = Way { proxies: settings.around.env.clone(), authorities: settings.authorities()? };
    Heartbeat::new(url, way, run).map(Some)
}

impl Behind {
    /// What is to be told of a run that has done nothing yet; holds back what is printed, where that was asked for.
    ///
    /// # Errors
    /// `config` for a heartbeat that goes nowhere.
    pub(super) fn new(settings: &Arc<Settings>, run: &str, script: &str) -> Result<Self> {
        if settings.job().quiet_success == Some(true) {
            streams::hold();
        }
        let heartbeat = heartbeat_of(settings, run)?;
        if heartbeat.is_some() || !settings.job().report.is_empty() {
            streams::keep_tail();
        }
        Ok(Self {
            settings: Arc::clone(settings),
            script: script.to_owned(),
            // A run that is refused for what is said of its part does none.
            shard: settings.shard().unwrap_or_default(),
            places: Places::new(settings, script),
            host: system::host_name(),
            began: Mutex::new(Began::now(run)),
            is_begun: AtomicBool::new(false),
            is_own_code: AtomicBool::new(false),
            tally: Arc::new(Tally::new(settings.limits_of_run(), Arc::default(), false)),
            checks: Arc::default(),
            shared: Arc::default(),
            heartbeat: Mutex::new(heartbeat),
            is_told: AtomicBool::new(false),
            untold: Mutex::default(),
        })
    }

    /// The same of a run that counts what it does.
    pub(super) fn of(self, run: &Run) -> Self {
        Self {
            shard: run.share.shard(),
            tally: Arc::clone(&run.tally),
            checks: Arc::clone(&run.checks),
            shared: Arc::clone(run.account.shared()),
            ..self
        }
    }

    /// The run begins, and this is what it is called.
    pub(super) fn begin(&self, run: &str) {
        *self.began.lock().unwrap_or_else(PoisonError::into_inner) = Began::now(run);
        self.is_begun.store(true, Ordering::Release);
        if let Some(heartbeat) = &mut *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner) {
            heartbeat.name(run);
            heartbeat.start();
        }
    }

    fn began(&self) -> Began {
        self.began.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells what became of the run, once.
    pub(super) fn tell(&self, code: u8, error: Option<&Error>, tries: usize) {
        if self.is_told.swap(true, Ordering::AcqRel) {
            return;
        }
        let heartbeat = self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner).take();
        *self.untold() = heartbeat.as_ref().map(Heartbeat::untold);
        // Whoever reads the files wants to know of the run that holds the lock.
        if !error.is_some_and(|error| error.kind == Kind::Locked) {
            self.write_files(code, error);
        }
        if let Some(heartbeat) = heartbeat {
            let why = self.why(code, error).map(|why| why + "\n").unwrap_or_default();
            let body = format!("run {}, exit code {code}\n{}{why}", self.began().run, streams::tail());
            let redacted = REDACTOR.talk(&body).into_owned();
            let failures = heartbeat.end(code, redacted, tries);
            // Whoever ended the process meanwhile has said so.
            if self.untold().take().is_some() {
                failures.iter().for_each(|why| warn(code, why));
            }
        }
    }

    /// Says what is not told yet, as nobody waits for it any longer.
    pub(super) fn admit(&self, code: u8) {
        let untold = self.untold().take();
        untold.iter().for_each(|why| warn(code, why));
    }

    fn untold(&self) -> MutexGuard<'_, Option<String>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_files(&self, code: u8, error: Option<&Error>) {
        let flags = self.settings.job();
        // A run that was refused for such a path says so itself.
        let is_begun = self.is_begun.load(Ordering::Acquire);
        let is_fit = |path: &Path| is_begun || self.places.is_fit(path);
        let counts = self.tally.counts();
        let reports = flags.report.iter().filter(|path| is_fit(path) && report::check(path).is_ok());
        let metrics = flags.metrics_file.iter().filter(|path| is_fit(path) && metrics::check(path).is_ok());
        let written = reports
            .map(|path| self.write_report(path, code, error, &counts))
            .chain(metrics.map(|path| self.write_metrics(path, code, &counts)));
        for why in written.filter_map(std::result::Result::err) {
            show_all(code);
            tracing::error!("{why}");
        }
    }

    fn write_report(
        &self,
        path: &Path,
        code: u8,
        error: Option<&Error>,
        counts: &Counts,
    ) -> std::result::Result<(), String> {
        let began = self.began();
        report::write(
            path,
            &report::Told {
                run: &began.run,
                trace: self.settings.trace(),
                script: &self.script,
                profile: self.profile(),
                shard: self.shard,
                host: &self.host,
                began: began.at,
                ended: began.ended(),
                code,
                error,
                checks: &self.checks.all(),
                counts,
                under_way: &self.shared.words_under_way(),
                earlier: self.earlier().as_deref(),
                why: self.why(code, error).as_deref(),
                said: &streams::tail(),
            },
        )
    }

    fn write_metrics(&self, path: &Path, code: u8, counts: &Counts) -> std::result::Result<(), String> {
        let began = self.began();
        metrics::write(
            path,
            &metrics::Told {
                script: &self.script,
                profile: self.profile(),
                shard: self.shard,
                ended: began.ended().as_millisecond() as f64 / 1000.0,
                took: began.since.elapsed().as_secs_f64(),
                code,
                counts,
                earlier: self.earlier().as_ref().map(Vec::len),
            },
        )
    }

    fn profile(&self) -> &str {
        self.settings.profile().unwrap_or("default")
    }

    /// Why the run ended as it did, in words; `None` of one that did well.
    fn why(&self, code: u8, error: Option<&Error>) -> Option<String> {
        let own = self.is_own_code.load(Ordering::Acquire).then(|| format!("the script ended with {code}"));
        let checks = match self.checks.failed() {
            (0, _) => None,
            (failed, count) => Some(format!("{failed} of {count} checks failed")),
        };
        match error {
            Some(error) => Some(error.message.clone()),
            None if code == 0 => None,
            None => Some([own, checks].into_iter().flatten().collect::<Vec<_>>().join(", and ")),
        }
    }

    /// The writes of earlier parts that took effect, in words; `None` of a run that did not go on.
    fn earlier(&self) -> Option<Vec<String>> {
        Some(self.shared.journal()?.made_earlier()?.iter().map(PastWrite::words).collect())
    }
}

/// Says what could not be told.
fn warn(code: u8, why: &str) {
    show_all(code);
    tracing::warn!("{why}");
}

/// Shows what is held back of a run that did well, as something about it went wrong of which nobody would hear.
pub(super) fn show_all(code: u8) {
    if code == 0 {
        streams::release(true);
    }
}
