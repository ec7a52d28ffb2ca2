//! A run of a command: its [`service`] and account, what goes on in the [`background`], what stops it ([`signals`], as
//! far as they are [`heard`]), a script that is only read ([`reading`]). When nobody watches: what is around it
//! ([`alone`]), what is told [`behind`] it, and in what [`places`]. Who is asked ([`confirm`]), what it is called
//! ([`id`]), what its journal knows of it ([`kept`]), the way out ([`exit`]), and who a run would be ([`identity`]).

pub(crate) mod alone;
mod background;
pub(crate) mod behind;
mod confirm;
pub(crate) mod exit;
pub(crate) mod heard;
pub(crate) mod id;
pub(crate) mod identity;
pub(crate) mod kept;
mod places;
pub(crate) mod profiles;
pub(crate) mod reading;
mod service;
mod signals;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::call::account::{Account, Connect};
use crate::call::observer::Observer;
use crate::call::others::{Open, Others};
use crate::clock::Clock;
use crate::error::Result;
use crate::job::checks::Checks;
use crate::job::shard::{Shard, Share};
use crate::job::tally::Tally;
use crate::script::{Coverage, Host, HostConfig};
use crate::settings::Settings;
use crate::show::log;
use crate::stop::Stop;
use crate::system;
use background::Background;
use confirm::Always;
use exit::Exit;
use id::RunId;
use service::Service;

/// A run of a command that may call the service.
pub(crate) struct Run {
    id: RunId,
    /// What it was called before, where that is found out only after its beginning.
    earlier: OnceLock<RunId>,
    settings: Arc<Settings>,
    stop: Arc<Stop>,
    clock: Arc<Clock>,
    account: Arc<Account>,
    coverage: Option<Arc<Coverage>>,
    /// The way out of the process, of a run that is all it does.
    exit: Option<Exit>,
    tally: Arc<Tally>,
    checks: Arc<Checks>,
    share: Arc<Share>,
}

/// A service that is there already, for a run inside another one's process.
pub(crate) struct Ready {
    /// What scripts call time.
    pub clock: Arc<Clock>,
    /// Makes a client of it.
    pub connect: Connect,
    /// Who knows of every call, beside what counts them.
    pub observer: Option<Arc<dyn Observer>>,
    /// Where what runs of scripts is counted.
    pub coverage: Option<Arc<Coverage>>,
    /// What stands behind accounts that a script works on beside this one.
    pub beside: Beside,
    /// Whether a simulator stands in for every account.
    pub stands_in: bool,
}

/// Which run it is among those of its script.
pub(crate) struct Which {
    /// What it is called.
    pub id: RunId,
    /// The part that it does.
    pub shard: Shard,
}

impl Which {
    /// A run that begins, with these settings.
    ///
    /// # Errors
    /// As [`Settings::shard`].
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { id: RunId::new(), shard: settings.shard()? })
    }
}

/// Makes a client of the account of a profile with these settings.
pub(crate) type Beside = Box<dyn Fn(&str, &Arc<Settings>) -> Result<Connect> + Send + Sync>;

impl Run {
    /// Prepares a run, or a session with a person. Nothing is connected before the first call.
    ///
    /// # Errors
    /// `io` when the system gives no thread or no signal handler; what is said of the simulator is wrong.
    pub(crate) fn new(settings: &Arc<Settings>, exit: &Exit, for_person: bool) -> Result<Self> {
        Self::going_on(Which::new(settings)?, settings, exit, for_person)
    }

    /// The same of a run of which it is known which it is, as it may go on.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub(crate) fn going_on(which: Which, settings: &Arc<Settings>, exit: &Exit, for_person: bool) -> Result<Self> {
        system::room_for_run()?;
        let stop = Arc::new(Stop::new(settings.deadline));
        let background = Background::start()?;
        let service = Service::new(settings, background.clone(), for_person)?;
        let clock = Arc::clone(&service.clock);
        let beside = {
            let (background, clock) = (background.clone(), Arc::clone(&clock));
            move |_: &str, settings: &Arc<Settings>| -> Result<Connect> {
                let service = Service::beside(settings, background.clone(), Arc::clone(&clock))?;
                Ok(Box::new(move || service.connect()))
            }
        };
        let connect = Box::new(move || service.connect());
        let ready =
            Ready { clock, connect, observer: None, coverage: None, beside: Box::new(beside), stands_in: false };
        Self::on(which, ready, settings, exit, stop, Some(&background), for_person)
    }

    /// A run inside another one's process, which watches what stops both.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub(crate) fn within(settings: &Arc<Settings>, exit: &Exit, ready: Ready) -> Result<Self> {
        Self::on(Which::new(settings)?, ready, settings, exit, Arc::default(), None, false)
    }

    /// A run on a service that is there already.
    ///
    /// # Errors
    /// As [`Run::new`].
    pub(crate) fn watched(settings: &Arc<Settings>, exit: &Exit, ready: Ready) -> Result<Self> {
        let stop = Arc::new(Stop::new(settings.deadline));
        Self::on(Which::new(settings)?, ready, settings, exit, stop, Some(&Background::start()?), false)
    }

    fn on(
        which: Which,
        ready: Ready,
        settings: &Arc<Settings>,
        exit: &Exit,
        stop: Arc<Stop>,
        watched_by: Option<&Background>,
        for_person: bool,
    ) -> Result<Self> {
        let Ready { clock, connect, observer, coverage, beside, stands_in } = ready;
        let Which { id, shard } = which;
        let job = settings.job();
        if !for_person {
            alone::prepare(settings, id.as_str())?;
        }
        let share = Arc::new(Share::new(shard));
        log::keep_time(&clock);
        let always = Always::default();
        let confirm = confirm::confirm(settings, None, &always, &stop, for_person);
        let tally = Arc::new(Tally::new(settings.limits_of_run(), Arc::clone(&stop), !job.report.is_empty()));
        let own: [Arc<dyn Observer>; 2] = [share.clone(), tally.clone()];
        let observers = observer.into_iter().chain(own).collect();
        let account = Account::new(connect, settings.policy.clone(), confirm, Arc::clone(&stop))?;
        let account = account.with_observers(observers);
        // A person who stops something wants to go on at once, unless they say otherwise.
        let has_grace = !for_person || job.grace.is_some();
        let account = if has_grace { account.with_grace(settings.grace()) } else { account };
        let account = limited(account, settings, None, &stop);
        let open = open(settings, beside, stands_in, always, for_person);
        let account = account.with_others(Others::new(settings.profile().map(str::to_owned), open));
        if let Some(background) = watched_by {
            signals::watch(background, &account, &stop, exit, for_person)?;
        }
        let shared = Arc::clone(account.shared());
        exit.before(move |_, _| shared.name_unknown());
        let settings = Arc::clone(settings);
        let (account, checks) = (Arc::new(account), Arc::default());
        Ok(Self {
            id,
            earlier: OnceLock::new(),
            settings,
            stop,
            clock,
            account,
            coverage,
            exit: watched_by.map(|_| exit.clone()),
            tally,
            checks,
            share,
        })
    }

    /// What it is called.
    pub(crate) fn id(&self) -> &RunId {
        self.earlier.get().unwrap_or(&self.id)
    }

    /// Gives it the name of the earlier run that it goes on with.
    pub(crate) fn goes_on_as(&self, earlier: RunId) {
        log::rename_run(earlier.as_str(), self.settings.trace());
        let _ = self.earlier.set(earlier);
    }

    /// What stops the run.
    pub(crate) fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// The account that the run works on.
    pub(crate) fn account(&self) -> &Arc<Account> {
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
            checks: Arc::clone(&self.checks),
            share: Arc::clone(&self.share),
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
        Ok(self.settings.account_name(found.profile.as_deref().unwrap_or("jst")))
    }
}

/// Makes the accounts that a script works on beside the run's own.
fn open(settings: &Arc<Settings>, beside: Beside, stands_in: bool, always: Always, for_person: bool) -> Open {
    let settings = Arc::clone(settings);
    Box::new(move |own, name| {
        let settings = Arc::new(settings.of_profile(name, stands_in)?);
        let confirm = confirm::confirm(&settings, Some(name), &always, own.stop(), for_person);
        let account = own.beside(name, beside(name, &settings)?, settings.policy.clone(), confirm);
        Ok(limited(account, &settings, Some(name), own.stop()))
    })
}

/// An account under the limits of its profile, if that has some.
fn limited(account: Account, settings: &Settings, name: Option<&str>, stop: &Arc<Stop>) -> Account {
    match settings.limits_of_account(name) {
        Some(limits) => account.with_limits(Arc::new(Tally::new(limits, Arc::clone(stop), false))),
        None => account,
    }
}
