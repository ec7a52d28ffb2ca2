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
//! | `map.keys().map(\|k\| map[k])` | `itself__(map.keys()).map(\|k\| map[k])` : see [`chains`] |
//! | `fn f(a) { g(a) }`, `import "b" as m`, `global::K` | names that no other text has: see [`names`] |

mod chains;
mod closures;
mod names;

pub(super) use chains::register as register_itself;
pub(super) use names::{in_text, number, said_names};

use super::report::CAUGHT;
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

/// What a text is to the run that reads it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    /// The number that tells it from others.
    pub number: usize,
    /// Whether it is a module: a script's imports are its own.
    pub is_module: bool,
}

/// A text as the engine shall read it; of no unit, it keeps the names of its own.
pub(super) fn written(text: &str, unit: Option<Unit>) -> (String, Moved) {
    let tokens: Vec<Token<'_>> =
        tokens::read(text).into_iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let mut edits = Vec::new();
    if text.starts_with("#!") {
        // With a blank: three strokes would be a comment on a function.
        edits.push((0, 2, "// ".to_owned()));
    }
    let matching = brackets(&tokens);
    let code = Code { tokens: &tokens, matching: &matching };
    chains::rewrite(&code, &mut edits);
    if let Some(unit) = unit {
        names::rewrite(&code, unit, &mut edits);
    }
    for (n, _) in tokens.iter().enumerate().filter(|(_, token)| token.is("catch")) {
        caught(&tokens, n, &mut edits);
    }
    apply(text, edits)
}

/// The words of a text without its comments.
struct Code<'a> {
    tokens: &'a [Token<'a>],
    /// For each opening bracket its end.
    matching: &'a [Option<usize>],
}

impl Code<'_> {
    fn text(&self, n: usize) -> &str {
        self.tokens.get(n).map_or("", |token| token.text)
    }

    fn is_name(&self, n: usize) -> bool {
        self.tokens.get(n).is_some_and(|token| token.what == What::Name)
    }

    /// The end of the bracket at `n`.
    fn end(&self, n: usize) -> Option<usize> {
        self.matching.get(n).copied().flatten()
    }

    /// The word before the one at `n`.
    fn before(&self, n: usize) -> &str {
        n.checked_sub(1).map_or("", |before| self.text(before))
    }
}

/// Bytes from, bytes to, what stands there instead.
type Edit = (usize, usize, String);

fn apply(text: &str, mut edits: Vec<Edit>) -> (String, Moved) {
    edits.sort_by_key(|(start, ..)| *start);
    let (mut written, mut moved, mut done) = (String::with_capacity(text.len()), Vec::new(), 0);
    // The line that was reached, where it begins, and how far it was looked for.
    let (mut line, mut begins, mut reached) = (1, 0, 0);
    for (start, end, instead) in edits {
        let (Some(before), Some(was)) = (text.get(done..start), text.get(start..end)) else {
            continue;
        };
        written.push_str(before);
        for (at, _) in text.get(reached..start).unwrap_or_default().match_indices('\n') {
            (line, begins) = (line + 1, reached + at + 1);
        }
        reached = start;
        let column = text.get(begins..start).unwrap_or_default().chars().count();
        moved.push(Change { line, column, was: was.chars().count(), is: instead.chars().count() });
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
