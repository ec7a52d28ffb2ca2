//! The account that a run works on. [`Account::send`] is the line that every call takes; everything else
//! here waits for it, for one call or for many.
//!
//! The client is made at the first call, so that what needs no account needs no credentials.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};

use super::client::Client;
use super::observer::Observer;
use super::others::Others;
use super::paging::Pager;
use super::policy::{Policy, Verdict};
use super::record::Record;
use super::shared::{Owner, Shared};
use super::subject;
use crate::catalogue::{Effect, Read};
use crate::error::{Error, Kind, Result};
use crate::journal::place::Place;
use crate::secret::Class;
use crate::show::redaction::REDACTOR;
use crate::stop::Stop;
use crate::wire::reply::Tree;
use crate::wire::request::{Request, Target};

/// Makes the client at the first call: finds credentials, starts the simulator.
pub(crate) type Connect = Box<dyn Fn() -> Result<Client> + Send + Sync>;

/// Asks a person whether destructive calls may go ahead, given their action and what finds words for
/// what they are about.
pub(crate) type Confirm = Box<dyn Fn(&str, &dyn Fn() -> String) -> bool + Send + Sync>;

/// The parameters of a call, by their wire names.
pub(crate) type Params = Map<String, Value>;

/// Calls that somebody wants to make.
pub(crate) struct Calls {
    /// How many there are.
    pub count: usize,
    /// The parameters of the first, [`subject::SHOWN`] of them at most, as far as they are known.
    pub first: Vec<Params>,
}

/// An account under a policy: that of a run, or one that its script works on [beside](super::others) it.
pub(crate) struct Account {
    connect: Connect,
    client: OnceLock<Client>,
    /// Held while the client is made, so that it is made once.
    connecting: Mutex<()>,
    policy: Policy,
    /// `None` without a terminal.
    confirm: Option<Confirm>,
    owner: Owner,
    /// What the calls of all accounts of the run share.
    shared: Arc<Shared>,
    stop: Arc<Stop>,
    /// What calls under way get when the run is stopped.
    grace: Duration,
    waiting: Arc<Waiting>,
    /// Of a run's own account: those beside it.
    pub(super) others: Option<Others>,
}

/// Where all accounts of a run wait.
struct Waiting {
    runtime: &'static Runtime,
    /// When somebody last waited, which is when connections are served.
    served: Mutex<Instant>,
}

/// What the policy let pass: only this can be sent.
#[derive(Clone, Debug)]
pub(crate) struct Permit(Target);

impl Account {
    /// An account that is not yet connected.
    ///
    /// # Errors
    /// `io` when the system gives nothing to wait for connections with.
    pub(crate) fn new(connect: Connect, policy: Policy, confirm: Option<Confirm>, stop: Arc<Stop>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
        // Never dropped: that would wait for a name lookup that hangs.
        let runtime = Box::leak(Box::new(runtime));
        let shared = Arc::new(Shared::new(Arc::clone(&stop), Vec::new()));
        let waiting = Arc::new(Waiting { runtime, served: Mutex::new(Instant::now()) });
        let (client, connecting, grace) = (OnceLock::new(), Mutex::new(()), Duration::ZERO);
        let (owner, others) = (Owner::default(), None);
        Ok(Self { connect, client, connecting, policy, confirm, owner, shared, stop, grace, waiting, others })
    }

    /// Another account of the same run, by the name of its profile.
    pub(crate) fn beside(&self, profile: &str, connect: Connect, policy: Policy, confirm: Option<Confirm>) -> Self {
        Self {
            connect,
            client: OnceLock::new(),
            connecting: Mutex::new(()),
            policy,
            confirm,
            owner: Owner { profile: Some(profile.to_owned()), ..Owner::default() },
            shared: Arc::clone(&self.shared),
            stop: Arc::clone(&self.stop),
            grace: self.grace,
            waiting: Arc::clone(&self.waiting),
            others: None,
        }
    }

    /// The same; a write that is under way when the run is stopped gets so long to end.
    pub(crate) fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// The same, before anything was called; these know of all its calls, and of those of accounts [`beside`](Self::beside) it.
    pub(crate) fn with_observers(self, observers: Vec<Arc<dyn Observer>>) -> Self {
        Self { shared: Arc::new(Shared::new(Arc::clone(&self.stop), observers)), ..self }
    }

    /// The same; its calls are counted and limited by this one, too, and by no other account's.
    pub(crate) fn with_limits(self, limits: Arc<dyn Observer>) -> Self {
        Self { owner: Owner { limits: Some(limits), ..self.owner }, ..self }
    }

    /// The same; a script that works on it can go to these.
    pub(crate) fn with_others(self, others: Others) -> Self {
        Self { others: Some(others), ..self }
    }

    /// The profile that a script named for it; `None` for the run's own account.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.owner.profile.as_deref()
    }

    /// What calls under way get when the run is stopped.
    pub(crate) fn grace(&self) -> Duration {
        self.grace
    }

    /// What stops calls.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// What its calls share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Makes known what calls hold of secrets, whatever becomes of them.
    pub(crate) fn know(target: &Target, calls: impl Iterator<Item = Params>) {
        if target.may_hold_secrets() {
            calls.for_each(|params| know(target, &params));
        }
    }

    /// Lets calls of an operation pass, or refuses them; asks about `calls` where the policy says so.
    ///
    /// # Errors
    /// `policy`.
    pub(crate) fn permit(&self, target: &Target, calls: impl Fn() -> Calls) -> Result<Permit> {
        match self.policy.check(target.action(), target.effect()) {
            Verdict::Allowed => {}
            Verdict::Refused(error) => return Err(self.named(error)),
            Verdict::Ask(error) => match &self.confirm {
                Some(confirm) if confirm(target.action(), &|| self.about(target, &calls())) => {}
                // Ctrl-C at the question says more than no.
                _ => return Err(self.stop.why_set().unwrap_or_else(|| self.named(error))),
            },
        }
        Ok(Permit(target.clone()))
    }

    /// What calls are about, by the names that people know it by, for as long as one attempt may take.
    pub(super) fn about(&self, target: &Target, calls: &Calls) -> String {
        let all = &calls.first;
        all.iter().for_each(|params| know(target, params));
        if let Ok(client) = self.client() {
            let ask = async |read, params| self.shown(read, params).await.ok();
            let names = async {
                for params in all {
                    subject::look_up(target, params, &self.owner.names, &ask).await;
                }
            };
            // Whatever keeps a name from being found, the id is there; a stop is seen by who asks.
            let _ = self.wait(async { Ok(tokio::time::timeout(client.patience(), names).await) });
        }
        let mut words: Vec<String> =
            all.iter().map(|params| subject::words(target, params, &self.owner.names)).collect();
        let more = calls.count.saturating_sub(words.len());
        if more > 0 && !words.is_empty() {
            words.push(format!("and {more} more"));
        }
        match calls.count {
            1 => words.join("; "),
            count => format!("{count} calls: {}", words.join("; ")),
        }
    }

    /// What a read shows at its place in the reply, all pages of a list together.
    pub(super) async fn shown(&self, read: &Read, params: Params) -> Result<Value> {
        let target = Target::named(read.action)?;
        let permit = match self.policy.check(target.action(), target.effect()) {
            Verdict::Allowed => Permit(target),
            Verdict::Ask(error) | Verdict::Refused(error) => return Err(error),
        };
        let Target::Listed(operation) = &permit.0 else {
            return Ok(Value::Null);
        };
        if operation.paging.is_none() {
            let reply: Value = self.send(&permit, params, &Record::default()).await?;
            return Ok(read.at.iter().try_fold(&reply, |value, key| value.get(key)).cloned().unwrap_or_default());
        }
        let (mut pager, mut records) = (Pager::new(operation, params)?, Vec::new());
        while let Some(params) = pager.next() {
            records.extend(pager.accept(self.send(&permit, params, &Record::default()).await?)?);
        }
        Ok(records.into())
    }

    /// The line that every call takes: its secrets are known before anything is said of it; it is
    /// validated; the client is there; it is sent, on record from its first byte to its end.
    async fn send<T: Tree>(&self, permit: &Permit, params: Params, record: &Record) -> Result<T> {
        self.send_at(Place::here(), permit, params, record).await
    }

    /// The same for a call at this place of a script.
    async fn send_at<T: Tree>(&self, place: Place, permit: &Permit, params: Params, record: &Record) -> Result<T> {
        let Permit(target) = permit;
        know(target, &params);
        let request = Request::build(target, params).map_err(|error| self.named(talk(error)))?;
        let client = self.client()?;
        let call = record.of(target, &request, &self.shared, &self.owner);
        match self.made_before(&place, &call).await {
            Ok(None) => {}
            Ok(Some(reply)) => {
                call.was_made();
                return Ok(T::json(reply));
            }
            Err(error) => return Err(self.named(talk(call.refused(error)))),
        }
        call.begin().map_err(|error| self.named(error))?;
        if let Err(error) = self.intend(&place, &call).await {
            return Err(self.named(talk(call.refused(error))));
        }
        if target.effect() != Effect::Read {
            // A last look: a connection that is closed already would lose it.
            catch_up().await;
        }
        let result = client.call(&call).await;
        call.note(&result);
        call.ended(result).map_err(|error| self.named(talk(error)))
    }

    /// An error that says which of the accounts of a run it is of.
    fn named(&self, error: Error) -> Error {
        match self.profile() {
            Some(name) => error.hint(format!("it was a call of the profile {name}")),
            None => error,
        }
    }

    /// Calls an operation and waits for its reply. Must not be called from asynchronous code, nor
    /// must the waits below.
    ///
    /// # Errors
    /// Every kind of the script API but `limit`.
    pub(crate) fn call<T: Tree>(&self, target: &Target, params: Params) -> Result<T> {
        // Those of a call that is refused are secrets, too.
        know(target, &params);
        let permit = self.permit(target, || Calls { count: 1, first: vec![params.clone()] })?;
        let record = Record::default();
        let reply = self.wait(self.send(&permit, params, &record));
        reply.map_err(|error| record.given_up(target, error))
    }

    /// Calls an operation once for each item, so many at once, and waits for all. An item's
    /// parameters are made when its turn comes. Results are in the items' order.
    ///
    /// # Errors
    /// `interrupted`, with how many calls came to which end; what keeps the account from being reached.
    pub(crate) fn call_all<T: Tree, I>(
        &self,
        permit: &Permit,
        items: &[I],
        params: impl Fn(&I) -> Result<Params>,
        concurrency: usize,
    ) -> Result<Vec<Result<T>>> {
        self.client()?;
        let records: Vec<Record> = items.iter().map(|_| Record::default()).collect();
        let here = Place::here();
        let call = async |n: usize, item, record| self.send_at(here.item(n), permit, params(item)?, record).await;
        let results = self.wait(async {
            // Unordered, so that one slow call does not hold back those behind it.
            let calls = items.iter().zip(&records).enumerate();
            let calls = calls.map(async |(n, (item, record))| (n, call(n, item, record).await));
            let mut results: Vec<_> = futures_util::stream::iter(calls).buffer_unordered(concurrency).collect().await;
            results.sort_unstable_by_key(|(n, _)| *n);
            Ok(results.into_iter().map(|(_, result)| result).collect())
        });
        results.map_err(|error| Record::all_given_up(&records, &permit.0, &self.shared, &self.owner, error))
    }

    /// Begins a call that goes on whenever something of this account is waited for.
    ///
    /// # Errors
    /// What keeps the account from being reached.
    pub(crate) fn begin<T: Tree + Send + 'static>(
        self: &Arc<Self>,
        permit: &Permit,
        params: Params,
    ) -> Result<JoinHandle<Result<T>>> {
        self.client()?;
        let (account, permit) = (Arc::clone(self), permit.clone());
        let call = self.waiting.runtime.spawn(async move { account.send(&permit, params, &Record::default()).await });
        // The request is on its way when this returns, if a connection was free for it.
        self.waiting.runtime.block_on(catch_up());
        Ok(call)
    }

    /// The longest that one attempt may take.
    pub(crate) fn patience(&self) -> Duration {
        self.client().map_or(Duration::ZERO, Client::patience)
    }

    /// The client, made now if this is the first call.
    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let _connecting = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = (self.connect)()?;
        Ok(self.client.get_or_init(|| client))
    }

    /// Waits for something, but not beyond a stop of the run and the grace time of writes under way.
    ///
    /// The waiting thread itself serves the connections, so that no other has to be woken for a
    /// call; of many that wait at once, one does it for all.
    ///
    /// # Errors
    /// `interrupted`, or what it waits for.
    pub(crate) fn wait<T>(&self, what: impl Future<Output = Result<T>>) -> Result<T> {
        self.waiting.runtime.block_on(async {
            if self.served().elapsed() > FRESH {
                catch_up().await;
            }
            let mut what = std::pin::pin!(what);
            let result = tokio::select! {
                biased;
                error = self.stop.stopped() => Err(error),
                result = &mut what => result,
            };
            if result.is_err() && self.stop.is_set() && !self.grace.is_zero() {
                // No call begins any more; what is under way may still end.
                tokio::select! {
                    biased;
                    () = self.shared.settled(self.grace) => {}
                    _ = &mut what => {}
                }
            }
            *self.served() = Instant::now();
            result
        })
    }

    fn served(&self) -> MutexGuard<'_, Instant> {
        self.waiting.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes known what a call holds of secrets.
fn know(target: &Target, params: &Params) {
    target.secrets(params).iter().for_each(|secret| REDACTOR.add(secret, Class::Password));
}

/// An error as a script may catch it: what it says is talk, though a script may print it; a script decides by
/// its code.
fn talk(error: Error) -> Error {
    let code = error.code.clone();
    REDACTOR.error(error).with(|error| error.code = code)
}

/// How long connections are taken to be as they were.
const FRESH: Duration = Duration::from_millis(1);

/// Lets connections do what they can without waiting. One that the service closed while nobody
/// waited is dropped, where the next write would have been lost in it.
async fn catch_up() {
    // The first look finds what happened, and the second lets the connections act on it.
    for _ in 0..2 {
        yield_now().await;
    }
}

#[cfg(test)]
mod tests;
