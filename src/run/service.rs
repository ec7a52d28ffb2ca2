//! What stands behind an account: the real service, or a simulator that is started for it. A plan's copy
//! of an account would be one more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::background::Background;
use crate::call::{Client, ClientConfig};
use crate::clock::{Clock, Pace};
use crate::credentials::{Provider, Way, fetch, know};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::net::endpoint::Endpoint;
use crate::settings::{Settings, Simulation};
use crate::sim::engine::state::State;
use crate::sim::http::running::Running;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, Sim, store};
use crate::system;

/// The service of a run, and the clock that goes with it.
pub(super) struct Service {
    settings: Arc<Settings>,
    /// What scripts call time: the real one's, or the simulator's.
    pub clock: Arc<Clock>,
    /// What the simulator begins with, until it does.
    simulation: Mutex<Option<Begin>>,
    background: Background,
    /// The simulator, from the first call on and for as long as this is held.
    simulator: Mutex<Option<Running>>,
}

/// What a simulator begins with.
struct Begin {
    /// Its account, where it is kept in a file.
    account: Option<State>,
    options: Options,
}

/// What a call takes of a clock that does not run by itself: a script that looks again and again
/// without sleeping still gets to see the end.
const CALL: Duration = Duration::from_millis(10);

/// The most calls at once to one service. Servers take a thousand connections at a time, the simulator 900, and
/// while many begin together there are more for a moment: a request on one too many waits, or is sent away.
const CONNECTIONS: usize = 600;

/// As many calls at once as there may be connections.
fn bounded(wanted: usize) -> usize {
    if wanted > CONNECTIONS {
        tracing::warn!(
            "at most {CONNECTIONS} calls are under way at once, not {wanted}: a service takes no more connections"
        );
    }
    wanted.min(CONNECTIONS)
}

impl Service {
    /// The service that the settings name. Nothing is started or connected yet.
    ///
    /// The simulator's clock runs as the real one does for a person at a prompt; for a script it moves
    /// only by its sleeps and its calls, so that every run is the same. Sleeping moves it at once.
    ///
    /// # Errors
    /// What is said of the simulator does not fit together, or its account cannot be read.
    pub(super) fn new(settings: &Arc<Settings>, background: Background, for_person: bool) -> Result<Self> {
        let simulation = settings.simulation()?.map(Begin::new).transpose()?;
        let pace = if for_person { Pace::Times(1.0) } else { Pace::Told };
        let clock = match &simulation {
            Some(begin) => Clock::simulated(pace, begin.options.start),
            None => Clock::real(),
        };
        let simulation = Mutex::new(simulation);
        let settings = Arc::clone(settings);
        Ok(Self { settings, clock: Arc::new(clock), simulation, background, simulator: Mutex::default() })
    }

    /// The service of another account of the same run.
    ///
    /// # Errors
    /// As [`Service::new`].
    pub(super) fn beside(settings: &Arc<Settings>, background: Background, clock: Arc<Clock>) -> Result<Self> {
        let simulation = settings.simulation()?.map(|simulation| Begin::at(simulation, &clock)).transpose()?;
        let (settings, simulation) = (Arc::clone(settings), Mutex::new(simulation));
        Ok(Self { settings, clock, simulation, background, simulator: Mutex::default() })
    }

    /// A client of the service.
    ///
    /// # Errors
    /// `credentials`, `config`, or whatever keeps the simulator from starting.
    pub(super) fn connect(&self) -> Result<Client> {
        let (config, files_each) = if self.settings.sim() { (self.simulated()?, 2) } else { (self.real()?, 1) };
        let simulator = self.settings.sim().then_some("the simulator inside the process");
        let to = simulator.map_or_else(|| config.endpoint.to_string(), str::to_owned);
        match self.settings.route() {
            Some(why) => tracing::info!("calls go to {to}: {why}"),
            None => tracing::debug!("calls go to {to}"),
        }
        let concurrency = system::connections(bounded(config.concurrency), files_each)?;
        Ok(Client::new(ClientConfig { concurrency, clock: Arc::clone(&self.clock), ..config }))
    }

    fn real(&self) -> Result<ClientConfig> {
        let found = self.settings.found();
        let way = found.require()?.clone();
        self.settings.around.check_ca_file()?;
        let exposed = self.settings.exposed()?;
        found.passed_over.iter().chain(&exposed).for_each(|said| tracing::warn!("{said}"));
        let config = self.settings.client(self.settings.endpoint()?, self.provider(way)?)?;
        Ok(ClientConfig { region: self.settings.region().map(str::to_owned), ..config })
    }

    /// Whoever signs in this way, kept fresh beside the run where that is needed.
    fn provider(&self, way: Way) -> Result<Provider> {
        if let Way::Static(credentials) = way {
            know(&credentials);
            return Ok(Provider::fixed(credentials));
        }
        let (way, reach) = (Arc::new(way), Arc::new(self.settings.reach()?));
        let fetch = move || -> std::pin::Pin<Box<dyn Future<Output = _> + Send>> {
            let (way, reach) = (Arc::clone(&way), Arc::clone(&reach));
            Box::pin(async move { fetch(&way, &reach).await })
        };
        Ok(Provider::fresh(Box::new(fetch), self.background.handle()))
    }

    fn simulated(&self) -> Result<ClientConfig> {
        let clock = Arc::clone(&self.clock);
        let begin = self.simulation.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Begin { account, mut options } =
            begin.ok_or_else(|| Error::new(Kind::Io, "the simulator could not be started before"))?;
        options.callers_share_clock = true;
        options.call_takes = if clock.runs() { Duration::ZERO } else { CALL };
        let running = Running::start(move || match account {
            Some(account) => Ok(Sim::of(account, options, clock)),
            None => Sim::new(options, clock),
        })?;
        let endpoint = Endpoint::parse(&format!("http://{}", running.address()))?;
        *self.simulator.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        self.settings.client(endpoint, Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET))
    }
}

impl Begin {
    /// Reads the kept account, if there is one; the simulator goes on from its time.
    fn new(simulation: Simulation) -> Result<Self> {
        let Simulation { kept, mut options } = simulation;
        // The simulator's thread, which holds it later, stands apart as well.
        let _apart = memory::apart();
        let account = kept.as_deref().map(store::kept).transpose()?;
        if let Some(account) = &account {
            options.start = account.now;
        }
        Ok(Self { account, options })
    }

    /// The same on a clock that runs already.
    fn at(simulation: Simulation, clock: &Clock) -> Result<Self> {
        let Self { account, mut options } = Self::new(simulation)?;
        options.start = clock.now();
        Ok(Self { account, options })
    }
}
