//! The commands: each takes the resolved settings and does one thing.

mod call;
mod ops;
mod run;
pub mod session;
mod sim;
mod whoami;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, FromArgMatches as _};
use serde_json::Value;

use crate::cli::{Cli, Command, LogFormat};
use crate::config::{Config, Surroundings};
use crate::error::{Error, Kind, Result};
use crate::output::{self, Format};
use crate::script;
use crate::secret::{self, REDACTOR, Secret};
use crate::wire::request::Target;
use crate::{catalogue, credentials, logging};

use session::Work;

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    let around = Surroundings::of_process();
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let (format, colour) = (cli.flags.log_format, around.colour());
    let result = begin(cli, around);
    ExitCode::from(result.unwrap_or_else(|error| {
        tell(&error, format, colour);
        error.kind.exit_code()
    }))
}

fn begin(cli: Cli, around: Surroundings) -> Result<u8> {
    let flags = &cli.flags;
    // Only what jst or a script reads: another program's `DB_PASSWORD=Result` would mask ordinary words.
    let is_read = |name: &str| credentials::is_variable(name) || flags.allow_env.iter().any(|allowed| allowed == name);
    let is_secret = |name: &str| is_read(name) && secret::is_secret_name(&name.replace('_', ""));
    let in_env = around.env.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value);
    let given = [&flags.access_key_secret, &flags.security_token].into_iter().flatten();
    given.chain(in_env).for_each(|secret| REDACTOR.add(&Secret::new(secret.as_str())));
    let config = Config::new(cli.flags, around)?;
    let watched = config.around.terminal[2];
    logging::start(config.log_level(), config.log_format(), watched, config.around.colour());
    dispatch(cli.command, Arc::new(config))
}

fn dispatch(command: Option<Command>, config: Arc<Config>) -> Result<u8> {
    let at_terminal = config.around.terminal[0] && config.around.terminal[1];
    match command {
        Some(Command::Run { file: Some(file), help, mut args }) => {
            if help {
                args.insert(0, "--help".to_owned());
            }
            run::file(&Work::new(config, false)?, &file, args)
        }
        Some(Command::Run { file: None, .. }) => {
            let mut command = Cli::command();
            let help = command.find_subcommand_mut("run").map(|run| run.render_long_help().to_string());
            write_out(&help.unwrap_or_default())
        }
        Some(Command::Eval { code, args }) => run::code(&Work::new(config, false)?, &code, args),
        Some(Command::Repl) => run::repl(&Work::new(config, true)?),
        None if at_terminal => run::repl(&Work::new(config, true)?),
        Some(Command::Sim(args)) => sim::serve(&args).map(|()| 0),
        None => {
            let mut command = Cli::command();
            Err(Error::new(Kind::Usage, format!("no command was given\n\n{}", command.render_usage()))
                .hint("`jst --help` lists the commands"))
        }
        Some(Command::Call { action, params, json, dry_run }) => {
            let target = Target::named(&action)?;
            let params = call::parameters(&target, &params, json.as_deref())?;
            if dry_run {
                show(&config, &call::dry_run(&config, &target, params)?)
            } else {
                let work = Work::new(Arc::clone(&config), false)?;
                show(&config, &work.account().call(&target, params)?)
            }
        }
        Some(Command::Ops { name, json }) => operations(&config, name.as_deref(), json),
        Some(Command::Whoami) => whoami::whoami(&config),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "jst", &mut script);
            write_out(&String::from_utf8_lossy(&script))
        }
    }
}

fn operations(config: &Config, name: Option<&str>, json: bool) -> Result<u8> {
    let Some(name) = name else {
        let format = if json { Format::Json } else { config.output() };
        return write_out(&output::render(&ops::list(), format, output::terminal_width())?);
    };
    let target = Target::named(name)?;
    let operation = target.operation().ok_or_else(|| {
        Error::new(Kind::Invalid, format!("{name} is not in the catalogue")).hint(format!(
            "`jst ops` lists the {} operations of the catalogue; `jst call {name}` sends it unchecked",
            catalogue::operations().count()
        ))
    })?;
    match (json, config.output()) {
        (false, Format::Table) => write_out(&ops::explain(operation)),
        _ => write_out(&format!("{:#}", ops::describe(operation))),
    }
}

/// Prints a value in the form that the settings ask for.
fn show(config: &Config, value: &Value) -> Result<u8> {
    if value.is_null() {
        return Ok(0);
    }
    let width = if config.around.terminal[1] { output::terminal_width() } else { None };
    let value = output::in_document_order(value.clone());
    let text = output::render(&value, config.output(), width)?;
    write_out(&text)
}

/// Prints data on stdout.
fn write_out(text: &str) -> Result<u8> {
    match output::print(text) {
        // A reader that has seen enough is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(Error::new(Kind::Io, format!("cannot write to stdout: {error}"))),
        Ok(()) => Ok(0),
    }
}

/// Prints an error on stderr, once.
fn tell(error: &Error, format: LogFormat, colour: bool) {
    let text = match format {
        LogFormat::Text => script::render(error, colour),
        LogFormat::Json => error.to_json().to_string(),
    };
    output::tell(&text);
}
