//! What the rules of [`super::diagnostics`] look for, in a script's tree and in its words.

mod calls;
mod captured;
mod texts;

use rhai::{ASTNode, Expr, Position, Stmt};

pub(super) use calls::unknown_function;
pub(super) use captured::{change_in_parallel, change_in_step};
pub(super) use texts::{backtick_escape, quoted_interpolation};

use super::api;
use super::diagnostics::{Code, Found};
use super::tokens::{self, Token, What};

/// Functions that change what stands before the dot and give nothing, and what gives a value instead.
const IN_PLACE: &[(&str, &str)] = &[
    ("replace", "`replaced` gives the new text"),
    ("trim", "`trimmed` gives the new text"),
    ("pad", "`padded` gives the new value"),
    ("make_upper", "`to_upper` gives the new text"),
    ("make_lower", "`to_lower` gives the new text"),
    ("crop", "`sub_string` gives the part"),
    ("truncate", "`sub_string` and `extract` give the part"),
    ("sort", "`order` gives the sorted array"),
    ("sort_by", "`order_by` gives the sorted array"),
    ("sort_desc", "`order_desc` gives the sorted array"),
    ("push", "`list + [item]` gives the longer array"),
    ("insert", "insert on a line of its own"),
    ("reverse", "reverse on a line of its own"),
    ("dedup", "dedup on a line of its own"),
    ("clear", "clear on a line of its own"),
];

/// Of those, the ones for texts: what a function was given is its own, so changing it last is in vain.
const OF_TEXTS: [&str; 7] = ["replace", "trim", "pad", "make_upper", "make_lower", "crop", "truncate"];

/// Functions that keep what they are given.
const KEEPS: [&str; 5] = ["push", "insert", "append", "set", "unshift"];

/// Whether a function of this name changes what stands before the dot.
pub(super) fn is_in_place(name: &str) -> bool {
    IN_PLACE.iter().any(|(known, _)| *known == name)
        || matches!(
            name,
            "append"
                | "set"
                | "remove"
                | "pop"
                | "shift"
                | "splice"
                | "drain"
                | "retain"
                | "mixin"
                | "fill_with"
                | "chop"
                | "for_each"
        )
}

impl Code<'_> {
    fn byte(&self, position: Position) -> usize {
        let (line, column) = (position.line().unwrap_or(1), position.position().unwrap_or(1));
        tokens::byte_at(self.text, line, self.moved.column(line, column))
    }

    fn found(&self, position: Position, message: String, hint: Option<&str>) -> Found {
        Found { at: self.byte(position), message, hint: hint.map(str::to_owned) }
    }

    fn defines(&self, name: &str) -> bool {
        self.ast.iter_functions().any(|function| function.name == name)
    }

    /// What stands behind the arguments of a call whose name is at this place.
    fn behind_call(&self, name: Position) -> Option<&Token<'_>> {
        let at = self.byte(name);
        let mut rest = self.tokens.iter().skip_while(|token| token.end() <= at).skip(1);
        let mut depth = 0;
        for token in rest.by_ref() {
            match token.text {
                "(" | "[" | "{" | "#{" | "?[" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        rest.find(|token| !matches!(token.what, What::Comment { .. }))
    }

    /// Shows every node with the way to it.
    fn walk(&self, on_node: &mut dyn FnMut(&[ASTNode<'_>])) {
        self.ast.walk(&mut |path| {
            on_node(path);
            true
        });
    }

    /// Whether a way begins in a function or closure.
    fn is_in_function(&self, path: &[ASTNode<'_>]) -> bool {
        let Some(ASTNode::Stmt(first)) = path.first() else {
            return false;
        };
        !self.ast.statements().iter().any(|statement| std::ptr::eq(statement, *first))
    }
}

/// A loop without a body: the engine hides every error of the list that it walks.
pub(super) fn empty_loop(code: &Code<'_>, found: &mut Vec<Found>) {
    code.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::For(parts, position))) = path.last()
            && parts.2.body.is_empty()
        {
            let message = "a loop with an empty body would hide every error of its list".to_owned();
            found.push(code.found(*position, message, None));
        }
    });
}

/// A comment without an end: the engine takes the text's end for it.
pub(super) fn open_comment(code: &Code<'_>, found: &mut Vec<Found>) {
    if let Some(comment) = code.tokens.last().filter(|token| token.what == (What::Comment { open: true })) {
        let message = "the comment that begins here has no end: what follows would not be run".to_owned();
        found.push(Found { at: comment.start, message, hint: None });
    }
}

/// The key `call`, which is read as something else.
pub(super) fn call_key(code: &Code<'_>, found: &mut Vec<Found>) {
    code.walk(&mut |path| {
        if let Some(ASTNode::Expr(Expr::Map(map, _))) = path.last() {
            for (key, _) in map.0.iter().filter(|(key, _)| *key.name == *api::CALL) {
                found.push(code.found(key.pos, "write the key `call` in quotes".to_owned(), None));
            }
        }
    });
}

/// A function that changes its text or list in place and gives nothing, where its value is used.
pub(super) fn value_of_change(code: &Code<'_>, found: &mut Vec<Found>) {
    code.walk(&mut |path| {
        let Some((ASTNode::Expr(Expr::MethodCall(call, position)), above)) = path.split_last() else {
            return;
        };
        let Some((name, instead)) = IN_PLACE.iter().find(|(name, _)| *name == call.name) else {
            return;
        };
        if code.defines(name) {
            return;
        }
        let is_followed = || code.behind_call(*position).is_some_and(|token| token.is(";"));
        let is_used = match outside_chain(*position, above) {
            Use::InChain => true,
            // As the last thing of a function or block it is the value of that.
            Use::Statement(0) => OF_TEXTS.contains(name) && code.is_in_function(path) && !is_followed(),
            Use::Statement(depth) => {
                matches!(path.get(depth - 1), Some(ASTNode::Expr(Expr::Stmt(_)))) && !is_followed()
            }
            Use::Value => true,
        };
        if is_used {
            let message = format!("`{name}` changes what stands before it and gives (); its value is used here");
            found.push(code.found(*position, message, Some(instead)));
        }
    });
}

/// How the value of a method call is used.
enum Use {
    /// By what follows the next dot.
    InChain,
    /// Not at all: it is a statement so many levels deep.
    Statement(usize),
    /// By what is around it.
    Value,
}

/// `call` is where the method's name stands, `above` the way to it.
fn outside_chain(call: Position, above: &[ASTNode<'_>]) -> Use {
    let mut depth = above.len();
    for node in above.iter().rev() {
        depth -= 1;
        match node {
            // Before the dot of what follows.
            ASTNode::Expr(Expr::Dot(parts, ..) | Expr::Index(parts, ..)) if matches!(&parts.lhs, Expr::MethodCall(_, at) if *at == call) =>
            {
                return Use::InChain;
            }
            ASTNode::Expr(Expr::Dot(..) | Expr::Index(..)) => {}
            ASTNode::Stmt(Stmt::Expr(_)) => return Use::Statement(depth),
            _ => return Use::Value,
        }
    }
    Use::Value
}

/// The variable that a chain of dots and brackets begins with.
fn root(expr: &Expr) -> Option<(&str, Position)> {
    match expr {
        Expr::Variable(variable, _, position) => Some((variable.1.as_str(), *position)),
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => root(&parts.lhs),
        _ => None,
    }
}

/// A change that nobody reads.
pub(super) fn lost_change(code: &Code<'_>, found: &mut Vec<Found>) {
    change_of_element(code, found);
    change_of_nothing(code, found);
}

/// A `for` loop's variable that is changed, and the change is read by nobody: it is a copy of the element.
fn change_of_element(code: &Code<'_>, found: &mut Vec<Found>) {
    code.walk(&mut |path| {
        let Some(ASTNode::Stmt(Stmt::For(parts, _))) = path.last() else {
            return;
        };
        let name = parts.0.name.as_str();
        let uses = Uses::of(name, parts.2.body.statements());
        for write in &uses.writes {
            let is_read = uses.reads.iter().any(|read| {
                let later = *read > write.at;
                // The next turn of a loop inside reads what this one wrote.
                let around = write.within.is_some_and(|start| *read > start);
                later || around
            });
            if !is_read {
                let message = format!("`{name}` is a copy of the element, and nobody reads what it becomes here");
                let hint = "walk the indexes to change the list: for n in 0..list.len() { list[n] = … }";
                found.push(code.found(write.at, message, Some(hint)));
            }
        }
    });
}

/// A statement that changes in place what nothing keeps: a text as it is written, or what a function gives.
fn change_of_nothing(code: &Code<'_>, found: &mut Vec<Found>) {
    code.walk(&mut |path| {
        let Some(ASTNode::Stmt(Stmt::Expr(statement))) = path.last() else { return };
        let Some((name, position)) = in_vain(statement).filter(|(name, _)| !code.defines(name)) else { return };
        // As the last thing of a function or block its value is wanted, which is told otherwise.
        if code.behind_call(position).is_some_and(|token| token.is(";")) {
            let message = format!("`{name}` changes what nothing keeps, and nobody reads what it becomes here");
            let instead = IN_PLACE.iter().find(|(known, _)| *known == name).map(|(_, instead)| *instead);
            found.push(code.found(position, message, instead.filter(|_| OF_TEXTS.contains(&name))));
        }
    });
}

/// The function at the end of a chain that changes what stands before it, where that is a value by itself, or what
/// another function gave.
fn in_vain(chain: &Expr) -> Option<(&str, Position)> {
    let (Expr::Dot(parts, ..) | Expr::Index(parts, ..)) = chain else { return None };
    let mut is_own = match &parts.lhs {
        Expr::StringConstant(..) | Expr::InterpolatedString(..) | Expr::Array(..) | Expr::Map(..) => true,
        Expr::FnCall(call, _) => call.op_token.is_none(),
        _ => false,
    };
    let mut rest = &parts.rhs;
    while let Expr::Dot(parts, ..) | Expr::Index(parts, ..) = rest {
        is_own |= matches!(&parts.lhs, Expr::MethodCall(..));
        rest = &parts.rhs;
    }
    match rest {
        Expr::MethodCall(call, at) if is_own && IN_PLACE.iter().any(|(known, _)| *known == call.name) => {
            Some((&call.name, *at))
        }
        _ => None,
    }
}

/// Where a variable is read and changed.
#[derive(Default)]
struct Uses {
    reads: Vec<Position>,
    writes: Vec<Write>,
}

struct Write {
    at: Position,
    /// Where the outermost loop around it begins, inside the loop in question.
    within: Option<Position>,
}

impl Uses {
    fn of(name: &str, body: &[Stmt]) -> Self {
        let mut uses = Self::default();
        for statement in body {
            statement.walk(&mut Vec::new(), &mut |path| {
                uses.see(name, path);
                true
            });
        }
        let changed: Vec<Position> = uses.writes.iter().map(|write| write.at).collect();
        uses.reads.retain(|read| !changed.contains(read));
        uses
    }

    fn see(&mut self, name: &str, path: &[ASTNode<'_>]) {
        let changed = match path.last() {
            Some(ASTNode::Stmt(Stmt::Assignment(parts))) => root(&parts.1.lhs),
            Some(ASTNode::Stmt(Stmt::Expr(expr))) if changes(expr) => root(expr),
            Some(ASTNode::Expr(Expr::Variable(variable, _, at))) if variable.1 == name => {
                self.reads.push(*at);
                None
            }
            _ => None,
        };
        if let Some((_, at)) = changed.filter(|(changed, _)| *changed == name) {
            let within = path.iter().find_map(|node| match node {
                ASTNode::Stmt(Stmt::While(_, at) | Stmt::Do(_, _, at) | Stmt::For(_, at)) => Some(*at),
                _ => None,
            });
            self.writes.push(Write { at, within });
        }
    }
}

/// Whether a chain ends in a call of a function that changes what stands before it.
fn changes(expr: &Expr) -> bool {
    match expr {
        Expr::Dot(parts, ..) | Expr::Index(parts, ..) => changes(&parts.rhs),
        Expr::MethodCall(call, _) => IN_PLACE.iter().any(|(name, _)| *name == call.name),
        _ => false,
    }
}

/// A closure that is kept for later and sees a loop's variable: all that are kept see its last value.
pub(super) fn captured_loop_variable(code: &Code<'_>, found: &mut Vec<Found>) {
    code.walk(&mut |path| {
        let Some((ASTNode::Expr(Expr::FnCall(closure, _)), above)) = path.split_last() else {
            return;
        };
        if closure.name != "curry" || !is_kept(above) {
            return;
        }
        for captured in closure.args.iter().skip(1) {
            let Some((name, at)) = root(captured) else {
                continue;
            };
            let is_of_loop = |node: &ASTNode<'_>| match node {
                ASTNode::Stmt(Stmt::For(parts, _)) => {
                    parts.0.name == name || parts.1.as_ref().is_some_and(|counter| counter.name == name)
                }
                _ => false,
            };
            if above.iter().any(is_of_loop) {
                let message = format!("a closure that is kept sees `{name}` as the loop leaves it, not as it is now");
                let hint = format!("copy it first: let own = {name}; and use the copy in the closure");
                found.push(code.found(at, message, Some(&hint)));
            }
        }
    });
}

/// Whether what stands at the end of this way is kept: given to a list, or assigned to what was there before.
fn is_kept(above: &[ASTNode<'_>]) -> bool {
    for node in above.iter().rev() {
        match node {
            ASTNode::Expr(Expr::MethodCall(call, _)) => return KEEPS.contains(&call.name.as_str()),
            ASTNode::Expr(Expr::FnCall(call, _)) if call.op_token.is_none() => {
                return KEEPS.contains(&call.name.as_str());
            }
            ASTNode::Stmt(Stmt::FnCall(call, _)) => return KEEPS.contains(&call.name.as_str()),
            ASTNode::Stmt(Stmt::Assignment(_)) => return true,
            ASTNode::Stmt(Stmt::For(..) | Stmt::Var(..)) => return false,
            _ => {}
        }
    }
    false
}
