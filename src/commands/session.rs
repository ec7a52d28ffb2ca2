//! What commands that call the service share: the account, the script host, and what stops them.

use std::collections::HashSet;
use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::account::{Account, Confirm};
use crate::client::Client;
use crate::clock::Clock;
use crate::config::Config;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::error::{Error, Interrupt, Kind, Result};
use crate::script::{Host, Settings};
use crate::secret::{REDACTOR, Secret};
use crate::sim;
use crate::stop::Stop;

/// A run of a command: its settings, its account, and what stops it.
pub struct Work {
    config: Arc<Config>,
    stop: Arc<Stop>,
    clock: Arc<Clock>,
    account: Arc<Account>,
}

impl Work {
    /// Prepares a run, or a session with a person. Nothing is connected before the first call.
    ///
    /// # Errors
    /// `io` when the system gives no thread or no signal handler.
    pub fn new(config: Arc<Config>, for_person: bool) -> Result<Self> {
        let stop = Arc::new(Stop::new(config.deadline));
        watch(&stop, &config)?;
        let clock = Arc::new(if config.sim() { sim::embedded::clock(for_person) } else { Clock::real() });
        let connect = {
            let (config, clock) = (Arc::clone(&config), Arc::clone(&clock));
            Box::new(move || connect(&config, &clock))
        };
        let account = Account::new(connect, config.policy.clone(), confirm(&config, &stop), Arc::clone(&stop))?;
        Ok(Self { config, stop, clock, account: Arc::new(account) })
    }

    /// The settings of the run.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// What stops the run.
    pub fn stop(&self) -> &Arc<Stop> {
        &self.stop
    }

    /// The account that the run works on.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// A script engine whose imports stay in `root`.
    pub fn host(&self, root: PathBuf, args: Vec<String>) -> Host {
        let settings = Settings {
            root,
            args,
            allow_env: self.config.allowed_env(),
            allow_read: self.config.allowed_read(),
            clock: Arc::clone(&self.clock),
            stop: Arc::clone(&self.stop),
            max_memory: self.config.max_memory(),
            max_operations: self.config.max_operations(),
            simulated: self.config.sim(),
        };
        Host::new(settings, &self.account)
    }

    /// What a prompt says of the account: `sim`, or the profile's name.
    ///
    /// # Errors
    /// As [`crate::credentials::Found::require`].
    pub fn account_name(&self) -> Result<String> {
        if self.config.sim() {
            return Ok("sim".to_owned());
        }
        let found = self.config.find_credentials();
        found.require()?;
        Ok(found.profile.unwrap_or_else(|| "jst".to_owned()))
    }
}

/// A client of the configured account, or of a simulator that is started for it.
fn connect(config: &Config, clock: &Arc<Clock>) -> Result<Client> {
    let settings = if config.sim() {
        let address = sim::embedded::start(Arc::clone(clock))?;
        let credentials = Credentials {
            access_key_id: sim::ACCESS_KEY_ID.to_owned(),
            secret: Secret::new(sim::ACCESS_KEY_SECRET),
            security_token: None,
        };
        config.client(Endpoint::parse(&format!("http://{address}"))?, credentials, None)
    } else {
        let found = config.find_credentials();
        let credentials = found.require()?.clone();
        config.client(config.endpoint(Some(&found))?, credentials, config.region(Some(&found)))
    };
    let Credentials { secret, security_token, .. } = &settings.credentials;
    [Some(secret), security_token.as_ref()].into_iter().flatten().for_each(|secret| REDACTOR.add(secret));
    Ok(Client::new(settings))
}

/// What a run may take to end after SIGTERM.
const GRACE: std::time::Duration = std::time::Duration::from_secs(5);

/// Starts a thread that lets Ctrl-C, SIGTERM and the deadline stop the run: the first signal in good
/// order, the second at once. Who waits for input notices nothing: then the process ends here. The
/// thread ends with the process.
fn watch(stop: &Arc<Stop>, config: &Config) -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot watch signals: {error}"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let entered = runtime.enter();
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    drop(entered);
    let (stop, format, colour) = (Arc::clone(stop), config.log_format(), config.around.colour());
    let end_reading = move |stop: &Stop| {
        if let Some(error) = stop.why_set().filter(|_| stop.is_reading()) {
            super::tell(&error, format, colour);
            std::process::exit(error.kind.exit_code().into());
        }
    };
    let deadline = Arc::clone(&stop);
    let keep_deadline = async move {
        deadline.keep_deadline().await;
        end_reading(&deadline);
    };
    let watch = async move {
        tokio::spawn(keep_deadline);
        loop {
            let (why, text) = tokio::select! {
                _ = interrupt.recv() => (Interrupt::Interrupt, "interrupted"),
                _ = terminate.recv() => (Interrupt::Terminate, "terminated"),
            };
            let error = Error::new(Kind::Interrupted(why), text);
            let code = error.kind.exit_code();
            if stop.is_set() {
                std::process::exit(code.into());
            }
            stop.set(error);
            end_reading(&stop);
            if why == Interrupt::Terminate {
                tokio::spawn(async move {
                    tokio::time::sleep(GRACE).await;
                    std::process::exit(code.into());
                });
            }
        }
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || runtime.block_on(watch)).map(drop).map_err(failed)
}

/// Asks a person about each destructive operation, where there is one to ask.
fn confirm(config: &Config, stop: &Arc<Stop>) -> Option<Confirm> {
    if !(config.around.terminal[0] && config.around.terminal[2]) {
        return None;
    }
    // One question at a time, and the actions that were allowed for the rest of the run.
    let (always, stop) = (Mutex::new(HashSet::new()), Arc::clone(stop));
    Some(Box::new(move |action, what| {
        let mut always = always.lock().unwrap_or_else(PoisonError::into_inner);
        if always.contains(action) {
            return true;
        }
        // Other threads may log while this one waits for the answer.
        let question = format!("{action} is destructive: {what}. Go on? [y]es, [a]lways in this run, [N]o: ");
        let _ = write!(std::io::stderr(), "{}", REDACTOR.redact(&question));
        let mut answer = String::new();
        if !matches!(stop.while_reading(|| std::io::stdin().lock().read_line(&mut answer)), Ok(Ok(_))) {
            return false;
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => true,
            "a" | "always" => always.insert(action.to_owned()),
            _ => false,
        }
    }))
}
