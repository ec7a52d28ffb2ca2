//! A run that nobody watches, from the wait before it to what is told behind it. What is told never changes what
//! became of it.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::Run;
use crate::error::{Error, Kind, Result};
use crate::job::heartbeat::{self, Heartbeat, Way};
use crate::job::lock::{self, Folder, Holder, Lock, Name};
use crate::job::tally::Tally;
use crate::job::{jitter, metrics, report};
use crate::memory;
use crate::settings::Settings;
use crate::settings::job::JobFlags;
use crate::show::{log, streams};
use crate::system;

/// What is told of a run behind it.
struct Behind {
    settings: Arc<Settings>,
    run: String,
    script: String,
    host: String,
    began: (Timestamp, Instant),
    tally: Arc<Tally>,
    checks: Arc<crate::job::checks::Checks>,
    around: Arc<crate::call::record::Around>,
    heartbeat: Mutex<Option<Heartbeat>>,
    is_told: AtomicBool,
}

/// Exit code of a run whose checks did not all pass.
const NOT_AS_IT_SHOULD_BE: u8 = 4;

/// How long it takes until the lock is tried again.
const AGAIN: Duration = Duration::from_millis(50);

/// What is said of the flags is right before anything is done.
///
/// # Errors
/// `usage`, `config`.
pub(super) fn prepare(settings: &Settings, run: &str) -> Result<()> {
    let flags = settings.job();
    flags.report.iter().try_for_each(|path| report::check(path))?;
    if flags.lock_wait.is_some() && lock_name(flags).is_none() {
        return Err(Error::new(Kind::Usage, "--lock-wait is given without --lock").hint("add --lock, or leave it out"));
    }
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
        let flags = self.settings.job();
        let host = system::host_name();
        if flags.quiet_success == Some(true) {
            streams::hold();
        }
        let heartbeat = flags.heartbeat.as_deref().map(|url| {
            let way = Way { proxies: self.settings.around.env.clone(), authorities: self.settings.authorities()? };
            Heartbeat::new(url, way, self.id().as_str())
        });
        let heartbeat = heartbeat.transpose()?;
        if heartbeat.is_some() {
            streams::keep_tail();
        }
        if let Some(span) = flags.jitter {
            self.pause(jitter::wait(span, &host, name))?;
        }
        let _lock = self.lock(script, &host)?;
        let behind = Arc::new(Behind {
            settings: Arc::clone(&self.settings),
            run: self.id.as_str().to_owned(),
            script: name.to_owned(),
            host,
            began: (Timestamp::now(), Instant::now()),
            tally: Arc::clone(&self.tally),
            checks: Arc::clone(&self.checks),
            around: Arc::clone(self.account.around()),
            heartbeat: Mutex::new(heartbeat),
            is_told: AtomicBool::new(false),
        });
        behind.begin();
        let (at_exit, stop) = (Arc::clone(&behind), Arc::clone(&self.stop));
        if let Some(exit) = &self.exit {
            exit.before(move |code| {
                let why = stop.why_set().unwrap_or_else(memory::exceeded);
                at_exit.tell(code, Some(&why), 1);
            });
        }
        let result = self.settled(work());
        self.exit.iter().for_each(|exit| exit.decide(&result));
        let code = result.as_ref().map_or_else(|error| error.kind.exit_code(), |code| *code);
        behind.tell(code, result.as_ref().err(), heartbeat::PATIENT);
        result
    }

    /// What becomes of a run when its checks and its writes are counted.
    fn settled(&self, result: Result<u8>) -> Result<u8> {
        let writes = self.tally.writes();
        let is_stopped = |error: &Error| matches!(error.kind, Kind::Limit | Kind::Interrupted(_));
        let result = result.map_err(|error| match is_stopped(&error) && writes.begun + writes.left > 0 {
            true => error.hint(writes.words()),
            false => error,
        });
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

    /// The lock that the flags ask for.
    fn lock(&self, script: Option<&Path>, host: &str) -> Result<Option<Lock>> {
        let flags = self.settings.job();
        let Some(given) = lock_name(flags) else { return Ok(None) };
        let name = match (given, script) {
            (Some(name), _) => Name::given(name),
            (None, Some(script)) => Name::of_script(script, self.settings.profile().unwrap_or("default"))?,
            (None, None) => {
                return Err(Error::new(Kind::Usage, "--lock has no script's path to lock").hint("name it: --lock=NAME"));
            }
        };
        let folder = Folder::new(flags.lock_dir.as_deref());
        let begun = Instant::now();
        loop {
            let holder = Holder {
                run: self.id.as_str().to_owned(),
                pid: std::process::id(),
                host: host.to_owned(),
                since: Timestamp::now(),
            };
            let other = match folder.take(&name, &holder)? {
                Ok(lock) => return Ok(Some(lock)),
                Err(other) => other,
            };
            match flags.lock_wait {
                Some(longest) if begun.elapsed() < longest => self.pause(AGAIN)?,
                waited => return Err(lock::held(&name, other.as_ref(), Timestamp::now(), waited)),
            }
        }
    }
}

/// The name of the lock that was asked for, if one was; `None` within is the script's own.
fn lock_name(flags: &JobFlags) -> Option<Option<&str>> {
    match flags.lock.as_deref()? {
        "no" | "false" | "0" => None,
        "yes" | "true" | "1" | "" => Some(None),
        name => Some(Some(name)),
    }
}

impl Behind {
    fn begin(&self) {
        if let Some(heartbeat) = &mut *self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner) {
            heartbeat.start();
        }
    }

    /// Tells what became of the run, once.
    fn tell(&self, code: u8, error: Option<&Error>, tries: usize) {
        if self.is_told.swap(true, Ordering::AcqRel) {
            return;
        }
        let counts = self.tally.counts();
        let (began, since) = (self.began.0, self.began.1.elapsed());
        let ended = began.saturating_add(jiff::SignedDuration::try_from(since).unwrap_or_default()).unwrap_or(began);
        let flags = self.settings.job();
        let said = |result: std::result::Result<(), String>| {
            let Err(why) = result else { return };
            // Who waits for the file would never hear of it otherwise, as nothing is shown of a run that did well.
            let _open = (code == 0).then(streams::open);
            tracing::error!("{why}");
        };
        let profile = self.settings.profile().unwrap_or("default");
        for path in &flags.report {
            said(report::write(
                path,
                &report::Told {
                    run: &self.run,
                    trace: self.settings.trace(),
                    script: &self.script,
                    profile,
                    host: &self.host,
                    began,
                    ended,
                    code,
                    error,
                    checks: &self.checks.all(),
                    counts: &counts,
                    under_way: &self.around.words_under_way(),
                },
            ));
        }
        if let Some(path) = &flags.metrics_file {
            said(metrics::write(
                path,
                &metrics::Told {
                    script: &self.script,
                    profile,
                    ended: ended.as_millisecond() as f64 / 1000.0,
                    took: since.as_secs_f64(),
                    code,
                    counts: &counts,
                },
            ));
        }
        let heartbeat = self.heartbeat.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(heartbeat) = heartbeat {
            let why = error.map(|error| format!("{}\n", error.message)).unwrap_or_default();
            let body = format!("run {}, exit code {code}\n{}{why}", self.run, streams::tail());
            let redacted = crate::show::redaction::REDACTOR.talk(&body).into_owned();
            heartbeat.end(code, redacted, tries);
        }
    }
}
