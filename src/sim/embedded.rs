//! The simulator inside another process: what `--sim` talks to, over real HTTP on a loopback port.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use super::{Options, Sim, demo, server};
use crate::clock::{Clock, Pace};
use crate::error::{Error, Kind, Result};

/// The demo account's clock. Sleeping moves it at once. For a person at a prompt it runs as the real
/// one does; for a script it moves only by its sleeps and its calls, so that every run is the same.
pub fn clock(for_person: bool) -> Clock {
    Clock::simulated(if for_person { Pace::Times(1.0) } else { Pace::Told }, demo::START)
}

/// What a call takes of a clock that does not run by itself: a script that looks again and again
/// without sleeping still gets to see the end.
const CALL: Duration = Duration::from_millis(10);

/// Starts the demo account's simulator on a thread of its own and gives its address once it
/// accepts connections. It ends with the process.
///
/// # Errors
/// `io` when the system gives no thread or port.
pub fn start(clock: Arc<Clock>) -> Result<SocketAddr> {
    let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot start the simulator: {error}"));
    let call_takes = if clock.runs() { Duration::ZERO } else { CALL };
    let sim = Sim::new(Options { call_takes, ..Options::demo() }, clock)?;
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
