//! The command line as it is written: flags, their environment variables and the commands.
//!
//! Nothing is resolved here; [`crate::config`] makes one set of settings of it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use jiff::{SignedDuration, Timestamp};

use crate::clock::{self, Pace};
use crate::output::Format;
use crate::sim::Fleet;
use crate::sim::faults::Rule;
use crate::sim::reply::Shape;

/// Automate JuShiTa (Alibaba Cloud retailcloud) in Rhai scripts.
#[derive(Debug, Parser)]
#[command(name = "jst", version, max_term_width = 100)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub flags: Flags,
    /// What to do; at a terminal the default is `repl`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags that work before and after the command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Flags for every command")]
pub struct Flags {
    /// Talk to a simulator inside the process instead of the service
    #[arg(long, global = true, env = "JST_SIM", num_args = 0..=1, default_missing_value = "true", default_value = "false", hide_default_value = true, hide_possible_values = true, require_equals = true)]
    pub sim: bool,
    /// Profile of the credential files
    #[arg(long, global = true, env = "JST_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// URL of the service [default: https://retailcloud.aliyuncs.com]
    #[arg(long, global = true, env = "JST_ENDPOINT", value_name = "URL")]
    pub endpoint: Option<String>,
    /// Region sent with every call
    #[arg(long, global = true, env = "JST_REGION", value_name = "ID")]
    pub region: Option<String>,
    /// Id of the access key
    #[arg(long, global = true, env = "JST_ACCESS_KEY_ID", value_name = "ID")]
    pub access_key_id: Option<String>,
    /// Secret of the access key; other users of the machine can see flags, so prefer the environment
    #[arg(long, global = true, env = "JST_ACCESS_KEY_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub access_key_secret: Option<String>,
    /// Token of temporary credentials
    #[arg(long, global = true, env = "JST_SECURITY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub security_token: Option<String>,
    /// Form of the data on stdout [default: table at a terminal, json in a pipe]
    #[arg(long, global = true, env = "JST_OUTPUT", value_enum, value_name = "FORMAT")]
    pub output: Option<Format>,
    /// Form of the log on stderr
    #[arg(long, global = true, env = "JST_LOG_FORMAT", value_enum, default_value = "text", value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Log more; twice for every attempt
    #[arg(short, long, global = true, env = "JST_VERBOSE", action = ArgAction::Count, value_parser = verbosity)]
    pub verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, env = "JST_QUIET", num_args = 0..=1, default_missing_value = "true", default_value = "false", hide_default_value = true, hide_possible_values = true, require_equals = true)]
    pub quiet: bool,
    /// Longest time for one attempt of a call: 10s, 1m, or seconds
    #[arg(long, global = true, env = "JST_TIMEOUT", value_parser = duration, value_name = "TIME")]
    pub timeout: Option<Duration>,
    /// Longest time for connecting
    #[arg(long, global = true, env = "JST_CONNECT_TIMEOUT", value_parser = duration, value_name = "TIME")]
    pub connect_timeout: Option<Duration>,
    /// Longest time for the whole run
    #[arg(long, global = true, env = "JST_DEADLINE", value_parser = duration, value_name = "TIME")]
    pub deadline: Option<Duration>,
    /// Most calls under way at once
    #[arg(long, global = true, env = "JST_CONCURRENCY", default_value = "256", value_parser = clap::value_parser!(u16).range(1..=1024), value_name = "N")]
    pub concurrency: u16,
    /// Most attempts begun a second
    #[arg(long, global = true, env = "JST_RATE", value_parser = rate, value_name = "N")]
    pub rate: Option<f64>,
    /// Refuse every operation that is not a read
    #[arg(long, global = true, env = "JST_READ_ONLY", num_args = 0..=1, default_missing_value = "true", default_value = "false", hide_default_value = true, hide_possible_values = true, require_equals = true)]
    pub read_only: bool,
    /// Allow destructive operations that match, such as Delete* or DeleteNodeLabel
    #[arg(long, global = true, env = "JST_ALLOW", value_delimiter = ',', value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Refuse operations that match, whatever else allows them
    #[arg(long, global = true, env = "JST_DENY", value_delimiter = ',', value_name = "PATTERN")]
    pub deny: Vec<String>,
    /// Allow every destructive operation
    #[arg(long, global = true, env = "JST_ALLOW_DESTRUCTIVE", num_args = 0..=1, default_missing_value = "true", default_value = "false", hide_default_value = true, hide_possible_values = true, require_equals = true)]
    pub allow_destructive: bool,
    /// Environment variables that the script may read with env()
    #[arg(long, global = true, env = "JST_ALLOW_ENV", value_delimiter = ',', value_name = "NAME")]
    pub allow_env: Vec<String>,
    /// Files and folders that the script may read with read_file()
    #[arg(long, global = true, env = "JST_ALLOW_READ", value_delimiter = ',', value_name = "PATH")]
    pub allow_read: Vec<String>,
    /// Most memory that the script may hold, in MB
    #[arg(long, global = true, env = "JST_MAX_MEMORY", default_value = "512", value_parser = clap::value_parser!(u32).range(16..=65536), value_name = "MB")]
    pub max_memory: u32,
    /// Most operations of the script engine
    #[arg(long, global = true, env = "JST_MAX_OPERATIONS", default_value = "10000000000", value_parser = clap::value_parser!(u64).range(1..), value_name = "N")]
    pub max_operations: u64,
}

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a script
    #[command(disable_help_flag = true)]
    Run {
        /// The script, or - for standard input
        #[arg(required_unless_present = "help")]
        file: Option<PathBuf>,
        /// Print help; with a script, the script's own
        #[arg(short, long)]
        help: bool,
        /// Arguments for the script, which sees them as `args`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Run a line of script and print its last value
    Eval {
        /// The code
        code: String,
        /// Arguments for the code, which sees them as `args`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
    /// Talk to the service line by line
    Repl,
    /// Call one operation
    Call {
        /// The operation: ScaleApp or scale_app
        action: String,
        /// Parameters: EnvId=3001; EcsInstanceIdList.1=i-1 or EcsInstanceIdList='["i-1"]' for lists
        #[arg(value_name = "KEY=VALUE")]
        params: Vec<String>,
        /// Parameters as a JSON object; those given as KEY=VALUE are added to it
        #[arg(long, value_name = "OBJECT")]
        json: Option<String>,
        /// Print what would be sent, and send nothing; needs no credentials
        #[arg(long)]
        dry_run: bool,
    },
    /// List the operations, or show one in full
    Ops {
        /// The operation: ScaleApp or scale_app
        name: Option<String>,
        /// Print JSON for other tools
        #[arg(long)]
        json: bool,
    },
    /// Show which credentials are used and where they come from, without the network
    Whoami,
    /// Serve the simulator
    Sim(SimArgs),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Flags of `jst sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// Address to listen on; port 0 picks a free one
    #[arg(long, default_value = "127.0.0.1:8180", value_name = "ADDRESS")]
    pub listen: std::net::SocketAddr,
    /// Listen on an address that other machines can reach
    #[arg(long)]
    pub public: bool,
    /// Print one line of JSON with endpoint, access_key_id and access_key_secret
    #[arg(long)]
    pub json: bool,
    /// Keep the account in this file; without it, in memory only
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Generate an account of this size beside the demo account, when none is kept yet
    #[arg(long, value_name = "apps=N,envs=N,nodes=N")]
    pub fleet: Option<Fleet>,
    /// What request ids, chance in faults and generated accounts derive from
    #[arg(long, default_value = "1", value_name = "N")]
    pub seed: u64,
    /// When the account starts: now, or a time such as 2026-01-05 10:00 [default: that time]
    #[arg(long, value_parser = start, value_name = "TIME|now")]
    pub start: Option<Timestamp>,
    /// How the account's clock runs: real, so many times faster (60x), or only when told
    #[arg(long, default_value = "real", value_parser = pace, value_name = "real|Nx|told")]
    pub pace: Pace,
    /// Form of replies: as the document prints them, or all alike
    #[arg(long, value_enum, default_value = "documented", value_name = "FORM")]
    pub shape: Shape,
    /// Let something go wrong; may be given more than once
    ///
    /// ACTION is a name or a pattern (ScaleApp, List*). Every kind takes count=N (only the N-th matching
    /// call), first=N (the first N) and probability=P. Kinds, with what else they take:
    /// latency (ms, jitter, tail, share), throttle (rate, retry-after), 500, 502, 503, 504 (applied),
    /// error (code, status, text), expired-token, refusal (code, text), skew (seconds), refuse (ms),
    /// close (applied), lost, half, garbage, html (applied), stall (ms, applied), slow (rate, applied),
    /// frozen (code), fail-at (partition), crash-loop.
    /// For instance: ScaleApp:throttle:count=3  'List*:latency:ms=50:jitter=20'  DeployApp:lost:first=1
    #[arg(long, value_name = "ACTION:KIND[:SETTING=VALUE]...", verbatim_doc_comment)]
    pub fault: Vec<Rule>,
    /// More rules like those of --fault, from a file with a JSON list
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
    /// Access keys that are known, from a file with a JSON list
    #[arg(long, value_name = "FILE")]
    pub keys: Option<PathBuf>,
    /// Recorded replies of actions that are not simulated, from a file with a JSON object
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Answer /_sim/ledger, /_sim/faults, /_sim/advance and /_sim/state, to anybody who asks
    #[arg(long)]
    pub control: bool,
}

/// How a clock runs: `real`, `60x`, `told`.
fn pace(text: &str) -> Result<Pace, String> {
    /// A year in half a minute.
    const FASTEST: f64 = 1e6;
    match text {
        "real" => Ok(Pace::Times(1.0)),
        "told" => Ok(Pace::Told),
        factor => factor
            .strip_suffix('x')
            .and_then(|number| number.parse().ok())
            .filter(|number| *number > 0.0 && *number <= FASTEST)
            .map(Pace::Times)
            .ok_or_else(|| format!("`{text}` is none of real, told and a factor such as 60x, up to {FASTEST}x")),
    }
}

/// When the simulator's account starts: `now`, or a time as the service takes it.
fn start(text: &str) -> Result<Timestamp, String> {
    // The account has a past, and goes on for as long as anybody likes.
    const YEARS: std::ops::Range<i16> = 2000..2100;
    let time = if text == "now" { Ok(Timestamp::now()) } else { clock::parse_time(text) };
    time.ok()
        .filter(|time| YEARS.contains(&clock::BEIJING.to_datetime(*time).year()))
        .ok_or_else(|| format!("`{text}` is neither now nor a time such as 2026-01-05 10:00"))
}

/// A span of time: `30s`, `20m`, `1h 30m`, or a number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a span of time: write 30s, 20m, 1h or a number of seconds");
    let span = match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| wrong())?,
        Err(_) => {
            text.parse::<SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok()).ok_or_else(wrong)?
        }
    };
    // Far enough for any run, and near enough to add to any clock.
    const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
    if span.is_zero() || span > LONGEST {
        return Err(format!("`{text}` must be more than nothing and at most a year"));
    }
    Ok(span)
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err(format!("`{text}` is not a number of attempts a second above 0")),
    }
}

/// How often `-v` was given; `JST_VERBOSE` may say `true` as other variables do.
fn verbosity(text: &str) -> std::result::Result<u8, String> {
    match text {
        "true" => Ok(1),
        "false" => Ok(0),
        _ => text.parse().map_err(|_| "give true, false or a number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_simulators_account_starts_now_or_when_it_is_told() {
        let told = Timestamp::constant(1_767_578_400, 0);
        assert_eq!([start("2026-01-05 10:00"), start("2026-01-05T02:00Z")], [Ok(told), Ok(told)]);
        assert!(start("now").unwrap() >= told);
        for text in ["", "tomorrow", "1999-12-31", "-009999-01-02T00:00Z"] {
            assert!(start(text).is_err(), "{text}");
        }
    }

    #[test]
    fn flags_work_before_and_after_the_command() {
        for line in [
            "jst --sim --deadline 20m run x.rhai --sim-not-mine",
            "jst run --sim --deadline 1200 x.rhai --sim-not-mine",
        ] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert!(cli.flags.sim, "{line}");
            assert_eq!(cli.flags.deadline, Some(Duration::from_secs(1200)), "{line}");
            let Some(Command::Run { args, .. }) = cli.command else { unreachable!() };
            assert_eq!(args, ["--sim-not-mine"], "{line}");
        }
    }

    #[test]
    fn every_flag_has_its_variable() {
        for arg in Cli::command().get_arguments() {
            let Some(long) = arg.get_long().filter(|name| !matches!(*name, "help" | "version")) else { continue };
            let variable = format!("JST_{}", long.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|v| v.to_str()), Some(variable.as_str()), "--{long}");
        }
    }
}
