//! The REPL: reads pieces of code and commands, runs them in a session, prints what they give. The
//! only folder that names rustyline.
//!
//! [`complete`] knows what could come next, by its [`context`]; [`input`] gets lines from a terminal or a pipe,
//! with the [`history`] and an [`editor`]; [`commands`] are what is no code; the loop here knows none of it.

mod commands;
pub(crate) mod complete;
mod context;
mod editor;
mod history;
mod input;

#[cfg(test)]
mod tests;

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::script::{Ended, Session, tells};
use crate::show::redaction::REDACTOR;
use crate::stop::Stop;
use commands::Command;
use input::{Input, Line, Piped, Terminal};

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
    /// Whether the terminal can only print: lines are not edited.
    pub is_plain: bool,
    /// What opens an editor.
    pub editor: String,
    /// An error as stderr gets it, without secrets.
    pub say: Box<dyn Fn(&Error) -> String>,
    /// The session's stop. Whoever gets a signal sets it; each piece of code begins with it unset,
    /// so that Ctrl-C ends what runs and not the REPL. SIGTERM and a deadline end the REPL too.
    pub stop: Arc<Stop>,
    /// Prints a value, as much of it as is bearable.
    pub print: Print,
    /// Prints all of a value.
    pub print_all: Print,
    /// An operation in full, by its action or function.
    pub help: Help,
    /// Operations that tell of a word, as rows; all for no word.
    pub operations: Box<dyn Fn(&str) -> Value>,
}

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
        let mut terminal = Terminal::new(Arc::clone(&session), config)?;
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

/// A session at work: where its pieces run, and the last value.
struct Loop<'a> {
    session: &'a Shared,
    config: &'a ReplConfig,
    last: Value,
}

fn drive(session: &Shared, config: &ReplConfig, input: &mut dyn Input, output: &mut Output<'_>) -> Result<u8> {
    let mut first_failure = None;
    let mut at_work = Loop { session, config, last: Value::Null };
    loop {
        let Some(piece) = read_piece(session, config, input)? else {
            break;
        };
        let done = match piece {
            Ok(piece) => {
                let done = at_work.run(&piece, output);
                // Only now are the secrets known that the piece held.
                if !has_secret(&piece) {
                    input.remember(&piece);
                }
                done?
            }
            Err(error) => show(error, config, output),
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
        match next_line(config, input, prompt, &piece)? {
            Line::Text(line) => piece.push_str(&line),
            Line::Piece(whole) => piece = whole,
            Line::Ended if piece.is_empty() => return Ok(None),
            Line::Ended if !config.interactive => {
                let error = Error::new(Kind::Parse, "the input ends in the middle of a statement");
                return Ok(Some(Err(error)));
            }
            Line::Cancelled | Line::Ended => piece.clear(),
        }
        if piece.trim().is_empty() {
            piece.clear();
        } else if commands::is_command(&piece) || locked(session).is_complete(&piece) {
            return Ok(Some(Ok(piece)));
        } else {
            piece.push('\n');
        }
    }
}

/// The next line. What stopped the piece before, or comes before the line is asked for, does not stop the next.
fn next_line(config: &ReplConfig, input: &mut dyn Input, prompt: &str, above: &str) -> Result<Line> {
    // Ctrl-C between two lines of a piece clears it as one at the prompt does.
    let is_cancelled = config.interactive && !above.is_empty() && config.stop.is_set();
    go_on(config);
    if is_cancelled && !config.stop.is_set() {
        return Ok(Line::Cancelled);
    }
    let line = match config.stop.while_reading(|| input.line(prompt, above)) {
        Err(why) if config.interactive && !why.kind.ends_session() => Line::Cancelled,
        read => read??,
    };
    if matches!(line, Line::Cancelled) {
        go_on(config);
    }
    Ok(line)
}

/// Lets the next piece run, whatever stopped the one before. Whoever interrupts a pipe means all of it.
fn go_on(config: &ReplConfig) {
    let interrupted = config.stop.why_set().is_some_and(|why| matches!(why.kind, Kind::Interrupted(_)));
    if config.interactive || !interrupted {
        config.stop.reset();
    }
}

impl Loop<'_> {
    fn run(&mut self, piece: &str, output: &mut Output<'_>) -> Result<Done> {
        let known = || locked(self.session).names();
        match commands::read(piece, known) {
            Some(command) => self.command(command, output),
            None => self.code(piece, output),
        }
    }

    fn code(&mut self, piece: &str, output: &mut Output<'_>) -> Result<Done> {
        let Self { session, config, .. } = self;
        go_on(config);
        let ended = locked(session).run(piece);
        match ended {
            Ok(Ended::Exit(code)) => Ok(Done::Leave(code)),
            Ok(Ended::Value(Value::Null)) => Ok(Done::Next),
            Ok(Ended::Value(value)) => {
                (config.print)(&value)?;
                self.last = value;
                Ok(Done::Next)
            }
            Err(error) => {
                let kind = error.kind;
                let failed = show(error, config, output);
                let is_final = kind.ends_session() || !config.interactive && matches!(kind, Kind::Interrupted(_));
                Ok(if is_final { Done::Leave(kind.exit_code()) } else { failed })
            }
        }
    }

    fn command(&self, command: Command<'_>, output: &mut Output<'_>) -> Result<Done> {
        let Self { session, config, last } = self;
        match command {
            Command::Quit => return Ok(Done::Leave(0)),
            Command::All => (config.print_all)(last)?,
            Command::Operations(word) => match (config.operations)(word) {
                Value::Array(rows) if rows.is_empty() => return Ok(show(commands::no_operation(word), config, output)),
                rows => (config.print)(&rows)?,
            },
            Command::Help("") => write(output, &commands::help())?,
            Command::Help(topic) => {
                let found = (config.help)(topic).or_else(|| locked(session).help(topic));
                match found {
                    Some(text) => write(output, text.trim_end())?,
                    None => return Ok(show(commands::nothing_about(topic, &locked(session).names()), config, output)),
                }
            }
            Command::Unknown(command) => return Ok(show(commands::unknown(command), config, output)),
        }
        Ok(Done::Next)
    }
}

fn write(output: &mut Output<'_>, text: &str) -> Result<()> {
    writeln!(output.text, "{}", REDACTOR.data(text))
        .map_err(|error| Error::new(Kind::Io, format!("cannot write: {error}")))
}

/// Shows an error. What it says to do is said in the prompt's own words.
fn show(mut error: Error, config: &ReplConfig, output: &mut Output<'_>) -> Done {
    error.hints.iter_mut().for_each(|hint| *hint = commands::at_the_prompt(hint));
    // With stderr gone there is no one to tell.
    let _ = writeln!(output.errors, "{}", (config.say)(&error));
    Done::Failed(error.kind)
}

/// Whether a piece holds what must not be kept: a known secret, or a name that tells of one. A command names
/// things, and holds none.
fn has_secret(piece: &str) -> bool {
    !commands::is_command(piece) && tells(piece) || REDACTOR.talk(piece) != piece
}

fn locked(session: &Shared) -> std::sync::MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}
