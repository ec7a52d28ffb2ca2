//! What is found in a script before it runs: each finding with its rule, its place and the way out.
//! The rules are a table; [`super::rules`] holds what each looks for.

use rhai::AST;

use super::forms::Moved;
use super::known::Known;
use super::rules;
use super::telling;
use super::tokens::{self, Token};
use crate::error::{Error, Frame, Kind};

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Certain: the script is refused.
    Error,
    /// A doubt: the script runs, and the log tells.
    Warning,
}

/// Where something stands: lines and columns are counted from 1, columns in characters, the end is behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The script's or module's name.
    pub file: String,
    /// Line and column of its first character.
    pub start: (usize, usize),
    /// Line and column behind its last.
    pub end: (usize, usize),
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    /// The rule's name.
    pub rule: &'static str,
    /// How sure it is.
    pub level: Level,
    /// What it is about.
    pub place: Place,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A kind of finding.
pub(super) struct Rule {
    /// Its name: lower case, dashes.
    pub id: &'static str,
    /// How sure its findings are.
    pub level: Level,
    /// Looks for it.
    pub look: fn(&Code<'_>, &mut Vec<Found>),
}

/// Every rule.
pub(super) const RULES: &[Rule] = &[
    Rule { id: "empty-loop", level: Level::Error, look: rules::empty_loop },
    Rule { id: "open-comment", level: Level::Error, look: rules::open_comment },
    Rule { id: "call-key", level: Level::Error, look: rules::call_key },
    Rule { id: "unknown-function", level: Level::Error, look: rules::unknown_function },
    Rule { id: "change-in-parallel", level: Level::Error, look: rules::change_in_parallel },
    Rule { id: "change-in-step", level: Level::Warning, look: rules::change_in_step },
    Rule { id: "value-of-change", level: Level::Warning, look: rules::value_of_change },
    Rule { id: "lost-change", level: Level::Warning, look: rules::lost_change },
    Rule { id: "quoted-interpolation", level: Level::Warning, look: rules::quoted_interpolation },
    Rule { id: "backtick-escape", level: Level::Warning, look: rules::backtick_escape },
    Rule { id: "captured-loop-variable", level: Level::Warning, look: rules::captured_loop_variable },
];

/// A script as rules see it.
pub(super) struct Code<'a> {
    /// Its text.
    pub text: &'a str,
    /// The words of the text.
    pub tokens: Vec<Token<'a>>,
    /// Its tree, not optimised.
    pub ast: &'a AST,
    /// Where the tree's places are not the text's.
    pub moved: &'a Moved,
    /// What it may call; none where more may be written later.
    pub known: Option<Known<'a>>,
}

/// What a rule found.
pub(super) struct Found {
    /// The byte where it begins: a token's, which it covers.
    pub at: usize,
    /// One sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Everything that the rules find in a script of this name, in the order of its text.
pub(super) fn check(name: &str, text: &str, ast: &AST, moved: &Moved, known: Option<Known<'_>>) -> Vec<Diagnostic> {
    let code = Code { text, tokens: tokens::read(text), ast, moved, known };
    let mut diagnostics = Vec::new();
    for rule in RULES {
        let mut found = Vec::new();
        (rule.look)(&code, &mut found);
        diagnostics.extend(found.into_iter().map(|found| diagnostic(rule, name, &code, found)));
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.place.start);
    diagnostics.dedup();
    diagnostics
}

fn diagnostic(rule: &Rule, name: &str, code: &Code<'_>, found: Found) -> Diagnostic {
    let end = code.tokens.iter().find(|token| token.end() > found.at).map_or(found.at, Token::end);
    let (start, end) = (tokens::place_of(code.text, found.at), tokens::place_of(code.text, end));
    let place = Place { file: name.to_owned(), start, end };
    Diagnostic { rule: rule.id, level: rule.level, place, message: found.message, hint: found.hint }
}

/// Logs the warnings; the errors, all of them, are the error.
///
/// # Errors
/// `parse`, when there is one.
pub(super) fn settle(diagnostics: Vec<Diagnostic>, text: &str) -> Result<(), Error> {
    let (errors, warnings): (Vec<_>, Vec<_>) =
        diagnostics.into_iter().partition(|diagnostic| diagnostic.level == Level::Error);
    for Diagnostic { rule, place: Place { file, start: (line, column), .. }, message, hint, .. } in warnings {
        let hint = hint.map(|hint| format!("; {hint}")).unwrap_or_default();
        tracing::warn!("{file}:{line}:{column}: {message}{hint} [{rule}]");
    }
    let mut errors = errors.into_iter().map(|diagnostic| as_error(diagnostic, text));
    match errors.next() {
        None => Ok(()),
        Some(first) => Err(first.with(|first| first.more = errors.collect())),
    }
}

fn as_error(diagnostic: Diagnostic, text: &str) -> Error {
    let Diagnostic { place: Place { file, start: (line, column), .. }, message, hint, .. } = diagnostic;
    let shown = text.lines().nth(line.saturating_sub(1)).filter(|_| !telling::line_tells(text, line));
    let text = shown.map(str::to_owned);
    Error::new(Kind::Parse, message).with(|error| {
        error.hints.extend(hint);
        error.trace.push(Frame { file, line, column, text, function: None });
    })
}
