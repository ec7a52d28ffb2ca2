//! A run that nobody watches: the wait before it, the lock around it, and how it is settled before anybody is told.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::behind::Behind;
use super::{Run, kept};
use crate::call::shared::Shared;
use crate::error::{Error, Kind, Result};
use crate::job::checks::NOT_AS_IT_SHOULD_BE;
use crate::job::heartbeat;
use crate::job::lock::{self, Folder, Holder, Lock, Name};
use crate::job::tally::Tally;
use crate::job::{jitter, metrics, report};
use crate::memory;
use crate::settings::Settings;
use crate::settings::job::JobFlags;
use crate::show::log;

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
        let behind = Arc::new(Behind::new(&self.settings, self.id().as_str(), name)?.of(self));
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
        // One that leaves may have been first: then all is told as that one tells it.
        let result = match &self.exit {
            Some(exit) => exit.decide(result),
            None => result,
        };
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
