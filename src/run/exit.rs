//! The way out of the process: what must be finished is finished, whoever leaves.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::memory;
use crate::show::streams;

/// What must be finished may take so long; then the process ends without it.
const FINISHING: Duration = Duration::from_secs(1);

/// What saying why the process ends may take, when nobody reads.
const TELLING: Duration = Duration::from_millis(300);

/// Says why the process ends, once.
type Tell = Box<dyn Fn(&Error) + Send + Sync>;

/// Something to be done before the process ends with this exit code, and for this reason where there is one.
type Finish = Box<dyn FnOnce(u8, Option<&Error>) + Send>;

/// Adds what there is to say of why the process ends.
type Complete = Box<dyn Fn(Error) -> Error + Send + Sync>;

/// Says what had no time to be finished.
type Admit = Box<dyn Fn(u8) + Send + Sync>;

/// The way out, shared by all who may leave.
#[derive(Clone)]
pub(crate) struct Exit(Arc<Inner>);

struct Inner {
    tell: Tell,
    told: AtomicBool,
    finish: Mutex<Vec<Finish>>,
    complete: OnceLock<Complete>,
    admit: OnceLock<Admit>,
    /// The exit code, and why, once nothing changes it any more.
    decided: OnceLock<(u8, Option<Error>)>,
    /// Whether a thread ends the process, which takes it a moment.
    is_leaving: AtomicBool,
}

impl Exit {
    /// A way out on which errors are told like this.
    pub(crate) fn new(tell: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner {
            tell: Box::new(tell),
            told: AtomicBool::default(),
            finish: Mutex::default(),
            complete: OnceLock::new(),
            admit: OnceLock::new(),
            decided: OnceLock::new(),
            is_leaving: AtomicBool::default(),
        }))
    }

    /// What became of the run: whoever leaves from now on ends the process with that. Gives what was decided first,
    /// which stays.
    ///
    /// # Errors
    /// The one that was decided.
    pub(crate) fn decide(&self, result: Result<u8>) -> Result<u8> {
        let of_this = || match result {
            Ok(code) => (code, None),
            Err(error) => (error.kind.exit_code(), Some(error)),
        };
        let (code, why) = self.0.decided.get_or_init(of_this);
        why.clone().map_or(Ok(*code), Err)
    }

    /// Has more said of why the process ends before anything was decided. It must not wait for what may never come.
    pub(crate) fn complete(&self, complete: impl Fn(Error) -> Error + Send + Sync + 'static) {
        // A second run in the process is none of its own.
        let _ = self.0.complete.set(Box::new(complete));
    }

    /// Has something done before the process ends. It must not wait for what may never come.
    pub(crate) fn before(&self, finish: impl FnOnce(u8, Option<&Error>) + Send + 'static) {
        self.pending().push(Box::new(finish));
    }

    /// Has something said when the process is ended whatever is in the middle: what that leaves unfinished.
    pub(crate) fn admit(&self, admit: impl Fn(u8) + Send + Sync + 'static) {
        // A run inside another one's process has nothing of its own behind it.
        let _ = self.0.admit.set(Box::new(admit));
    }

    /// Does what is to be done before the process ends with this code, the latest first.
    pub(crate) fn finish(&self, code: u8) {
        let why = self.0.decided.get().and_then(|(_, why)| why.as_ref());
        loop {
            // Not held while it is done: another may leave meanwhile.
            let next = self.pending().pop();
            let Some(finish) = next else { return };
            finish(code, why);
        }
    }

    /// Does what is left before the main thread ends the process with this code; does not come back where another
    /// thread ends it already: that one must not be cut short.
    pub(crate) fn end(&self, code: u8) {
        self.give_way();
        self.finish(code);
        streams::release(code != 0);
        // What was pending may have been taken by one that began to leave meanwhile.
        self.give_way();
    }

    /// Waits for the end of the process, if a thread ends it: that takes no longer than a few seconds.
    fn give_way(&self) {
        while self.0.is_leaving.load(Ordering::Acquire) {
            std::thread::park();
        }
    }

    /// Says why the process ends, unless that was said.
    pub(crate) fn tell(&self, error: &Error) {
        if !self.0.told.swap(true, Ordering::AcqRel) {
            (self.0.tell)(error);
        }
    }

    /// Ends the process now, whatever its threads are in: finishes, says why, and ends with the code
    /// of the error. Neither a pipe that nobody reads nor a lock that a halted thread holds keeps it.
    pub(crate) fn leave(&self, error: &Error) -> ! {
        self.0.is_leaving.store(true, Ordering::Release);
        let decided = self.0.decided.get_or_init(|| (error.kind.exit_code(), Some(self.completed(error))));
        let (code, why) = decided.clone();
        let exit = self.clone();
        within(FINISHING, move || exit.finish(code));
        let exit = self.clone();
        within(TELLING, move || {
            exit.0.admit.get().iter().for_each(|admit| admit(code));
            why.iter().for_each(|why| exit.tell(why));
        });
        within(FINISHING, move || streams::release(code != 0));
        std::process::exit(code.into())
    }

    fn completed(&self, error: &Error) -> Error {
        let (exit, why) = (self.clone(), error.clone());
        let completed = within(TELLING, move || match exit.0.complete.get() {
            Some(complete) => complete(why),
            None => why,
        });
        completed.unwrap_or_else(|| error.clone())
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Vec<Finish>> {
        self.0.finish.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does something on a thread of its own, and waits for it no longer than that.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (done, wait) = mpsc::channel();
    let work = move || {
        let _apart = memory::apart();
        let result = work();
        // Nobody waits any longer.
        let _ = done.send(result);
    };
    std::thread::Builder::new().spawn(work).ok()?;
    wait.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_is_pending_is_done_once_the_latest_first_and_an_error_is_told_once() {
        let said = Arc::new(Mutex::new(Vec::new()));
        let say = |word: &str| {
            let (said, word) = (Arc::clone(&said), word.to_owned());
            move |code, _: Option<&Error>| said.lock().unwrap().push(format!("{word} {code}"))
        };
        let tell = Arc::clone(&said);
        let exit = Exit::new(move |error| tell.lock().unwrap().push(error.message.clone()));
        exit.before(say("first"));
        exit.before(say("second"));
        exit.finish(3);
        exit.finish(4);
        exit.tell(&Error::new(Kind::Io, "why"));
        exit.tell(&Error::new(Kind::Io, "again"));
        assert_eq!(*said.lock().unwrap(), ["second 3", "first 3", "why"]);
    }

    #[test]
    fn what_was_decided_first_is_what_the_process_ends_with_whoever_decides_later() {
        let fails = || Err(Error::new(Kind::Limit, "why"));
        let decided = |results: [Result<u8>; 2]| {
            let exit = Exit::new(|_| {});
            let given = results.map(|result| exit.decide(result).map_err(|error| error.message.clone()));
            let (code, _) = exit.0.decided.get().unwrap();
            (given, *code)
        };
        let limit = Kind::Limit.exit_code();
        assert_eq!(decided([fails(), Ok(0)]), ([Err("why".to_owned()), Err("why".to_owned())], limit));
        assert_eq!(decided([Ok(0), fails()]), ([Ok(0), Ok(0)], 0));
        assert_eq!(decided([Ok(7), Ok(0)]), ([Ok(7), Ok(7)], 7));
    }

    #[test]
    fn nothing_that_hangs_is_waited_for() {
        let (_never, wait) = mpsc::channel::<()>();
        let begun = std::time::Instant::now();
        within(Duration::ZERO, move || assert!(wait.recv().is_err()));
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
}
