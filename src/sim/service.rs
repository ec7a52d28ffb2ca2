//! The simulated service: one account behind one plain mutex, and what stands before it. From a
//! request to the answer that is to be sent; no socket here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::http::request;
use hyper::{HeaderMap, Method, Request, header};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::demo;
use super::engine::call::Call;
use super::engine::state::State;
use super::engine::values;
use super::faults::{self, Delivery, Faults, Plan};
use super::gateway::keys::Key;
use super::gateway::reply::{self, Format, Shape};
use super::gateway::{self, Nonces, Received, Rejection};
use super::ledger::{Ledger, Record};
use super::options::Options;
use super::store::{Line, Loaded, Snapshot, StateFile};
use crate::catalogue::{self, Effect, Operation};
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// The simulator: one account behind one plain mutex, and what stands before it.
#[derive(Debug)]
pub(crate) struct Sim {
    keys: Vec<Key>,
    shape: Shape,
    seed: u64,
    control: Option<Secret>,
    answers: HashMap<String, Value>,
    /// What goes wrong with calls.
    pub(crate) faults: Faults,
    nonces: Mutex<Nonces>,
    /// How often the state's file was opened before, and how many requests were answered since:
    /// request ids derive from both.
    pub(super) starts: u64,
    served: AtomicU64,
    pub(super) clock: Arc<Clock>,
    call_takes: Duration,
    callers_share_clock: bool,
    book: Mutex<Book>,
}

/// What the paths of [`super::http::control`] begin with.
pub(super) const CONTROL: &str = "/_sim/";

/// What changes with a call.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) state: State,
    pub(super) ledger: Ledger,
    pub(super) file: Option<StateFile>,
    /// The state went further than its file, and could not be brought back: nothing more is written.
    astray: bool,
    /// How far the state's time is ahead of the clock: not at all, but after going back to an
    /// earlier state.
    ahead: SignedDuration,
}

/// What the server is to send, and how.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`
    pub content_type: &'static str,
    /// `x-acs-retry-after`, in milliseconds.
    pub retry_after: Option<u64>,
    /// `Date`, where it is not the real time.
    pub date: Option<Timestamp>,
    /// The body.
    pub body: Bytes,
    /// How long it waits before anything of it is sent.
    pub delay: Duration,
    /// How it is sent.
    pub delivery: Delivery,
}

impl Answer {
    /// An answer sent at once and properly.
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let (delay, delivery) = Default::default();
        Self { status, content_type, retry_after: None, date: None, body, delay, delivery }
    }

    fn written(status: u16, body: Vec<u8>, format: Format) -> Self {
        let content_type = match format {
            Format::Json => "application/json;charset=utf-8",
            Format::Xml => "text/xml;charset=utf-8",
        };
        Self::new(status, content_type, body)
    }
}

impl Sim {
    /// A simulator of the account in the state's file, else of the demo account.
    ///
    /// # Errors
    /// The state's file cannot be used.
    pub(crate) fn new(options: Options, clock: Arc<Clock>) -> Result<Arc<Self>> {
        let (mut file, kept) = match &options.state {
            None => (None, None),
            Some(path) => {
                let (file, kept) = StateFile::open(path)?;
                (Some(file), kept)
            }
        };
        let (snapshot, ledger) = match kept {
            Some(Loaded { mut snapshot, ledger, .. }) => {
                snapshot.starts = snapshot.starts.saturating_add(1);
                (snapshot, ledger)
            }
            None => (Snapshot::new(account(&options)?, 0, &Ledger::default()), Ledger::default()),
        };
        if let Some(file) = &mut file {
            file.compact(&Snapshot::new(&snapshot.state, snapshot.starts, &ledger))?;
        }
        Ok(Self::begun(snapshot, ledger, file, options, clock))
    }

    /// A simulator of this account, kept in memory only: what the options say of a file, a fleet and
    /// a start is passed over.
    pub(crate) fn of(state: State, options: Options, clock: Arc<Clock>) -> Arc<Self> {
        let ledger = Ledger::default();
        Self::begun(Snapshot::new(state, 0, &ledger), ledger, None, options, clock)
    }

    fn begun(
        snapshot: Snapshot<State>,
        ledger: Ledger,
        file: Option<StateFile>,
        options: Options,
        clock: Arc<Clock>,
    ) -> Arc<Self> {
        let sim = Self {
            keys: options.keys,
            shape: options.shape,
            seed: options.seed,
            control: options.control,
            answers: options.answers,
            faults: Faults::new(options.faults, options.seed),
            nonces: Mutex::default(),
            starts: snapshot.starts,
            served: AtomicU64::default(),
            clock,
            call_takes: options.call_takes,
            callers_share_clock: options.callers_share_clock,
            book: Mutex::new(Book::new(ledger, file)),
        };
        sim.begin(&mut sim.book(), snapshot.state);
        Arc::new(sim)
    }

    /// Answers one request.
    pub(crate) fn answer(&self, request: &Request<Bytes>) -> Answer {
        let id = self.request_id();
        let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let rejected = |rejection: &Rejection, format| Answer {
            retry_after: rejection.retry_after,
            ..Answer::written(rejection.status, reply::rejection(&id, host, rejection, format), format)
        };
        let received = match gateway::receive(request) {
            Ok(received) => received,
            Err(rejection) => return rejected(&rejection, Format::Json),
        };
        let action = received.action();
        let format = received.format();
        let plan = self.faults.plan(action, self.clock.waited());
        let mut answer = match self.carry_out(&received, &plan, &id) {
            Ok(body) => Answer::written(200, body, format),
            Err(rejection) => rejected(&rejection, format),
        };
        answer.delay = plan.delay;
        answer.date = (plan.skew != 0).then(|| skewed(Timestamp::now(), plan.skew));
        match plan.delivery {
            Delivery::Error { status, code } => {
                let rejection = Rejection::new(status, code, "a fault that was asked for");
                Answer { delay: plan.delay, date: answer.date, ..rejected(&rejection, format) }
            }
            Delivery::Page { status, content_type, body } => {
                Answer { status, content_type, body: Bytes::from_static(body), ..answer }
            }
            delivery => Answer { delivery, ..answer },
        }
    }

    /// Verifies, decodes and applies a request, as far as the faults let it.
    fn carry_out(&self, received: &Received<'_>, plan: &Plan, id: &str) -> std::result::Result<Vec<u8>, Rejection> {
        if plan.is_dropped {
            return Ok(Vec::new());
        }
        if let Some(rejection) = &plan.rejection {
            return Err(rejection.clone());
        }
        let action = received.action();
        let operation = catalogue::find(action).filter(|operation| operation.action == action);
        let is_known = |action: &str| operation.is_some() || self.answers.contains_key(action);
        let now = skewed(Timestamp::now(), plan.skew);
        gateway::verify(received, is_known, &self.keys, &self.nonces, now)?;
        let Some(operation) = operation else {
            let answer = self.answers.get(action).ok_or_else(|| Rejection::unknown_action(action))?;
            return Ok(reply::bytes(answer, received.format(), &format!("{action}Response")));
        };
        let format = received.format();
        let call = Call { trouble: plan.trouble.clone(), ..gateway::decode(operation, received)? };
        match &plan.refusal {
            Some(refusal) => Ok(reply::refusal(operation, self.shape, format, id, refusal)),
            None => self.apply(operation, call, format, id),
        }
    }

    /// Brings the state to the clock's time and carries out a call. A write that was applied is in
    /// the ledger, and in the state's file, before it is answered.
    fn apply(
        &self,
        operation: &'static Operation,
        call: Call,
        format: Format,
        id: &str,
    ) -> std::result::Result<Vec<u8>, Rejection> {
        let mut book = self.book();
        let book = &mut *book;
        self.clock.advance(self.call_takes);
        book.state.advance(self.time(book));
        let is_read = operation.effect == Effect::Read;
        let unkept = |error: &dyn std::fmt::Display| {
            Rejection::new(500, "InternalError", format!("the state file cannot be written: {error}"))
        };
        if !is_read {
            book.ready().map_err(|error| unkept(&error))?;
        }
        let outcome = values::refused(&call).map_or_else(|| book.state.apply(&call), Err);
        let payload = match outcome {
            Ok(payload) => payload,
            Err(refusal) => {
                let refusal = values::worded(operation, refusal);
                return Ok(reply::refusal(operation, self.shape, format, id, &refusal));
            }
        };
        if !is_read {
            let record = Record {
                time: book.state.now,
                action: operation.action.to_owned(),
                params: call.params,
                trouble: call.trouble,
                request_id: id.to_owned(),
                code: reply::SUCCESS,
            };
            book.record(Line::Call(record)).map_err(|error| {
                book.take_back();
                unkept(&error)
            })?;
        }
        Ok(reply::success(operation, self.shape, format, id, &payload))
    }

    /// Makes this the state, and has time go on from where it was left.
    pub(super) fn begin(&self, book: &mut Book, state: State) {
        book.state = state;
        let ahead = self.clock.now().duration_until(book.state.now);
        book.ahead = match Duration::try_from(ahead) {
            Ok(ahead) => {
                self.clock.advance(ahead);
                SignedDuration::ZERO
            }
            Err(_) => ahead,
        };
    }

    /// The time of the simulated account.
    pub(super) fn time(&self, book: &Book) -> Timestamp {
        self.clock.now().saturating_add(book.ahead).unwrap_or(Timestamp::MAX)
    }

    /// Begins anew with another account: nothing was written to it yet.
    pub(crate) fn restart(&self, state: State) {
        let mut book = self.book();
        book.ledger = Ledger::default();
        self.begin(&mut book, state);
    }

    /// As JSON: the writes that were applied, oldest first, secrets masked; and how many there were.
    pub(crate) fn writes(&self) -> String {
        self.book().ledger.json()
    }

    /// The state as it is now, for a look inside.
    #[cfg(test)]
    pub(crate) fn look<T>(&self, at: impl FnOnce(&State) -> T) -> T {
        let mut book = self.book();
        let now = self.time(&book);
        book.state.advance(now);
        at(&book.state)
    }

    /// Compacts the state's file, as a graceful stop does.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn close(&self) -> Result<()> {
        let mut book = self.book();
        let now = self.time(&book);
        book.state.advance(now);
        book.compact(self.starts)
    }

    /// How large a request's body may be: only who may restore a state may send one.
    pub(super) fn body_limit(&self, request: &request::Parts) -> usize {
        const CALL: usize = 1 << 20;
        /// A snapshot of a large fleet.
        const STATE: usize = 256 << 20;
        let restores = request.method == Method::PUT && self.is_control(request.uri.path());
        if restores && self.may_control(&request.headers) { STATE } else { CALL }
    }

    /// The answer to a body beyond the limit.
    pub(super) fn too_large(&self) -> Answer {
        let rejection = Rejection::new(413, "InvalidParameter.BodyTooLarge", "the body is too large");
        let body = reply::rejection(&self.request_id(), "", &rejection, Format::Json);
        Answer::written(413, body, Format::Json)
    }

    /// The clock, where the callers share it: what is waited for there takes no real time.
    pub(super) fn shared_clock(&self) -> Option<&Clock> {
        self.callers_share_clock.then_some(&*self.clock)
    }

    /// The actions of which a reply is recorded.
    pub(super) fn recorded(&self) -> impl Iterator<Item = &String> + Clone {
        self.answers.keys()
    }

    pub(super) fn is_control(&self, path: &str) -> bool {
        self.control.is_some() && path.starts_with(CONTROL)
    }

    /// Whether a request shows the token that was given out: `Authorization: Bearer TOKEN`.
    pub(super) fn may_control(&self, headers: &HeaderMap) -> bool {
        let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let shown =
            shown.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (Some(token), Some((_, shown))) = (&self.control, shown) else { return false };
        let (token, shown) = (token.expose().as_bytes(), shown.trim().as_bytes());
        // As long for a token that is nearly right as for any other.
        token.len() == shown.len() && token.iter().zip(shown).fold(0, |odd, (one, other)| odd | (one ^ other)) == 0
    }

    /// An id that looks like the service's and only depends on the seed and on how many starts and ids
    /// came before.
    pub(super) fn request_id(&self) -> String {
        let number = self.starts << 40 | self.served.fetch_add(1, Ordering::Relaxed);
        let high = faults::mix(self.seed ^ faults::mix(number));
        let id = uuid::Builder::from_random_bytes(
            (u128::from(high) << 64 | u128::from(faults::mix(high ^ number))).to_be_bytes(),
        );
        let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
        id.into_uuid().hyphenated().encode_upper(&mut text).to_owned()
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn new(ledger: Ledger, file: Option<StateFile>) -> Self {
        Self { state: State::default(), ledger, file, astray: false, ahead: SignedDuration::ZERO }
    }

    /// Whether a write can be kept, as far as can be told before it.
    fn ready(&self) -> std::io::Result<()> {
        if self.astray {
            return Err(std::io::Error::other("an earlier write could not be taken back: start again"));
        }
        self.file.as_ref().map_or(Ok(()), StateFile::check)
    }

    /// Undoes what was applied since the file's last line: it was not kept, so it is answered as failed.
    fn take_back(&mut self) {
        match self.file.as_ref().map(StateFile::again) {
            Some(Ok(loaded)) => self.state = loaded.snapshot.state,
            Some(Err(_)) => self.astray = true,
            None => {}
        }
    }

    pub(super) fn record(&mut self, line: Line) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            file.append(&line)?;
        }
        if let Line::Call(record) = line {
            self.ledger.push(record);
        }
        Ok(())
    }

    fn compact(&mut self, starts: u64) -> Result<()> {
        if self.astray {
            return Err(Error::new(Kind::Io, "the state file holds the account as it was before a write that failed"));
        }
        match &mut self.file {
            Some(file) => file.compact(&Snapshot::new(&self.state, starts, &self.ledger)),
            None => Ok(()),
        }
    }
}

/// The account that a start without a kept state begins with.
fn account(options: &Options) -> Result<State> {
    demo::account_with(options.start, options.fleet, options.seed)
        .map_err(|refusal| Error::new(Kind::Io, format!("the account cannot be made: {}", refusal.text)))
}

fn skewed(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(time)
}
