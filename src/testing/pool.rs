//! The processes of tests: so many at once, each killed when it takes too long.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::Plan;
use super::found::{Found, Tests};
use super::message::{Failure, Job, Told};
use super::told::{self, Outcome};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::settings::Settings;
use crate::show::errors::render;

/// Calls of a test that are kept, and bytes of what it says: the last ones.
const CALLS: usize = 200;
const SAID: usize = 64 << 10;

/// Where tests get their processes.
pub(super) struct Pool {
    program: PathBuf,
    flags: Vec<String>,
    env: Vec<(String, String)>,
    plan: Plan,
    folders: PathBuf,
}

impl Pool {
    /// A pool for tests that may do what the settings grant.
    ///
    /// # Errors
    /// `io` when jst does not find itself.
    pub(super) fn new(settings: &Settings, plan: &Plan) -> Result<Self> {
        let cannot = |error| Error::new(Kind::Io, format!("cannot find the program of jst itself: {error}"));
        let granted = settings.allowed_env();
        let mut flags = vec!["--sim".to_owned(), "--allow-destructive".to_owned()];
        flags.extend(settings.grants());
        flags.extend(granted.keys().map(|name| format!("--allow-env={name}")));
        flags.push(format!("--max-memory={}", settings.max_memory() >> 20));
        flags.push(format!("--max-operations={}", settings.max_operations()));
        let env = granted.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let folders = std::env::temp_dir().join(format!("jst-test-{}", std::process::id()));
        let program = std::env::current_exe().map_err(cannot)?;
        Ok(Self { program, flags, env, plan: plan.clone(), folders })
    }

    /// Runs tests, tells each as soon as it and those before it are done, and counts.
    ///
    /// # Errors
    /// What keeps it from telling.
    pub(super) fn run(&self, tests: &Tests, tell: &dyn Fn(&str) -> Result<()>) -> Result<Vec<Option<Outcome>>> {
        let (next, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
        let (send, receive) = mpsc::channel();
        let work = |send: mpsc::Sender<(usize, Outcome)>| {
            let _apart = memory::apart();
            while !stop.load(Ordering::Acquire) {
                let n = next.fetch_add(1, Ordering::AcqRel);
                let Some(found) = tests.0.get(n) else { break };
                let outcome = self.outcome(found, n);
                if self.plan.fail_fast && outcome.failure.is_some() {
                    stop.store(true, Ordering::Release);
                }
                if send.send((n, outcome)).is_err() {
                    break;
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..self.plan.jobs.min(tests.0.len()) {
                let send = send.clone();
                let started = std::thread::Builder::new().spawn_scoped(scope, || work(send));
                started.map_err(|error| Error::new(Kind::Limit, format!("the system gives no thread: {error}")))?;
            }
            drop(send);
            in_order(tests, &receive, tell)
        })
    }

    fn outcome(&self, found: &Found, n: usize) -> Outcome {
        let begun = Instant::now();
        let outcome = match &found.wrong {
            Some(error) => Outcome { failure: Some(failure(error)), ..Outcome::default() },
            None => {
                let folder = self.folders.join(n.to_string());
                let outcome = self.in_process(found, &folder);
                let _ = std::fs::remove_dir_all(&folder);
                let _ = std::fs::remove_dir(&self.folders);
                outcome.unwrap_or_else(|error| Outcome { failure: Some(failure(&error)), ..Outcome::default() })
            }
        };
        Outcome { took: begun.elapsed(), ..outcome }
    }

    fn in_process(&self, found: &Found, folder: &Path) -> Result<Outcome> {
        let (file, test) = (found.file.clone(), found.test.clone());
        let job = Job {
            file,
            test,
            folder: folder.to_owned(),
            update: self.plan.update,
            coverage: self.plan.coverage.is_some(),
        };
        let io = |error: std::io::Error| Error::new(Kind::Io, format!("cannot start the test: {error}"));
        let (reader, writer) = std::io::pipe().map_err(io)?;
        let mut command = Command::new(&self.program);
        command.args(&self.flags).args(["test", "--job", &serde_json::to_string(&job).unwrap_or_default()]);
        command.env_clear().envs(self.env.iter().cloned());
        command.stdin(Stdio::piped()).stdout(writer.try_clone().map_err(io)?).stderr(writer);
        let mut child = command.spawn().map_err(io)?;
        // Only the child holds the other end of the pipe from now on.
        drop(command);
        let (outcome, ended) = self.follow(BufReader::new(reader), &mut child);
        let _ = child.kill();
        let code = child.wait().ok().and_then(|status| status.code());
        Ok(if ended { outcome } else { died(outcome, code) })
    }

    /// Takes in what a test tells, and whether it came to an end: it may die before.
    fn follow(&self, lines: impl std::io::BufRead + Send, child: &mut Child) -> (Outcome, bool) {
        let child = Mutex::new(child);
        let (done, ended) = mpsc::channel::<()>();
        let is_late = AtomicBool::new(false);
        let (outcome, has_ended) = std::thread::scope(|scope| {
            scope.spawn(|| {
                let ended = ended;
                if ended.recv_timeout(self.plan.limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                    is_late.store(true, Ordering::Release);
                    let _ = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
                }
            });
            let outcome = taken_in(lines);
            drop(done);
            outcome
        });
        match is_late.load(Ordering::Acquire) && !has_ended {
            true => (late(outcome, self.plan.limit), true),
            false => (outcome, has_ended),
        }
    }
}

/// Tells outcomes in the order of the tests; those behind one that is still under way wait.
fn in_order(
    tests: &Tests,
    receive: &mpsc::Receiver<(usize, Outcome)>,
    tell: &dyn Fn(&str) -> Result<()>,
) -> Result<Vec<Option<Outcome>>> {
    let mut outcomes: Vec<Option<Outcome>> = tests.0.iter().map(|_| None).collect();
    let mut told = 0;
    for (n, outcome) in receive {
        if let Some(slot) = outcomes.get_mut(n) {
            *slot = Some(outcome);
        }
        while let Some((found, Some(outcome))) = tests.0.get(told).zip(outcomes.get(told)) {
            tell(&told::told(found, outcome))?;
            told += 1;
        }
    }
    for (found, outcome) in tests.0.iter().zip(&outcomes).skip(told) {
        if let Some(outcome) = outcome {
            tell(&told::told(found, outcome))?;
        }
    }
    Ok(outcomes)
}

/// What a test told, and whether its end was among it.
fn taken_in(lines: impl std::io::BufRead) -> (Outcome, bool) {
    let mut outcome = Outcome::default();
    for line in lines.split(b'\n').map_while(std::result::Result::ok) {
        let line = String::from_utf8_lossy(&line);
        match serde_json::from_str(&line) {
            Ok(Told::Ended(failure)) => {
                outcome.failure = failure;
                return (outcome, true);
            }
            Ok(told) => take(&mut outcome, told),
            // What the process itself says when it cannot go on.
            Err(_) => take(&mut outcome, Told::Said(format!("{line}\n"))),
        }
    }
    (outcome, false)
}

fn take(outcome: &mut Outcome, told: Told) {
    match told {
        Told::Said(text) => {
            outcome.said.push_str(&text);
            if outcome.said.len() > 2 * SAID {
                let least = outcome.said.len() - SAID;
                let from = (least..).find(|from| outcome.said.is_char_boundary(*from)).unwrap_or(least);
                outcome.said.drain(..from);
            }
        }
        Told::Call(call) => {
            outcome.called += 1;
            outcome.calls.push(call);
            if outcome.calls.len() > 2 * CALLS {
                outcome.calls.drain(..CALLS);
            }
        }
        Told::Ran(script) => outcome.ran.push(script),
        Told::Snapshot(file) => outcome.snapshots.push(file),
        Told::Covered(covered) => outcome.covered = covered,
        Told::Ended(_) => {}
    }
}

fn failure(error: &Error) -> Failure {
    Failure { message: error.message.clone(), shown: render(error, false) }
}

fn late(outcome: Outcome, limit: Duration) -> Outcome {
    let error = Error::new(Kind::Script, format!("the test took longer than {} and was ended", seconds(limit)))
        .hint("--test-timeout gives each test more; waiting by `sleep` takes no time in a test");
    Outcome { failure: Some(failure(&error)), ..outcome }
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

fn died(outcome: Outcome, code: Option<i32>) -> Outcome {
    let how = code.map_or_else(|| "by a signal".to_owned(), |code| format!("with code {code}"));
    let error = Error::new(Kind::Script, format!("the process of the test ended {how} before the test did"));
    Outcome { failure: Some(failure(&error)), ..outcome }
}
