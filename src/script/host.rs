//! The engine, and scripts run in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{
    AST, ASTNode, Dynamic, Engine, EvalAltResult, LexError, OptimizationLevel, ParseErrorType, Position, Scope, Stmt,
};
use serde_json::Value;
use tokio::runtime::Handle;

use super::limits::Limits;
use super::modules::Resolver;
use super::pages::Pages;
use super::report::{Sources, explain};
use super::value::{Ending, from_dynamic};
use super::{api, builtins, threads};
use crate::account::Account;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::stop::Stop;

/// What a script runs with.
#[derive(Clone)]
pub struct Settings {
    /// The folder that imports stay in.
    pub root: PathBuf,
    /// What the script sees as `args`.
    pub args: Vec<String>,
    /// Environment variables that it may read, and their values.
    pub allow_env: BTreeMap<String, Option<String>>,
    /// What it calls time.
    pub clock: Arc<Clock>,
    /// What ends it from outside.
    pub stop: Arc<Stop>,
    /// Where its waits run.
    pub runtime: Handle,
    /// Most bytes that it may hold.
    pub max_memory: usize,
    /// Most operations of the engine.
    pub max_operations: u64,
    /// Whether the account is the simulator's.
    pub simulated: bool,
}

/// How a script ended without an error.
#[derive(Debug, PartialEq)]
pub enum Ended {
    /// With its last value.
    Value(Value),
    /// By `exit`.
    Exit(u8),
}

/// An engine for one run or session.
pub struct Host {
    engine: Engine,
    sources: Arc<Sources>,
    limits: Arc<Limits>,
    settings: Settings,
}

impl Host {
    /// An engine with everything a script can call.
    pub fn new(settings: Settings, account: &Arc<Account>) -> Self {
        let sources = Arc::new(Sources::default());
        let limits = Arc::new(Limits::new(Arc::clone(&settings.stop), settings.max_operations, settings.max_memory));
        let mut engine = Engine::new();
        engine
            // The optimiser deletes failing imports and may run host functions.
            .set_optimization_level(OptimizationLevel::None)
            .set_strict_variables(true)
            .set_fail_on_invalid_map_property(true)
            // Threads contend for the interner with waits of 10 ms.
            .set_max_strings_interned(0)
            .set_module_resolver(Resolver::new(&settings.root, Arc::clone(&sources)));
        engine.register_global_module(api::module(account, threads::stack_for(settings.max_memory)).into());
        builtins::register(&mut engine, &settings);
        limits.guard(&mut engine);
        Self { engine, sources, limits, settings }
    }

    /// Runs a script of this name and text to its end, and gives its last value.
    ///
    /// # Errors
    /// `parse`, or whatever the script threw, with the places on the way to it.
    pub fn run(&self, name: &str, text: &str) -> Result<Ended> {
        self.on_own_thread(|| {
            let mut ast = self.compile(&self.new_scope(), name, text)?;
            ast.set_source(name);
            let result = self.engine.eval_ast_with_scope(&mut self.new_scope(), &ast);
            self.ended(name, result)
        })
    }

    /// Only parses a script.
    ///
    /// # Errors
    /// `parse`.
    pub fn parse(&self, name: &str, text: &str) -> Result<()> {
        self.compile(&self.new_scope(), name, text).map(drop)
    }

    fn compile(&self, scope: &Scope<'_>, name: &str, text: &str) -> Result<AST> {
        self.sources.add(name, text);
        self.engine
            .compile_with_scope(scope, text)
            .map_err(|error| EvalAltResult::from(error).into())
            .and_then(|ast| lint(&ast).map(|()| ast))
            .map_err(|error: Box<EvalAltResult>| explain(&self.engine, &self.sources, name, &error))
    }

    fn new_scope(&self) -> Scope<'static> {
        let args: rhai::Array = self.settings.args.iter().map(|arg| arg.clone().into()).collect();
        let mut scope = Scope::new();
        scope.push_constant("args", args);
        scope
    }

    /// Chains of values need a deep stack to be dropped, so nothing of a script outlives its thread.
    fn on_own_thread<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.limits.restart();
        threads::alone(threads::stack_for(self.settings.max_memory), work)?
    }

    fn ended(&self, name: &str, result: std::result::Result<Dynamic, Box<EvalAltResult>>) -> Result<Ended> {
        let error = match result {
            Ok(value) => match data(&value) {
                Ok(value) => return Ok(Ended::Value(value)),
                Err(error) => error,
            },
            Err(error) => error,
        };
        if let EvalAltResult::ErrorTerminated(ending, _) = error.unwrap_inner()
            && let Some(Ending::Exit(code)) = ending.clone().try_cast::<Ending>()
        {
            return Ok(Ended::Exit(code));
        }
        Err(explain(&self.engine, &self.sources, name, &error))
    }
}

/// A script's last value for printing: pages are fetched, functions become their name.
fn data(value: &Dynamic) -> std::result::Result<Value, Box<EvalAltResult>> {
    if let Some(pages) = value.clone().try_cast::<Pages>() {
        let records: Vec<Dynamic> = pages.into_iter().collect::<std::result::Result<_, _>>()?;
        return data(&records.into());
    }
    match from_dynamic(value) {
        Ok(data) => Ok(data),
        Err(_) if !value.is_array() && !value.is_map() => Ok(value.to_string().into()),
        Err(error) => Err(super::value::throw(error)),
    }
}

/// Refuses what the engine would run wrongly without a word.
pub fn lint(ast: &AST) -> std::result::Result<(), Box<EvalAltResult>> {
    let mut empty_loop = None;
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::For(parts, position))) = path.last()
            && parts.2.body.is_empty()
        {
            empty_loop = Some(*position);
        }
        empty_loop.is_none()
    });
    match empty_loop {
        None => Ok(()),
        Some(position) => Err(refused("a loop with an empty body would hide every error of its list", position)),
    }
}

fn refused(message: &str, position: Position) -> Box<EvalAltResult> {
    let what = LexError::ImproperSymbol(String::new(), message.to_owned());
    EvalAltResult::ErrorParsing(ParseErrorType::BadInput(what), position).into()
}

/// Lines of code one after the other: what one line defines, later ones see, whatever happens between.
pub struct Session {
    host: Host,
    scope: Scope<'static>,
    /// The functions so far.
    library: AST,
    /// Top-level imports so far, which the engine forgets from one line to the next.
    imports: Vec<String>,
}

/// The name of a session's code in errors.
const SESSION: &str = "input";

impl Session {
    /// A session in this host.
    pub fn new(host: Host) -> Self {
        Self { scope: host.new_scope(), library: AST::empty(), imports: Vec::new(), host }
    }

    /// Runs a line, which may be many, and gives its last value.
    ///
    /// # Errors
    /// As [`Host::run`]. Variables and functions stay.
    pub fn run(&mut self, line: &str) -> Result<Ended> {
        let Self { host, scope, library, imports } = self;
        host.on_own_thread(|| {
            // On the same line, so that positions in later lines stay true.
            let text = format!("{}{line}", imports.concat());
            let shift = text.len() - line.len();
            let ast = host.compile(scope, SESSION, &text).map_err(|error| unshifted(error, shift, line))?;
            let mut merged = library.merge(&ast);
            merged.set_source(SESSION);
            let before = scope.len();
            let result = host.engine.eval_ast_with_scope(scope, &merged);
            *library = library.merge(&ast.clone_functions_only());
            match &result {
                Ok(_) => imports.extend(top_level_imports(&ast, &text, imports.len())),
                // Half-made variables of a failed line would shadow those before it.
                Err(_) => drop(scope.rewind(before)),
            }
            host.ended(SESSION, result).map_err(|error| unshifted(error, shift, line))
        })
    }

    /// The names of variables and functions so far, for completion.
    pub fn names(&self) -> Vec<String> {
        let variables = self.scope.iter().map(|(name, ..)| name.to_owned());
        let functions = self.library.iter_functions().map(|f| f.name.to_owned());
        let known = self.host.engine.gen_fn_signatures(true);
        let builtin = known.iter().filter_map(|signature| signature.split('(').next());
        let plain = |name: &&str| name.starts_with(|c: char| c.is_ascii_lowercase());
        let mut names: Vec<String> =
            variables.chain(functions).chain(builtin.map(str::trim).filter(plain).map(str::to_owned)).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The forms of a function of this name, a line each, with what it says of itself.
    pub fn describe(&self, name: &str) -> Option<String> {
        let known = self.host.engine.gen_fn_signatures(true);
        let forms: Vec<&str> = known
            .iter()
            .filter(|form| form.split_once('(').is_some_and(|(known, _)| known.trim() == name))
            .map(String::as_str)
            .collect();
        (!forms.is_empty()).then(|| forms.join("\n"))
    }

    /// Whether a text is a whole statement, or wants more lines.
    pub fn is_complete(&self, text: &str) -> bool {
        is_complete(&self.host.engine, text)
    }
}

/// Takes the imports that were put before a line out of the positions of its errors.
fn unshifted(mut error: Error, shift: usize, line: &str) -> Error {
    for frame in error.trace.iter_mut().filter(|frame| frame.file == SESSION && frame.line == 1) {
        frame.column = frame.column.saturating_sub(shift).max(1);
        frame.text = line.lines().next().map(str::to_owned);
    }
    error
}

/// The text of each top-level import of a line beyond the first `known`.
fn top_level_imports(ast: &AST, text: &str, known: usize) -> Vec<String> {
    let positions: Vec<Position> = ast
        .statements()
        .iter()
        .filter_map(|statement| match statement {
            Stmt::Import(_, position) => Some(*position),
            _ => None,
        })
        .collect();
    let statement = |position: &Position| {
        let line = text.lines().nth(position.line()?.checked_sub(1)?)?;
        let rest: String = line.chars().skip(position.position()?.saturating_sub(1)).collect();
        let end = rest.find(';').unwrap_or(rest.len());
        Some(format!("{}; ", rest.get(..end)?))
    };
    positions.iter().skip(known).filter_map(statement).collect()
}

/// Whether the engine would take a text as it is, or only lacks its end.
fn is_complete(engine: &Engine, text: &str) -> bool {
    if has_open_comment(text) {
        return false;
    }
    let Err(error) = engine.compile(text) else {
        return true;
    };
    let at_end = || match (error.position().line(), error.position().position()) {
        (Some(line), Some(column)) => {
            let rest: String = text
                .lines()
                .nth(line.saturating_sub(1))
                .unwrap_or_default()
                .chars()
                .skip(column.saturating_sub(1))
                .collect();
            line >= text.lines().count() && rest.trim().is_empty()
        }
        _ => true,
    };
    match error.err_type() {
        ParseErrorType::UnexpectedEOF => false,
        ParseErrorType::BadInput(LexError::UnterminatedString) => text.matches('`').count() % 2 == 0,
        ParseErrorType::MissingToken(..)
        | ParseErrorType::MissingSymbol(..)
        | ParseErrorType::ExprExpected(..)
        | ParseErrorType::FnMissingBody(..)
        | ParseErrorType::FnMissingParams(..)
        | ParseErrorType::PropertyExpected
        | ParseErrorType::VariableExpected
        | ParseErrorType::MalformedIndexExpr(..) => !at_end(),
        _ => true,
    }
}

/// The engine takes `/* open` for a whole statement.
fn has_open_comment(text: &str) -> bool {
    match (text.rfind("/*"), text.rfind("*/")) {
        (Some(open), Some(close)) => open > close,
        (Some(_), None) => true,
        _ => false,
    }
}

/// Reads a script file.
///
/// # Errors
/// `io`, naming the file.
pub fn read_script(path: &Path) -> Result<String> {
    let text = std::fs::read(path)
        .map_err(|error| Error::new(Kind::Io, format!("cannot read {}: {error}", path.display())))?;
    String::from_utf8(text).map_err(|_| Error::new(Kind::Parse, format!("{} is not UTF-8 text", path.display())))
}
