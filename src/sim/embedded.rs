//! The simulator inside another process: what `--sim` talks to, over real HTTP on a loopback port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};

use super::{Options, Sim, demo, server};
use crate::clock::{Clock, Pace};
use crate::error::{Error, Kind, Result};

/// The demo account's clock: it runs as the real one does, and sleeping moves it at once.
pub fn clock() -> Clock {
    Clock::simulated(Pace::Times(1.0), demo::START)
}

/// Starts the demo account's simulator on a thread of its own and gives its address once it
/// accepts connections. It ends with the process.
///
/// # Errors
/// `io` when the system gives no thread or port.
pub fn start(clock: Arc<Clock>) -> Result<SocketAddr> {
    let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot start the simulator: {error}"));
    let sim = Sim::new(Options::demo(), clock)?;
    let (tell, told) = mpsc::channel();
    let serve = move |tell: &mpsc::Sender<Result<SocketAddr>>| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        runtime.block_on(async {
            let server = server::bind(sim, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
            // Without a listener the process is ending.
            let _ = tell.send(Ok(server.address()));
            server.run(std::future::pending()).await
        })
    };
    let thread = std::thread::Builder::new().name("simulator".into());
    thread
        .spawn(move || {
            if let Err(error) = serve(&tell) {
                let _ = tell.send(Err(error));
            }
        })
        .map_err(failed)?;
    told.recv().map_err(|_| Error::new(Kind::Io, "the simulator did not start"))?
}
