//! What stands behind dots and brackets: `list[1..3]`, `map?.field`, `map.keys().map(|key| map[key])`.
//!
//! The last because the engine holds a variable for as long as it works along the dots behind it, and a closure on the
//! way that looks at the variable would wait for it in vain. So what stands before a function that calls closures is
//! worked out first, where the variable is one that a closure captures.

use rhai::{Dynamic, Module};

use super::{Code, Edit, closures};
use crate::script::api::parts::{IF_THERE, PART};
use crate::script::api::{CHANGES_BY_CLOSURE, TAKE_CLOSURES, function};
use crate::script::rules;
use crate::script::tokens::{Token, What};

/// The function that gives what it is given.
const ITSELF: &str = "itself__";

/// Registers the function that a chain begins with.
pub(in crate::script) fn register(module: &mut Module) {
    function(ITSELF, &["any"; 2], "").with_volatility(true).set_into_module(module, |value: Dynamic| value);
}

/// Rewrites every chain of a text.
pub(super) fn rewrite(code: &Code<'_>, edits: &mut Vec<Edit>) {
    let captured = closures::captured(code);
    for (n, token) in code.tokens.iter().enumerate() {
        match (token.what, token.text) {
            (What::Symbol, "[") if stands_behind_value(code.tokens, n) => {
                if let Some(end) = code.end(n) {
                    index(code.tokens, n, end, edits);
                }
            }
            (What::Symbol, "?.") => field(code.tokens, n, edits),
            (What::Name, name) if captured.contains(name) && !matches!(code.before(n), "." | "?." | "::" | "fn") => {
                worked_out_first(code, n, edits);
            }
            _ => {}
        }
    }
}

/// The chain that begins with the variable at `n`.
fn worked_out_first(code: &Code<'_>, n: usize, edits: &mut Vec<Edit>) {
    let mut at = n + 1;
    loop {
        at = match code.text(at) {
            "." | "?." if code.text(at + 2) == "(" => {
                let Some(end) = code.end(at + 2) else { return };
                if calls_closure(code, at + 1, end) {
                    break;
                }
                end + 1
            }
            // The engine reads `()` as one word.
            "." | "?." if code.text(at + 2) == "()" => at + 3,
            "." | "?." => at + 2,
            "[" | "?[" => match code.end(at) {
                Some(end) => end + 1,
                None => return,
            },
            _ => return,
        }
    }
    let function = code.text(at + 1);
    // What changes the variable in place needs the variable itself.
    let changes = CHANGES_BY_CLOSURE.contains(&function)
        || function == "for_each" && code.end(at + 2).is_none_or(|end| (at..end).any(|n| code.text(n) == "this"))
        || is_changed_behind(code.tokens.get(..at).unwrap_or_default(), n + 1)
        || is_changed_behind(code.tokens, code.end(at + 2).map_or(at, |end| end + 1));
    if let (Some(first), Some(last), false) = (code.tokens.get(n), code.tokens.get(at - 1), changes) {
        edits.push((first.start, first.start, format!("{ITSELF}(")));
        edits.push((last.end(), last.end(), ")".to_owned()));
    }
}

/// Whether the function named at `n`, whose brackets close at `end`, may call a closure that it is given.
fn calls_closure(code: &Code<'_>, n: usize, end: usize) -> bool {
    let is_given = end > n + 2;
    is_given && TAKE_CLOSURES.contains(&code.text(n))
}

/// Whether the bracket at `n` asks for a part of the value before it, and makes no list.
fn stands_behind_value(tokens: &[Token<'_>], n: usize) -> bool {
    n.checked_sub(1).and_then(|before| tokens.get(before)).is_some_and(|before| match before.what {
        What::Name | What::Text { .. } => true,
        What::Keyword => before.text == "this",
        What::Symbol => matches!(before.text, ")" | "]"),
        _ => false,
    })
}

/// `list[1..3]`, and `map[key]` before `??`, `?.` and `?[`.
fn index(tokens: &[Token<'_>], begin: usize, end: usize, edits: &mut Vec<Edit>) {
    let (Some(open), Some(close)) = (tokens.get(begin), tokens.get(end)) else {
        return;
    };
    let follows = |word: &str| tokens.get(end + 1).is_some_and(|token| token.is(word));
    let is_asking = ["??", "?.", "?["].into_iter().any(follows) && !is_changed_behind(tokens, end + 1);
    let function = match () {
        () if is_range(tokens, begin, end) && !is_assignment(tokens.get(end + 1)) => PART,
        () if is_asking => IF_THERE,
        () => return,
    };
    edits.push((open.start, open.end(), format!(".{function}(")));
    edits.push((close.start, close.end(), ")".to_owned()));
}

/// Whether a range stands between these brackets, not within brackets of its own.
fn is_range(tokens: &[Token<'_>], begin: usize, end: usize) -> bool {
    let mut depth = 0;
    tokens.get(begin + 1..end).unwrap_or_default().iter().any(|token| {
        match token.text {
            "(" | "[" | "?[" | "{" | "#{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        depth == 0 && (token.is("..") || token.is("..="))
    })
}

/// Whether the chain that goes on at `n` is changed at its end: what it passes must be the thing itself then.
pub(super) fn is_changed_behind(tokens: &[Token<'_>], n: usize) -> bool {
    let mut rest = tokens.get(n..).unwrap_or_default().iter().peekable();
    while let Some(token) = rest.next() {
        match token.text {
            "." | "?." => {
                let name = rest.next().map(|token| token.text).unwrap_or_default();
                if rules::is_in_place(name) && rest.peek().is_some_and(|token| token.is("(") || token.is("()")) {
                    return true;
                }
            }
            "()" => {}
            "[" | "?[" | "(" => {
                let mut depth = 1;
                while depth > 0 {
                    match rest.next().map(|token| token.text) {
                        Some("(" | "[" | "?[" | "{" | "#{") => depth += 1,
                        Some(")" | "]" | "}") => depth -= 1,
                        Some(_) => {}
                        None => return false,
                    }
                }
            }
            _ => return is_assignment(Some(token)),
        }
    }
    false
}

/// `map?.field`, when a value is asked for.
fn field(tokens: &[Token<'_>], n: usize, edits: &mut Vec<Edit>) {
    let (Some(name), next) = (tokens.get(n + 1), tokens.get(n + 2)) else {
        return;
    };
    let is_call = next.is_some_and(|token| token.is("(") || token.is("()"));
    if name.what == What::Name && !is_call && !is_changed_behind(tokens, n + 2) {
        edits.push((name.start, name.end(), format!("{IF_THERE}(\"{}\")", name.text)));
    }
}

fn is_assignment(token: Option<&Token<'_>>) -> bool {
    token.is_some_and(|token| {
        token.what == What::Symbol
            && token.text.ends_with('=')
            && !matches!(token.text, "==" | "!=" | "<=" | ">=" | "..=")
    })
}
