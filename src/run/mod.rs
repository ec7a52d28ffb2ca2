//! A run of a command: its [`service`] and account, what goes on in the [`background`], what stops it
//! ([`signals`]), who is asked ([`confirm`]), what it is called ([`id`]), what its journal knows of it ([`kept`]), the
//! way out ([`exit`]), and who a run would be ([`identity`]).

mod background;
mod confirm;
pub(crate) mod exit;
pub(crate) mod id;
pub(crate) mod identity;
pub(crate) mod kept;
pub(crate) mod profiles;
mod service;
mod signals;

use std::path::PathBuf;
use std::sync::Arc;

use crate::call::account::{Account, Connect};
use crate::call::record::Watch;
use crate::clock::Clock;
use crate::error::Result;
use crate::script::{Coverage, Host, HostConfig};
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
    clock: Arc<Clock>,
    account: Arc<Account>,
    coverage: Option<Arc<Coverage>>,
}

/// A service that is there already, for a run inside another one's process.
pub(crate) struct Ready {
    /// What scripts call time.
    pub clock: Arc<Clock>,
    /// Makes a client of it.
    pub connect: Connect,
    /// Who is told of every call.
    pub watch: Option<Watch>,
    /// Where what runs of scripts is counted.
    pub coverage: Option<Arc<Coverage>>,
}

impl Run {
    /// Prepares a run, or a session with a person. Nothing is connected before the first call.
    ///
    /// # Errors
    /// `io` when the system gives no thread or no signal handler; what is said of the simulator is wrong.
    pub(crate) fn new(settings: &Arc<Settings>, exit: &Exit, for_person: bool) -> Result<Self> {
        system::room_for_run()?;
        let stop = Arc::new(Stop::new(settings.deadline));
        let background = Background::start()?;
        signals::watch(&background, &stop, exit, for_person)?;
        let service = Service::new(settings, background, for_person)?;
        let clock = Arc::clone(&service.clock);
        let ready = Ready { clock, connect: Box::new(move || service.connect()), watch: None, coverage: None };
        Self::on(ready, settings, exit, stop, for_person)
    }

    /// A run inside another one's process, which watches what stops both.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub(crate) fn within(settings: &Arc<Settings>, exit: &Exit, ready: Ready) -> Result<Self> {
        Self::on(ready, settings, exit, Arc::default(), false)
    }

    /// A run on a service that is there already.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub(crate) fn watched(settings: &Arc<Settings>, exit: &Exit, ready: Ready) -> Result<Self> {
        let stop = Arc::new(Stop::new(settings.deadline));
        signals::watch(&Background::start()?, &stop, exit, false)?;
        Self::on(ready, settings, exit, stop, false)
    }

    fn on(ready: Ready, settings: &Arc<Settings>, exit: &Exit, stop: Arc<Stop>, for_person: bool) -> Result<Self> {
        let Ready { clock, connect, watch, coverage } = ready;
        let id = RunId::new();
        tracing::debug!("run {id} begins");
        log::keep_time(&clock);
        let confirm = confirm::confirm(settings, &stop, for_person);
        let account = Account::new(connect, settings.policy.clone(), confirm, Arc::clone(&stop))?;
        let around = Arc::clone(account.around());
        watch.into_iter().for_each(|watch| around.watch(watch));
        exit.before(move |_| around.name_unknown());
        let settings = Arc::clone(settings);
        Ok(Self { id, settings, stop, clock, account: Arc::new(account), coverage })
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
            allow_write: self.settings.allowed_write(),
            net: Arc::new(self.settings.allowed_net()),
            output: self.settings.output(),
            clock: Arc::clone(&self.clock),
            stop: Arc::clone(&self.stop),
            max_memory: self.settings.max_memory(),
            max_operations: self.settings.max_operations(),
            simulated: self.settings.sim(),
        };
        let mut host = Host::new(config, &self.account);
        if let Some(coverage) = &self.coverage {
            host.cover(coverage);
        }
        host
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
