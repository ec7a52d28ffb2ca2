//! The account that a run works on: every call passes here, through the policy, to the client.
//!
//! The client is made at the first call, so that what needs no account needs no credentials.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::error::{Error, Kind, Result};
use crate::policy::{Policy, Verdict};
use crate::stop::Stop;
use crate::wire::request::{Request, Target};

/// Makes the client at the first call: finds credentials, starts the simulator.
pub type Connect = Box<dyn Fn() -> Result<Client> + Send + Sync>;

/// Asks a person whether a destructive call may go ahead.
pub type Confirm = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// An account under a policy.
pub struct Account {
    connect: Connect,
    client: OnceLock<Arc<Client>>,
    /// Held while the client is made, so that it is made once.
    connecting: Mutex<()>,
    policy: Policy,
    /// `None` without a terminal.
    confirm: Option<Confirm>,
    stop: Arc<Stop>,
    runtime: Handle,
}

impl Account {
    /// An account that is not yet connected.
    pub fn new(connect: Connect, policy: Policy, confirm: Option<Confirm>, stop: Arc<Stop>, runtime: Handle) -> Self {
        Self { connect, client: OnceLock::new(), connecting: Mutex::new(()), policy, confirm, stop, runtime }
    }

    /// Where tasks of this account run.
    pub fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// What stops calls.
    pub fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Refuses what the policy refuses; asks where it says so.
    ///
    /// # Errors
    /// `policy`.
    pub fn permit(&self, target: &Target) -> Result<()> {
        match self.policy.check(target.action(), target.effect()) {
            Verdict::Allowed => Ok(()),
            Verdict::Refused(error) => Err(error),
            Verdict::Ask(error) => match &self.confirm {
                Some(confirm) if confirm(target.action()) => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// The client, made now if this is the first call.
    ///
    /// # Errors
    /// `credentials`, `config`, or whatever keeps the simulator from starting.
    pub fn client(&self) -> Result<Arc<Client>> {
        if let Some(client) = self.client.get() {
            return Ok(Arc::clone(client));
        }
        let _connecting = self.connecting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = self.client.get() {
            return Ok(Arc::clone(client));
        }
        let client = Arc::new((self.connect)()?);
        Ok(Arc::clone(self.client.get_or_init(|| client)))
    }

    /// Calls an operation and waits for its reply. Must not be called on a thread of the runtime.
    ///
    /// # Errors
    /// Every kind of the script API but `limit`.
    pub fn call(&self, target: &Target, params: Map<String, Value>) -> Result<Value> {
        self.permit(target)?;
        let request = Request::build(target, params)?;
        let client = self.client()?;
        let target = target.clone();
        self.wait(async move { client.call(&target, &request).await })
    }

    /// Waits for something, but not beyond a stop of the run. It runs on the runtime's own thread,
    /// where the connections are: a script's thread is woken once, not for each step.
    ///
    /// # Errors
    /// `interrupted`, or what it waits for.
    pub fn wait<T: Send + 'static>(&self, what: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
        let stop = Arc::clone(&self.stop);
        let (tell, told) = oneshot::channel();
        self.runtime.spawn(async move {
            let result = tokio::select! {
                biased;
                error = stop.stopped() => Err(error),
                result = what => result,
            };
            // Without a listener the run is over.
            let _ = tell.send(result);
        });
        told.blocking_recv().unwrap_or_else(|_| Err(Error::new(Kind::Network, "a call's task was lost")))
    }
}
