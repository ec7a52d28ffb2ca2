//! Signals that the process hears. One that whoever started it has it ignore, it never hears: what `nohup` starts
//! outlives its terminal, and what a shell starts in the background is none of Ctrl-C's.

use rustix::process::Signal;
use tokio::signal::unix::{self, SignalKind, signal};

use crate::system;

/// What comes of one signal.
#[derive(Debug)]
pub(crate) struct Heard(Option<unix::Signal>);

impl Heard {
    /// Listens to a signal from now on, which then does nothing by itself. It needs a runtime around it.
    ///
    /// # Errors
    /// The system refuses to tell of it.
    pub(crate) fn new(of: Signal) -> std::io::Result<Self> {
        if system::is_ignored(of) {
            return Ok(Self(None));
        }
        signal(SignalKind::from_raw(of.as_raw())).map(|stream| Self(Some(stream)))
    }

    /// Waits for the signal.
    pub(crate) async fn recv(&mut self) {
        match &mut self.0 {
            Some(stream) => drop(stream.recv().await),
            None => std::future::pending().await,
        }
    }
}
