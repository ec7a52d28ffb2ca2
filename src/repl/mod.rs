//! `jst repl`: a session line by line. The only folder that names rustyline.
//!
//! [`complete`] knows what could come next; here is the loop, at a terminal or over a pipe.

mod complete;

use std::cell::RefCell;
use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Context, Editor};
use serde_json::Value;

use crate::error::{Error, Interrupt, Kind, Result};
use crate::script::{Ended, Session};
use crate::secret;
use crate::stop::Stop;

/// What a line may be beside code, and what it does.
const COMMANDS: &[(&str, &str)] = &[
    (":help", "this text; `:help NAME` explains a function or an operation"),
    (":ops", "lists the operations"),
    (":quit", "leaves, as Ctrl-D does"),
];

/// How a session meets the world.
pub struct Settings<'a> {
    /// What stands before a line: `sim> `.
    pub prompt: String,
    /// Where lines are remembered; `None` where there is no such place.
    pub history: Option<PathBuf>,
    /// Whether a person is typing.
    pub interactive: bool,
    /// Prints a result.
    pub print: &'a dyn Fn(&Value) -> Result<()>,
    /// Prints an error.
    pub complain: &'a dyn Fn(&Error),
    /// Explains an operation.
    pub explain: &'a dyn Fn(&str) -> Option<String>,
}

/// Runs a session to its end and gives the exit code: `exit`'s; at a terminal else 0; over a pipe
/// that of the first line that failed, so that no failure passes unseen.
///
/// # Errors
/// Reading fails, or the run is stopped for good: SIGTERM, the deadline, over a pipe Ctrl-C.
pub fn run(session: Session, settings: &Settings<'_>, stop: &Stop) -> Result<u8> {
    let talk = Talk { session: Rc::new(RefCell::new(session)), settings, stop };
    if settings.interactive { talk.at_terminal() } else { talk.over_pipe() }
}

struct Talk<'a> {
    session: Rc<RefCell<Session>>,
    settings: &'a Settings<'a>,
    stop: &'a Stop,
}

/// What became of a line.
enum After {
    Done,
    Failed(u8),
    Leave(u8),
}

impl Talk<'_> {
    fn at_terminal(&self) -> Result<u8> {
        let failed = |error: ReadlineError| Error::new(Kind::Io, format!("cannot read lines: {error}"));
        let mut editor: Editor<Helper, DefaultHistory> = Editor::new().map_err(failed)?;
        editor.set_helper(Some(Helper(Rc::clone(&self.session))));
        let history = self.settings.history.as_deref();
        if let Some(path) = history {
            // A first session has none yet.
            let _ = editor.load_history(path);
        }
        let code = loop {
            match editor.readline(&self.settings.prompt) {
                Ok(line) => {
                    if !line.trim().is_empty() && !holds_secret(&line) {
                        let _ = editor.add_history_entry(line.as_str());
                    }
                    match self.line(&line)? {
                        After::Leave(code) => break code,
                        After::Done | After::Failed(_) => {}
                    }
                }
                Err(ReadlineError::Interrupted) => {}
                Err(ReadlineError::Eof) => break 0,
                Err(error) => return Err(failed(error)),
            }
        };
        if let Some(path) = history {
            save(&mut editor, path);
        }
        Ok(code)
    }

    fn over_pipe(&self) -> Result<u8> {
        let (mut text, mut first_failure) = (String::new(), 0);
        for line in std::io::stdin().lock().lines() {
            let line = line.map_err(|error| Error::new(Kind::Io, format!("cannot read lines: {error}")))?;
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&line);
            if !is_command(&text) && !self.session.borrow().is_complete(&text) {
                continue;
            }
            match self.line(&std::mem::take(&mut text))? {
                After::Done => {}
                After::Failed(code) if first_failure == 0 => first_failure = code,
                After::Failed(_) => {}
                After::Leave(code) => return Ok(code),
            }
        }
        match text.trim() {
            "" => Ok(first_failure),
            _ => Err(Error::new(Kind::Parse, "the input ends in the middle of a statement")),
        }
    }

    /// Runs a whole statement or a command.
    fn line(&self, line: &str) -> Result<After> {
        let line = line.trim();
        if is_command(line) {
            return self.command(line);
        }
        if line.is_empty() {
            return Ok(After::Done);
        }
        let result = self.session.borrow_mut().run(line);
        match result {
            Ok(Ended::Exit(code)) => Ok(After::Leave(code)),
            Ok(Ended::Value(value)) => (self.settings.print)(&value).map(|()| After::Done),
            Err(error) => {
                let goes_on = match error.kind {
                    Kind::Interrupted(Interrupt::Interrupt) => self.settings.interactive,
                    Kind::Interrupted(_) => false,
                    _ => true,
                };
                if !goes_on {
                    return Err(error);
                }
                (self.settings.complain)(&error);
                self.stop.reset();
                Ok(After::Failed(error.kind.exit_code()))
            }
        }
    }

    fn command(&self, line: &str) -> Result<After> {
        let (command, name) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        let text = match (command, name.trim()) {
            (":quit" | ":q" | ":exit", _) => return Ok(After::Leave(0)),
            (":help", "") => COMMANDS.iter().map(|(name, help)| format!("{name:<7} {help}\n")).collect(),
            (":help", name) => {
                let explained = (self.settings.explain)(name).or_else(|| self.session.borrow().describe(name));
                match explained {
                    Some(text) => text,
                    None => return self.refuse(format!("there is nothing called `{name}`")),
                }
            }
            (":ops", _) => {
                crate::catalogue::operations().map(|op| format!("{:<34} {}\n", op.function, op.help)).collect()
            }
            _ => return self.refuse(format!("there is no command `{command}`")),
        };
        let said = crate::output::print(text.trim_end());
        said.map_err(|error| Error::new(Kind::Io, format!("cannot write to stdout: {error}")))?;
        Ok(After::Done)
    }

    fn refuse(&self, message: String) -> Result<After> {
        let error = Error::new(Kind::Usage, message).hint("`:help` lists the commands, `:ops` the operations");
        (self.settings.complain)(&error);
        Ok(After::Failed(error.kind.exit_code()))
    }
}

fn is_command(text: &str) -> bool {
    text.trim_start().starts_with(':')
}

/// Whether a line names something whose value must not be kept in a file.
fn holds_secret(line: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric()).any(secret::is_secret_name)
}

/// Keeps the lines. Where they cannot be kept, a session is as good without.
fn save(editor: &mut Editor<Helper, DefaultHistory>, path: &Path) {
    let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    let kept = folder.map_err(ReadlineError::from).and_then(|()| editor.save_history(path));
    if let Err(error) = kept {
        tracing::debug!("the history is not kept in {}: {error}", path.display());
    }
}

/// What the line editor asks of the session.
struct Helper(Rc<RefCell<Session>>);

impl Completer for Helper {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let found = complete::complete(line, cursor, &self.0.borrow().names());
        let pair = |text: String| Pair { display: text.clone(), replacement: text };
        Ok((found.start, found.candidates.into_iter().map(pair).collect()))
    }
}

impl Validator for Helper {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let text = context.input();
        let whole = is_command(text) || self.0.borrow().is_complete(text);
        Ok(if whole { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

impl rustyline::hint::Hinter for Helper {
    type Hint = String;
}

impl rustyline::highlight::Highlighter for Helper {}

impl rustyline::Helper for Helper {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_with_secrets_are_not_kept() {
        assert!(holds_secret("create_cluster(#{ Password: \"x\" })"));
        assert!(holds_secret("let m = #{rootPassword: 1}"));
        assert!(!holds_secret("list_app()"));
    }
}
