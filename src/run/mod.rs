//! A run of a command: its [`service`] and account, what goes on in the [`background`], what stops it
//! ([`signals`]), who is asked ([`confirm`]), what it is called ([`id`]), the way out ([`exit`]), and who a run would be ([`identity`]).

mod background;
mod confirm;
pub(crate) mod exit;
pub(crate) mod id;
pub(crate) mod identity;
mod service;
mod signals;

use std::path::PathBuf;
use std::sync::Arc;

use crate::call::account::Account;
use crate::error::Result;
use crate::script::{Host, HostConfig};
use crate::settings::Settings;
use crate::show::log;
use crate::stop::Stop;
use crate::system;
use background::Background;
use exit::Exit;
use id::RunId;
use service::Service;

/// A run of a command that may call the service.
pub(crate) struct Run {
    id: RunId,
    settings: Arc<Settings>,
    stop: Arc<Stop>,
    service: Arc<Service>,
    account: Arc<Account>,
}

impl Run {
    /// Prepares a run, or a session with a person. Nothing is connected before the first call.
    ///
    /// # Errors
    /// `io` when the system gives no thread or no signal handler; what is said of the simulator is wrong.
    pub(crate) fn new(settings: &Arc<Settings>, exit: &Exit, for_person: bool) -> Result<Self> {
        system::room_for_run()?;
        let id = RunId::new();
        tracing::debug!("run {id} begins");
        let stop = Arc::new(Stop::new(settings.deadline));
        let background = Background::start()?;
        signals::watch(&background, &stop, exit, for_person)?;
        let service = Arc::new(Service::new(settings, background, for_person)?);
        log::keep_time(&service.clock);
        let connect = {
            let service = Arc::clone(&service);
            Box::new(move || service.connect())
        };
        let confirm = confirm::confirm(settings, &stop, for_person);
        let account = Account::new(connect, settings.policy.clone(), confirm, Arc::clone(&stop))?;
        let around = Arc::clone(account.around());
        exit.before(move || around.name_unknown());
        let settings = Arc::clone(settings);
        Ok(Self { id, settings, stop, service, account: Arc::new(account) })
    }

    /// What it is called.
    pub(crate) fn id(&self) -> &RunId {
        &self.id
    }

    /// What stops the run.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// The account that the run works on.
    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// A script engine whose imports stay in `root`.
    pub(crate) fn host(&self, root: PathBuf, args: Vec<String>) -> Host {
        let config = HostConfig {
            root,
            args,
            allow_env: self.settings.allowed_env(),
            allow_read: self.settings.allowed_read(),
            clock: Arc::clone(&self.service.clock),
            stop: Arc::clone(&self.stop),
            max_memory: self.settings.max_memory(),
            max_operations: self.settings.max_operations(),
            simulated: self.settings.sim(),
        };
        Host::new(config, &self.account)
    }

    /// What a prompt says of the account: `sim`, or the profile's name.
    ///
    /// # Errors
    /// As [`crate::credentials::Found::require`].
    pub(crate) fn account_name(&self) -> Result<String> {
        if self.settings.sim() {
            return Ok("sim".to_owned());
        }
        let found = self.settings.found();
        found.known()?;
        Ok(found.profile.clone().unwrap_or_else(|| "jst".to_owned()))
    }
}
