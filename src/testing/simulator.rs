//! The simulator of one test: the demo account until the test says otherwise, on a clock that moves when it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::call::Client;
use crate::call::ClientConfig;
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::net::endpoint::Endpoint;
use crate::pattern::Unfit;
use crate::settings::Settings;
use crate::sim::engine::state::State;
use crate::sim::faults::Rule;
use crate::sim::http::running::Running;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Fleet, Options, Sim, demo};

/// What a call takes of the clock: a script that looks again and again without sleeping still gets to see the end.
const CALL: Duration = Duration::from_millis(10);

/// The simulator, from when it is first needed.
pub(super) struct Simulator {
    /// What the test, its scripts and the account call time.
    pub clock: Arc<Clock>,
    begun: Mutex<Option<Begun>>,
    /// Those of the profiles that a script names, on the same clock.
    others: Mutex<BTreeMap<String, Arc<Simulator>>>,
}

struct Begun {
    sim: Arc<Sim>,
    running: Running,
}

impl Simulator {
    /// One that does not run yet.
    pub(super) fn new() -> Self {
        Self::on(Arc::new(Clock::simulated(Pace::Told, demo::START)))
    }

    fn on(clock: Arc<Clock>) -> Self {
        Self { clock, begun: Mutex::default(), others: Mutex::default() }
    }

    /// The simulator of another profile, which begins as the demo account: the same one for all scripts of the test.
    pub(super) fn beside(&self, profile: &str) -> Arc<Self> {
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || Arc::new(Self::on(Arc::clone(&self.clock)));
        Arc::clone(others.entry(profile.to_owned()).or_insert_with(new))
    }

    /// A client of it.
    ///
    /// # Errors
    /// `io` when the system gives no port.
    pub(super) fn connect(&self, settings: &Settings) -> Result<Client> {
        let endpoint = self.with(|begun| Endpoint::parse(&format!("http://{}", begun.running.address())))??;
        let config = settings.client(endpoint, Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET))?;
        Ok(Client::new(ClientConfig { clock: Arc::clone(&self.clock), ..config }))
    }

    /// Does something with the account.
    ///
    /// # Errors
    /// `io` when the simulator does not start.
    pub(super) fn look<T>(&self, at: impl FnOnce(&Sim) -> T) -> Result<T> {
        self.with(|begun| at(&begun.sim))
    }

    /// Begins with another account.
    ///
    /// # Errors
    /// `io` when the simulator does not start.
    pub(super) fn begin(&self, account: State) -> Result<()> {
        let mut begun = self.begun();
        match &*begun {
            Some(begun) => begun.sim.restart(account),
            None => *begun = Some(self.start(account)?),
        }
        Ok(())
    }

    fn with<T>(&self, work: impl FnOnce(&Begun) -> T) -> Result<T> {
        let mut begun = self.begun();
        if let Some(begun) = &*begun {
            return Ok(work(begun));
        }
        Ok(work(begun.insert(self.start(demo_account(&self.clock)?)?)))
    }

    fn start(&self, account: State) -> Result<Begun> {
        let options = Options { call_takes: CALL, callers_share_clock: true, ..Options::demo() };
        let sim = Sim::of(account, options, Arc::clone(&self.clock));
        let served = Arc::clone(&sim);
        Ok(Begun { sim, running: Running::start(move || Ok(served))? })
    }

    fn begun(&self) -> MutexGuard<'_, Option<Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The demo account as it is at this time.
///
/// # Errors
/// None that a test would not have caught.
pub(super) fn demo_account(clock: &Clock) -> Result<State> {
    let _apart = memory::apart();
    demo::account_with(clock.now(), Fleet::default(), 1)
        .map_err(|refusal| Error::new(Kind::Io, format!("the account cannot be made: {}", refusal.text)))
}

/// Rules as a test gives them.
///
/// # Errors
/// `invalid`.
pub(super) fn rules(given: &serde_json::Value) -> Result<Vec<Rule>> {
    let wrong = |why: String| {
        Error::new(Kind::Invalid, format!("faults: {why}"))
            .hint("a rule is written \"ScaleApp:throttle:count=3\"; `jst sim --help` lists the kinds")
    };
    if !given.is_array() {
        return Err(wrong(format!("a list of rules is wanted, not {given}")));
    }
    let rules = Rule::list(given.to_string().as_bytes()).map_err(wrong)?;
    let fit = Rule::check(&rules, std::iter::empty::<&String>());
    fit.map_err(|Unfit { why, hint }| {
        let error = Error::new(Kind::Invalid, format!("faults: {why}"));
        hint.into_iter().fold(error, Error::hint)
    })?;
    Ok(rules)
}
