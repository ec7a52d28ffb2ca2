//! One set of settings for a run, resolved once from flags, environment and files. Nothing reads
//! the environment later. [`flags`] is the command line as written, [`file`] what `config.toml` says,
//! [`given`] one value and where it stands, [`levels`] which of them counts, [`shown`] what `jst config` says.

pub(crate) mod file;
pub(crate) mod flags;
mod given;
pub(crate) mod job;
pub(crate) mod levels;
pub(crate) mod shown;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::call::ClientConfig;
use crate::call::outside::Outside;
use crate::call::policy::Policy;
use crate::credentials::{Configured, Found, Provider, Reach, Sources};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::job::trace;
use crate::journal::Bounds;
use crate::net::endpoint::Endpoint;
use crate::net::proxy::Proxy;
use crate::net::trust::Authorities;
use crate::secret::is_secret_name;
use crate::show::data::Format;
use crate::show::log::LogFormat;
use crate::sim::Options;
use crate::system;
use crate::unit::given::Flag;
use crate::wire::sign::Version;
use file::File;
use flags::{Flags, Network, Simulator};
use given::{Given, Origin};
use job::JobFlags;
use levels::Levels;

/// The service's address where nothing else is configured: all regions share it.
const DEFAULT_ENDPOINT: &str = "https://retailcloud.aliyuncs.com";

/// Most MB that a script may hold, and most operations of its engine, where nobody says otherwise.
const MAX_MEMORY: u32 = 512;
const MAX_OPERATIONS: u64 = 10_000_000_000;

/// What calls under way get to end when a run is stopped, where nobody says otherwise.
const GRACE: Duration = Duration::from_secs(10);

/// What surrounds the process, taken in once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The environment's variables whose values are text.
    pub env: BTreeMap<String, String>,
    /// The names of its other variables.
    pub not_text: BTreeSet<String>,
    /// Whether stdin, stdout and stderr are terminals.
    pub terminal: [bool; 3],
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        use std::io::IsTerminal as _;
        let (mut env, mut not_text) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in std::env::vars_os() {
            // A name that is no text is none that jst or a script knows.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(env.insert(name, value)),
                Err(_) => drop(not_text.insert(name)),
            }
        }
        Self {
            env,
            not_text,
            terminal: [
                std::io::stdin().is_terminal(),
                std::io::stdout().is_terminal(),
                std::io::stderr().is_terminal(),
            ],
        }
    }

    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The home folder; `None` where there is none.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    /// Where state that outlives a run is kept, as far as the environment and the password file say; or why there is no
    /// such place. A home that is not there is not made: whoever named it is mistaken.
    fn state_dir(&self) -> std::result::Result<PathBuf, String> {
        // Of several folders systemd's first is the one.
        let given = self.env.get("STATE_DIRECTORY").and_then(|list| list.split(':').next());
        if let Some(given) = given.filter(|given| !given.is_empty()) {
            return Ok(given.into());
        }
        if let Some(base) = self.path("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
            return Ok(base.join("jst"));
        }
        let of_user = || "HOME is not set, and the home in the password file";
        let (home, whose) = match (self.home(), system::home()) {
            (Some(home), _) => (home, "HOME is"),
            (None, Some(home)) => (home, of_user()),
            (None, None) => return Err(format!("{} is missing", of_user())),
        };
        match home.is_dir() {
            true => Ok(home.join(".local/state/jst")),
            false => Err(format!("{whose} {}, which is no folder", home.display())),
        }
    }

    /// Looks at the file of CA certificates before the library of secure connections does, which would wait
    /// for a pipe. That there is none is for who connects to say.
    ///
    /// # Errors
    /// `config` for what is no regular file.
    pub(crate) fn check_ca_file(&self) -> Result<()> {
        let Some(path) = self.path("SSL_CERT_FILE") else { return Ok(()) };
        match files::open_file(&path) {
            Err(why) if !why.is_missing() => {
                Err(why.error(Kind::Config, path.display()).hint("SSL_CERT_FILE names a file with CA certificates"))
            }
            _ => Ok(()),
        }
    }

    /// Whether talk on stderr may be coloured.
    pub(crate) fn colour(&self) -> bool {
        self.terminal[2] && self.path("NO_COLOR").is_none() && !self.is_plain()
    }

    /// Whether the terminal can only print.
    pub(crate) fn is_plain(&self) -> bool {
        self.env.get("TERM").is_some_and(|term| matches!(term.as_str(), "dumb" | "cons25" | "emacs"))
    }

    /// The command that opens an editor.
    pub(crate) fn editor(&self) -> String {
        let named = ["VISUAL", "EDITOR"].map(|name| self.env.get(name).filter(|value| !value.trim().is_empty()));
        named.into_iter().flatten().next().cloned().unwrap_or_else(|| "vi".to_owned())
    }
}

/// What the simulator inside the process begins with.
#[derive(Debug)]
pub(crate) struct Simulation {
    /// The file with its account; without one, the account is new.
    pub kept: Option<PathBuf>,
    /// What else is said of it.
    pub options: Options,
}

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
        let policy = Policy::new(levels.read_only(), &levels.grants(), &levels.deny())?;
        let (sim, route) = levels.sim()?;
        let flags = levels.merged();
        let deadline = flags.deadline.map(|span| Instant::now() + span);
        let settings = Self { deadline, policy, sim, route, flags, levels, around, found: OnceLock::new() };
        settings.given_endpoint()?;
        Ok(settings)
    }

    /// Whether the simulator inside the process stands in for the service.
    pub(crate) fn sim(&self) -> bool {
        self.sim
    }

    /// Why calls go where they go, where that is not plain from the command.
    pub(crate) fn route(&self) -> Option<&'static str> {
        self.route
    }

    /// What the simulator inside the process begins with, where it stands in for the service.
    ///
    /// # Errors
    /// `usage` for flags of `--sim` without it, and for those of a new account beside a kept one.
    pub(crate) fn simulation(&self) -> Result<Option<Simulation>> {
        let flags = &self.flags;
        let kept = match &flags.sim {
            Some(Simulator::Kept(path)) if self.sim => Some(path.clone()),
            _ if self.sim => None,
            _ => {
                let stray = self.simulator_flag();
                let wrong = |flag| Error::new(Kind::Usage, format!("{flag} is given without --sim"));
                return stray.map_or(Ok(None), |flag| Err(wrong(flag).hint("add --sim, or leave it out")));
            }
        };
        let of_new = [("--sim-fleet", flags.sim_fleet.is_some()), ("--sim-start", flags.sim_start.is_some())];
        if let (Some(path), Some((flag, _))) = (&kept, of_new.iter().find(|(_, given)| *given)) {
            let why = format!("{flag} is for a new account, and --sim={} begins with a kept one", path.display());
            return Err(Error::new(Kind::Usage, why).hint(format!("leave out {flag} or the file")));
        }
        let usual = Options::demo();
        let options = Options {
            faults: flags.sim_fault.iter().flat_map(|rules| rules.0.clone()).collect(),
            seed: flags.sim_seed.unwrap_or(usual.seed),
            start: flags.sim_start.unwrap_or(usual.start),
            fleet: flags.sim_fleet.unwrap_or_default(),
            ..usual
        };
        options.check_faults()?;
        Ok(Some(Simulation { kept, options }))
    }

    /// A flag that only says something about the simulator inside the process.
    pub(crate) fn simulator_flag(&self) -> Option<&'static str> {
        let flags = &self.flags;
        let given = [
            ("--sim-fault", !flags.sim_fault.is_empty()),
            ("--sim-fleet", flags.sim_fleet.is_some()),
            ("--sim-start", flags.sim_start.is_some()),
            ("--sim-seed", flags.sim_seed.is_some()),
        ];
        given.into_iter().find(|(_, is_given)| *is_given).map(|(flag, _)| flag)
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

    /// The profile that was asked for by name.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.flags.profile.as_deref()
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

    /// Environment variables that a script may read, and their values.
    pub(crate) fn allowed_env(&self) -> BTreeMap<String, Option<String>> {
        self.flags.allow_env.iter().map(|name| (name.clone(), self.around.env.get(name).cloned())).collect()
    }

    /// Files and folders that a script may read.
    pub(crate) fn allowed_read(&self) -> Vec<PathBuf> {
        paths(&self.flags.allow_read)
    }

    /// Files and folders that a script may write.
    pub(crate) fn allowed_write(&self) -> Vec<PathBuf> {
        paths(&self.flags.allow_write)
    }

    /// What a script may reach beside the service.
    pub(crate) fn allowed_net(&self) -> Outside {
        Outside::new(self.flags.allow_net.clone(), self.around.env.clone()).trusting(self.ca_file().map(Path::to_owned))
    }

    /// The flags that grant another process of jst the files and hosts that this one is granted.
    pub(crate) fn grants(&self) -> Vec<String> {
        let paths = |flag: &'static str, paths: Vec<PathBuf>| {
            paths.into_iter().map(move |path| format!("--{flag}={}", path.display()))
        };
        let hosts = self.flags.allow_net.iter().map(|host| format!("--allow-net={host}"));
        let files = paths("allow-read", self.allowed_read()).chain(paths("allow-write", self.allowed_write()));
        files.chain(hosts).collect()
    }

    /// Where state that outlives a run is kept: the one place that says it.
    ///
    /// # Errors
    /// In words: why there is no such place.
    pub(crate) fn state_dir(&self) -> std::result::Result<PathBuf, String> {
        self.flags.state_dir.clone().map_or_else(|| self.around.state_dir(), Ok)
    }

    /// The journal's file; `None` where a run has none.
    ///
    /// # Errors
    /// `config` when there is no place for one.
    pub(crate) fn journal(&self) -> Result<Option<PathBuf>> {
        let flags = &self.flags;
        let is_needed = !self.sim && flags.read_only != Some(true);
        if self.no_journal() || !(is_needed || flags.journal.is_some()) {
            return Ok(None);
        }
        self.journal_file().map(Some)
    }

    /// The journal's file, whether or not this run has one.
    ///
    /// # Errors
    /// `config` when there is no place for one.
    pub(crate) fn journal_file(&self) -> Result<PathBuf> {
        let given = self.flags.journal.clone().filter(|path| !path.as_os_str().is_empty());
        let nowhere = |why: String| {
            Error::new(Kind::Config, format!("the journal has no place: {why}"))
                .hint("--state-dir or --journal names one, and --no-journal goes without")
        };
        given.map_or_else(|| self.state_dir().map(|folder| folder.join("journal.db")).map_err(nowhere), Ok)
    }

    /// Whether it was asked for to go without a journal, and no flag names one where only a variable or file says so.
    pub(crate) fn no_journal(&self) -> bool {
        let is_outranked = self.is_by_hand("journal") && !self.is_by_hand("no-journal");
        self.flags.no_journal == Some(true) && !is_outranked
    }

    /// How much of old runs the journal keeps.
    pub(crate) fn journal_bounds(&self) -> Bounds {
        Bounds { keep: self.flags.journal_keep, max_size: self.flags.journal_max_size }
    }

    /// The profile that a journal names.
    pub(crate) fn journal_profile(&self) -> Option<String> {
        if self.sim {
            return None;
        }
        self.flags.profile.clone().or_else(|| self.found().profile.clone())
    }

    /// Where calls go, as a journal names it.
    pub(crate) fn journal_endpoint(&self) -> String {
        if self.sim {
            return "simulator".to_owned();
        }
        self.endpoint().map_or_else(|_| String::new(), |endpoint| endpoint.to_string())
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
        self.found.get_or_init(|| {
            let flags = &self.flags;
            let sources = Sources {
                flags: self.levels.access_key(),
                config: self.configured(),
                env: self.around.env.clone(),
                not_text: self.around.not_text.clone(),
                home: self.around.home(),
                profile: flags.profile.clone(),
            };
            sources.find()
        })
    }

    /// Who is trusted instead of the system's authorities.
    ///
    /// # Errors
    /// `config` for a file of certificates that is none.
    pub(crate) fn authorities(&self) -> Result<Option<Authorities>> {
        self.ca_file().map(Authorities::read).transpose()
    }

    fn ca_file(&self) -> Option<&Path> {
        self.flags.ca_file.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// What whoever signs in reaches, and how.
    ///
    /// # Errors
    /// `config` for a file of certificates that is none.
    pub(crate) fn reach(&self) -> Result<Reach> {
        let given = |flag: &Option<String>| flag.clone().filter(|text| !text.is_empty());
        let only_v2 = self.around.env.get("ALIBABA_CLOUD_IMDSV1_DISABLED");
        let vpc = self.region().filter(|_| self.flags.endpoint_type == Some(Network::Vpc));
        Ok(Reach {
            authorities: self.authorities()?,
            vpc: vpc.map(str::to_owned),
            env: self.around.env.clone(),
            sts: given(&self.flags.sts_endpoint),
            metadata: given(&self.flags.metadata_endpoint),
            only_v2: only_v2
                .is_some_and(|value| matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "1" | "yes")),
            patience: [
                self.flags.timeout.unwrap_or(Duration::from_secs(30)),
                self.flags.connect_timeout.unwrap_or(Duration::from_secs(5)),
            ],
        })
    }

    /// What the file of settings says of who signs.
    fn configured(&self) -> Option<Configured> {
        let (file, chosen) = (self.levels.file()?, self.levels.chosen());
        let chosen = chosen.map(|given| (given.value.clone(), given.origin.to_string()));
        let section = chosen.as_ref().and_then(|(name, _)| file.profiles.get(name));
        let meant =
            section.and_then(|section| section.credentials.clone()).or_else(|| file.defaults.credentials.clone());
        Some(Configured {
            file: file.path.display().to_string(),
            is_profile: section.is_some(),
            chosen,
            access_key: self.levels.access_key_of_file(),
            meant: meant.map(|(origin, meant)| (origin.to_string(), meant)),
        })
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

    /// Whether a flag or its variable names a profile.
    pub(crate) fn has_profile_by_hand(&self) -> bool {
        self.flags.profile.is_some()
    }

    /// The profiles of the file of settings.
    pub(crate) fn profiles(&self) -> Vec<String> {
        self.levels.file().map(|file| file.profiles.keys().cloned().collect()).unwrap_or_default()
    }

    /// Whether the profile is one of production.
    pub(crate) fn is_production(&self) -> bool {
        let Some(file) = self.levels.file() else { return false };
        let section = self.levels.chosen().and_then(|given| file.profiles.get(&given.value));
        section.and_then(|section| section.production).or(file.defaults.production) == Some(true)
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

    /// The endpoint of a flag or the environment.
    fn given_endpoint(&self) -> Result<Option<Endpoint>> {
        let given = self.flags.endpoint.as_deref().filter(|text| !text.is_empty());
        given.map(Endpoint::parse).transpose()
    }

    /// Where calls go: the flag's or environment's endpoint, then the profile's, then the service's.
    ///
    /// # Errors
    /// `config` for what is not a URL.
    pub(crate) fn endpoint(&self) -> Result<Endpoint> {
        match self.given_endpoint()? {
            Some(given) => Ok(given),
            None if self.flags.endpoint_type == Some(Network::Vpc) => match self.region() {
                Some(region) => Endpoint::parse(&format!("https://retailcloud-vpc.{region}.aliyuncs.com")),
                None => Err(Error::new(Kind::Config, "--endpoint-type vpc needs the region, which is not given")
                    .hint("add --region, such as --region cn-hangzhou")),
            },
            None => Endpoint::parse(self.found().endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT)),
        }
    }

    /// The region sent with every call, where one is configured.
    pub(crate) fn region(&self) -> Option<&str> {
        let given = self.flags.region.as_deref().filter(|text| !text.is_empty());
        given.or_else(|| self.found().region.as_deref())
    }

    /// The signature that calls carry.
    pub(crate) fn signature(&self) -> Version {
        self.flags.signature.unwrap_or_default()
    }

    /// What a client of this endpoint needs to know beside who signs.
    ///
    /// # Errors
    /// `config` when a variable that names the proxy on the way does not.
    pub(crate) fn client(&self, endpoint: Endpoint, credentials: Provider) -> Result<ClientConfig> {
        if !endpoint.is_private() && self.flags.insecure_http != Some(true) {
            let why = format!("{endpoint} is reached without encryption, and not on this machine");
            return Err(Error::new(Kind::Config, why)
                .hint("write https://, or add --insecure-http if everybody on the way may read it"));
        }
        let proxy = Proxy::for_endpoint(&self.around.env, &endpoint)?;
        let usual = ClientConfig::new(endpoint, credentials);
        Ok(ClientConfig {
            proxy,
            authorities: self.authorities()?,
            timeout: self.flags.timeout.unwrap_or(usual.timeout),
            connect_timeout: self.flags.connect_timeout.unwrap_or(usual.connect_timeout),
            concurrency: self.flags.concurrency.map_or(usual.concurrency, usize::from),
            rate: self.flags.rate,
            deadline: self.deadline,
            signature: self.signature(),
            ..usual
        })
    }
}

/// Paths that are granted. An empty one would be the working folder.
fn paths(granted: &[String]) -> Vec<PathBuf> {
    granted.iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
}

#[cfg(test)]
mod tests;
