//! `jst unit`: what has a scheduler run a script.

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::write_out;
use crate::error::{Error, Kind, Result};
use crate::script::read_script;
use crate::settings::Settings;
use crate::unit::{self, Plan, Schedule, Scheduler};

/// Arguments of `jst unit`.
#[derive(Debug, Args)]
pub(super) struct UnitArgs {
    /// The script; words behind it are the script's, those that begin with a dash behind --
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    file: String,
    /// The script's words
    #[arg(value_name = "ARGS")]
    words: Vec<String>,
    /// Which scheduler
    #[arg(long = "for", value_enum, value_name = "SCHEDULER")]
    scheduler: For,
    /// When, as cron says it: minute, hour, day, month, day of the week
    #[arg(long, value_name = "TIMES")]
    every: String,
    /// The zone of these times
    #[arg(long, default_value = "Asia/Shanghai", value_name = "ZONE")]
    zone: String,
    /// For Kubernetes: the image that holds jst
    #[arg(long, default_value = concat!("jst:", env!("CARGO_PKG_VERSION")), value_name = "IMAGE")]
    image: String,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    Cron,
    Systemd,
    Kubernetes,
}

/// What a run may take where nobody says so.
const DEADLINE: Duration = Duration::from_secs(3600);

/// Prints the unit.
pub(super) fn unit(settings: &Settings, args: &UnitArgs) -> Result<u8> {
    let path = Path::new(&args.file);
    read_script(path)?;
    let real = path.canonicalize().map_err(|error| Error::new(Kind::Io, format!("{}: {error}", path.display())))?;
    let is_zone = |c: char| c.is_ascii_alphanumeric() || "/_+-".contains(c);
    if args.zone.is_empty() || !args.zone.chars().all(is_zone) {
        return Err(
            Error::new(Kind::Usage, format!("--zone `{}` is no time zone", args.zone)).hint("such as Asia/Shanghai")
        );
    }
    let scheduler = match args.scheduler {
        For::Cron => Scheduler::Cron,
        For::Systemd => Scheduler::Systemd,
        For::Kubernetes => Scheduler::Kubernetes,
    };
    let job = settings.job();
    let shards = job.shards.unwrap_or(1);
    if shards > 1 && scheduler != Scheduler::Kubernetes {
        return Err(Error::new(Kind::Usage, "--shards divides a job of Kubernetes")
            .hint("elsewhere, print one unit for each --shard K/N"));
    }
    let program = std::env::current_exe().map_or_else(|_| "jst".to_owned(), |path| path.display().to_string());
    let shown = |path: &std::path::PathBuf| path.display().to_string();
    let plan = Plan {
        program,
        script: real.display().to_string(),
        args: args.words.clone(),
        schedule: Schedule::parse(&args.every)?,
        zone: args.zone.clone(),
        deadline: settings.longest().unwrap_or(DEADLINE),
        grace: settings.grace(),
        flags: settings.written().to_vec(),
        metrics: job.metrics_file.as_ref().map(shown),
        reports: job.report.iter().map(shown).collect(),
        image: args.image.clone(),
        shards,
    };
    if let Some(word) = plan.args.iter().chain(&plan.flags).find(|word| word.contains(['\n', '\0'])) {
        return Err(Error::new(Kind::Usage, format!("{word:?} has a line break, which no unit takes")));
    }
    write_out(unit::text(&plan, scheduler).trim_end())
}
