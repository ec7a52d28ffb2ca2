//! Where a REPL's lines come from: a terminal or a pipe.

use std::io::BufRead;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{CompletionType, Config, Context, Editor, Helper, Highlighter, Hinter, Validator};

use super::complete::complete;
use super::{Shared, locked};
use crate::error::{Error, Kind, Result};

/// What asking for a line gave.
pub(super) enum Line {
    /// A line without its end.
    Text(String),
    /// Ctrl-C.
    Cancelled,
    /// Ctrl-D, or the end of a pipe.
    Ended,
}

/// A source of lines.
pub(super) trait Input {
    /// The next line. `above` are the lines of the same piece before it.
    ///
    /// # Errors
    /// `io`.
    fn line(&mut self, prompt: &str, above: &str) -> Result<Line>;

    /// Keeps a piece for later.
    fn remember(&mut self, piece: &str);
}

/// Lines of a pipe.
pub(super) struct Piped<R>(R);

impl<R: BufRead> Piped<R> {
    /// The lines of this reader.
    pub(super) fn new(reader: R) -> Self {
        Self(reader)
    }
}

impl<R: BufRead> Input for Piped<R> {
    fn line(&mut self, _: &str, _: &str) -> Result<Line> {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => Ok(Line::Ended),
            Ok(_) => Ok(Line::Text(line.trim_end_matches(['\n', '\r']).to_owned())),
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn remember(&mut self, _: &str) {}
}

fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("cannot read the input: {error}"))
}

/// Lines that a person edits.
pub(super) struct Terminal {
    editor: Editor<Assistant, FileHistory>,
    history: Option<PathBuf>,
}

/// Entries that are kept.
const KEPT: usize = 2000;

impl Terminal {
    /// A terminal with the history of this file, as far as there is one.
    ///
    /// # Errors
    /// `io` when it cannot be set up.
    pub(super) fn new(session: Shared, history: Option<&Path>) -> Result<Self> {
        let config = Config::builder().completion_type(CompletionType::List).max_history_size(KEPT);
        let config = config.and_then(|config| config.history_ignore_dups(true));
        let config = config.map_err(|error| unreadable(&error))?.history_ignore_space(true).build();
        let mut editor = Editor::with_config(config).map_err(|error| unreadable(&error))?;
        editor.set_helper(Some(Assistant { session, above: String::new() }));
        if let Some(file) = history {
            // A history that is not there yet, or cannot be read, is none.
            let _ = editor.load_history(file);
        }
        Ok(Self { editor, history: history.map(Path::to_owned) })
    }
}

impl Input for Terminal {
    fn line(&mut self, prompt: &str, above: &str) -> Result<Line> {
        if let Some(assistant) = self.editor.helper_mut() {
            above.clone_into(&mut assistant.above);
        }
        match self.editor.readline(prompt) {
            Ok(line) => Ok(Line::Text(line)),
            Err(ReadlineError::Interrupted) => Ok(Line::Cancelled),
            Err(ReadlineError::Eof) => Ok(Line::Ended),
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn remember(&mut self, piece: &str) {
        let added = self.editor.add_history_entry(piece);
        if let (Ok(true), Some(file)) = (added, &self.history) {
            // Kept at once, so that nothing is lost when the terminal goes away. A folder that
            // cannot be written to only costs the history.
            let _ = file.parent().map(std::fs::create_dir_all);
            let saved = if file.exists() { self.editor.append_history(file) } else { self.editor.save_history(file) };
            if let Err(error) = saved {
                tracing::debug!("the history is not kept: {error}");
            }
        }
    }
}

/// Puts the terminal back as it is now: whoever ends the process while a line is edited does it.
pub(crate) fn terminal_restorer() -> impl FnOnce() + Send + 'static {
    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
    let before = tcgetattr(std::io::stdin()).ok();
    move || {
        if let Some(before) = before {
            // The terminal may be gone; then there is nothing to put back.
            let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
        }
    }
}

/// What helps to edit a line.
#[derive(Helper, Highlighter, Hinter, Validator)]
struct Assistant {
    session: Shared,
    above: String,
}

impl Completer for Assistant {
    type Candidate = String;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        let text = format!("{}{line}", self.above);
        let found = complete(&text, self.above.len() + cursor, &locked(&self.session).names());
        // A word does not go over the end of a line.
        Ok((found.start.saturating_sub(self.above.len()), found.candidates))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::script::tests::bench::Bench;

    #[test]
    fn history_is_kept_where_it_can_be() {
        let session = || Arc::new(Mutex::new(Bench::idle().session()));
        let folder = tempfile::TempDir::new().unwrap();
        let file = folder.path().join("state/jst/history");
        let mut terminal = Terminal::new(session(), Some(&file)).unwrap();
        for piece in ["let x = 1;", "fn f() {\n    2\n}", "fn f() {\n    2\n}"] {
            terminal.remember(piece);
        }
        let later = Terminal::new(session(), Some(&file)).unwrap();
        let kept: Vec<&str> = later.editor.history().iter().map(String::as_str).collect();
        assert_eq!(kept, ["let x = 1;", "fn f() {\n    2\n}"]);
        // No place for it is no reason to stop.
        for nowhere in [None, Some(file.join("below/a/file"))] {
            Terminal::new(session(), nowhere.as_deref()).unwrap().remember("1");
        }
    }
}
