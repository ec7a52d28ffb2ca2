//! `jst unit`: what has a scheduler run a script.

use std::path::Path;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::write_out;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::job::shard::Shard;
use crate::job::{heartbeat, metrics, report};
use crate::run::reading;
use crate::script::read_script;
use crate::settings::Settings;
use crate::unit::{self, Plan, Schedule, Scheduler, given};

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
    check(settings, path, args.scheduler)?;
    let real = path.canonicalize().map_err(|error| Error::new(Kind::Io, format!("{}: {error}", path.display())))?;
    // Schedulers know zones by name only, and take one that they do not know for UTC.
    let zone = clock::named_zone(&args.zone).and_then(|zone| zone.iana_name().map(str::to_owned)).ok_or_else(|| {
        Error::new(Kind::Usage, format!("--zone `{}` is no time zone", args.zone)).hint("such as Asia/Shanghai")
    })?;
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
    if let Some(flag) = ["lock-dir", "shard"].into_iter().find(|flag| {
        scheduler == Scheduler::Kubernetes && settings.is_by_hand(flag) && (*flag == "lock-dir" || shards > 1)
    }) {
        return Err(Error::new(Kind::Usage, format!("--{flag} does not go into this unit, which says it itself"))
            .hint("leave it out"));
    }
    settings
        .variables()
        .iter()
        .for_each(|name| tracing::warn!("{name} is set here, and not where the unit runs: give it as a flag"));
    if settings.sim() && settings.is_by_hand("sim") {
        tracing::warn!("--sim goes into the unit: its runs work on the simulator, and change nothing of the account");
    }
    if shards > 1 && job.heartbeat.is_some() {
        tracing::warn!(
            "--heartbeat: all {shards} parts tell one monitor, to which a part that did well hides one that failed"
        );
    }
    given::check(&args.words)?;
    let folder = std::env::current_dir()
        .map_err(|error| Error::new(Kind::Io, format!("the folder that jst stands in is not there: {error}")))?;
    let [before, flags] = settings.by_hand()?.map(|flags| given::words(&flags, scheduler));
    let path = |flag: &str, path: &Path| given::written(flag, &path.display().to_string(), scheduler);
    let state = settings.is_by_hand("state-dir").then(|| settings.state_dir().ok()).flatten();
    let program = std::env::current_exe().map_or_else(|_| "jst".to_owned(), |path| path.display().to_string());
    let deadline = whole_seconds(settings.longest().unwrap_or(DEADLINE));
    job.leaves_time(deadline)?;
    let plan = Plan {
        program,
        folder: folder.display().to_string(),
        script: real.display().to_string(),
        args: args.words.clone(),
        schedule: Schedule::parse(&args.every)?,
        zone,
        deadline,
        grace: whole_seconds(settings.grace()),
        before: before?,
        flags: flags?,
        state: state.map(|state| path("state-dir", &state)).transpose()?,
        has_journal: !settings.no_journal() && (!settings.sim() || settings.is_by_hand("journal")),
        metrics: job.metrics_file.as_ref().map(|file| path("metrics-file", file)).transpose()?,
        reports: job.report.iter().map(|file| path("report", file)).collect::<Result<_>>()?,
        image: args.image.clone(),
        shards,
        // A variable is not set where the unit runs.
        shard: if settings.is_by_hand("shard") { settings.shard()? } else { Shard::default() },
    };
    if let Some(word) = plan.args.iter().chain(&plan.before).chain(&plan.flags).find(|word| word.contains(['\n', '\0']))
    {
        return Err(Error::new(Kind::Usage, format!("{word:?} has a line break, which no unit takes")));
    }
    let amiss = unit::out_of_reach(&plan, scheduler).into_iter().chain(unit::amiss(&plan, scheduler));
    amiss.for_each(|why| tracing::warn!("{why}"));
    write_out(unit::text(&plan, scheduler).trim_end())
}

/// What a run with these flags would refuse before it begins is refused here, where somebody sees it.
///
/// # Errors
/// As a run has them: a script that cannot be read or does not parse, a profile that is not there, a file that cannot be
/// written.
fn check(settings: &Settings, script: &Path, scheduler: For) -> Result<()> {
    let text = read_script(script)?;
    reading::parses(settings, &script.display().to_string(), &text)?;
    // A container has its own.
    let profile = settings.profile().filter(|_| !matches!(scheduler, For::Kubernetes));
    profile.map_or(Ok(()), |name| settings.check_profile(name))?;
    let job = settings.job();
    job.heartbeat.iter().try_for_each(|url| heartbeat::check(url))?;
    job.report.iter().try_for_each(|path| report::check(path))?;
    job.metrics_file.iter().try_for_each(|path| metrics::check(path))
}

/// A span as units say it: no shorter.
fn whole_seconds(span: Duration) -> Duration {
    Duration::from_secs(span.as_secs() + u64::from(span.subsec_nanos() > 0))
}
