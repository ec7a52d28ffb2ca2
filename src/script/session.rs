//! Code entered piece by piece: what one piece defines, later ones see, whatever happens between.

use rhai::{AST, Array, Dynamic, LexError, Map, ParseError, ParseErrorType, Position, Scope, Stmt};

use super::forms::in_text;
use super::functions;
use super::host::{Ended, Host, Part, data};
use super::library;
use super::modules::is_closure;
use super::tokens::{self, What};
use crate::catalogue;
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
        self.transcript.push_str(piece);
        self.transcript.push('\n');
        self.host.sources.grow(SESSION, &self.transcript);
        self.host.modules.begin_piece(SESSION, before);
        let Self { host, scope, library, imports, .. } = self;
        host.on_own_thread(|| {
            let mut text = in_place(before, imports, piece);
            let mut ast = host.compile(scope, SESSION, &text, Part::Piece)?;
            // Of two imports of one name, the engine takes the first: the earlier one gives way.
            let own = top_level_imports(&ast, &text, before);
            let is_anew = |import: &String| own.iter().any(|(_, other)| alias(other) == alias(import));
            if imports.iter().any(is_anew) {
                let others: Vec<String> = imports.iter().filter(|import| !is_anew(import)).cloned().collect();
                text = in_place(before, &others, piece);
                ast = host.compile(scope, SESSION, &text, Part::Piece)?;
            }
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
                if reached.is_none_or(|reached| end <= reached) {
                    imports.retain(|other| alias(other) != alias(&import));
                    imports.push(import);
                }
            }
            ended
        })
    }

    /// Whether a piece is whole, or wants more lines.
    pub(crate) fn is_complete(&self, piece: &str) -> bool {
        // More lines are wanted even where those so far are wrong: the rest of a block must not run on its own.
        if tokens::is_open(piece) {
            return false;
        }
        let text = in_place(self.transcript.lines().count(), &self.imports, piece);
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
                && in_text(name) == name
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':'))
        };
        let of_library = self.library_modules().filter_map(|(called, name)| {
            let functions = library::module(name)?.functions;
            Some(functions.into_iter().map(move |function| format!("{called}::{}", function.name)))
        });
        let all = variables.chain(functions).chain(builtin).chain(of_library.flatten());
        let mut names: Vec<String> = all.filter(is_name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The modules of the library that are imported: what each is called here, and its name.
    fn library_modules(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.imports.iter().filter_map(|import| Some((alias(import)?, import.split('"').nth(1)?)));
        named.filter(|(_, name)| name.starts_with("std/"))
    }

    /// The variables and functions of the session's own making, without what every script has.
    pub(crate) fn own(&self) -> Vec<String> {
        let variables = self.scope.iter_raw().map(|(name, ..)| name.to_owned()).filter(|name| name != "args");
        let functions = self.library.iter_functions().map(|f| f.name.to_owned());
        variables.chain(functions).filter(|name| !is_closure(name) && in_text(name) == name).collect()
    }

    /// What may follow a dot behind a variable and properties of it: the keys of a map, and the functions whose
    /// first parameter takes such a value. An element of a list stands for the list where properties are asked.
    pub(crate) fn members(&self, variable: &str, path: &[String]) -> Vec<String> {
        let Some(mut value) = self.scope.get_value::<Dynamic>(variable) else { return Vec::new() };
        for name in path {
            let inner = in_list(value).read_lock::<Map>().and_then(|map| map.get(name.as_str()).cloned());
            let Some(inner) = inner else { return Vec::new() };
            value = inner;
        }
        let keys: Vec<String> = match value.read_lock::<Map>() {
            Some(map) => map.keys().map(ToString::to_string).filter(|key| is_identifier(key)).collect(),
            None => Vec::new(),
        };
        keys.into_iter().chain(self.methods(value.type_name())).collect()
    }

    /// The functions whose first parameter is of a type, as the engine names it.
    fn methods(&self, type_name: &str) -> Vec<String> {
        let name = type_name.rsplit("::").next().unwrap_or(type_name).to_lowercase();
        let first = |signature: &str| Some(signature.split_once('(')?.1.split([',', ')']).next()?.to_owned());
        let takes = |ty: &str| ty.split([' ', '|', '&', ':']).any(|word| word == name);
        let known = self.host.engine.gen_fn_signatures(true);
        let fitting = known.iter().filter(|signature| first(signature).is_some_and(|first| takes(&first)));
        let names = fitting.filter_map(|signature| Some(signature.split_once('(')?.0.trim().to_owned()));
        // An operation takes a map, but is no part of one.
        let is_method = |name: &String| is_identifier(name) && catalogue::find(name).is_none();
        names.filter(is_method).collect()
    }

    /// What a function of this name takes and does, where it says so.
    pub(crate) fn help(&self, name: &str) -> Option<String> {
        if let Some((called, function)) = name.split_once("::")
            && let Some(module) = self.library_modules().find(|(alias, _)| *alias == called).map(|(_, module)| module)
        {
            return library::explain(&format!("{module}::{function}"));
        }
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

/// A value, or the first one of a list.
fn in_list(value: Dynamic) -> Dynamic {
    value.read_lock::<Array>().map(|list| list.first().cloned()).map_or(value.clone(), Option::unwrap_or_default)
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_alphabetic() || c == '_') && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// A piece on its own lines, below the `before` lines of all pieces before it, behind the imports so far.
fn in_place(before: usize, imports: &[String], piece: &str) -> String {
    match before.checked_sub(1) {
        None => piece.to_owned(),
        Some(above) => format!("{}{}\n{piece}", "\n".repeat(above), imports.concat()),
    }
}

/// The name that an import gives to its module.
fn alias(import: &str) -> Option<&str> {
    import.trim_end_matches([';', ' ']).split_whitespace().last()
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
