//! Names that no other text of a run has, for what is a text's own.
//!
//! | an author writes | the engine reads, in the third text of a run |
//! |---|---|
//! | `fn f(a) { g(a) }` | `fn f(a) { f__of_3(a) } private fn f__of_3(a) { g__of_3(a) }` |
//! | `Fn("g")`, `list.map(g)` | `Fn("g__of_3")`, `list.map(g__of_3)` |
//! | in a module: `import "b" as m; m::f()` | `import "b" as m__of_3; m__of_3::f()` |
//! | `global::LIMIT` | `constant__(3, "LIMIT")`: see [`super::super::constants`] |
//!
//! The engine looks for a name where a call comes from, not where it is written: a closure that a module calls would
//! find the module's function, import or constant in the place of its author's, and of two modules with a function of
//! one name, one would call the other's.

use std::collections::HashSet;

use super::{Code, Edit, Unit, chains, closures};
use crate::script::constants::CONSTANT;
use crate::script::tokens::{Token, What};

/// What stands between a name and the number of its text.
const OF: &str = "__of_";

/// A name as its author wrote it.
pub(in crate::script) fn in_text(name: &str) -> &str {
    name.split_once(OF).map_or(name, |(name, _)| name)
}

/// The number of the text that a name is of.
pub(in crate::script) fn number(name: &str) -> Option<usize> {
    name.split_once(OF)?.1.parse().ok()
}

/// A text with the names in it as their authors wrote them.
pub(in crate::script) fn said_names(text: &str) -> String {
    let mut pieces = text.split(OF);
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.trim_start_matches(|c: char| c.is_ascii_digit()))
}

/// Rewrites every name that is the text's own.
pub(super) fn rewrite(code: &Code<'_>, unit: Unit, edits: &mut Vec<Edit>) {
    let of = format!("{OF}{}", unit.number);
    functions(code, &of, edits);
    if unit.is_module {
        imports(code, &of, edits);
    }
    for n in 0..code.tokens.len() {
        constant(code, n, unit.number, edits);
    }
}

/// A definition: the words of its name, and of the brackets of its parameters and body.
struct Definition {
    name: usize,
    parameters: (usize, usize),
    body: (usize, usize),
}

impl Definition {
    /// The one whose `fn` is at `n`; none for a method of a type.
    fn at(code: &Code<'_>, n: usize) -> Option<Self> {
        let is = |n: usize, text: &str| code.tokens.get(n).is_some_and(|token| token.is(text));
        // The engine reads `()` as one word.
        let end = if is(n + 2, "()") { Some(n + 2) } else { code.end(n + 2).filter(|_| is(n + 2, "(")) };
        let close = end.filter(|_| code.is_name(n + 1))?;
        let body = (close + 1, code.end(close + 1).filter(|_| is(close + 1, "{"))?);
        Some(Self { name: n + 1, parameters: (n + 2, close), body })
    }

    /// Whether it is for calling behind a dot.
    fn has_this(&self, code: &Code<'_>) -> bool {
        (self.body.0..self.body.1).any(|n| code.text(n) == "this")
    }
}

fn functions(code: &Code<'_>, of: &str, edits: &mut Vec<Edit>) {
    let all = (0..code.tokens.len()).filter(|&n| code.text(n) == "fn").filter_map(|n| Definition::at(code, n));
    let (behind_dots, plain): (Vec<_>, Vec<_>) = all.partition(|definition| definition.has_this(code));
    let mut own: HashSet<&str> = plain.iter().map(|definition| code.text(definition.name)).collect();
    own.retain(|name| !behind_dots.iter().any(|other| code.text(other.name) == *name));
    for definition in plain.iter().filter(|definition| own.contains(code.text(definition.name))) {
        let (from, to) = definition.parameters;
        let parameters = (from..to).filter(|&n| code.is_name(n)).map(|n| code.text(n)).collect::<Vec<_>>().join(", ");
        let name = code.text(definition.name);
        if let Some(brace) = code.tokens.get(definition.body.0) {
            let inner = format!("{{ {name}{of}({parameters}) }} private fn {name}{of}({parameters}) {{");
            edits.push((brace.start, brace.end(), inner));
        }
    }
    let variables = variables(code);
    for (n, token) in code.tokens.iter().enumerate() {
        let is_own = match token.what {
            What::Name if matches!(code.before(n), "." | "?." | "::" | "fn") => false,
            What::Name if matches!(code.text(n + 1), "(" | "()") => own.contains(token.text),
            // A function by its name alone; before a colon it is the key of a map, or a module.
            What::Name => {
                own.contains(token.text)
                    && !variables.contains(token.text)
                    && !matches!(code.text(n + 1), ":" | "::" | "=")
            }
            What::Text { open: false } => {
                own.contains(token.said()) && code.before(n) == "(" && n > 1 && code.text(n - 2) == "Fn"
            }
            _ => false,
        };
        if is_own {
            let at = token.end() - usize::from(token.what != What::Name);
            edits.push((at, at, of.to_owned()));
        }
    }
}

/// The names that a text gives to values.
fn variables<'a>(code: &Code<'a>) -> HashSet<&'a str> {
    let mut names = HashSet::new();
    let mut named = |n: usize| {
        let name = code.tokens.get(n).filter(|token: &&Token<'a>| token.what == What::Name);
        names.extend(name.map(|token| token.text));
    };
    for n in 0..code.tokens.len() {
        match code.text(n) {
            "let" | "const" => named(n + 1),
            "for" | "catch" => (n + 1..n + 5).take_while(|&n| !matches!(code.text(n), "in" | "{")).for_each(&mut named),
            "fn" => Definition::at(code, n)
                .into_iter()
                .flat_map(|own| own.parameters.0..own.parameters.1)
                .for_each(&mut named),
            _ => {}
        }
    }
    closures::all(code).into_iter().flat_map(|closure| closure.parameters).for_each(named);
    names
}

/// What a module calls the modules that it imports.
fn imports(code: &Code<'_>, of: &str, edits: &mut Vec<Edit>) {
    let name_of = |n: usize| {
        let mut rest = (n..code.tokens.len()).take_while(|&n| code.text(n) != ";");
        rest.find(|&n| code.text(n) == "as").map(|n| n + 1).filter(|&n| code.is_name(n))
    };
    let defined: Vec<usize> =
        (0..code.tokens.len()).filter(|&n| code.text(n) == "import").filter_map(name_of).collect();
    let known: HashSet<&str> = defined.iter().map(|&n| code.text(n)).collect();
    for (n, token) in code.tokens.iter().enumerate() {
        let is_used = code.text(n + 1) == "::" && code.before(n) != "::" && known.contains(token.text);
        if is_used || defined.contains(&n) {
            edits.push((token.end(), token.end(), of.to_owned()));
        }
    }
}

/// `global::LIMIT`, where a value is asked for.
fn constant(code: &Code<'_>, n: usize, number: usize, edits: &mut Vec<Edit>) {
    if code.text(n) == "global"
        && code.text(n + 1) == "::"
        && code.is_name(n + 2)
        && !matches!(code.text(n + 3), "(" | "()" | "::")
        && !chains::is_changed_behind(code.tokens, n + 3)
        && let (Some(from), Some(name)) = (code.tokens.get(n), code.tokens.get(n + 2))
    {
        edits.push((from.start, name.end(), format!("{CONSTANT}({number}, \"{}\")", name.text)));
    }
}
