//! Calls of functions that there are not.

use std::collections::HashSet;
use std::ops::Range;

use rhai::{ASTNode, Expr, FnCallExpr, Stmt};

use super::super::diagnostics::{Code, Found};
use super::super::forms::in_text;
use super::super::hints;
use super::super::host::said_name;
use super::super::known::Known;
use super::super::tokens::{Token, What};

/// A call by a name that nothing has: it would fail when it is reached, behind whatever was done before it. A script
/// that asks whether there is the function, or catches what comes of the call, is right without it.
pub(in super::super) fn unknown_function(code: &Code<'_>, found: &mut Vec<Found>) {
    let Some(known) = code.known else { return };
    let tokens: Vec<&Token<'_>> =
        code.tokens.iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let (asked, tries) = (asked_for(&tokens), tries(&tokens));
    // Most functions are called many times.
    let mut right: HashSet<String> = HashSet::new();
    code.walk(&mut |path| {
        let (ASTNode::Expr(Expr::FnCall(call, position)) | ASTNode::Stmt(Stmt::FnCall(call, position))) =
            (match path.last() {
                Some(node) => node,
                None => return,
            })
        else {
            return;
        };
        let name = call.namespace.path.iter().map(|module| module.name.as_str()).chain([call.name.as_str()]);
        let name = name.collect::<Vec<_>>().join("::");
        if call.op_token.is_some() || name.contains('$') || right.contains(&name) {
            return;
        }
        match lacking(code, known, call) {
            None => drop(right.insert(name)),
            Some((name, _)) if asked.contains(name.as_str()) => {}
            Some((name, hint)) => {
                let call = code.found(*position, format!("there is no function `{name}`"), hint.as_deref());
                found.extend((!tries.iter().any(|body| body.contains(&call.at))).then_some(call));
            }
        }
    });
}

/// The names that a text asks `is_def_fn` for.
fn asked_for<'a>(tokens: &[&'a Token<'_>]) -> HashSet<&'a str> {
    let asked = tokens.windows(3).filter_map(|three| match three {
        [word, open, name] if word.is("is_def_fn") && open.is("(") => Some(*name),
        _ => None,
    });
    asked.filter(|name| matches!(name.what, What::Text { .. })).map(Token::said).collect()
}

/// Where the blocks behind `try` stand, in bytes.
fn tries(tokens: &[&Token<'_>]) -> Vec<Range<usize>> {
    let begin = tokens.iter().enumerate().filter(|(_, token)| token.is("try"));
    let bodies = begin.filter_map(|(at, token)| {
        let mut depth = 0;
        let end = tokens.iter().skip(at + 1).find(|token| {
            depth += i32::from(token.is("{") || token.is("#{")) - i32::from(token.is("}"));
            depth == 0
        });
        end.map(|end| token.start..end.start)
    });
    bodies.collect()
}

/// The name of a function that there is not, as it is written, and what may be meant; `None` where there may be one.
fn lacking(code: &Code<'_>, known: Known<'_>, call: &FnCallExpr) -> Option<(String, Option<String>)> {
    let function = said_name(&call.name);
    let modules = &call.namespace.path;
    let Some(module) = modules.first().map(|module| in_text(&module.name)) else {
        let is_known = known.has(function) || known.has(&call.name);
        return (!is_known).then(|| (function.to_owned(), hints::of_unknown(function, known.names(), code.text)));
    };
    let name = format!("{module}::{function}");
    if modules.len() > 1 {
        return None;
    }
    if let Some(functions) = hints::of_import(module, &code.tokens) {
        return (!functions.contains(&function)).then(|| (name, Some(hints::of_module(module, function, &functions))));
    }
    // What the engine has, unless something of the same name is imported.
    let is_own = known.has_module(module) && !code.tokens.iter().any(|token| token.is("import"));
    (is_own && !known.has(&name)).then(|| {
        let hint = hints::of_unknown(&name, known.names(), code.text);
        (name, hint)
    })
}
