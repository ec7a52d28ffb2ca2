//! `jst test`: tests of scripts, found and run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, FromArgMatches as _};

use super::{Cli, Command, command_line, run};
use crate::error::{Error, Kind, Result};
use crate::run::exit::Exit;
use crate::run::{Ready, Run};
use crate::settings::levels::Levels;
use crate::settings::{Settings, Surroundings, flags};
use crate::show::data;
use crate::show::errors;
use crate::testing::{self, Job, Plan, Report, RunLine};

/// Arguments of `jst test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Files with tests, and folders to look for files *_test.rhai in [default: this folder]
    #[arg(value_name = "PATH", value_hint = clap::ValueHint::AnyPath)]
    paths: Vec<PathBuf>,
    /// Run the tests whose name, with their file, holds this
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// Tests at once [default: as many as there are processors]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    jobs: Option<u16>,
    /// Begin no test behind one that failed
    #[arg(long)]
    fail_fast: bool,
    /// Run them in another order, which only depends on this number
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,
    /// Longest time for one test
    #[arg(long, value_parser = flags::duration, default_value = "60s", value_name = "TIME")]
    test_timeout: Duration,
    /// Keep the values that snapshots were given; refused where the variable CI is set
    #[arg(long)]
    update: bool,
    /// Run them again whenever a script or snapshot changes
    #[arg(long)]
    watch: bool,
    /// Write what became of them into a file: .xml (JUnit), .json or .tap; may be given more than once
    #[arg(id = "tests-report", long = "report", value_name = "FILE")]
    reports: Vec<Report>,
    /// Show which lines and calls of scripts the tests ran; with =FILE write it there, too, as LCOV
    #[arg(long, num_args = 0..=1, require_equals = true, value_name = "FILE")]
    coverage: Option<Option<PathBuf>>,
    /// One test, for the process that it has of its own
    #[arg(long, hide = true, value_parser = job, value_name = "JSON")]
    job: Option<Job>,
}

fn job(text: &str) -> std::result::Result<Job, String> {
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// Runs the tests, or the one that this process is for.
pub(super) fn test(settings: &Arc<Settings>, exit: &Exit, args: TestArgs) -> Result<u8> {
    if let Some(job) = args.job {
        let run_line: RunLine = Arc::new(run_line);
        return testing::run_one(settings, exit, job, run_line);
    }
    if args.update && settings.around.env.get("CI").is_some_and(|ci| !matches!(ci.as_str(), "" | "0" | "false")) {
        return Err(Error::new(Kind::Usage, "--update is refused where the variable CI is set")
            .hint("snapshots are kept by whoever has looked at them, and committed"));
    }
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let paths = if args.paths.is_empty() { vec![PathBuf::from(".")] } else { args.paths };
    let plan = Plan {
        paths,
        filter: args.filter,
        jobs: args.jobs.map_or_else(processors, usize::from),
        fail_fast: args.fail_fast,
        shuffle: args.shuffle,
        limit: args.test_timeout,
        update: args.update,
        watch: args.watch,
        reports: args.reports,
        coverage: args.coverage,
    };
    testing::run(settings, &plan)
}

/// Runs `jst run …` as a process of its own would, on a service that is there already, and gives its exit code.
fn run_line(line: Vec<String>, around: Surroundings, ready: Ready) -> u8 {
    let usage = |said: clap::Error| {
        data::tell(said.render().to_string().trim_end());
        u8::try_from(said.exit_code()).unwrap_or(2)
    };
    let matches = match command_line().try_get_matches_from(line) {
        Ok(matches) => matches,
        Err(said) => return usage(said),
    };
    let args = match Cli::from_arg_matches(&matches) {
        Ok(Cli { command: Some(Command::Run(args)), .. }) => args,
        Ok(_) => return Kind::Usage.exit_code(),
        Err(said) => return usage(said),
    };
    let settings = Levels::of(&matches, &around).and_then(|levels| Settings::new(levels, around));
    let format = settings.as_ref().map_or(crate::show::log::LogFormat::Text, Settings::log_format);
    let exit = Exit::new(move |error| data::tell(&errors::line(error, format, false)));
    let code = settings.and_then(|settings| {
        let settings = Arc::new(settings);
        run::script(args, || Run::within(&settings, &exit, ready))
    });
    let code = code.unwrap_or_else(|error| {
        exit.tell(&error);
        error.kind.exit_code()
    });
    exit.finish(code);
    code
}
