//! What stands behind an account: the real service, or a simulator that is started for it. A plan's copy
//! of an account would be one more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::call::endpoint::Endpoint;
use crate::call::{Client, ClientConfig};
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::error::{Error, Kind, Result};
use crate::secret::Class;
use crate::settings::Settings;
use crate::show::redaction::REDACTOR;
use crate::sim::http::running::Running;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, Sim, demo};

/// The service of a run, and the clock that goes with it.
pub(super) struct Service {
    settings: Arc<Settings>,
    /// What scripts call time: the real one's, or the simulator's.
    pub clock: Arc<Clock>,
    /// The simulator, from the first call on and for as long as this is held.
    simulator: Mutex<Option<Running>>,
}

/// What a call takes of a clock that does not run by itself: a script that looks again and again
/// without sleeping still gets to see the end.
const CALL: Duration = Duration::from_millis(10);

impl Service {
    /// The service that the settings name. Nothing is started or connected yet.
    ///
    /// The simulator's clock runs as the real one does for a person at a prompt; for a script it moves
    /// only by its sleeps and its calls, so that every run is the same. Sleeping moves it at once.
    pub(super) fn new(settings: &Arc<Settings>, for_person: bool) -> Self {
        let pace = if for_person { Pace::Times(1.0) } else { Pace::Told };
        let clock = if settings.sim() { Clock::simulated(pace, demo::START) } else { Clock::real() };
        Self { settings: Arc::clone(settings), clock: Arc::new(clock), simulator: Mutex::default() }
    }

    /// A client of the service.
    ///
    /// # Errors
    /// `credentials`, `config`, or whatever keeps the simulator from starting.
    pub(super) fn connect(&self) -> Result<Client> {
        let config = if self.settings.sim() { self.simulated()? } else { self.real()? };
        Ok(Client::new(ClientConfig { clock: Arc::clone(&self.clock), ..config }))
    }

    fn real(&self) -> Result<ClientConfig> {
        let found = self.settings.found();
        let credentials = found.require()?.clone();
        found.passed_over.iter().for_each(|said| tracing::warn!("{said}"));
        let secrets = [Some(&credentials.secret), credentials.security_token.as_ref()];
        secrets.into_iter().flatten().for_each(|secret| REDACTOR.add(secret, Class::Credential));
        let config = self.settings.client(self.settings.endpoint()?, Provider::fixed(credentials))?;
        Ok(ClientConfig { region: self.settings.region().map(str::to_owned), ..config })
    }

    fn simulated(&self) -> Result<ClientConfig> {
        let clock = Arc::clone(&self.clock);
        let call_takes = if clock.runs() { Duration::ZERO } else { CALL };
        let running = Running::start(move || {
            let account = demo::account().map_err(|refusal| Error::new(Kind::Io, refusal.text))?;
            Ok(Sim::of(account, Options { call_takes, ..Options::demo() }, clock))
        })?;
        let endpoint = Endpoint::parse(&format!("http://{}", running.address()))?;
        *self.simulator.lock().unwrap_or_else(PoisonError::into_inner) = Some(running);
        self.settings.client(endpoint, Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET))
    }
}
