//! Which lines of scripts ran, and which of the calls that stand in them were made.
//!
//! What could run is read from a script's tree when it is compiled: the lines that statements begin on, and the calls
//! of operations. What did run is what the engine's interface for debuggers sees, which is there only when coverage is
//! asked for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::debugger::{DebuggerCommand, DebuggerEvent};
use rhai::{AST, ASTNode, Engine, Expr, FnCallExpr, Position, Stmt};
use serde::{Deserialize, Serialize};

use super::api::CALL;
use super::forms::in_text;
use super::host::Host;
use crate::catalogue;

/// Functions of the script API that are given an operation by name.
const NAMED: [&str; 5] = [CALL, "paginate", "call_all", "try_call_all", "call"];

/// What ran of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Covered {
    /// How often each line ran that can.
    pub lines: BTreeMap<usize, u64>,
    /// The calls that stand in it, in the order of the text.
    pub calls: Vec<CallSite>,
}

/// A call that stands in a script.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct CallSite {
    /// Where.
    pub line: usize,
    /// Where in it.
    pub column: usize,
    /// The operation.
    pub action: String,
    /// How often it was made.
    pub hits: u64,
}

/// What ran of the scripts of a host.
#[derive(Debug, Default)]
pub(crate) struct Coverage(Mutex<BTreeMap<String, File>>);

#[derive(Debug, Default)]
struct File {
    covered: Covered,
    /// How often the engine came by a place.
    seen: BTreeMap<(usize, usize), u64>,
}

impl Coverage {
    /// Learns what of a file can run.
    pub(super) fn know(&self, name: &str, written: &str, ast: &AST) {
        let (mut lines, mut calls) = (BTreeMap::new(), Vec::new());
        ast.walk(&mut |path| {
            let (place, call) = match path.last() {
                Some(ASTNode::Stmt(Stmt::Noop(_) | Stmt::Block(..))) | None => return true,
                // What a module exports only passes on to the module's own.
                Some(ASTNode::Stmt(statement)) if passes_on(written, statement) => return true,
                Some(ASTNode::Stmt(Stmt::FnCall(call, at))) => (Some(*at), Some((call, *at))),
                Some(ASTNode::Stmt(statement)) => (Some(statement.position()), None),
                Some(ASTNode::Expr(Expr::FnCall(call, at))) => (None, Some((call, *at))),
                Some(_) => return true,
            };
            lines.extend(place.and_then(Position::line).map(|line| (line, 0)));
            calls.extend(call.and_then(|(call, at)| site(call, at)));
            true
        });
        calls.sort();
        calls.dedup();
        self.files().entry(name.to_owned()).or_default().covered = Covered { lines, calls };
    }

    /// What ran of each file.
    pub(crate) fn covered(&self) -> BTreeMap<String, Covered> {
        let covered = |file: &File| {
            let mut covered = file.covered.clone();
            for ((line, column), count) in &file.seen {
                if let Some(hits) = covered.lines.get_mut(line) {
                    *hits = (*hits).max(*count);
                }
                let here = covered.calls.iter_mut().filter(|call| (call.line, call.column) == (*line, *column));
                here.for_each(|call| call.hits = *count);
            }
            covered
        };
        self.files().iter().map(|(name, file)| (name.clone(), covered(file))).collect()
    }

    fn see(&self, name: &str, position: Position) {
        let (Some(line), Some(column)) = (position.line(), position.position()) else { return };
        if let Some(file) = self.files().get_mut(name) {
            *file.seen.entry((line, column)).or_default() += 1;
        }
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, File>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The call of an operation, if a call is one.
fn site(call: &FnCallExpr, at: Position) -> Option<CallSite> {
    let named = || match call.args.first()? {
        Expr::StringConstant(name, _) if NAMED.contains(&call.name.as_str()) => {
            Some(catalogue::find(name).map_or(name.to_string(), |operation| operation.action.to_owned()))
        }
        _ => None,
    };
    let own = catalogue::find(&call.name).filter(|operation| operation.function == call.name);
    let action = own.map(|operation| operation.action.to_owned()).or_else(named)?;
    Some(CallSite { line: at.line()?, column: at.position()?, action, hits: 0 })
}

impl Host {
    /// Has what runs counted from now on.
    pub(crate) fn cover(&mut self, coverage: &Arc<Coverage>) {
        let _ = self.sources.coverage.set(Arc::clone(coverage));
        watch(&mut self.engine, Arc::clone(coverage));
    }
}

fn watch(engine: &mut Engine, coverage: Arc<Coverage>) {
    #[expect(deprecated, reason = "marked so because it may change, not because anything replaces it")]
    engine.register_debugger(
        |_, debugger| debugger,
        move |_, event, node, source, position| {
            // The end of a call was its beginning once.
            if matches!(event, DebuggerEvent::Start | DebuggerEvent::Step) {
                let position = if position.is_none() { node.position() } else { position };
                coverage.see(source.unwrap_or_default(), position);
            }
            Ok(DebuggerCommand::StepInto)
        },
    );
}

/// Whether a statement is all of a function that a module exports, which only calls the module's own of that name.
fn passes_on(written: &str, statement: &Stmt) -> bool {
    let (call, at) = match statement {
        Stmt::FnCall(call, at) => (call, at),
        Stmt::Expr(expression) => match expression.as_ref() {
            Expr::FnCall(call, _) => (call, &statement.position()),
            _ => return false,
        },
        _ => return false,
    };
    let name = call.name.as_str();
    let line = at.line().and_then(|line| written.lines().nth(line - 1)).unwrap_or_default();
    let rest: String = line.chars().skip(at.position().unwrap_or(1) - 1).collect();
    in_text(name) != name && rest.starts_with(name) && rest.contains(&format!(") }} private fn {name}("))
}
