//! Where a REPL's lines come from: a terminal or a pipe.

use std::borrow::Cow;
use std::io::{BufRead, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::MemHistory;
use rustyline::{
    Cmd, CompletionType, ConditionalEventHandler, Config, Context, Editor, Event, EventContext, EventHandler, Helper,
    KeyEvent, RepeatCount, Validator,
};

use super::complete::{Known, complete};
use super::history::{HistoryFile, KEPT};
use super::{ReplConfig, Shared, editor, locked};
use crate::error::{Error, Interrupt, Kind, Result};
use crate::script::Session;
use crate::show::visible;
use crate::stop::Stop;
use crate::terminal;

/// What asking for a line gave.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// A line without its end.
    Text(String),
    /// A whole piece, in place of the lines above.
    Piece(String),
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
    /// `io`; what ended the run meanwhile.
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
            // A mark of some editors begins the text, and is no part of it.
            Ok(_) => Ok(Line::Text(line.trim_start_matches('\u{feff}').trim_end_matches(['\n', '\r']).to_owned())),
            Err(error) => Err(unreadable(&error)),
        }
    }

    fn remember(&mut self, _: &str) {}
}

fn unreadable(error: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Io, format!("cannot read the input: {error}"))
}

/// Lines that a person types.
pub(super) struct Terminal {
    editor: Editor<Assistant, MemHistory>,
    history: Option<HistoryFile>,
    stop: Arc<Stop>,
    /// A terminal that can only print: lines are not edited.
    is_plain: bool,
    /// What opens a piece in an editor, and whether the key for it was pressed.
    editor_command: String,
    wants_editor: Arc<AtomicBool>,
}

impl Terminal {
    /// The terminal, with the history as far as there is one.
    ///
    /// # Errors
    /// `io` when it cannot be set up.
    pub(super) fn new(session: Shared, config: &ReplConfig) -> Result<Self> {
        let failed = |error: ReadlineError| unreadable(&error);
        let settings =
            Config::builder().completion_type(CompletionType::List).max_history_size(KEPT).map_err(failed)?;
        // Lists are cut to the screen: the editor's own question and pager cannot be left by Ctrl-C.
        let settings = settings.completion_prompt_limit(usize::MAX).history_ignore_dups(true).map_err(failed)?;
        let settings = settings.history_ignore_space(true).build();
        let mut history = MemHistory::with_config(&settings);
        let file = config.history.as_deref().map(HistoryFile::new).filter(|file| load(file, &mut history));
        let mut editor = Editor::with_history(settings, history).map_err(failed)?;
        editor.set_helper(Some(Assistant { session, above: String::new() }));
        let wants_editor = Arc::new(AtomicBool::default());
        let opener = EventHandler::Conditional(Box::new(Opener(Arc::clone(&wants_editor))));
        editor.bind_sequence(Event::KeySeq(vec![KeyEvent::ctrl('X'), KeyEvent::ctrl('E')]), opener);
        Ok(Self {
            editor,
            history: file,
            stop: Arc::clone(&config.stop),
            is_plain: config.is_plain,
            editor_command: config.editor.clone(),
            wants_editor,
        })
    }

    /// A line that is edited.
    fn edited(&mut self, prompt: &str, above: &str) -> Result<Line> {
        if let Some(assistant) = self.editor.helper_mut() {
            above.clone_into(&mut assistant.above);
        }
        let read = self.editor.readline(prompt);
        let wants_editor = self.wants_editor.swap(false, Ordering::Relaxed);
        match read {
            Ok(line) if wants_editor => self.in_editor(&format!("{above}{line}")),
            Ok(line) => Ok(Line::Text(line)),
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => Ok(Line::Cancelled),
            Err(ReadlineError::Eof) => Ok(Line::Ended),
            Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::InvalidData => {
                tracing::warn!("what was typed is not UTF-8 text: the line is dropped");
                Ok(Line::Cancelled)
            }
            Err(error) => Err(unreadable(&error)),
        }
    }

    /// The piece as it was left in the editor, shown as it will run.
    fn in_editor(&self, piece: &str) -> Result<Line> {
        match editor::edit(&self.editor_command, piece) {
            Ok(piece) => {
                writeln!(std::io::stdout(), "{}", visible::block(&piece)).map_err(|error| unreadable(&error))?;
                Ok(Line::Piece(piece))
            }
            Err(error) => {
                let hints = error.hints.join("; ");
                tracing::error!("{}; {hints}", error.message);
                Ok(Line::Cancelled)
            }
        }
    }

    /// A line as the terminal itself gives it.
    fn plain(&self, prompt: &str) -> Result<Line> {
        let mut stdout = std::io::stdout();
        let shown = write!(stdout, "{prompt}").and_then(|()| stdout.flush());
        shown.map_err(|error| unreadable(&error))?;
        match terminal::read_line(&self.stop) {
            Ok(Some(line)) => Ok(Line::Text(line)),
            Ok(None) => Ok(Line::Ended),
            Err(why) if why.kind == Kind::Interrupted(Interrupt::CtrlC) => {
                writeln!(stdout).map_err(|error| unreadable(&error))?;
                Ok(Line::Cancelled)
            }
            Err(why) => Err(why),
        }
    }
}

/// Takes in a history; says what is wrong with it. Whether more can be added.
fn load(file: &HistoryFile, history: &mut MemHistory) -> bool {
    use rustyline::history::History as _;
    let path = file.path().display();
    match file.load() {
        Ok(held) => {
            if held.damaged > 0 {
                let lines = if held.damaged == 1 { "a line that is" } else { "lines that are" };
                tracing::warn!("the history {path} has {lines} no text: passed over");
            }
            held.entries.into_iter().for_each(|entry| {
                // Only repeats are not added.
                let _ = history.add_owned(entry);
            });
            true
        }
        Err(error) => {
            tracing::warn!("the history {path} cannot be read, and nothing is kept: {error}");
            false
        }
    }
}

impl Input for Terminal {
    fn line(&mut self, prompt: &str, above: &str) -> Result<Line> {
        let line = if self.is_plain { self.plain(prompt) } else { self.edited(prompt, above) };
        match line {
            // A terminal that went away gives an end, too, or an error.
            Ok(Line::Ended) | Err(_) => terminal::hung_up().map_or(line, Err),
            line => line,
        }
    }

    fn remember(&mut self, piece: &str) {
        let piece = visible::block(piece);
        let is_new = self.editor.add_history_entry(piece.as_ref()).unwrap_or(false);
        // Kept at once, so that nothing is lost when the terminal goes away.
        let Some(Err(error)) = self.history.as_ref().filter(|_| is_new).map(|file| file.append(&piece)) else { return };
        // Taken: it is said once.
        if let Some(file) = self.history.take() {
            tracing::warn!("the history {} cannot be written, and nothing is kept: {error}", file.path().display());
        }
    }
}

/// Opens a piece in an editor: takes the line, and leaves word of why.
struct Opener(Arc<AtomicBool>);

impl ConditionalEventHandler for Opener {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        self.0.store(true, Ordering::Relaxed);
        Some(Cmd::AcceptLine)
    }
}

impl Known for Session {
    fn names(&self) -> Vec<String> {
        self.names()
    }

    fn own(&self) -> Vec<String> {
        self.own()
    }

    fn members(&self, variable: &str, path: &[String]) -> Vec<String> {
        self.members(variable, path)
    }
}

/// What helps to edit a line.
#[derive(Helper, Validator)]
struct Assistant {
    session: Shared,
    above: String,
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, cursor: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let text = format!("{}{line}", self.above);
        let found = complete(&text, self.above.len() + cursor, &*locked(&self.session));
        // A word does not go over the end of a line.
        let start = found.start.saturating_sub(self.above.len());
        Ok((start, listed(&found.candidates, terminal::size().unwrap_or((80, 24)))))
    }
}

/// Candidates in columns, as many as a screen of this size shows below the line, and how many more there are.
fn listed(candidates: &[String], (columns, rows): (u16, u16)) -> Vec<Pair> {
    const GAP: usize = 2;
    let pair = |word: &String| Pair { display: word.clone(), replacement: word.clone() };
    let widest = candidates.iter().map(|word| word.chars().count() + GAP).max().unwrap_or(1);
    let across = (usize::from(columns) / widest).max(1);
    let room = across * usize::from(rows.saturating_sub(3)).max(1);
    if candidates.len() <= room {
        return candidates.iter().map(pair).collect();
    }
    let mut shown: Vec<Pair> = candidates.iter().take(room.saturating_sub(1).max(1)).map(pair).collect();
    // Stands for the others: what all have in common is still completed.
    let more = format!("… {} more", candidates.len() - shown.len());
    shown.push(Pair { display: more, replacement: in_common(candidates).to_owned() });
    shown
}

/// What all words begin with.
fn in_common(words: &[String]) -> &str {
    let Some(first) = words.first() else { return "" };
    let matching =
        |word: &String| first.chars().zip(word.chars()).take_while(|(a, b)| a == b).map(|(c, _)| c.len_utf8()).sum();
    let length: usize = words.iter().map(matching).min().unwrap_or_default();
    first.get(..length).unwrap_or_default()
}

impl Highlighter for Assistant {
    /// Nothing that is pasted steers the terminal. The editor counts such characters as taking no room.
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        match line.contains(must_not_show) {
            false => Cow::Borrowed(line),
            true => Cow::Owned(line.replace(must_not_show, "")),
        }
    }

    fn highlight_char(&self, line: &str, _: usize, _: CmdKind) -> bool {
        line.contains(must_not_show)
    }
}

fn must_not_show(c: char) -> bool {
    visible::steers(c) && c != '\n' && c != '\t'
}

/// A word behind the line that is no part of it.
struct Note(String);

impl Hint for Note {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = Note;

    fn hint(&self, line: &str, _: usize, _: &Context<'_>) -> Option<Note> {
        let (columns, rows) = terminal::size()?;
        is_taller(line, columns, rows).then(|| Note(format!("  // {} opens this in an editor", editor::KEY)))
    }
}

/// Whether a text with a prompt before it goes over a screen of this size.
fn is_taller(text: &str, columns: u16, rows: u16) -> bool {
    let lines = text.split('\n').map(|line| 1 + line.chars().count() / usize::from(columns.max(1)));
    lines.sum::<usize>() >= usize::from(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn long_lists_are_cut_to_the_screen_with_a_count() {
        let words = |count: usize| (0..count).map(|n| format!("scale_{n:03}")).collect::<Vec<_>>();
        // Two columns of eleven on twenty, seven rows of ten.
        let few = listed(&words(14), (22, 10));
        assert_eq!(few.len(), 14);
        let many = listed(&words(100_000), (22, 10));
        let last = many.last().unwrap();
        assert_eq!((many.len(), last.display.as_str(), last.replacement.as_str()), (7, "… 99994 more", "scale_"));
        assert_eq!(listed(&words(3), (1, 1)).len(), 2);
        assert_eq!(in_common(&["商城前".to_owned(), "商店".to_owned()]), "商");
    }

    #[test]
    fn what_goes_over_the_screen_is_known() {
        for (text, columns, rows, expected) in [
            ("1", 80, 24, false),
            ("1\n2\n3", 80, 4, false),
            ("1\n2\n3\n4", 80, 4, true),
            ("123456789", 3, 4, true),
            ("", 0, 24, false),
        ] {
            assert_eq!(is_taller(text, columns, rows), expected, "{text}");
        }
    }
}
