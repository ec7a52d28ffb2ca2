//! The flags that every command takes, as they are written, and their environment variables.
//!
//! Nothing is resolved here; [`super::Settings`] makes one set of settings of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValue;
use clap::{ArgAction, Args, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use super::job::JobFlags;
use crate::net::outside::GrantedHost;
use crate::show::data::Format;
use crate::show::log::LogFormat;
use crate::sim::Fleet;
use crate::sim::faults::Rules;
use crate::sim::options::start;
use crate::wire::sign::Version;

/// Flags that work before and after the command.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Flags for every command")]
pub(crate) struct Flags {
    /// Talk to a simulator inside the process instead of the service; with =FILE it begins with that
    /// account: what `jst sim --state` kept, or `/_sim/state` showed
    #[arg(long, global = true, env = "JST_SIM", num_args = 0..=1, default_missing_value = "true", require_equals = true, value_parser = simulator, value_name = "FILE")]
    pub sim: Option<Simulator>,
    /// With --sim: let something go wrong, as `jst sim --fault` says it; may be given more than once
    #[arg(long, global = true, env = "JST_SIM_FAULT", value_name = "ACTION:KIND[:SETTING=VALUE]...")]
    pub sim_fault: Vec<Rules>,
    /// With --sim: generate an account of this size beside the demo account
    #[arg(long, global = true, env = "JST_SIM_FLEET", value_name = "apps=N,envs=N,nodes=N")]
    pub sim_fleet: Option<Fleet>,
    /// With --sim: when the account starts: now, or a time such as 2026-01-05 10:00 [default: that time]
    #[arg(long, global = true, env = "JST_SIM_START", value_parser = start, value_name = "TIME|now")]
    pub sim_start: Option<Timestamp>,
    /// With --sim: what request ids, chance in faults and generated accounts derive from [default: 1]
    #[arg(long, global = true, env = "JST_SIM_SEED", value_name = "N")]
    pub sim_seed: Option<u64>,
    /// File of settings [default: jst/config.toml in $XDG_CONFIG_HOME, in ~/.config or in /etc]
    #[arg(long, global = true, env = "JST_CONFIG", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub config: Option<String>,
    /// Refuse files with secrets that every user of the machine can read
    #[arg(long, global = true, env = "JST_STRICT", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub strict: Option<bool>,
    /// Profile of config.toml, and of the files of credentials
    #[arg(long, global = true, env = "JST_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// URL of the service [default: https://retailcloud.aliyuncs.com]
    #[arg(long, global = true, env = "JST_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<String>,
    /// Region sent with every call
    #[arg(long, global = true, env = "JST_REGION", value_name = "ID")]
    pub region: Option<String>,
    /// Network that the service is reached in: vpc takes its address in the region's private network [default: public]
    #[arg(long, global = true, env = "JST_ENDPOINT_TYPE", value_enum, value_name = "NETWORK")]
    pub endpoint_type: Option<Network>,
    /// File with the CA certificates to trust instead of the system's
    #[arg(long, global = true, env = "JST_CA_FILE", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub ca_file: Option<PathBuf>,
    /// Let plain HTTP leave this machine: everybody on the way can read it
    #[arg(long, global = true, env = "JST_INSECURE_HTTP", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub insecure_http: Option<bool>,
    /// Signature of calls [default: v1]
    #[arg(long, global = true, env = "JST_SIGNATURE", value_enum, value_name = "VERSION")]
    pub signature: Option<Version>,
    /// Id of the access key
    #[arg(long, global = true, env = "JST_ACCESS_KEY_ID", value_name = "ID")]
    pub access_key_id: Option<String>,
    /// Secret of the access key; other users of the machine can see flags, so prefer the environment
    #[arg(long, global = true, env = "JST_ACCESS_KEY_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub access_key_secret: Option<String>,
    /// Token of temporary credentials
    #[arg(long, global = true, env = "JST_SECURITY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub security_token: Option<String>,
    /// URL of the token service, which gives credentials of roles [default: its own in the role's region]
    #[arg(long, global = true, env = "JST_STS_ENDPOINT", value_name = "URL")]
    pub sts_endpoint: Option<String>,
    /// URL of the metadata host, which gives those of the machine's role [default: http://100.100.100.200]
    #[arg(long, global = true, env = "JST_METADATA_ENDPOINT", value_name = "URL")]
    pub metadata_endpoint: Option<String>,
    /// Form of the data on stdout [default: table at a terminal, json in a pipe]
    #[arg(long, global = true, env = "JST_OUTPUT", value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
    /// Form of the log on stderr [default: text]
    #[arg(long, global = true, env = "JST_LOG_FORMAT", value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// Log more; twice for every attempt
    #[arg(short, long, global = true, env = "JST_VERBOSE", action = ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, env = "JST_QUIET", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub quiet: Option<bool>,
    /// Longest time for one attempt of a call: 10s, 1m, or seconds [default: 30s]
    #[arg(long, global = true, env = "JST_TIMEOUT", value_parser = duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
    /// Longest time for connecting [default: 5s]
    #[arg(long, global = true, env = "JST_CONNECT_TIMEOUT", value_parser = duration, value_name = "TIME")]
    pub connect_timeout: Option<Duration>,
    /// Longest time for the whole run
    #[arg(long, global = true, env = "JST_DEADLINE", value_parser = duration, value_name = "TIME")]
    pub deadline: Option<Duration>,
    /// Most calls under way at once [default: 256]
    #[arg(long, global = true, env = "JST_CONCURRENCY", value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    pub concurrency: Option<u16>,
    /// Most attempts begun a second
    #[arg(long, global = true, env = "JST_RATE", value_parser = rate, value_name = "N")]
    pub rate: Option<f64>,
    /// Refuse every operation that is not a read
    #[arg(long, global = true, env = "JST_READ_ONLY", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub read_only: Option<bool>,
    /// Allow destructive operations that match, such as Delete* or DeleteNodeLabel
    #[arg(long, global = true, env = "JST_ALLOW", value_delimiter = ',', value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Refuse operations that match, whatever else allows them
    #[arg(long, global = true, env = "JST_DENY", value_delimiter = ',', value_name = "PATTERN")]
    pub deny: Vec<String>,
    /// Allow every destructive operation
    #[arg(long, global = true, env = "JST_ALLOW_DESTRUCTIVE", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub allow_destructive: Option<bool>,
    /// Environment variables that the script may read with env()
    #[arg(long, global = true, env = "JST_ALLOW_ENV", value_delimiter = ',', value_name = "NAME")]
    pub allow_env: Vec<String>,
    /// Files and folders that the script may read with read_file()
    #[arg(long, global = true, env = "JST_ALLOW_READ", value_delimiter = ',', value_name = "PATH")]
    pub allow_read: Vec<String>,
    /// Files and folders that the script may write with write_file() and its kin; a file need not be there yet
    #[arg(long, global = true, env = "JST_ALLOW_WRITE", value_delimiter = ',', value_name = "PATH")]
    pub allow_write: Vec<String>,
    /// Hosts that the script may reach with http_get() and http_post(); http://HOST for one without encryption
    #[arg(long, global = true, env = "JST_ALLOW_NET", value_delimiter = ',', value_parser = GrantedHost::parse, value_name = "HOST[:PORT]")]
    pub allow_net: Vec<GrantedHost>,
    /// Folder with what outlives a run: the prompt's history, the journal
    #[arg(long, global = true, env = "JST_STATE_DIR", value_name = "FOLDER", value_hint = clap::ValueHint::DirPath)]
    pub state_dir: Option<PathBuf>,
    /// File with the journal of runs and their writes [default: journal.db in the state folder]; with --sim there is
    /// none unless this names one
    #[arg(long, global = true, env = "JST_JOURNAL", value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub journal: Option<PathBuf>,
    /// Go without a journal: nothing tells afterwards what was written, and nothing can be resumed
    #[arg(long, global = true, env = "JST_NO_JOURNAL", value_parser = switch, num_args = 0..=1, default_missing_value = "true", value_name = "yes|no", require_equals = true)]
    pub no_journal: Option<bool>,
    /// Take runs that began longer ago out of the journal at each start: 90d
    #[arg(long, global = true, env = "JST_JOURNAL_KEEP", value_parser = age, value_name = "TIME")]
    pub journal_keep: Option<Duration>,
    /// Take the oldest runs out of the journal at each start while it is larger: 1GB
    #[arg(long, global = true, env = "JST_JOURNAL_MAX_SIZE", value_parser = size, value_name = "SIZE")]
    pub journal_max_size: Option<u64>,
    /// Most memory that the script may hold, in MB [default: 512]
    #[arg(long, global = true, env = "JST_MAX_MEMORY", value_parser = clap::value_parser!(u32).range(16..=65536), value_name = "MB")]
    pub max_memory: Option<u32>,
    /// Most operations of the script engine [default: 10000000000]
    #[arg(long, global = true, env = "JST_MAX_OPERATIONS", value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    pub max_operations: Option<u64>,
    /// What a run that is left alone has around it.
    #[command(flatten)]
    pub job: JobFlags,
}

/// The network that the service is reached in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Network {
    /// The internet
    Public,
    /// The private network of a region
    Vpc,
}

/// What `--sim` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Simulator {
    /// Nothing: the service itself is meant.
    None,
    /// The demo account.
    Demo,
    /// The account that this file holds.
    Kept(PathBuf),
}

fn simulator(text: &str) -> Result<Simulator, String> {
    match text.to_ascii_lowercase().as_str() {
        "" => Err("name a file, or leave the = out for the demo account".to_owned()),
        "true" | "yes" | "1" => Ok(Simulator::Demo),
        "false" | "no" | "0" => Ok(Simulator::None),
        _ => Ok(Simulator::Kept(text.into())),
    }
}

// How these are written on the command line is no concern of whoever shows data.

impl ValueEnum for Format {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Table, Self::Json, Self::Jsonl, Self::Csv]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Table => PossibleValue::new("table").help("Columns for people"),
            Self::Json => PossibleValue::new("json").help("One JSON value"),
            Self::Jsonl => PossibleValue::new("jsonl").help("A JSON value a line, one for each record"),
            Self::Csv => {
                PossibleValue::new("csv").help("Comma-separated values with a header, one line for each record")
            }
        })
    }
}

impl ValueEnum for Version {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::V1, Self::V3]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::V1 => PossibleValue::new("v1").help("In parameters, with SHA-1"),
            Self::V3 => PossibleValue::new("v3").help("In headers, with SHA-256"),
        })
    }
}

impl ValueEnum for LogFormat {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Text, Self::Json]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Text => PossibleValue::new("text").help("A line for people"),
            Self::Json => PossibleValue::new("json").help("A JSON object a line"),
        })
    }
}

/// A span of time: `30s`, `20m`, `1h 30m`, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    match wait(text) {
        Ok(span) if span.is_zero() => Err(format!("`{text}` must be more than nothing and at most a year")),
        span => span,
    }
}

/// The same of what may also be none at all.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span of time: write 30s, 20m, 1h or a number of seconds");
    let span = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?,
        Err(_) => {
            text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok()).ok_or_else(wrong)?
        }
    };
    // Far enough for any run, and near enough to add to any clock.
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
    if span > LONGEST { Err(format!("`{text}` must be at most a year")) } else { Ok(span) }
}

/// How long ago: `90d`, `2w`, `12h`; a day has 24 hours.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let span = text.trim().parse::<jiff::Span>().ok();
    let span = span.and_then(|span| span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok());
    let span = span.and_then(|span| Duration::try_from(span).ok()).filter(|span| !span.is_zero());
    span.ok_or_else(|| format!("`{text}` is not a span of time: write 90d, 2w or 12h"))
}

/// A number of bytes: `1GB`, `500 MB`, `4096`.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim_end();
    let unit = lower.get(digits.len()..).unwrap_or_default().trim();
    let factor: u64 = match unit {
        "" | "b" => 1,
        "kb" | "k" => 1_000,
        "mb" | "m" => 1_000_000,
        "gb" | "g" => 1_000_000_000,
        _ => 0,
    };
    let bytes = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| format!("`{text}` is not a size: write 1GB, 500MB or a number of bytes"))
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err(format!("`{text}` is not a number of attempts a second above 0")),
    }
}

/// A switch, as people write one.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" => Ok(true),
        "0" | "false" | "no" => Ok(false),
        _ => Err(format!("`{text}` is none of yes, no, true, false, 1 and 0")),
    }
}

/// How often `-v` counts in the variable that stands for it: a switch, or a number.
pub(super) fn verbosity(text: &str) -> Result<u8, String> {
    text.parse::<u8>()
        .or_else(|_| switch(text).map(u8::from))
        .map_err(|_| format!("`{text}` is none of yes, no, true, false and a number"))
}
