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
mod tests;
