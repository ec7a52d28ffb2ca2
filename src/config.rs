//! One set of settings for a run, resolved once from flags, environment and files. Nothing reads
//! the environment later.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::cli::{Flags, LogFormat};
use crate::client;
use crate::credentials::{Credentials, Found, Sources};
use crate::endpoint::Endpoint;
use crate::error::Result;
use crate::output::Format;
use crate::policy::Policy;

/// The service's address where nothing else is configured: all regions share it.
const DEFAULT_ENDPOINT: &str = "https://retailcloud.aliyuncs.com";

/// What surrounds the process, taken in once.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment's variables. Those that are no text are left out.
    pub env: BTreeMap<String, String>,
    /// Whether stdin, stdout and stderr are terminals.
    pub terminal: [bool; 3],
}

impl Surroundings {
    /// Those of this process.
    pub fn of_process() -> Self {
        use std::io::IsTerminal as _;
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            env: std::env::vars_os().filter_map(text).collect(),
            terminal: [
                std::io::stdin().is_terminal(),
                std::io::stdout().is_terminal(),
                std::io::stderr().is_terminal(),
            ],
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        self.env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The home folder; `None` where there is none.
    fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    /// Where state that outlives a run is kept.
    pub fn state_dir(&self) -> Option<PathBuf> {
        let base = self.path("XDG_STATE_HOME").filter(|path| path.is_absolute());
        base.or_else(|| Some(self.home()?.join(".local/state"))).map(|base| base.join("jst"))
    }

    /// Whether talk on stderr may be coloured.
    pub fn colour(&self) -> bool {
        self.terminal[2] && self.path("NO_COLOR").is_none()
    }
}

/// Settings of a run that need neither files nor the network to be known.
#[derive(Debug)]
pub struct Config {
    /// The flags as they were given.
    flags: Flags,
    /// What surrounds the process.
    pub around: Surroundings,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// What may be called.
    pub policy: Policy,
}

impl Config {
    /// Settings from flags and environment.
    ///
    /// # Errors
    /// `config` for a policy or an endpoint that does not parse.
    pub fn new(flags: Flags, around: Surroundings) -> Result<Self> {
        let policy = Policy::new(flags.read_only, flags.allow_destructive, &flags.allow, &flags.deny)?;
        let config = Self { deadline: flags.deadline.map(|span| Instant::now() + span), policy, flags, around };
        config.endpoint(None)?;
        Ok(config)
    }

    /// Whether the simulator inside the process stands in for the service.
    pub fn sim(&self) -> bool {
        self.flags.sim
    }

    /// Form of the data on stdout.
    pub fn output(&self) -> Format {
        self.flags.output.unwrap_or(if self.around.terminal[1] { Format::Table } else { Format::Json })
    }

    /// Form of the log on stderr.
    pub fn log_format(&self) -> LogFormat {
        self.flags.log_format
    }

    /// The least grave line that is logged.
    pub fn log_level(&self) -> tracing::Level {
        match (self.flags.quiet, self.flags.verbose) {
            (true, _) => tracing::Level::ERROR,
            (_, 0) => tracing::Level::INFO,
            (_, 1) => tracing::Level::DEBUG,
            _ => tracing::Level::TRACE,
        }
    }

    /// Environment variables that a script may read, and their values.
    pub fn allowed_env(&self) -> BTreeMap<String, Option<String>> {
        self.flags.allow_env.iter().map(|name| (name.clone(), self.around.env.get(name).cloned())).collect()
    }

    /// Files and folders that a script may read.
    pub fn allowed_read(&self) -> Vec<PathBuf> {
        // An empty path would be the working folder.
        self.flags.allow_read.iter().filter(|path| !path.is_empty()).map(PathBuf::from).collect()
    }

    /// Most bytes that a script may hold.
    pub fn max_memory(&self) -> usize {
        usize::try_from(self.flags.max_memory).unwrap_or(usize::MAX).saturating_mul(1 << 20)
    }

    /// Most operations of the script engine.
    pub fn max_operations(&self) -> u64 {
        self.flags.max_operations
    }

    /// Looks for credentials in every source.
    pub fn find_credentials(&self) -> Found {
        let flags = &self.flags;
        let sources = Sources {
            flags: [&flags.access_key_id, &flags.access_key_secret, &flags.security_token].map(Clone::clone),
            env: self.around.env.clone(),
            home: self.around.home(),
            profile: flags.profile.clone(),
        };
        sources.find()
    }

    /// Where calls go: the flag's or environment's endpoint, then the profile's, then the service's.
    ///
    /// # Errors
    /// `config` for what is not a URL.
    pub fn endpoint(&self, found: Option<&Found>) -> Result<Endpoint> {
        let given = self.flags.endpoint.as_deref().filter(|text| !text.is_empty());
        let of_profile = found.and_then(|found| found.endpoint.as_deref());
        Endpoint::parse(given.or(of_profile).unwrap_or(DEFAULT_ENDPOINT))
    }

    /// The region sent with every call, where one is configured.
    pub fn region<'a>(&'a self, found: Option<&'a Found>) -> Option<&'a str> {
        let given = self.flags.region.as_deref().filter(|text| !text.is_empty());
        given.or_else(|| found?.region.as_deref())
    }

    /// What a client of this endpoint needs to know.
    pub fn client(&self, endpoint: Endpoint, credentials: Credentials, region: Option<&str>) -> client::Settings {
        let usual = client::Settings::new(endpoint, credentials);
        client::Settings {
            region: region.map(str::to_owned),
            timeout: self.flags.timeout.unwrap_or(usual.timeout),
            connect_timeout: self.flags.connect_timeout.unwrap_or(usual.connect_timeout),
            concurrency: usize::from(self.flags.concurrency),
            rate: self.flags.rate,
            deadline: self.deadline,
            ..usual
        }
    }
}

/// The folder that a script's imports stay in.
pub fn folder_of(script: &Path) -> PathBuf {
    script.parent().map(Path::to_owned).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::cli::Cli;
    use crate::error::Kind;
    use clap::Parser as _;

    fn config(line: &str, env: &[(&str, &str)]) -> Result<Config> {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Config::new(cli.flags, Surroundings { env, terminal: [false; 3] })
    }

    #[test]
    fn endpoint_and_region_come_from_flag_then_profile_then_the_service() {
        let mut profile = Found::default();
        (profile.endpoint, profile.region) = (Some("shop.example".into()), Some("cn-p".into()));
        let table = [
            ("jst whoami", None, "https://retailcloud.aliyuncs.com", None),
            ("jst whoami", Some(&profile), "https://shop.example", Some("cn-p")),
            (
                "jst --endpoint http://127.0.0.1:1 --region cn-f whoami",
                Some(&profile),
                "http://127.0.0.1:1",
                Some("cn-f"),
            ),
        ];
        for (line, found, endpoint, region) in table {
            let config = config(line, &[]).unwrap();
            assert_eq!(config.endpoint(found).unwrap().to_string(), endpoint, "{line}");
            assert_eq!(config.region(found), region, "{line}");
        }
        let error = config("jst --endpoint ftp://x whoami", &[]).unwrap_err();
        assert_eq!(
            (error.kind, error.message.as_str()),
            (Kind::Config, "the endpoint `ftp://x` must begin with http:// or https://")
        );
    }

    #[test]
    fn state_lies_in_the_users_folder_or_nowhere() {
        let dir = |env: &[(&str, &str)]| config("jst whoami", env).unwrap().around.state_dir();
        assert_eq!(dir(&[("HOME", "/h")]), Some(PathBuf::from("/h/.local/state/jst")));
        assert_eq!(dir(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Some(PathBuf::from("/s/jst")));
        assert_eq!(dir(&[("HOME", ""), ("XDG_STATE_HOME", "relative")]), None);
    }

    #[test]
    fn output_is_a_table_at_a_terminal_and_json_in_a_pipe() {
        let mut config = config("jst whoami", &[]).unwrap();
        assert_eq!(config.output(), Format::Json);
        config.around.terminal[1] = true;
        assert_eq!(config.output(), Format::Table);
    }
}
