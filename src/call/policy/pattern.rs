//! Patterns of operations' names: what they match, and what was meant by one that matches nothing.

use glob::{MatchOptions, Pattern};

use crate::catalogue;
use crate::error::{Error, Kind, Result};
use crate::suggest;

const ANY_CASE: MatchOptions =
    MatchOptions { case_sensitive: false, require_literal_separator: false, require_literal_leading_dot: false };

/// Every name that a pattern may mean: actions, functions, and actions of later clients.
pub(super) fn known() -> impl Iterator<Item = &'static str> {
    catalogue::operations().flat_map(|op| [op.action, op.function]).chain(catalogue::later_actions())
}

/// Whether a pattern means an action, by its own name or its function's.
pub(super) fn fits(pattern: &Pattern, action: &str) -> bool {
    let function = catalogue::find(action).map(|operation| operation.function);
    std::iter::once(action).chain(function).any(|name| pattern.matches_with(name, ANY_CASE))
}

/// Reads the pattern of a flag.
///
/// # Errors
/// `config` for one that does not parse, or that matches no known operation.
pub(super) fn pattern(flag: &str, text: &str) -> Result<Pattern> {
    let wrong = |why: &str| Error::new(Kind::Config, format!("{flag} {}: {why}", quoted(text)));
    let pattern = Pattern::new(text).map_err(|error| wrong(&format!("the pattern does not parse: {error}")))?;
    if known().any(|name| pattern.matches_with(name, ANY_CASE)) {
        return Ok(pattern);
    }
    Err(wrong("there is no such operation").hint(match meant(text) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "give an action or a pattern such as DeleteNodeLabel or Delete*; `jst ops` lists all".to_owned(),
    }))
}

/// A pattern as it can be seen: one that is empty or ends in a space is not.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "*?[]_-!".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text.to_owned() } else { format!("`{}`", text.escape_debug()) }
}

/// The pattern that was meant, as far as can be told.
fn meant(text: &str) -> Option<String> {
    let works = |candidate: &String| {
        Pattern::new(candidate).is_ok_and(|pattern| known().any(|name| pattern.matches_with(name, ANY_CASE)))
    };
    /// No name is nearly as long.
    const LONGEST: usize = 100;
    let bare = text.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    if bare.is_empty() || bare.len() > LONGEST {
        return None;
    }
    // Several in one, regular expressions, a part of a name.
    let listed = bare.split(['|', ';', ' ', '+']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(",");
    let each = listed.contains(',') && listed.split(',').all(|part| works(&part.to_owned()));
    let from_regex = bare.trim_start_matches('^').trim_end_matches('$').replace(".*", "*");
    let stem = bare.trim_matches('*');
    // A slip within the words that stand between wildcards.
    let slip = suggest::nearest(stem, known()).map(str::to_owned);
    let slips = || {
        let length = stem.chars().count();
        let parts = known().flat_map(move |name| {
            (length.saturating_sub(1)..=length + 1).flat_map(move |size| {
                let last = name.len().saturating_sub(size);
                (0..=last).filter_map(move |at| name.get(at..at + size))
            })
        });
        let near = |part: &&str| length > 3 && strsim::osa_distance(&part.to_lowercase(), &stem.to_lowercase()) == 1;
        parts.into_iter().filter(near).map(|part| bare.replacen(stem, part, 1)).find(works)
    };
    each.then_some(listed)
        .or_else(|| Some(bare.to_owned()).filter(works))
        .or_else(|| Some(from_regex).filter(|candidate| candidate != bare).filter(works))
        .or(slip)
        .or_else(|| Some(format!("{stem}*")).filter(|_| stem.len() > 2).filter(works))
        .or_else(|| Some(format!("*{stem}*")).filter(|_| stem.len() > 2).filter(works))
        .or_else(slips)
}
