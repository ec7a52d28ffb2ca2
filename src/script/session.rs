//! Code entered piece by piece: what one piece defines, later ones see, whatever happens between.

use rhai::{AST, LexError, ParseError, ParseErrorType, Position, Scope, Stmt};

use super::functions;
use super::host::{Ended, Host, data};
use super::tokens::{self, What};
use crate::error::{Error, Kind, Result};

/// A session in a host.
pub(crate) struct Session {
    host: Host,
    scope: Scope<'static>,
    /// The functions so far.
    library: AST,
    /// Top-level imports so far, which the engine forgets from one piece to the next.
    imports: Vec<String>,
    /// Every piece so far: functions of earlier ones keep their lines.
    transcript: String,
}

/// The name of a session's code in errors.
const SESSION: &str = "input";

impl Session {
    /// A session in this host.
    pub(crate) fn new(host: Host) -> Self {
        let scope = host.new_scope();
        Self { host, scope, library: AST::empty(), imports: Vec::new(), transcript: String::new() }
    }

    /// Runs a piece of code, and gives its last value.
    ///
    /// # Errors
    /// As [`Host::eval`]. Variables and functions stay.
    pub(crate) fn run(&mut self, piece: &str) -> Result<Ended> {
        let before = self.transcript.lines().count();
        let text = self.in_place(piece);
        self.transcript.push_str(piece);
        self.transcript.push('\n');
        self.host.sources.grow(SESSION, &self.transcript);
        let Self { host, scope, library, imports, .. } = self;
        host.on_own_thread(|| {
            let ast = host.compile(scope, SESSION, &text)?;
            let mut merged = library.merge(&ast);
            merged.set_source(SESSION);
            let variables = scope.len();
            let result = host.engine.eval_ast_with_scope(scope, &merged);
            *library = library.merge(&ast.clone_functions_only());
            let ended = host.ended(SESSION, result.and_then(|value| data(&value)));
            if ended.as_ref().is_err_and(|error| error.kind == Kind::Limit) {
                // What took all the memory would stay in the way.
                scope.rewind(variables);
            }
            let reached = ended.as_ref().err().and_then(outermost);
            for (end, import) in top_level_imports(&ast, &text, before) {
                if reached.is_none_or(|reached| end <= reached) && !imports.contains(&import) {
                    imports.push(import);
                }
            }
            ended
        })
    }

    /// A piece on its own lines, below those of all pieces before it, behind the imports so far.
    fn in_place(&self, piece: &str) -> String {
        match self.transcript.lines().count().checked_sub(1) {
            None => piece.to_owned(),
            Some(above) => format!("{}{}\n{piece}", "\n".repeat(above), self.imports.concat()),
        }
    }

    /// Whether a piece is whole, or wants more lines.
    pub(crate) fn is_complete(&self, piece: &str) -> bool {
        // More lines are wanted even where those so far are wrong: the rest of a block must not run on its own.
        if tokens::is_open(piece) {
            return false;
        }
        let text = self.in_place(piece);
        let is_complete = || {
            Ok(match self.host.engine.compile_with_scope(&self.scope, &text) {
                Ok(_) => true,
                Err(error) => !lacks_its_end(&error, &text),
            })
        };
        self.host.on_own_thread(is_complete).unwrap_or(true)
    }

    /// The names of variables and functions so far, for completion.
    pub(crate) fn names(&self) -> Vec<String> {
        let variables = self.scope.iter_raw().map(|(name, ..)| name.to_owned());
        let functions = self.library.iter_functions().map(|f| f.name.to_owned());
        let known = self.host.engine.gen_fn_signatures(true);
        let builtin = known.iter().filter_map(|signature| Some(signature.split_once('(')?.0.trim().to_owned()));
        let is_name = |name: &String| {
            name.starts_with(|c: char| c.is_ascii_lowercase())
                && !name.ends_with("__")
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
        };
        let mut names: Vec<String> = variables.chain(functions).chain(builtin).filter(is_name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// What a function of this name takes and does, where it says so.
    pub(crate) fn help(&self, name: &str) -> Option<String> {
        let mut own = self.library.iter_functions().filter(|function| function.name == name).peekable();
        if own.peek().is_none() {
            let known = functions::all(&self.host.engine);
            let function = known.into_iter().find(|function| function.name == name)?;
            return Some(format!("{}\n{}", function.forms.join("\n"), function.help).trim_end().to_owned());
        }
        let mut lines = Vec::new();
        for function in own {
            lines.push(format!("{name}({})", function.params.join(", ")));
            let comments = function.comments.iter().flat_map(|comment| comment.lines());
            lines.extend(comments.map(|comment| comment.trim_start_matches('/').trim().to_owned()));
        }
        Some(lines.join("\n"))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Self { host, scope, .. } = self;
        let _ = host.on_own_thread(|| {
            scope.clear();
            Ok(())
        });
    }
}

/// A line and a column.
type Place = (usize, usize);

/// How far a piece came before it failed.
fn outermost(error: &Error) -> Option<Place> {
    error.trace.last().filter(|frame| frame.file == SESSION).map(|frame| (frame.line, frame.column))
}

/// Where each top-level import below the line `before` ends, and its text.
fn top_level_imports(ast: &AST, text: &str, before: usize) -> Vec<(Place, String)> {
    let tokens = tokens::read(text);
    let import = |statement: &Stmt| {
        let Stmt::Import(_, position) = statement else {
            return None;
        };
        let (line, column) = place(*position)?;
        let start = tokens::byte_at(text, line, column);
        let within = tokens.iter().skip_while(|token| token.start < start).take_while(|token| !token.is(";"));
        let words: Vec<_> = within.filter(|token| !matches!(token.what, What::Comment { .. })).collect();
        let end = words.last()?.end();
        // On one line, so that it can stand before a piece without moving it.
        let import = words.iter().map(|token| token.text).collect::<Vec<_>>().join(" ");
        (line > before).then(|| (tokens::place_of(text, end), format!("{import}; ")))
    };
    ast.statements().iter().filter_map(import).collect()
}

fn place(position: Position) -> Option<Place> {
    Some((position.line()?, position.position().unwrap_or(1).max(1)))
}

/// Whether a text does not parse only because it ends too early.
fn lacks_its_end(error: &ParseError, text: &str) -> bool {
    let is_at_end = || place(error.position()).is_none_or(|(line, column)| tokens::is_end(text, line, column));
    match error.err_type() {
        ParseErrorType::UnexpectedEOF => true,
        ParseErrorType::BadInput(LexError::UnterminatedString) => tokens::is_open(text),
        ParseErrorType::MissingToken(..)
        | ParseErrorType::MissingSymbol(..)
        | ParseErrorType::ExprExpected(..)
        | ParseErrorType::FnMissingBody(..)
        | ParseErrorType::FnMissingParams(..)
        | ParseErrorType::PropertyExpected
        | ParseErrorType::VariableExpected
        | ParseErrorType::MalformedIndexExpr(..) => is_at_end(),
        _ => false,
    }
}
