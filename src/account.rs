//! The account that a run works on: every call passes here, through the policy, to the client.
//!
//! The client is made at the first call, so that what needs no account needs no credentials.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, yield_now};

use crate::client::{Client, Progress};
use crate::error::{Error, Kind, Outcome, Result};
use crate::policy::{Policy, Verdict};
use crate::secret::{self, REDACTOR};
use crate::stop::Stop;
use crate::wire::reply::Tree;
use crate::wire::request::{Request, Target};

/// Makes the client at the first call: finds credentials, starts the simulator.
pub type Connect = Box<dyn Fn() -> Result<Client> + Send + Sync>;

/// Asks a person whether a destructive call may go ahead, given its action and what it is about.
pub type Confirm = Box<dyn Fn(&str, &str) -> bool + Send + Sync>;

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
    runtime: &'static Runtime,
    /// When somebody last waited, which is when connections are served.
    served: Mutex<Instant>,
}

impl Account {
    /// An account that is not yet connected.
    ///
    /// # Errors
    /// `io` when the system gives nothing to wait for connections with.
    pub fn new(connect: Connect, policy: Policy, confirm: Option<Confirm>, stop: Arc<Stop>) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(Kind::Io, format!("cannot start: {error}")))?;
        // Never dropped: that would wait for a name lookup that hangs.
        let runtime = Box::leak(Box::new(runtime));
        Ok(Self {
            connect,
            client: OnceLock::new(),
            connecting: Mutex::new(()),
            policy,
            confirm,
            stop,
            runtime,
            served: Mutex::new(Instant::now()),
        })
    }

    /// What stops calls.
    pub fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// Refuses what the policy refuses; asks about `what` where it says so.
    ///
    /// # Errors
    /// `policy`.
    pub fn permit(&self, target: &Target, what: impl FnOnce() -> String) -> Result<()> {
        match self.policy.check(target.action(), target.effect()) {
            Verdict::Allowed => Ok(()),
            Verdict::Refused(error) => Err(error),
            Verdict::Ask(error) => match &self.confirm {
                Some(confirm) if confirm(target.action(), &what()) => Ok(()),
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

    /// Calls an operation and waits for its reply. Must not be called from asynchronous code, nor
    /// must the waits below.
    ///
    /// # Errors
    /// Every kind of the script API but `limit`.
    pub fn call<T: Tree>(&self, target: &Target, params: Map<String, Value>) -> Result<T> {
        // Before anything is said of the call.
        target.secrets(&params).iter().for_each(|secret| REDACTOR.add(secret));
        self.permit(target, || Value::from(secret::mask(params.clone())).to_string())?;
        let request = Request::build(target, params)?;
        let client = self.client()?;
        let progress = Progress::default();
        self.wait(client.call(target, &request, &progress)).map_err(|error| match error.kind {
            Kind::Interrupted(_) if progress.is_under_way() => {
                error.operation(target.action()).outcome(Outcome::Unknown)
            }
            _ => error,
        })
    }

    /// Waits for something, but not beyond a stop of the run.
    ///
    /// The waiting thread itself serves the connections, so that no other has to be woken for a
    /// call; of many that wait at once, one does it for all.
    ///
    /// # Errors
    /// `interrupted`, or what it waits for.
    pub fn wait<T>(&self, what: impl Future<Output = Result<T>>) -> Result<T> {
        self.runtime.block_on(async {
            if self.served().elapsed() > FRESH {
                catch_up().await;
            }
            let result = tokio::select! {
                biased;
                error = self.stop.stopped() => Err(error),
                result = what => result,
            };
            *self.served() = Instant::now();
            result
        })
    }

    /// Begins something that goes on whenever something of this account is waited for. A request is
    /// on its way when this returns, if a connection was free for it.
    pub fn begin<T: Send + 'static>(&self, what: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        let task = self.runtime.spawn(what);
        self.runtime.block_on(catch_up());
        task
    }

    fn served(&self) -> MutexGuard<'_, Instant> {
        self.served.lock().unwrap_or_else(PoisonError::into_inner)
    }
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
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use serde_json::json;

    use super::*;
    use crate::client::Settings;
    use crate::credentials::Credentials;
    use crate::endpoint::Endpoint;
    use crate::secret::Secret;

    #[test]
    fn a_write_is_not_lost_in_a_connection_that_the_service_closed_meanwhile() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let ((close, may_close), (tell, closed)) = (mpsc::channel(), mpsc::channel());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = stream.read(&mut [0; 4096]).unwrap();
                let body = r#"{"Code":0,"Result":{"DeployOrderId":7}}"#;
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
                may_close.recv().unwrap();
                drop(stream);
                tell.send(()).unwrap();
            }
        });
        let credentials =
            Credentials { access_key_id: "fake-id".into(), secret: Secret::new("fake-secret"), security_token: None };
        let settings = Settings::new(endpoint, credentials);
        let connect = Box::new(move || Ok(Client::new(settings.clone())));
        let account = Account::new(connect, Policy::default(), None, Arc::default()).unwrap();
        let params = json!({"EnvId": 1, "Replicas": 2});
        for _ in 0..3 {
            let target = Target::named("ScaleApp").unwrap();
            let reply: Value = account.call(&target, params.as_object().unwrap().clone()).unwrap();
            assert_eq!(reply.pointer("/Result/DeployOrderId"), Some(&json!(7)));
            close.send(()).unwrap();
            closed.recv().unwrap();
            while account.served().elapsed() <= FRESH {}
        }
    }
}
