//! The engine, and scripts run in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{
    AST, ASTNode, Dynamic, Engine, EvalAltResult, Expr, LexError, OptimizationLevel, ParseErrorType, Position, Scope,
    Stmt, Token,
};
use serde_json::Value;

use super::api;
use super::api::Pages;
use super::limits::{self, Limits};
use super::loaded::Loaded;
use super::modules::Resolver;
use super::report::{Sources, explain};
use super::threads::Threads;
use super::value::{Ending, ScriptResult, from_dynamic, throw};
use crate::call::account::Account;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::files::{self, Unread};
use crate::stop::Stop;

/// What a script runs with.
#[derive(Clone)]
pub(crate) struct HostConfig {
    /// The folder that imports stay in.
    pub root: PathBuf,
    /// What the script sees as `args`.
    pub args: Vec<String>,
    /// Environment variables that it may read, and their values.
    pub allow_env: BTreeMap<String, Option<String>>,
    /// Files and folders that it may read.
    pub allow_read: Vec<PathBuf>,
    /// What it calls time.
    pub clock: Arc<Clock>,
    /// What ends it from outside.
    pub stop: Arc<Stop>,
    /// Most bytes that it may hold.
    pub max_memory: usize,
    /// Most operations of the engine.
    pub max_operations: u64,
    /// Whether the account is the simulator's.
    pub simulated: bool,
}

/// How code ended without an error.
#[derive(Debug, PartialEq)]
pub(crate) enum Ended {
    /// With its last value.
    Value(Value),
    /// By `exit`.
    Exit(u8),
}

/// An engine for one run or session.
pub(crate) struct Host {
    pub(super) engine: Engine,
    pub(super) sources: Arc<Sources>,
    limits: Arc<Limits>,
    threads: Arc<Threads>,
    pub(super) modules: Arc<Loaded>,
    args: Vec<String>,
    stop: Arc<Stop>,
}

impl Host {
    /// An engine with everything a script can call.
    pub(crate) fn new(config: HostConfig, account: &Arc<Account>) -> Self {
        let sources = Arc::new(Sources::default());
        let modules = Arc::new(Loaded::default());
        let threads = Arc::new(Threads::new(config.max_memory));
        let limits = Arc::new(Limits::new(Arc::clone(&config.stop), config.max_operations, config.max_memory));
        let mut engine = Engine::new();
        engine
            // The optimiser deletes failing imports and may run host functions.
            .set_optimization_level(OptimizationLevel::None)
            .set_strict_variables(true)
            .set_fail_on_invalid_map_property(true)
            // Threads contend for the interner with waits of 10 ms.
            .set_max_strings_interned(0)
            .set_module_resolver(Resolver::new(&config.root, Arc::clone(&sources), Arc::clone(&modules)));
        #[expect(deprecated, reason = "marked so because it may change, not because anything replaces it")]
        engine.on_parse_token(|token, _, _| free_names(token));
        engine.register_global_module(api::module(account, &threads).into());
        api::register_builtins(&mut engine, &config, account);
        limits.guard(&mut engine);
        Self { engine, sources, limits, threads, modules, args: config.args, stop: config.stop }
    }

    /// Runs a script of this name and text to its end, and gives its exit code.
    ///
    /// # Errors
    /// `parse`, or whatever the script threw, with the places on the way to it.
    pub(crate) fn run(&self, name: &str, text: &str) -> Result<u8> {
        match self.evaluate(name, text, |_| Ok(Value::Null))? {
            Ended::Value(_) => Ok(0),
            Ended::Exit(code) => Ok(code),
        }
    }

    /// Runs code of this name and text to its end, and gives its last value.
    ///
    /// # Errors
    /// As [`Host::run`]; `invalid` when the value is no data.
    pub(crate) fn eval(&self, name: &str, text: &str) -> Result<Ended> {
        self.evaluate(name, text, data)
    }

    fn evaluate(&self, name: &str, text: &str, last: impl Fn(&Dynamic) -> ScriptResult<Value> + Sync) -> Result<Ended> {
        self.on_own_thread(|| {
            let mut scope = self.new_scope();
            self.sources.add(name, text);
            let mut ast = self.compile(&scope, name, text)?;
            ast.set_source(name);
            let result = self.engine.eval_ast_with_scope(&mut scope, &ast);
            self.ended(name, result.and_then(|value| last(&value)))
        })
    }

    pub(super) fn compile(&self, scope: &Scope<'_>, name: &str, text: &str) -> Result<AST> {
        self.engine
            .compile_with_scope(scope, text)
            .map_err(|error| EvalAltResult::from(error).into())
            .and_then(|ast| lint(&self.engine, scope, text, &ast).map(|()| ast))
            .map_err(|error: Box<EvalAltResult>| explain(&self.engine, &self.sources, name, &error))
    }

    pub(super) fn new_scope(&self) -> Scope<'static> {
        let args: rhai::Array = self.args.iter().map(|arg| arg.clone().into()).collect();
        let mut scope = Scope::new();
        scope.push_constant("args", args);
        scope
    }

    /// Chains of values need a deep stack to be dropped, so nothing of a script outlives its thread.
    pub(super) fn on_own_thread<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.limits.restart();
        self.threads.alone(work)?
    }

    pub(super) fn ended(&self, name: &str, result: ScriptResult<Value>) -> Result<Ended> {
        // Functions of the engine's that call closures may lose their errors.
        let error = match result.and_then(|value| limits::check(&self.stop).map(|()| value)) {
            Ok(value) => return Ok(Ended::Value(value)),
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

impl Drop for Host {
    fn drop(&mut self) {
        if !self.modules.is_empty() {
            let _ = self.threads.alone(|| self.modules.clear());
        }
    }
}

/// Frees two names of the script API that the engine keeps for itself: `call("Action", …)` beside
/// its own `f.call(…)`, and `log::debug(…)`.
fn free_names(token: Token) -> Token {
    #[derive(Clone, Copy)]
    enum Before {
        Dot,
        Colons,
        Other,
    }
    thread_local! {
        static BEFORE: Cell<Before> = const { Cell::new(Before::Other) };
    }
    let before = BEFORE.replace(match token {
        Token::Period | Token::Elvis => Before::Dot,
        Token::DoubleColon => Before::Colons,
        _ => Before::Other,
    });
    match (before, token) {
        (Before::Other, Token::Reserved(name)) if *name == "call" => Token::Identifier(Box::new(api::CALL.into())),
        (Before::Colons, Token::Reserved(name)) if *name == "debug" => Token::Identifier(name),
        (_, token) => token,
    }
}

/// A script's last value for printing: pages are fetched, functions become their name.
pub(super) fn data(value: &Dynamic) -> ScriptResult<Value> {
    if let Some(pages) = value.clone().try_cast::<Pages>() {
        let records: Vec<Dynamic> = pages.into_iter().collect::<ScriptResult<_>>()?;
        return data(&records.into());
    }
    match from_dynamic(value) {
        Err(_) if !value.is_array() && !value.is_map() => Ok(value.to_string().into()),
        result => result.map_err(throw),
    }
}

/// Refuses what the engine would run wrongly without a word.
pub(super) fn lint(engine: &Engine, scope: &Scope<'_>, text: &str, ast: &AST) -> ScriptResult<()> {
    let unclosed = "the comment that begins here has no end: what follows would not be run";
    let mut found = open_comment(engine, scope, text).map(|position| (unclosed, position));
    if found.is_some() {
        return refuse(found);
    }
    ast.walk(&mut |path| {
        found = match path.last() {
            Some(ASTNode::Stmt(Stmt::For(parts, position))) if parts.2.body.is_empty() => {
                Some(("a loop with an empty body would hide every error of its list", *position))
            }
            Some(ASTNode::Expr(Expr::Map(map, position))) if map.0.iter().any(|(key, _)| *key.name == *api::CALL) => {
                Some(("write the key `call` in quotes", *position))
            }
            _ => None,
        };
        found.is_none()
    });
    refuse(found)
}

fn refuse(found: Option<(&str, Position)>) -> ScriptResult<()> {
    match found {
        None => Ok(()),
        Some((message, position)) => {
            let what = LexError::ImproperSymbol(String::new(), message.to_owned());
            Err(EvalAltResult::ErrorParsing(ParseErrorType::BadInput(what), position).into())
        }
    }
}

/// Where the comment begins that the end of a text which parses is in, if it is in one. The engine takes the
/// end for the comment's, and so it takes whatever is put behind it.
fn open_comment(engine: &Engine, scope: &Scope<'_>, text: &str) -> Option<Position> {
    if !text.contains("/*") || engine.compile_with_scope(scope, format!("{text}\n)")).is_err() {
        return None;
    }
    let mut closed = 0_usize;
    let begins = text.as_bytes().windows(2).enumerate().rev().find(|(_, mark)| {
        match *mark {
            b"*/" => closed += 1,
            b"/*" if closed == 0 => return true,
            b"/*" => closed -= 1,
            _ => {}
        }
        false
    });
    let before = text.get(..begins?.0)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Some(Position::new(u16::try_from(line).unwrap_or(u16::MAX), u16::try_from(column).unwrap_or(u16::MAX)))
}

/// Reads a script file.
///
/// # Errors
/// `io`, `limit` or `parse`, naming the file.
pub(crate) fn read_script(path: &Path) -> Result<String> {
    let shown = path.display();
    files::read_text(path, files::LARGEST).map_err(|why| match why {
        Unread::NoText => Error::new(Kind::Parse, format!("{shown} is not UTF-8 text")),
        Unread::NoFile(_) => why.error(Kind::Io, shown).hint("`jst run -` reads a script from standard input"),
        _ => why.error(Kind::Io, shown),
    })
}

/// Reads a script from a stream of this name to its end.
///
/// # Errors
/// As [`read_script`].
pub(crate) fn read_script_from(stream: impl std::io::Read, name: &str) -> Result<String> {
    files::read(stream, files::LARGEST).and_then(files::text).map_err(|why| match why {
        Unread::NoText => Error::new(Kind::Parse, format!("{name} is not UTF-8 text")),
        _ => why.error(Kind::Io, name),
    })
}
