//! Forms that scripts may use and the engine does not have, written in those that it has, before it reads
//! them. Lines stay; where columns move, [`Moved`] gives back the author's.
//!
//! | an author writes | the engine reads |
//! |---|---|
//! | `#!` in the first line | a comment |
//! | `map[key] ?? 0`, `map[key]?.field` | `map.if_there__(key)`: `()` for a key that is not there |
//! | `map?.field` | `map?.if_there__("field")` |
//! | `list[1..3]` | `list.part__(1..3)` |
//! | `catch (err) {` | `catch (err) { caught__(err);` : the engine's errors become jst's |
//! | in module `m`: `fn f(a) { g(a) }` | `fn f(a) { f__of_m(a) } private fn f__of_m(a) { g__of_m(a) }` |
//!
//! The last because the engine remembers which function a name means across modules: of two modules with a `g`, one
//! would call the other's.

use super::api::parts::{IF_THERE, PART};
use super::report::CAUGHT;
use super::rules;
use super::tokens::{self, Token, What};

/// Where a text was changed: per line, columns counted from 0.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Moved(Vec<Change>);

#[derive(Clone, Debug, PartialEq)]
struct Change {
    line: usize,
    /// The column in the author's text.
    column: usize,
    /// Characters that were there, and that are there now.
    was: usize,
    is: usize,
}

impl Moved {
    /// The author's column for a column of what the engine read; both counted from 1.
    pub(super) fn column(&self, line: usize, column: usize) -> usize {
        let mut shift = 0isize;
        for change in self.0.iter().filter(|change| change.line == line) {
            let begins = change.column.saturating_add_signed(shift) + 1;
            if column < begins {
                break;
            }
            if column < begins + change.is {
                // Within what was written instead: the author's place is its beginning.
                return change.column + 1;
            }
            shift += change.is as isize - change.was as isize;
        }
        column.saturating_add_signed(-shift).max(1)
    }

    /// Adds those of a later piece of the same text.
    pub(super) fn extend(&mut self, later: Self) {
        self.0.extend(later.0);
    }
}

/// What stands between a function's name and its module's in a name that no other module has.
const OF: &str = "__of_";

/// The name of a function without its module's.
pub(super) fn name_in_module(name: &str) -> &str {
    name.split_once(OF).map_or(name, |(name, _)| name)
}

/// The text of a script, or of a module of this name, as the engine shall read it.
pub(super) fn written(text: &str, module: Option<&str>) -> (String, Moved) {
    let tokens: Vec<Token<'_>> =
        tokens::read(text).into_iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let mut edits = Vec::new();
    if text.starts_with("#!") {
        // With a blank: three strokes would be a comment on a function.
        edits.push((0, 2, "// ".to_owned()));
    }
    let matching = brackets(&tokens);
    for (n, token) in tokens.iter().enumerate() {
        match (token.what, token.text) {
            (What::Symbol, "[") if stands_behind_value(&tokens, n) => {
                if let Some(&Some(end)) = matching.get(n) {
                    index(&tokens, n, end, &mut edits);
                }
            }
            (What::Symbol, "?.") => field(&tokens, n, &mut edits),
            (What::Keyword, "catch") => caught(&tokens, n, &mut edits),
            _ => {}
        }
    }
    if let Some(module) = module {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        own_functions(
            &tokens,
            &matching,
            &format!("{OF}{}", module.chars().map(plain).collect::<String>()),
            &mut edits,
        );
    }
    apply(text, edits)
}

/// A definition in a module: the tokens of its name, and of the brackets of its parameters and body.
struct Definition {
    name: usize,
    parameters: (usize, usize),
    body: (usize, usize),
}

impl Definition {
    /// The one whose `fn` is at `n`; none for a method of a type.
    fn at(tokens: &[Token<'_>], matching: &[Option<usize>], n: usize) -> Option<Self> {
        let is = |n: usize, text: &str| tokens.get(n).is_some_and(|token| token.is(text));
        let end = |n: usize| matching.get(n).copied().flatten();
        tokens.get(n + 1).filter(|name| name.what == What::Name)?;
        let close = end(n + 2).filter(|_| is(n + 2, "("))?;
        let body = (close + 1, end(close + 1).filter(|_| is(close + 1, "{"))?);
        Some(Self { name: n + 1, parameters: (n + 2, close), body })
    }

    /// Whether it is for calling behind a dot.
    fn has_this(&self, tokens: &[Token<'_>]) -> bool {
        tokens.get(self.body.0..self.body.1).unwrap_or_default().iter().any(|token| token.is("this"))
    }
}

/// Gives the functions of a module names that no other has, where the module itself calls them.
fn own_functions(tokens: &[Token<'_>], matching: &[Option<usize>], of: &str, edits: &mut Vec<Edit>) {
    let text = |n: usize| tokens.get(n).map_or("", |token| token.text);
    let all = (0..tokens.len()).filter(|&n| text(n) == "fn").filter_map(|n| Definition::at(tokens, matching, n));
    let (behind_dots, plain): (Vec<_>, Vec<_>) = all.partition(|definition| definition.has_this(tokens));
    let is_own = |name: &str| {
        plain.iter().any(|own| text(own.name) == name) && !behind_dots.iter().any(|other| text(other.name) == name)
    };
    for definition in plain.iter().filter(|definition| is_own(text(definition.name))) {
        let (from, to) = definition.parameters;
        let parameters = tokens.get(from..to).unwrap_or_default().iter().filter(|token| token.what == What::Name);
        let parameters = parameters.map(|token| token.text).collect::<Vec<_>>().join(", ");
        let name = text(definition.name);
        if let Some(brace) = tokens.get(definition.body.0) {
            let inner = format!("{{ {name}{of}({parameters}) }} private fn {name}{of}({parameters}) {{");
            edits.push((brace.start, brace.end(), inner));
        }
    }
    for (n, token) in tokens.iter().enumerate().filter(|(_, token)| token.what == What::Name && is_own(token.text)) {
        let before = n.checked_sub(1).map_or("", text);
        if text(n + 1) == "(" && !matches!(before, "." | "?." | "::" | "fn") {
            edits.push((token.end(), token.end(), of.to_owned()));
        }
    }
}

/// Bytes from, bytes to, what stands there instead.
type Edit = (usize, usize, String);

fn apply(text: &str, mut edits: Vec<Edit>) -> (String, Moved) {
    edits.sort_by_key(|(start, ..)| *start);
    let (mut written, mut moved, mut done) = (String::with_capacity(text.len()), Vec::new(), 0);
    for (start, end, instead) in edits {
        let (Some(before), Some(was)) = (text.get(done..start), text.get(start..end)) else {
            continue;
        };
        written.push_str(before);
        let (line, column) = tokens::place_of(text, start);
        moved.push(Change { line, column: column - 1, was: was.chars().count(), is: instead.chars().count() });
        written.push_str(&instead);
        done = end;
    }
    written.push_str(text.get(done..).unwrap_or_default());
    (written, Moved(moved))
}

/// For each opening bracket its end.
fn brackets(tokens: &[Token<'_>]) -> Vec<Option<usize>> {
    let mut matching = vec![None; tokens.len()];
    let mut open = Vec::new();
    for (n, token) in tokens.iter().enumerate().filter(|(_, token)| token.what == What::Symbol) {
        match token.text {
            "(" | "[" | "?[" | "{" | "#{" => open.push(n),
            ")" | "]" | "}" => {
                if let Some(slot) = open.pop().and_then(|begin: usize| matching.get_mut(begin)) {
                    *slot = Some(n);
                }
            }
            _ => {}
        }
    }
    matching
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

fn is_assignment(token: Option<&Token<'_>>) -> bool {
    token.is_some_and(|token| {
        token.what == What::Symbol
            && token.text.ends_with('=')
            && !matches!(token.text, "==" | "!=" | "<=" | ">=" | "..=")
    })
}

/// Whether the chain that goes on at `n` is changed at its end: what it passes must be the thing itself then.
fn is_changed_behind(tokens: &[Token<'_>], n: usize) -> bool {
    let mut rest = tokens.get(n..).unwrap_or_default().iter().peekable();
    while let Some(token) = rest.next() {
        match token.text {
            "." | "?." => {
                let name = rest.next().map(|token| token.text).unwrap_or_default();
                if rules::is_in_place(name) && rest.peek().is_some_and(|token| token.is("(")) {
                    return true;
                }
            }
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
    let is_call = next.is_some_and(|token| token.is("("));
    if name.what == What::Name && !is_call && !is_changed_behind(tokens, n + 2) {
        edits.push((name.start, name.end(), format!("{IF_THERE}(\"{}\")", name.text)));
    }
}

/// `catch (err) {`.
fn caught(tokens: &[Token<'_>], n: usize, edits: &mut Vec<Edit>) {
    if let Some([open, name, close, brace]) = tokens.get(n + 1..n + 5)
        && open.is("(")
        && close.is(")")
        && brace.is("{")
        && name.what == What::Name
    {
        edits.push((brace.end(), brace.end(), format!(" {CAUGHT}({});", name.text)));
    }
}
