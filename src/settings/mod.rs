//! One set of settings for a run, resolved once from flags, environment and files. Nothing reads
//! the environment later. [`flags`] is the command line as written, [`file`] what `config.toml` says,
//! [`given`] one value and where it stands, [`levels`] which of them counts, [`shown`] what `jst config` says.
//!
//! What is resolved stands by what it is about: the [`route`] to the service, the [`profile`], the [`simulation`], what
//! scripts are [`granted`], and where is [`kept`] what outlives a run. [`around`] is what surrounds the process.

mod around;
pub(crate) mod file;
pub(crate) mod flags;
mod given;
mod granted;
pub(crate) mod job;
mod kept;
pub(crate) mod levels;
mod profile;
mod route;
pub(crate) mod shown;
mod simulation;

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::call::policy::Policy;
use crate::credentials::{Found, Sources};
use crate::error::{Error, Kind, Result};
use crate::job::trace;
use crate::secret::is_secret_name;
use crate::show::data::Format;
use crate::show::log::LogFormat;
use crate::unit::given::Flag;
pub(crate) use around::Surroundings;
use file::File;
use flags::Flags;
use given::{Given, Origin};
use job::JobFlags;
use levels::Levels;
pub(crate) use simulation::Simulation;

/// The service's address where nothing else is configured: all regions share it.
const DEFAULT_ENDPOINT: &str = "https://retailcloud.aliyuncs.com";

/// Most MB that a script may hold, and most operations of its engine, where nobody says otherwise.
const MAX_MEMORY: u32 = 512;
const MAX_OPERATIONS: u64 = 10_000_000_000;

/// What calls under way get to end when a run is stopped, where nobody says otherwise.
const GRACE: Duration = Duration::from_secs(10);

/// Settings of a run that need neither files nor the network to be known.
#[derive(Debug)]
pub(crate) struct Settings {
    /// The flags, of all levels together.
    flags: Flags,
    /// Where each of them was given.
    levels: Levels,
    /// What surrounds the process.
    pub around: Surroundings,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// What may be called.
    pub policy: Policy,
    sim: bool,
    route: Option<&'static str>,
    /// Who signs, looked for once.
    found: OnceLock<Found>,
}

impl Settings {
    /// Settings from flags and environment.
    ///
    /// # Errors
    /// `config` for a policy or an endpoint that does not parse.
    pub(crate) fn new(levels: Levels, around: Surroundings) -> Result<Self> {
        let deadline = levels.merged().deadline.map(|span| Instant::now() + span);
        Self::until(deadline, levels, around)
    }

    fn until(deadline: Option<Instant>, levels: Levels, around: Surroundings) -> Result<Self> {
        let policy = Policy::new(levels.read_only(), &levels.grants(), &levels.deny())?;
        let (sim, route) = levels.sim()?;
        let flags = levels.merged();
        let settings = Self { deadline, policy, sim, route, flags, levels, around, found: OnceLock::new() };
        settings.given_endpoint()?;
        Ok(settings)
    }

    /// Form of the data on stdout.
    pub(crate) fn output(&self) -> Format {
        self.flags.output.unwrap_or(if self.around.terminal[1] { Format::Table } else { Format::Json })
    }

    /// What a run that is left alone has around it.
    pub(crate) fn job(&self) -> &JobFlags {
        &self.flags.job
    }

    /// What calls under way get to end when the run is stopped.
    pub(crate) fn grace(&self) -> Duration {
        self.flags.job.grace.unwrap_or(GRACE)
    }

    /// The longest that the run may take.
    pub(crate) fn longest(&self) -> Option<Duration> {
        self.flags.deadline
    }

    /// Flags that stand on the command line, before and behind the command.
    ///
    /// # Errors
    /// None for what was read already.
    pub(crate) fn by_hand(&self) -> Result<[Vec<Flag>; 2]> {
        let flag =
            |given: &Given| Ok(Flag { long: given.long.clone(), value: given.value.clone(), words: given.words()? });
        let [before, behind] = self.levels.written().map(|given| given.iter().map(flag).collect::<Result<_>>());
        Ok([before?, behind?])
    }

    /// Variables of jst's own that are set and are no credentials.
    pub(crate) fn variables(&self) -> Vec<&str> {
        let is_meant = |name: &&str| name.starts_with("JST_") && !is_secret_name(name) && *name != "JST_ACCESS_KEY_ID";
        self.levels.variables().filter(is_meant).collect()
    }

    /// The trace that whoever started the run says it is part of.
    pub(crate) fn trace(&self) -> Option<&str> {
        self.around.env.get("TRACEPARENT").and_then(|text| trace::id(text))
    }

    /// Form of the log on stderr.
    pub(crate) fn log_format(&self) -> LogFormat {
        self.flags.log_format.unwrap_or(LogFormat::Text)
    }

    /// The least grave line that is logged.
    pub(crate) fn log_level(&self) -> tracing::Level {
        match (self.flags.quiet == Some(true), self.flags.verbose) {
            (true, _) => tracing::Level::ERROR,
            (_, 0) => tracing::Level::INFO,
            (_, 1) => tracing::Level::DEBUG,
            _ => tracing::Level::TRACE,
        }
    }

    /// Most bytes that a script may hold.
    pub(crate) fn max_memory(&self) -> usize {
        usize::try_from(self.flags.max_memory.unwrap_or(MAX_MEMORY)).unwrap_or(usize::MAX).saturating_mul(1 << 20)
    }

    /// Most operations of the script engine.
    pub(crate) fn max_operations(&self) -> u64 {
        self.flags.max_operations.unwrap_or(MAX_OPERATIONS)
    }

    /// Who signs, and which profile says where calls go: looked for once, in every source. What a prompt,
    /// `whoami` and a client say is this.
    pub(crate) fn found(&self) -> &Found {
        self.found.get_or_init(|| self.sources().find())
    }

    /// Where is looked for who signs.
    fn sources(&self) -> Sources {
        Sources {
            flags: self.levels.access_key(),
            config: self.configured(),
            env: self.around.env.clone(),
            not_text: self.around.not_text.clone(),
            home: self.around.home(),
            profile: self.flags.profile.clone(),
        }
    }

    /// What is wrong with the file of settings, where a command goes on nevertheless.
    pub(crate) fn problem(&self) -> Option<&Error> {
        self.levels.problem()
    }

    /// The file of settings that a flag or variable names.
    pub(crate) fn config_file(&self) -> Option<&str> {
        self.flags.config.as_deref().filter(|name| !name.is_empty())
    }

    /// The file of settings in use.
    pub(crate) fn config_of_run(&self) -> Option<&File> {
        self.levels.file()
    }

    /// Whether this flag, named without its dashes, stands on the command line.
    pub(crate) fn is_by_hand(&self, long: &str) -> bool {
        self.levels.given(long).iter().any(|given| given.origin == Origin::Flag)
    }

    /// What is to be said of files with secrets that everybody can read; refused with `--strict`.
    ///
    /// # Errors
    /// `config` with `--strict`.
    pub(crate) fn exposed(&self) -> Result<Option<String>> {
        let config = self.levels.file().filter(|file| file.is_exposed).map(|file| file.path.clone());
        let Some(path) = config.or_else(|| self.found().exposed.clone()) else { return Ok(None) };
        let path = path.display();
        let said = format!("{path} holds secrets, and every user of this machine can read it");
        let way_out = format!("chmod 600 {path}");
        match self.flags.strict {
            Some(true) => Err(Error::new(Kind::Config, said).hint(way_out)),
            _ => Ok(Some(format!("{said}: {way_out}"))),
        }
    }
}

#[cfg(test)]
mod tests;
