//! The engine, and scripts run in it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rhai::{AST, Dynamic, Engine, EvalAltResult, OptimizationLevel, ParseError, Scope, Token};
use serde_json::Value;

use super::api;
use super::caught;
use super::constants;
use super::diagnostics::{self, Diagnostic};
use super::forms::{self, Unit};
use super::functions::{self, Function};
use super::known::Known;
use super::library;
use super::limits::{self, Limits};
use super::loaded::Loaded;
use super::modules::{Imports, Resolver, imports};
use super::report::{Sources, explain};
use super::secrets;
use super::threads::Threads;
use super::value::{Ending, ScriptResult, from_dynamic, throw};
use super::words::kind_of;
use crate::call::account::Account;
use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::files::{self, Unread};
use crate::job::checks::Checks;
use crate::job::shard::Share;
use crate::net::outside::Outside;
use crate::show::data::Format;
use crate::show::progress;
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
    /// Files and folders that it may write.
    pub allow_write: Vec<PathBuf>,
    /// Hosts that it may reach.
    pub net: Arc<Outside>,
    /// Form of the data that it prints as rows.
    pub output: Format,
    /// What it looked at.
    pub checks: Arc<Checks>,
    /// The part of a fleet that is its.
    pub share: Arc<Share>,
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

/// What a text is of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// What was asked for.
    Script,
    /// What it imports.
    Module,
    /// A piece of a session: what it calls may be written later.
    Piece,
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
    pub(super) threads: Arc<Threads>,
    pub(super) modules: Arc<Loaded>,
    resolver: Arc<Resolver>,
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
        let resolver = Arc::new(Resolver::new(&config.root, Arc::clone(&sources), Arc::clone(&modules)));
        let mut engine = Engine::new();
        engine
            // The optimiser deletes failing imports and may run host functions.
            .set_optimization_level(OptimizationLevel::None)
            .set_strict_variables(true)
            .set_fail_on_invalid_map_property(true)
            // Threads contend for the interner with waits of 10 ms.
            .set_max_strings_interned(0)
            .set_module_resolver(Imports(Arc::clone(&resolver)));
        #[expect(deprecated, reason = "marked so because it may change, not because anything replaces it")]
        engine.on_parse_token(|token, _, _| own_operators(free_names(token)));
        engine.register_global_module(api::module(account, &threads).into());
        api::register_builtins(&mut engine, &config, account);
        limits.guard(&mut engine);
        caught::register(&mut engine);
        constants::register(&mut engine, &sources);
        engine.set_default_tag(Dynamic::from(Arc::clone(&sources)));
        Self { engine, sources, limits, threads, modules, resolver, args: config.args, stop: config.stop }
    }

    /// Every function that a script can call.
    pub(crate) fn functions(&self) -> Vec<Function> {
        functions::all(&self.engine)
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

    /// Looks whether a script of this name and text parses.
    ///
    /// # Errors
    /// `parse`.
    pub(crate) fn parses(&self, name: &str, text: &str) -> Result<()> {
        self.on_own_thread(|| {
            self.sources.add(name, text);
            self.compile(&self.new_scope(), name, text, Part::Script).map(drop)
        })
    }

    fn evaluate(&self, name: &str, text: &str, last: impl Fn(&Dynamic) -> ScriptResult<Value> + Sync) -> Result<Ended> {
        self.on_own_thread(|| {
            let mut scope = self.new_scope();
            self.sources.add(name, text);
            let mut ast = self.compile(&scope, name, text, Part::Script)?;
            self.look_ahead(name, &ast)?;
            ast.set_source(name);
            let result = self.engine.eval_ast_with_scope(&mut scope, &ast);
            self.ended(name, result.and_then(|value| last(&value)))
        })
    }

    /// Looks at the modules that a script imports before it runs.
    pub(super) fn look_ahead(&self, name: &str, ast: &AST) -> Result<()> {
        let looked = self.resolver.look_ahead(&self.engine, name, imports(ast));
        looked.map_err(|error| explain(&self.engine, &self.sources, name, &error))
    }

    pub(super) fn compile(&self, scope: &Scope<'_>, name: &str, text: &str, part: Part) -> Result<AST> {
        let compiled = compile(&self.engine, &self.sources, scope, name, text, part);
        // Reading a long text takes time, too.
        if let Some(why) = self.stop.why_set() {
            return Err(why);
        }
        let (ast, found) = compiled.map_err(|error| explain(&self.engine, &self.sources, name, &error.into()))?;
        diagnostics::settle(found, text)?;
        Ok(ast)
    }

    pub(super) fn new_scope(&self) -> Scope<'static> {
        let args: rhai::Array = self.args.iter().map(|arg| arg.clone().into()).collect();
        let mut scope = Scope::new();
        scope.push("args", args);
        scope
    }

    /// Chains of values need a deep stack to be dropped, so nothing of a script outlives its thread.
    pub(super) fn on_own_thread<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        self.limits.restart();
        self.threads.alone(work)?
    }

    pub(super) fn ended(&self, name: &str, result: ScriptResult<Value>) -> Result<Ended> {
        progress::clear();
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
        if !self.modules.is_empty() || !self.sources.constants.is_empty() {
            let _ = self.threads.alone(|| {
                self.modules.clear();
                self.sources.constants.clear();
            });
        }
    }
}

/// Frees names that the engine keeps for itself: `call("Action", …)` beside its own `f.call(…)`, `log::debug(…)`,
/// `wait::until(…)`, the functions of modules that have such names, and the `case` of `each(cases, |case| …)`.
pub(super) fn free_names(token: Token) -> Token {
    #[derive(Clone, Copy, PartialEq)]
    enum Before {
        Dot,
        Colons,
        Fn,
        Bar,
        Other,
    }
    thread_local! {
        static BEFORE: Cell<Before> = const { Cell::new(Before::Other) };
        /// Whether a closure took a `case`: from then on it is a name like others.
        static CASES: Cell<bool> = const { Cell::new(false) };
    }
    let before = BEFORE.replace(match token {
        Token::Period | Token::Elvis => Before::Dot,
        Token::DoubleColon => Before::Colons,
        Token::Fn => Before::Fn,
        Token::Pipe => Before::Bar,
        _ => Before::Other,
    });
    match (before, token) {
        (Before::Dot, token) => token,
        (Before::Colons | Before::Fn, Token::Reserved(name)) if *name == "call" => of_module("call"),
        (Before::Other | Before::Bar, Token::Reserved(name)) if *name == "call" => {
            Token::Identifier(Box::new(api::CALL.into()))
        }
        (Before::Colons, Token::Reserved(name)) if *name == "debug" => Token::Identifier(name),
        (Before::Colons | Before::Fn, Token::Until) => of_module("until"),
        (before, Token::Reserved(name)) if *name == "case" && (before == Before::Bar || CASES.get()) => {
            CASES.set(true);
            Token::Identifier(name)
        }
        (_, token) => token,
    }
}

/// What the engine sees of a module's function that is named by a word of the language.
const OF_MODULE: char = '_';

fn of_module(name: &str) -> Token {
    Token::Identifier(Box::new(format!("{name}{OF_MODULE}").into()))
}

/// The name of a function as scripts write it.
pub(super) fn said_name(name: &str) -> &str {
    if name == api::CALL {
        return "call";
    }
    let name = forms::in_text(name);
    name.strip_suffix(OF_MODULE).filter(|name| matches!(*name, "call" | "until")).unwrap_or(name)
}

/// An operator that orders becomes ours.
fn own_operators(token: Token) -> Token {
    order_operator(&token).map_or(token, |name| Token::Custom(Box::new(name.into())))
}

/// What the engine reads for an operator that orders: its own would take what has no order for false.
fn order_operator(token: &Token) -> Option<&'static str> {
    match token {
        Token::LessThan | Token::LessThanEqualsTo | Token::GreaterThan | Token::GreaterThanEqualsTo => {
            api::operator_name(token.literal_syntax())
        }
        _ => None,
    }
}

/// A script's last value for printing: pages are fetched, functions become their name.
pub(super) fn data(value: &Dynamic) -> ScriptResult<Value> {
    match from_dynamic(value) {
        Err(_) if !value.is_array() && !value.is_map() => Ok(written_otherwise(value).into()),
        result => result.map_err(throw),
    }
}

/// What is no data, for people: a function by its name, anything else by its kind.
fn written_otherwise(value: &Dynamic) -> String {
    if !value.is_fnptr() {
        return kind_of(value);
    }
    let text = value.to_string();
    if text.contains("anon$") { "a closure".to_owned() } else { forms::said_names(&text) }
}

/// Compiles a script or module whose source was added under this name, and looks at what it says.
pub(super) fn compile(
    engine: &Engine,
    sources: &Sources,
    scope: &Scope<'_>,
    name: &str,
    text: &str,
    part: Part,
) -> std::result::Result<(AST, Vec<Diagnostic>), ParseError> {
    sources.gives_secrets(secrets::know(text));
    let (written, moved) =
        forms::written(text, Some(Unit { number: sources.number(name), is_module: part == Part::Module }));
    sources.moved(name, moved.clone());
    let ast = engine.compile_with_scope(scope, &written)?;
    sources.knows(name, &ast);
    if let Some(coverage) = sources.coverage.get() {
        coverage.know(name, &written, &ast);
    }
    // The library is looked at where it is made.
    let is_looked_at = part != Part::Piece && !name.starts_with(library::PREFIX);
    let known = is_looked_at.then_some(Known { engine, sources });
    let found = diagnostics::check(name, text, &ast, &moved, known);
    Ok((ast, found))
}

/// A script's text as its author sees it: without a byte-order mark, its lines ended in one way.
pub(crate) fn script_text(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.replace("\r\n", "\n"),
        None if text.contains('\r') => text.replace("\r\n", "\n"),
        None => text,
    }
}

/// Reads a script file.
///
/// # Errors
/// `io`, `limit` or `parse`, naming the file.
pub(crate) fn read_script(path: &Path) -> Result<String> {
    let shown = path.display();
    files::read_text(path, files::LARGEST).map(script_text).map_err(|why| match why {
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
    files::read(stream, files::LARGEST).and_then(files::text).map(script_text).map_err(|why| match why {
        Unread::NoText => Error::new(Kind::Parse, format!("{name} is not UTF-8 text")),
        _ => why.error(Kind::Io, name),
    })
}
