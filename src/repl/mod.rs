//! The REPL: reads pieces of code and commands, runs them in a session, prints what they give. The
//! only folder that names rustyline.
//!
//! [`complete`] knows what could come next; [`input`] gets lines from a terminal or a pipe; the
//! loop here knows neither.

pub(crate) mod complete;
mod input;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::catalogue;
use crate::error::{Error, Interrupt, Kind, Result};
use crate::script::{Ended, Session, tells};
use crate::show::errors::render;
use crate::show::redaction::REDACTOR;
use crate::stop::Stop;
pub(crate) use input::terminal_restorer;
use input::{Input, Piped, Terminal};

/// Prints a value.
pub(crate) type Print = Box<dyn Fn(&Value) -> Result<()>>;

/// Explains what has this name.
pub(crate) type Help = Box<dyn Fn(&str) -> Option<String>>;

/// What a REPL needs beside its session.
pub(crate) struct ReplConfig {
    /// What the prompt says before `> `: `sim` or the profile.
    pub name: String,
    /// The file that keeps what was entered; `None` keeps nothing.
    pub history: Option<PathBuf>,
    /// Whether a person types: prompt, history, completion.
    pub interactive: bool,
    /// Whether errors are coloured.
    pub colour: bool,
    /// The session's stop. Whoever gets a signal sets it; each piece of code begins with it unset,
    /// so that Ctrl-C ends what runs and not the REPL. SIGTERM and a deadline end the REPL too.
    pub stop: Arc<Stop>,
    /// Prints a value.
    pub print: Print,
    /// An operation in full, by its action or function.
    pub help: Help,
    /// Every operation, as rows.
    pub operations: Box<dyn Fn() -> Value>,
}

/// The commands, and what they do.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    (":help", "this list; `:help NAME` explains an operation or a function"),
    (":ops", "every operation"),
    (":quit", "leave, as Ctrl-D does"),
];

/// The session as the loop and the terminal's completion share it.
type Shared = Arc<Mutex<Session>>;

/// Runs a REPL on stdin until it ends, and gives the exit code: 0 from a terminal. From a pipe one
/// piece after the other is run, whatever failed before, up to one that does not parse, as nobody
/// knows where the next would begin; the code is that of the first failure. `exit` decides in both.
///
/// # Errors
/// `io` when stdin cannot be read or a value cannot be printed.
pub(crate) fn run(session: Session, config: &ReplConfig) -> Result<u8> {
    let session = Arc::new(Mutex::new(session));
    let mut output = Output { text: &mut std::io::stdout(), errors: &mut std::io::stderr() };
    if config.interactive {
        let mut terminal = Terminal::new(Arc::clone(&session), config.history.as_deref())?;
        drive(&session, config, &mut terminal, &mut output)
    } else {
        drive(&session, config, &mut Piped::new(std::io::stdin().lock()), &mut output)
    }
}

/// Where help and errors go; values go where [`ReplConfig::print`] puts them.
struct Output<'a> {
    text: &'a mut dyn Write,
    errors: &'a mut dyn Write,
}

/// What became of a piece.
enum Done {
    /// Go on.
    Next,
    /// It failed so.
    Failed(Kind),
    /// Leave with this code.
    Leave(u8),
}

fn drive(session: &Shared, config: &ReplConfig, input: &mut dyn Input, output: &mut Output<'_>) -> Result<u8> {
    let mut first_failure = None;
    loop {
        let Some(piece) = read_piece(session, config, input)? else {
            break;
        };
        let done = match piece {
            Ok(piece) => {
                let done = run_piece(session, config, &piece, output);
                // Only now are the secrets known that the piece held.
                if !has_secret(&piece) {
                    input.remember(&piece);
                }
                done?
            }
            Err(error) => show(&error, config, output),
        };
        match done {
            Done::Next => {}
            Done::Failed(kind) => {
                first_failure.get_or_insert(kind);
                if kind == Kind::Parse && !config.interactive {
                    break;
                }
            }
            Done::Leave(code) => return Ok(code),
        }
    }
    Ok(first_failure.filter(|_| !config.interactive).map_or(0, Kind::exit_code))
}

/// The next whole piece of code or command; an error when the input ends in the middle of one.
fn read_piece(session: &Shared, config: &ReplConfig, input: &mut dyn Input) -> Result<Option<Result<String>>> {
    let prompt = format!("{}> ", config.name);
    let continued = format!("{:>width$}", "> ", width = prompt.chars().count());
    let mut piece = String::new();
    loop {
        let prompt = if piece.is_empty() { &prompt } else { &continued };
        // What stopped the piece before does not stop the next.
        config.stop.reset();
        let line = config.stop.while_reading(|| input.line(prompt, &piece))??;
        match line {
            input::Line::Text(line) => {
                piece.push_str(&line);
                if piece.trim().is_empty() {
                    piece.clear();
                } else if piece.trim_start().starts_with(':') || locked(session).is_complete(&piece) {
                    return Ok(Some(Ok(piece)));
                } else {
                    piece.push('\n');
                }
            }
            input::Line::Cancelled => piece.clear(),
            input::Line::Ended if piece.is_empty() => return Ok(None),
            input::Line::Ended if config.interactive => return Ok(None),
            input::Line::Ended => {
                let error = Error::new(Kind::Parse, "the input ends in the middle of a statement");
                return Ok(Some(Err(error)));
            }
        }
    }
}

fn run_piece(session: &Shared, config: &ReplConfig, piece: &str, output: &mut Output<'_>) -> Result<Done> {
    if let Some(command) = piece.trim().strip_prefix(':') {
        return run_command(session, config, command, output);
    }
    config.stop.reset();
    let ended = locked(session).run(piece);
    match ended {
        Ok(Ended::Exit(code)) => Ok(Done::Leave(code)),
        Ok(Ended::Value(Value::Null)) => Ok(Done::Next),
        Ok(Ended::Value(value)) => {
            (config.print)(&value)?;
            Ok(Done::Next)
        }
        Err(error) => {
            let failed = show(&error, config, output);
            let is_final =
                matches!(error.kind, Kind::Interrupted(Interrupt::Terminate | Interrupt::HangUp | Interrupt::Deadline));
            Ok(if is_final { Done::Leave(error.kind.exit_code()) } else { failed })
        }
    }
}

fn run_command(session: &Shared, config: &ReplConfig, command: &str, output: &mut Output<'_>) -> Result<Done> {
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match (name, rest.trim()) {
        ("quit", "") => return Ok(Done::Leave(0)),
        ("ops", "") => (config.operations)().as_array().map_or(Ok(()), |rows| (config.print)(&rows.clone().into()))?,
        ("help", "") => write(output, &help())?,
        ("help", topic) => {
            let found = (config.help)(topic).or_else(|| locked(session).help(topic));
            match found {
                Some(text) => write(output, text.trim_end())?,
                None => return Ok(show(&nothing_about(topic), config, output)),
            }
        }
        _ => {
            let error = Error::new(Kind::Usage, format!("there is no command `:{command}`")).hint("`:help` lists them");
            return Ok(show(&error, config, output));
        }
    }
    Ok(Done::Next)
}

fn write(output: &mut Output<'_>, text: &str) -> Result<()> {
    writeln!(output.text, "{}", REDACTOR.data(text))
        .map_err(|error| Error::new(Kind::Io, format!("cannot write: {error}")))
}

fn help() -> String {
    let mut lines = vec!["Type code, or one of:".to_owned()];
    lines.extend(COMMANDS.iter().map(|(name, does)| format!("  {name:<6} {does}")));
    lines.push("Tab completes functions, parameters and actions; Ctrl-C stops what runs.".to_owned());
    lines.join("\n")
}

fn nothing_about(topic: &str) -> Error {
    let names = catalogue::operations().flat_map(|operation| [operation.action, operation.function]);
    let error = Error::new(Kind::Usage, format!("there is no operation or function `{topic}`"));
    match crate::suggest::nearest(topic, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`:ops` lists every operation"),
    }
}

/// Shows an error.
fn show(error: &Error, config: &ReplConfig, output: &mut Output<'_>) -> Done {
    // With stderr gone there is no one to tell.
    let _ = writeln!(output.errors, "{}", REDACTOR.talk(&render(error, config.colour)));
    Done::Failed(error.kind)
}

/// Whether a piece holds what must not be kept: a known secret, or a name that tells of one. `:help` names
/// things, and holds none.
fn has_secret(piece: &str) -> bool {
    let is_help = piece.trim_start().starts_with(":help");
    !is_help && tells(piece) || REDACTOR.talk(piece) != piece
}

fn locked(session: &Shared) -> std::sync::MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
