//! A simulator held inside another program: what `--sim` talks to, over real HTTP on a loopback port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::server;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::sim::Sim;

/// A simulator that serves for as long as this is held. Several know nothing of each other.
#[derive(Debug)]
pub(crate) struct Running {
    address: SocketAddr,
    /// Dropping it stops the server.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    /// Makes a simulator on a thread of its own, so that what it holds is not counted as the
    /// script's, and serves it there on a free port. It accepts connections when this returns.
    ///
    /// # Errors
    /// Whatever `make` fails with; `io` when the system gives no thread or port.
    pub(crate) fn start(make: impl FnOnce() -> Result<Arc<Sim>> + Send + 'static) -> Result<Self> {
        let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot start the simulator: {error}"));
        let (stop, stopped) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        let serve = move |tell: &mpsc::Sender<Result<SocketAddr>>| {
            let sim = make()?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
            runtime.block_on(async {
                let server = server::bind(sim, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
                // Nobody to tell: dropped already, and told to stop.
                let _ = tell.send(Ok(server.address()));
                server.run(async { drop(stopped.await) }).await
            })
        };
        let work = move || {
            let _apart = memory::apart();
            if let Err(error) = serve(&tell) {
                let _ = tell.send(Err(error));
            }
        };
        let thread = std::thread::Builder::new().name("simulator".into()).spawn(work).map_err(failed)?;
        let address = told.recv().map_err(|_| Error::new(Kind::Io, "the simulator did not start"))??;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its own panic is its own.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::net::TcpStream;

    use serde_json::{Value, json};

    use super::*;
    use crate::call::account::Account;
    use crate::call::endpoint::Endpoint;
    use crate::call::policy::Policy;
    use crate::call::{Client, ClientConfig};
    use crate::clock::{Clock, Pace};
    use crate::credentials::Provider;
    use crate::sim::engine::state::State;
    use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, demo};
    use crate::wire::request::Target;

    fn held(state: impl FnOnce() -> State + Send + 'static) -> Running {
        let clock = Arc::new(Clock::simulated(Pace::Told, demo::START));
        Running::start(move || Ok(Sim::of(state(), Options::demo(), clock))).unwrap()
    }

    fn titles(simulator: &Running) -> Vec<String> {
        let endpoint = Endpoint::parse(&format!("http://{}", simulator.address())).unwrap();
        let config = ClientConfig::new(endpoint, Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET));
        let connect = Box::new(move || Ok(Client::new(config.clone())));
        let account = Account::new(connect, Policy::default(), None, Arc::default()).unwrap();
        let params = json!({"PageNumber": 1, "PageSize": 50}).as_object().unwrap().clone();
        let reply: Value = account.call(&Target::named("ListApp").unwrap(), params).unwrap();
        let title = |app: &Value| app.get("Title").and_then(Value::as_str).unwrap_or_default().to_owned();
        reply.get("Data").and_then(Value::as_array).unwrap().iter().map(title).collect()
    }

    #[test]
    fn several_hold_accounts_of_their_own_and_end_when_they_are_dropped() {
        let demo = held(|| demo::account().unwrap());
        let changed = held(|| {
            let mut state = demo::account().unwrap();
            let app = json!({"BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication", "Title": "only here"});
            state.perform("CreateApp", app).unwrap();
            state
        });
        let (ones, others) = (titles(&demo), titles(&changed));
        assert_eq!(others.len(), ones.len() + 1);
        assert!(others.contains(&"only here".to_owned()) && !ones.contains(&"only here".to_owned()));
        let address = changed.address();
        drop(changed);
        assert!(TcpStream::connect(address).is_err());
        assert_eq!(titles(&demo), ones);
    }

    #[test]
    fn what_cannot_be_made_is_an_error() {
        let error = Running::start(|| Err(Error::new(Kind::Config, "no state"))).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Config, "no state"));
    }
}
