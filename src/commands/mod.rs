//! The command line, and the commands: each takes the resolved settings and does one thing. A command's
//! arguments stand beside its code.

mod again;
mod call;
mod config;
mod eval;

mod heeded;
mod help;
mod ops;
mod repl;
mod run;
mod runs;
mod sim;
mod test;
mod unit;
mod whoami;
mod words;

#[cfg(test)]
mod tests;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use serde_json::Value;

use crate::credentials;
use crate::error::{Error, Kind, Result};
use crate::run::exit::Exit;
use crate::secret::{self, Class, Secret};
use crate::settings::flags::Flags;
use crate::settings::levels::{self, Levels};
use crate::settings::{Settings, Surroundings};
use crate::show::data::{self, Format, Screen};
use crate::show::errors;
use crate::show::log::{self, LogFormat};
use crate::show::redaction::REDACTOR;
use crate::show::streams;
use crate::system;
use crate::terminal;

/// Automate JuShiTa (Alibaba Cloud retailcloud) in Rhai scripts.
#[derive(Debug, Parser)]
#[command(name = "jst", version, max_term_width = 100, disable_help_subcommand = true)]
struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    flags: Flags,
    /// What to do; at a terminal the default is `repl`.
    #[command(subcommand)]
    command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    /// Run a script
    #[command(disable_help_flag = true)]
    Run(run::RunArgs),
    /// Run a line of script and print its last value
    Eval(eval::EvalArgs),
    /// Talk to the service line by line
    Repl,
    /// Call one operation
    Call(call::CallArgs),
    /// List the operations, or show one in full
    Ops(ops::OpsArgs),
    /// Explain a command, an operation, a function or a module of the library
    Help(help::HelpArgs),
    /// Show who signs and where that comes from; only --check takes the network
    Whoami(whoami::WhoamiArgs),
    /// Show every setting and where it comes from; write or check config.toml
    Config(config::ConfigArgs),
    /// Find and run tests of scripts, each on a simulator of its own
    Test(test::TestArgs),
    /// Print what has a scheduler run a script: cron, systemd or Kubernetes
    Unit(unit::UnitArgs),
    /// List the runs of the journal, show one in full, or take old ones out
    Runs(runs::RunsArgs),
    /// Serve the simulator
    Sim(sim::SimArgs),
    /// Print the completion script of a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// The command line, with the flags at both of their levels.
fn command_line() -> clap::Command {
    levels::command(Cli::command())
}

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let around = Surroundings::of_process();
    let parsed = command_line().try_get_matches().and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(said) => return ExitCode::from(help_or_refusal(&said, &around)),
    };
    let settings = settings(&matches, around);
    let (format, colour) = match &settings {
        Ok(settings) => (settings.log_format(), settings.around.colour()),
        Err((_, format, colour)) => (*format, *colour),
    };
    let exit = Exit::new(move |error| tell(error, format, colour));
    let command = matches.subcommand_name().unwrap_or("repl");
    let done = settings.map_err(|(error, ..)| error).and_then(|settings| begin(cli, command, settings, &exit));
    let code = exit.decide(done).unwrap_or_else(|error| {
        exit.tell(&error);
        error.kind.exit_code()
    });
    exit.end(code);
    ExitCode::from(code)
}

/// What stands for a command line: help that was asked for, or why it is none.
fn help_or_refusal(said: &clap::Error, around: &Surroundings) -> u8 {
    let code = u8::try_from(said.exit_code()).unwrap_or(2);
    let closed = || Err(std::io::Error::other("it is closed"));
    let told = if code == 0 && system::is_stdout_closed() { closed() } else { said.print() };
    // Stdout keeps the end of what it is given until it is full or told to let go.
    match told.and_then(|()| std::io::Write::flush(&mut std::io::stdout())) {
        Err(error) if code == 0 && error.kind() != std::io::ErrorKind::BrokenPipe => {
            let error = Error::new(Kind::Io, format!("cannot write to stdout: {error}"));
            tell(&error, LogFormat::Text, around.colour());
            error.kind.exit_code()
        }
        _ => code,
    }
}

/// The settings of this run; or what is wrong with them, and how to say so.
fn settings(
    matches: &clap::ArgMatches,
    around: Surroundings,
) -> std::result::Result<Settings, (Error, LogFormat, bool)> {
    let colour = around.colour();
    let levels = Levels::of(matches, &around).map_err(|error| (error, LogFormat::Text, colour))?;
    let flags = levels.merged();
    know_secrets(&flags, &around);
    levels.secrets().into_iter().for_each(|secret| REDACTOR.add(&Secret::new(secret), Class::Credential));
    let format = flags.log_format.unwrap_or(LogFormat::Text);
    // These tell what is wrong with the file of settings themselves, be it to who watches a job.
    let tells = matches.subcommand_name().is_some_and(|name| matches!(name, "config" | "run" | "whoami"));
    if let Some(problem) = levels.problem().filter(|_| !tells) {
        return Err((problem.clone(), format, colour));
    }
    Settings::new(levels, around).map_err(|error| (error, format, colour))
}

fn begin(cli: Cli, command: &str, settings: Settings, exit: &Exit) -> Result<u8> {
    let watched = settings.around.terminal[2];
    log::start(settings.log_level(), settings.log_format(), watched, settings.around.colour());
    heeded::check(command, &settings)?;
    dispatch(cli.command, &Arc::new(settings), exit)
}

/// Makes known what flags and environment hold of secrets.
fn know_secrets(flags: &Flags, around: &Surroundings) {
    // As it is, and as it is read: without blanks around.
    let add = |secret: &String, class| {
        [secret.as_str(), secret.trim()].iter().for_each(|text| REDACTOR.add(&Secret::new(*text), class));
    };
    let given = [&flags.access_key_secret, &flags.security_token].into_iter().flatten();
    given.for_each(|secret| add(secret, Class::Credential));
    for (name, value) in around.env.iter().filter(|(name, _)| secret::is_secret_name(name)) {
        // Only what jst or a script reads: another program's variable is nobody's secret here.
        if credentials::is_variable(name) {
            add(value, Class::Credential);
        } else if flags.allow_env.contains(name) {
            add(value, Class::Password);
        }
    }
}

fn dispatch(command: Option<Command>, settings: &Arc<Settings>, exit: &Exit) -> Result<u8> {
    let at_terminal = settings.around.terminal[0] && settings.around.terminal[1];
    match command {
        Some(Command::Run(args)) => run::run(settings, exit, args),
        Some(Command::Eval(args)) => eval::eval(settings, exit, args),
        Some(Command::Repl) => repl::repl(settings, exit),
        None if at_terminal => repl::repl(settings, exit),
        Some(Command::Test(args)) => test::test(settings, exit, args),
        Some(Command::Sim(args)) => sim::serve(settings, &args).map(|()| 0),
        None => {
            let mut command = command_line();
            Err(Error::new(Kind::Usage, format!("no command was given\n\n{}", command.render_usage()))
                .hint("`jst --help` lists the commands"))
        }
        Some(Command::Call(args)) => call::call(settings, exit, &args),
        Some(Command::Ops(args)) => ops::ops(settings, exit, &args),
        Some(Command::Help(args)) => help::help(settings, exit, &args),
        Some(Command::Whoami(args)) => whoami::whoami(settings, &args),
        Some(Command::Config(args)) => config::config(settings, args),
        Some(Command::Unit(args)) => unit::unit(settings, &args),
        Some(Command::Runs(args)) => runs::runs(settings, exit, &args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut command_line(), "jst", &mut script);
            write_out(&String::from_utf8_lossy(&script))
        }
    }
}

/// Prints a value in the form that the settings ask for.
fn show(settings: &Settings, value: &Value) -> Result<u8> {
    if value.is_null() {
        return Ok(0);
    }
    show_to(settings, value, settings.output(), "--output json")
}

/// Prints a value in a form; `in_full` is what the person there can do to see all of it.
fn show_to(settings: &Settings, value: &Value, format: Format, in_full: &'static str) -> Result<u8> {
    let value = data::in_document_order(value.clone());
    let is_empty = value.as_array().is_some_and(Vec::is_empty);
    if is_empty && matches!(format, Format::Csv | Format::Jsonl) {
        // No record is no line.
        return Ok(0);
    }
    write_out(&data::render(value, format, screen(settings, in_full))?)
}

/// The terminal that stdout is.
fn screen(settings: &Settings, in_full: &'static str) -> Option<Screen> {
    let (width, _) = terminal::size().filter(|_| settings.around.terminal[1])?;
    Some(Screen { width, in_full })
}

/// Prints data on stdout.
fn write_out(text: &str) -> Result<u8> {
    match data::print_rendered(text) {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(Error::new(Kind::Io, format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(0),
    }
}

/// Prints an error on stderr, once.
fn tell(error: &Error, format: LogFormat, colour: bool) {
    // There is nowhere left to complain to.
    streams::err(&format!("{}\n", errors::line(error, format, colour)));
}
