//! What goes on beside a run: one thread and one runtime of the process, for signals, the deadline, and
//! whatever has to go on while a script computes.

use tokio::runtime::{Builder, Handle};

use crate::error::{Error, Kind, Result};
use crate::memory;

/// The background of the process. Its thread ends with the process.
#[derive(Clone, Debug)]
pub(super) struct Background(Handle);

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// `io` when the system gives none.
    pub(super) fn start() -> Result<Self> {
        let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot start the background: {error}"));
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let handle = runtime.handle().clone();
        let work = move || {
            // It must go on when a script's threads are halted.
            let _apart = memory::apart();
            runtime.block_on(std::future::pending::<()>());
        };
        std::thread::Builder::new().name("background".into()).spawn(work).map_err(failed)?;
        Ok(Self(handle))
    }

    /// Where something goes on beside the run.
    pub(super) fn handle(&self) -> Handle {
        self.0.clone()
    }

    /// Lets something go on for as long as the process lives.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.0.spawn(task);
    }

    /// Makes what registers with a runtime, such as a signal's stream, register here.
    pub(super) fn within<T>(&self, make: impl FnOnce() -> T) -> T {
        let _entered = self.0.enter();
        make()
    }
}
