//! Whether a password stands by itself where it was found: as a word of talk, or as a value of data. Elsewhere
//! the text only happens to read the same.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::OnceLock;

use crate::catalogue::{self, Field, Shape};
use crate::secret::{MASK, is_secret_name};

/// What goes in place of a number: JSON knows no other value with stars.
const QUOTED: &str = "\"****\"";

/// Whether it is a word of its own, or several.
pub(super) fn is_word(text: &str, at: &Range<usize>) -> bool {
    let Some((before, inside, after)) = around(text, at) else {
        return true;
    };
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let joined_before = letter(before.chars().next_back()) && letter(inside.chars().next());
    let joined_after = letter(inside.chars().next_back()) && letter(after.chars().next());
    !joined_after && (!joined_before || ends_in_escape(before))
}

/// Whether the last letters are no word's but an escape's: `\n`, `\u001b`, `%20`, `%2520`, a terminal's colour.
fn ends_in_escape(text: &str) -> bool {
    let hex = |digits: &[u8]| digits.iter().all(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let colour = || {
        let rest = text.strip_suffix('m').map(|rest| rest.trim_end_matches(|c: char| c.is_ascii_digit() || c == ';'));
        rest.is_some_and(|rest| rest.ends_with("\u{1b}["))
    };
    match bytes {
        [.., b'\\', b'n' | b'r' | b't' | b'b' | b'f' | b'0'] => true,
        [.., b'\\', b'u', a, b, c, d] if hex(&[*a, *b, *c, *d]) => true,
        [.., b'%', a, b] | [.., b'%', b'2', b'5', a, b] if hex(&[*a, *b]) => true,
        _ => colour(),
    }
}

/// What goes in its place where it is a whole value: the text itself, a line or a field of CSV, a string or
/// number of JSON, what stands behind the name of a secret. `None` where it is something else, and where the
/// name of its field is that of a plain field of a reply.
pub(super) fn as_value(text: &str, at: &Range<usize>) -> Option<&'static str> {
    let Some((before, inside, after)) = around(text, at) else {
        return Some(MASK);
    };
    let behind = after.trim_start_matches('\\').strip_prefix('"');
    if let (Some(before), Some(behind)) = (before.strip_suffix('"'), behind) {
        let is_key = behind.trim_start().starts_with(':');
        let name = if is_key { Some(inside) } else { key(before.trim_end_matches(['\\', '"'])).or(column(text, at)) };
        return (!name.is_some_and(is_plain)).then_some(MASK);
    }
    if inside.parse::<f64>().is_ok() && is_number(before, after) {
        return (!key(before).is_some_and(is_plain)).then_some(QUOTED);
    }
    let ends = |c: Option<char>| c.is_none_or(|c| matches!(c, '\n' | '\r' | '\t' | ','));
    if ends(before.chars().next_back()) && ends(after.chars().next()) {
        return (!column(text, at).is_some_and(is_plain)).then_some(MASK);
    }
    let named = before.trim_end().strip_suffix([':', '=']).map(last_name);
    (named.is_some_and(is_secret_name) && is_word(text, at)).then_some(MASK)
}

/// The text before, it, and the text behind.
fn around<'a>(text: &'a str, at: &Range<usize>) -> Option<(&'a str, &'a str, &'a str)> {
    Some((text.get(..at.start)?, text.get(at.clone())?, text.get(at.end..)?))
}

/// Whether a number stands where JSON has a value.
fn is_number(before: &str, after: &str) -> bool {
    let before = before.trim_end();
    let is_field = || before.strip_suffix(':').is_some_and(|name| name.trim_end().ends_with('"'));
    after.trim_start().starts_with([',', ']', '}']) && (is_field() || list(before).is_some())
}

/// The key whose value, or list of values, begins behind this text.
fn key(before: &str) -> Option<&str> {
    let before = before.trim_end();
    before.strip_suffix([':', '=']).or_else(|| list(before)?.trim_end().strip_suffix(':')).map(last_name)
}

/// What stands before the list that this text ends in. Lists of lists and maps have no name to their elements.
fn list(before: &str) -> Option<&str> {
    let (outside, elements) = before.rsplit_once('[')?;
    let is_open = elements.is_empty() || elements.trim_end().ends_with(',');
    (is_open && !elements.contains(['{', '}', ']', ':'])).then_some(outside)
}

/// The name at the end of a text, perhaps in quotes.
fn last_name(text: &str) -> &str {
    let text = text.trim_end().trim_end_matches(['"', '\\']);
    let begins = text.char_indices().rev().take_while(|(_, c)| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    begins.last().and_then(|(at, _)| text.get(at..)).unwrap_or_default()
}

/// The name above a field of CSV: that of the first line.
fn column<'a>(text: &'a str, at: &Range<usize>) -> Option<&'a str> {
    let (header, rows) = text.split_once('\n')?;
    let before = rows.get(..at.start.checked_sub(header.len() + 1)?)?;
    let line = before.rsplit('\n').next()?;
    let mut is_quoted = false;
    let fields = line.chars().filter(|c| {
        is_quoted ^= *c == '"';
        !is_quoted && matches!(c, ',' | '\t')
    });
    let name = header.trim_end().split([',', '\t']).nth(fields.count())?;
    Some(name.trim_matches('"'))
}

/// Whether the catalogue documents a plain field of a reply of this name.
pub(super) fn is_plain(name: &str) -> bool {
    static PLAIN: OnceLock<HashSet<&str>> = OnceLock::new();
    fn collect(fields: &'static [Field], found: &mut HashSet<&str>) {
        for field in fields {
            match field.shape {
                Shape::Object(inner) | Shape::Objects(inner) => collect(inner, found),
                _ if field.secret || is_secret_name(field.name) => {}
                _ => drop(found.insert(field.name)),
            }
        }
    }
    let plain = PLAIN.get_or_init(|| {
        let mut found = HashSet::new();
        catalogue::operations().for_each(|operation| collect(operation.reply, &mut found));
        found
    });
    plain.contains(name)
}
