//! A script that is read, as a run would read it, and not run.

use std::path::PathBuf;
use std::sync::Arc;

use crate::call::account::Account;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::script::{Host, HostConfig};
use crate::settings::Settings;
use crate::stop::Stop;

/// Looks whether a script of this name and text parses; its imports are not looked at.
///
/// # Errors
/// `parse`; `io` when the system gives no thread.
pub(crate) fn parses(settings: &Settings, name: &str, text: &str) -> Result<()> {
    let stop = Arc::new(Stop::default());
    let nobody = || Err(Error::new(Kind::Policy, "a script that is only read calls nothing"));
    let account = Account::new(Box::new(nobody), settings.policy.clone(), None, Arc::clone(&stop))?;
    let config = HostConfig {
        root: PathBuf::new(),
        args: Vec::new(),
        allow_env: settings.allowed_env(),
        allow_read: Vec::new(),
        allow_write: Vec::new(),
        net: Arc::new(settings.allowed_net()),
        output: settings.output(),
        checks: Arc::default(),
        share: Arc::default(),
        clock: Arc::new(Clock::real()),
        stop,
        max_memory: settings.max_memory(),
        max_operations: settings.max_operations(),
        simulated: settings.sim(),
    };
    Host::new(config, &Arc::new(account)).parses(name, text)
}
