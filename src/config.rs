//! One set of settings for a run, resolved once from flags, environment and files. Nothing reads
//! the environment later.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::cli::{Flags, LogFormat};
use crate::client::{self, Endpoint};
use crate::credentials::{self, Credentials, Found, Sources};
use crate::error::{Error, Kind, Result};
use crate::output::Format;
use crate::policy::Policy;
use crate::retry;
use crate::secret::Secret;

/// The service's address where nothing else is configured: all regions share it.
pub const DEFAULT_ENDPOINT: &str = "https://retailcloud.aliyuncs.com";

/// Longest time for one attempt where nothing else is configured: pod logs can be slow.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Longest time for connecting where nothing else is configured.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Settings of a run.
#[derive(Debug)]
pub struct Config {
    /// Whether the simulator inside the process stands in for the service.
    pub sim: bool,
    /// What was found in flags, environment and credential files.
    pub found: Found,
    /// The name of the profile in use, for the prompt.
    pub profile: Option<String>,
    /// The flag's or environment's endpoint.
    endpoint: Option<String>,
    /// Sent as `RegionId`.
    pub region: Option<String>,
    timeout: Duration,
    connect_timeout: Duration,
    /// Most calls under way at once.
    pub concurrency: usize,
    rate: Option<f64>,
    /// When the run must have ended.
    pub deadline: Option<Instant>,
    /// What may be called.
    pub policy: Policy,
    /// Form of the data on stdout.
    pub output: Format,
    /// Form of the log on stderr.
    pub log_format: LogFormat,
    /// The least grave line that is logged.
    pub log_level: tracing::Level,
    /// Environment variables that a script may read.
    pub allow_env: Vec<String>,
    /// Most bytes that a script may hold.
    pub max_memory: usize,
    /// Most operations of the script engine.
    pub max_operations: u64,
    /// Where state that outlives a run is kept; `None` when there is no such place.
    pub state_dir: Option<PathBuf>,
}
