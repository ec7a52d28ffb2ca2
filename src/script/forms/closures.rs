//! Where closures stand in a text, and what they see.

use std::collections::HashSet;
use std::ops::Range;

use super::Code;
use crate::script::tokens::What;

/// The words of a closure: of its parameters, and of its body.
pub(super) struct Closure {
    pub parameters: Range<usize>,
    pub body: Range<usize>,
}

/// The closures of a text, those within others too.
pub(super) fn all(code: &Code<'_>) -> Vec<Closure> {
    let mut found = Vec::new();
    let mut n = 0;
    while n < code.tokens.len() {
        let begins = !ends_value(code, n);
        n += 1;
        let parameters = match code.text(n - 1) {
            "||" if begins => n..n,
            "|" if begins => {
                let Some(bar) = (n..code.tokens.len()).find(|&at| code.text(at) == "|") else { break };
                n..bar
            }
            _ => continue,
        };
        let from = if parameters.is_empty() && code.text(n - 1) == "||" { n } else { parameters.end + 1 };
        n = from;
        found.push(Closure { parameters, body: from..end_of_value(code, from) });
    }
    found
}

/// The names in the bodies of closures: what they may have captured is among them.
pub(super) fn captured<'a>(code: &Code<'a>) -> HashSet<&'a str> {
    let bodies = all(code).into_iter().flat_map(|closure| closure.body);
    bodies.filter_map(|n| code.tokens.get(n)).filter(|token| token.what == What::Name).map(|token| token.text).collect()
}

/// Whether the word before `n` ends a value: a bar behind one is an operator.
fn ends_value(code: &Code<'_>, n: usize) -> bool {
    n.checked_sub(1).and_then(|before| code.tokens.get(before)).is_some_and(|before| match before.what {
        What::Name | What::Number | What::Text { .. } => true,
        What::Keyword => matches!(before.text, "this" | "true" | "false"),
        What::Symbol => matches!(before.text, ")" | "]" | "}"),
        _ => false,
    })
}

/// Behind the value that begins at `n`.
fn end_of_value(code: &Code<'_>, n: usize) -> usize {
    if code.text(n) == "{" {
        return code.end(n).map_or(code.tokens.len(), |end| end + 1);
    }
    let mut at = n;
    while at < code.tokens.len() && !matches!(code.text(at), "," | ";" | ")" | "]" | "}") {
        at = code.end(at).unwrap_or(at) + 1;
    }
    at.min(code.tokens.len())
}
