//! Variables that a closure captured and changes, where that is refused, or lost when a run is resumed.

use std::collections::HashSet;

use rhai::{AST, ASTNode, Expr, FnCallExpr, FnPtr, Position, Stmt};

use super::super::diagnostics::{Code, Found};
use super::super::said::{self, IN_PARALLEL};
use super::super::tokens::What;
use super::is_in_place;

/// A closure that stands in `parallel` and changes what it captured: that is constant there, and other items would be
/// done before one of them fails.
pub(in super::super) fn change_in_parallel(code: &Code<'_>, found: &mut Vec<Found>) {
    each_change(
        code,
        &["parallel", "try_parallel"],
        |call| call.args.last(),
        |change| {
            let message = match change.by {
                None => said::is_constant(change.name),
                Some(function) if code.defines(function) || may_be_closure(code, function) => return,
                Some(function) => said::would_change(function),
            };
            found.push(code.found(change.at, message, Some(IN_PARALLEL)));
        },
    );
}

/// A step that changes what it captured: a resumed run has the step's value, and not that change.
pub(in super::super) fn change_in_step(code: &Code<'_>, found: &mut Vec<Found>) {
    each_change(
        code,
        &["step"],
        |call| call.args.get(1),
        |change| {
            let message =
                format!("the step changes `{}`, and a resumed run does not run a finished step again", change.name);
            found.push(code.found(change.at, message, Some("give the value back from the step")));
        },
    );
}

/// A change of a captured variable.
struct Change<'a> {
    name: &'a str,
    /// Where the variable stands, or the function that changes it.
    at: Position,
    /// That function; none where something is assigned.
    by: Option<&'a str>,
}

/// Shows what closures change that stand in calls of these functions.
fn each_change<'a>(
    code: &Code<'a>,
    functions: &[&str],
    closure: fn(&FnCallExpr) -> Option<&Expr>,
    mut on_change: impl FnMut(Change<'_>),
) {
    // Few scripts call any of them.
    if !code.tokens.iter().any(|token| token.what == What::Name && functions.contains(&token.text)) {
        return;
    }
    code.walk(&mut |path| {
        let call = match path.last() {
            Some(
                ASTNode::Expr(Expr::FnCall(call, _) | Expr::MethodCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _)),
            ) => call,
            _ => return,
        };
        if functions.contains(&call.name.as_str())
            && call.namespace.is_empty()
            && !code.defines(&call.name)
            && let Some(closure) = closure(call).and_then(Closure::of)
        {
            closure.changes(code.ast, None, &mut on_change);
        }
    });
}

/// A closure where it is written, as the engine reads it: a function, and the variables that it is given first.
struct Closure<'a> {
    function: String,
    captured: HashSet<&'a str>,
}

impl<'a> Closure<'a> {
    /// The one that is written here, if it captures anything.
    fn of(expr: &'a Expr) -> Option<Self> {
        let Expr::Stmt(block) = expr else { return None };
        let Some(Stmt::Expr(curry)) = block.statements().last() else { return None };
        let Expr::FnCall(call, _) = &**curry else { return None };
        let (first, captured) = call.args.split_first().filter(|_| call.name == "curry")?;
        let function = first.get_literal_value(None)?.try_cast::<FnPtr>()?.fn_name().to_owned();
        let name = |expr: &'a Expr| match expr {
            Expr::Variable(variable, ..) => Some(variable.1.as_str()),
            _ => None,
        };
        Some(Self { function, captured: captured.iter().filter_map(name).collect() })
    }

    /// Shows what it changes of what it captured, and what closures in it change of that. Of closures in others, what
    /// they captured from outside the outermost is `outer`.
    fn changes(&self, ast: &AST, outer: Option<&HashSet<&str>>, on_change: &mut dyn FnMut(Change<'_>)) {
        // The engine shows a body by the tree that it is in.
        let mut body = ast.clone_functions_only();
        body.retain_functions(|_, _, name, _| name == self.function);
        let own = names_of(&body);
        let is_outer = |name: &&str| outer.is_none_or(|outer| outer.contains(name)) && !own.contains(*name);
        let captured: HashSet<&str> = self.captured.iter().copied().filter(is_outer).collect();
        walk(&body, &mut |node| {
            if let ASTNode::Expr(expr) = node
                && let Some(inner) = Closure::of(expr)
            {
                inner.changes(ast, Some(&captured), on_change);
            } else if let Some(change) = change(node).filter(|change| captured.contains(change.name)) {
                on_change(change);
            }
        });
    }
}

fn walk(body: &AST, on_node: &mut dyn FnMut(&ASTNode<'_>)) {
    body.walk(&mut |path| {
        path.last().into_iter().for_each(&mut *on_node);
        true
    });
}

/// The names that a body gives to values of its own.
fn names_of(body: &AST) -> HashSet<String> {
    let mut names = HashSet::new();
    walk(body, &mut |node| match node {
        ASTNode::Stmt(Stmt::Var(parts, ..)) => drop(names.insert(parts.0.name.to_string())),
        ASTNode::Stmt(Stmt::For(parts, _)) => {
            names.insert(parts.0.name.to_string());
            names.extend(parts.1.as_ref().map(|counter| counter.name.to_string()));
        }
        ASTNode::Stmt(Stmt::TryCatch(parts, _)) => {
            if let Expr::Variable(variable, ..) = &parts.expr {
                names.insert(variable.1.to_string());
            }
        }
        _ => {}
    });
    names
}

/// What a node changes of the variable that it begins with.
fn change<'a>(node: &ASTNode<'a>) -> Option<Change<'a>> {
    match node {
        ASTNode::Stmt(Stmt::Assignment(parts)) => match &parts.1.lhs {
            Expr::Variable(variable, _, at) => Some(Change { name: &variable.1, at: *at, by: None }),
            chain => {
                let (name, at, called) = chain_of(chain)?;
                called.is_none().then_some(Change { name, at, by: None })
            }
        },
        ASTNode::Expr(chain) => {
            let (name, _, (function, at)) = chain_of(chain).and_then(|(name, at, called)| Some((name, at, called?)))?;
            // What `for_each` changes is its closure's.
            let changes = is_in_place(function) && function != "for_each";
            changes.then_some(Change { name, at, by: Some(function) })
        }
        _ => None,
    }
}

/// The function that is called first along a chain, and where it stands.
type Called<'a> = Option<(&'a str, Position)>;

/// The variable that a chain of dots and brackets begins with, its place, and what is called first behind it.
fn chain_of(chain: &Expr) -> Option<(&str, Position, Called<'_>)> {
    let (Expr::Dot(parts, ..) | Expr::Index(parts, ..)) = chain else { return None };
    let Expr::Variable(variable, _, at) = &parts.lhs else { return None };
    Some((&variable.1, *at, first_called(&parts.rhs)))
}

fn first_called(rest: &Expr) -> Called<'_> {
    match rest {
        Expr::MethodCall(call, at) => Some((&call.name, *at)),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => {
            first_called_of(&parts.lhs).or_else(|| first_called(&parts.rhs))
        }
        _ => None,
    }
}

fn first_called_of(link: &Expr) -> Called<'_> {
    match link {
        Expr::MethodCall(call, at) => Some((&call.name, *at)),
        _ => None,
    }
}

/// Whether a map may hold a closure of this name, which a call behind a dot would call: a text that writes it as a key,
/// or has what other texts made.
fn may_be_closure(code: &Code<'_>, name: &str) -> bool {
    code.tokens.windows(3).any(|window| match window {
        [before, word, after] if word.text == name => {
            after.is(":") || before.is(".") && !matches!(after.text, "(" | "()")
        }
        [import, path, _] if import.is("import") => !path.said().starts_with("std/"),
        _ => false,
    }) || code.tokens.iter().any(|token| matches!(token.what, What::Text { .. }) && token.said() == name)
}
