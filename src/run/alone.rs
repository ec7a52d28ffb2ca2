//! A run that nobody watches, from the wait before it to what is told behind it. What is told never changes what
//! became of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::id::RunId;
use super::places::Places;
use super::{Run, kept};
use crate::call::shared::Shared;
use crate::error::{Error, Kind, Result};
use crate::job::checks::NOT_AS_IT_SHOULD_BE;
use crate::job::heartbeat::{self, Heartbeat, Way};
use crate::job::lock::{self, Folder, Holder, Lock, Name};
use crate::job::shard::Shard;
use crate::job::tally::Tally;
use crate::job::{jitter, metrics, report};
use crate::journal::keeper::PastWrite;
use crate::memory;
use crate::settings::Settings;
use crate::settings::job::JobFlags;
use crate::show::{log, streams};
use crate::system;

/// What is told of a run behind it.
struct Behind {
    settings: Arc<Settings>,
    script: String,
    shard: Shard,
    places: Places,
    host: String,
    began: Mutex<Began>,
    is_begun: AtomicBool,
    /// Whether its exit code is one that the script ended with.
    is_own_code: AtomicBool,
    tally: Arc<Tally>,
    checks: Arc<crate::job::checks::Checks>,
    shared: Arc<Shared>,
    heartbeat: Mutex<Option<Heartbeat>>,
    is_told: AtomicBool,
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
}

/// How long it takes until the lock is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// What is said of the flags is right before anything is done.
///
/// # Errors
/// `usage`, `config`.
pub(super) fn prepare(settings: &Settings, run: &str) -> Result<()> {
    let flags = settings.job();
    flags.report.iter().try_for_each(|path| report::check(path))?;
    flags.metrics_file.iter().try_for_each(|path| metrics::check(path))?;
    if flags.lock_wait.is_some() && lock_name(flags).is_none() {
        return Err(Error::new(Kind::Usage, "--lock-wait is given without --lock").hint("add --lock, or leave it out"));
    }
    settings.longest().map_or(Ok(()), |deadline| flags.leaves_time(deadline))?;
    let trace = settings.trace();
    if trace.is_none() && settings.around.env.get("TRACEPARENT").is_some_and(|text| !text.trim().is_empty()) {
        tracing::warn!(
            "TRACEPARENT names no trace, which is 00-TRACE-PARENT-FLAGS in hexadecimal digits: it is ignored"
        );
    }
    log::name_run(run, trace);
    match trace {
        Some(trace) => tracing::info!("run {run} is part of trace {trace}"),
        None => tracing::debug!("run {run} begins"),
    }
    Ok(())
}

impl Run {
    /// Does the work of a script, or whatever is called so, with everything around it that the flags ask for, and gives
    /// the exit code.
    ///
    /// # Errors
    /// `locked`; whatever the work ends with.
    pub(crate) fn alone(&self, name: &str, script: Option<&Path>, work: impl FnOnce() -> Result<u8>) -> Result<u8> {
        self.alone_once(name, script, || Ok(Some(())), |()| work())
    }

    /// The same of work that another process may do as well: `begin` finds out, when nobody else holds the lock any
    /// more, what is left to do. It gives nothing where that is nothing, and has told of it then.
    ///
    /// # Errors
    /// `locked`; what keeps the work from beginning, or whatever it ends with.
    pub(crate) fn alone_once<T>(
        &self,
        name: &str,
        script: Option<&Path>,
        begin: impl FnOnce() -> Result<Option<T>>,
        work: impl FnOnce(T) -> Result<u8>,
    ) -> Result<u8> {
        // Held until all is told: the next one tells the same places.
        let mut held = None;
        self.told(name, |behind| {
            behind.places.check()?;
            if let Some(span) = self.settings.job().jitter {
                self.pause(jitter::wait(span, &behind.host, name))?;
            }
            held = self.lock(script, &behind.host)?;
            let Some(begun) = begin()? else {
                behind.is_told.store(true, Ordering::Release);
                return Ok(0);
            };
            // It may have been found to be an earlier run.
            held.iter().for_each(|lock| lock.name(&self.holder(&behind.host)));
            behind.begin(self.id().as_str());
            work(begun)
        })
    }

    /// Tells of a run that does not begin, as its flags ask for, and gives the error.
    ///
    /// # Errors
    /// Always: why it does not.
    pub(crate) fn refused(&self, name: &str, error: Error) -> Result<u8> {
        self.told(name, |_| Err(error))
    }

    fn told(&self, name: &str, work: impl FnOnce(&Behind) -> Result<u8>) -> Result<u8> {
        let behind = Arc::new(Behind {
            shard: self.share.shard(),
            tally: Arc::clone(&self.tally),
            checks: Arc::clone(&self.checks),
            shared: Arc::clone(self.account.shared()),
            ..Behind::new(&self.settings, self.id().as_str(), name)?
        });
        let (at_exit, stop) = (Arc::clone(&behind), Arc::clone(&self.stop));
        if let Some(exit) = &self.exit {
            exit.before(move |code, why| {
                let otherwise = || stop.why_set().unwrap_or_else(memory::exceeded);
                at_exit.tell(code, Some(&why.cloned().unwrap_or_else(otherwise)), 1);
            });
            let at_exit = Arc::clone(&behind);
            exit.complete(move |error| way_on(error, &at_exit.tally, &at_exit.shared));
            let cut_short = Arc::clone(&behind);
            exit.admit(move |code| cut_short.admit(code));
        }
        let result = work(&behind);
        behind.is_own_code.store(matches!(result, Ok(1..)), Ordering::Release);
        // Of one that was done before all is told.
        let result = if behind.is_told.load(Ordering::Acquire) { result } else { self.settled(result) };
        self.exit.iter().for_each(|exit| exit.decide(&result));
        let code = result.as_ref().map_or_else(|error| error.kind.exit_code(), |code| *code);
        // Before anybody hears of it, and before another one begins: what is told may take its time.
        if let Some(journal) = self.account.shared().journal() {
            kept::end(journal, code, result.as_ref().err().map(|error| error.message.as_str()));
        }
        behind.tell(code, result.as_ref().err(), heartbeat::PATIENT);
        result
    }

    /// What becomes of a run when its checks and its writes are counted.
    fn settled(&self, result: Result<u8>) -> Result<u8> {
        let result = result.map_err(|error| way_on(error, &self.tally, self.account.shared()));
        if let (Ok(_), Some(why)) = (&result, self.share.undivided()) {
            tracing::warn!("{why}: every part does the whole");
        }
        match (result, self.checks.failed()) {
            (Ok(0), (failed, count)) if failed > 0 => {
                tracing::error!("{failed} of {count} checks failed");
                Ok(NOT_AS_IT_SHOULD_BE)
            }
            (result, _) => result,
        }
    }

    fn pause(&self, span: Duration) -> Result<()> {
        tracing::debug!("waiting {span:.1?}");
        self.account.wait(async {
            tokio::time::sleep(span).await;
            Ok(())
        })
    }

    /// This run as it holds a lock from now on.
    fn holder(&self, host: &str) -> Holder {
        let run = self.id().to_string();
        Holder { run, pid: std::process::id(), host: host.to_owned(), since: Timestamp::now() }
    }

    /// The lock that the flags ask for.
    fn lock(&self, script: Option<&Path>, host: &str) -> Result<Option<Lock>> {
        let flags = self.settings.job();
        let Some(given) = lock_name(flags) else { return Ok(None) };
        let name = match (given, script) {
            (Some(name), _) => Name::given(name),
            (None, Some(script)) => {
                let profile = self.settings.profile().unwrap_or("default");
                Name::of_script(script, profile, self.share.shard())?
            }
            (None, None) => {
                return Err(Error::new(Kind::Usage, "--lock has no script's path to lock").hint("name it: --lock=NAME"));
            }
        };
        let folder = Folder::new(flags.lock_dir.as_deref());
        let begun = Instant::now();
        loop {
            let other = match folder.take(&name, &self.holder(host))? {
                Ok(lock) => return Ok(Some(lock)),
                Err(other) => other,
            };
            match flags.lock_wait {
                Some(longest) if begun.elapsed() < longest => self.pause(AGAIN)?,
                waited => {
                    let waited = waited.filter(|longest| !longest.is_zero());
                    return Err(lock::held(&name, other.as_ref(), Timestamp::now(), waited));
                }
            }
        }
    }
}

/// An error that ends a run, with what was written until then, and how the run goes on.
fn way_on(error: Error, tally: &Tally, shared: &Shared) -> Error {
    let writes = tally.writes();
    let is_stopped = matches!(error.kind, Kind::Limit | Kind::Interrupted(_));
    let counted = (is_stopped && writes.begun + writes.left > 0).then(|| writes.words());
    let way_on = shared.journal().and_then(|journal| journal.way_on(error.kind));
    counted.into_iter().chain(way_on).fold(error, Error::hint)
}

/// Whether a run is to be the only one that holds its lock.
pub(crate) fn is_locked(settings: &Settings) -> bool {
    lock_name(settings.job()).is_some()
}

/// The name of the lock that was asked for, if one was; `None` within is the script's own.
fn lock_name(flags: &JobFlags) -> Option<Option<&str>> {
    match flags.lock.as_deref()? {
        "no" | "false" | "0" => None,
        "yes" | "true" | "1" | "" => Some(None),
        name => Some(Some(name)),
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
    fn new(settings: &Arc<Settings>, run: &str, script: &str) -> Result<Self> {
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

    fn begin(&self, run: &str) {
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
    fn tell(&self, code: u8, error: Option<&Error>, tries: usize) {
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
            let redacted = crate::show::redaction::REDACTOR.talk(&body).into_owned();
            let failures = heartbeat.end(code, redacted, tries);
            // Whoever ended the process meanwhile has said so.
            if self.untold().take().is_some() {
                failures.iter().for_each(|why| warn(code, why));
            }
        }
    }

    /// Says what is not told yet, as nobody waits for it any longer.
    fn admit(&self, code: u8) {
        let untold = self.untold().take();
        untold.iter().for_each(|why| warn(code, why));
    }

    fn untold(&self) -> MutexGuard<'_, Option<String>> {
        self.untold.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_files(&self, code: u8, error: Option<&Error>) {
        let counts = self.tally.counts();
        let Began { run, at: began, since } = self.began();
        let since = since.elapsed();
        let ended = began.saturating_add(jiff::SignedDuration::try_from(since).unwrap_or_default()).unwrap_or(began);
        let flags = self.settings.job();
        let complain = |result: std::result::Result<(), String>| {
            let Err(why) = result else { return };
            show_all(code);
            tracing::error!("{why}");
        };
        let profile = self.settings.profile().unwrap_or("default");
        let (earlier, why) = (self.earlier(), self.why(code, error));
        let said = streams::tail();
        // A run that was refused for such a path says so itself.
        let is_begun = self.is_begun.load(Ordering::Acquire);
        let is_fit = |path: &Path| is_begun || self.places.is_fit(path);
        for path in flags.report.iter().filter(|path| is_fit(path) && report::check(path).is_ok()) {
            complain(report::write(
                path,
                &report::Told {
                    run: &run,
                    trace: self.settings.trace(),
                    script: &self.script,
                    profile,
                    shard: self.shard,
                    host: &self.host,
                    began,
                    ended,
                    code,
                    error,
                    checks: &self.checks.all(),
                    counts: &counts,
                    under_way: &self.shared.words_under_way(),
                    earlier: earlier.as_deref(),
                    why: why.as_deref(),
                    said: &said,
                },
            ));
        }
        if let Some(path) = flags.metrics_file.as_ref().filter(|path| is_fit(path) && metrics::check(path).is_ok()) {
            complain(metrics::write(
                path,
                &metrics::Told {
                    script: &self.script,
                    profile,
                    shard: self.shard,
                    ended: ended.as_millisecond() as f64 / 1000.0,
                    took: since.as_secs_f64(),
                    code,
                    counts: &counts,
                    earlier: earlier.as_ref().map(Vec::len),
                },
            ));
        }
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
