//! Patterns of operations' names, `DeleteNodeLabel`, `Delete*`, `delete_*`: what they match, and what was meant by
//! one that matches nothing.

use glob::{MatchOptions, Pattern};

use crate::catalogue;
use crate::suggest;

const ANY_CASE: MatchOptions =
    MatchOptions { case_sensitive: false, require_literal_separator: false, require_literal_leading_dot: false };

/// Every name that a pattern may mean: actions, functions, and actions of later clients.
pub(crate) fn known() -> impl Iterator<Item = &'static str> {
    catalogue::operations().flat_map(|op| [op.action, op.function]).chain(catalogue::later_actions())
}

/// Whether a pattern means an action, by its own name or its function's.
pub(crate) fn fits(pattern: &Pattern, action: &str) -> bool {
    let function = catalogue::find(action).map(|operation| operation.function);
    std::iter::once(action).chain(function).any(|name| pattern.matches_with(name, ANY_CASE))
}

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unfit {
    /// The pattern, and what is wrong with it.
    pub why: String,
    /// The way out, where there is one to tell.
    pub hint: Option<String>,
}

/// Reads a pattern.
///
/// # Errors
/// It does not parse.
pub(crate) fn parse(text: &str) -> Result<Pattern, Unfit> {
    let why = |error| format!("{}: the pattern does not parse: {error}", quoted(text));
    Pattern::new(text).map_err(|error| Unfit { why: why(error), hint: None })
}

/// Checks that a pattern matches a known operation, or one of the other actions that there are.
///
/// # Errors
/// It matches none of them.
pub(crate) fn check<'a>(pattern: &Pattern, others: impl IntoIterator<Item = &'a str>) -> Result<(), Unfit> {
    let matches = |name: &str| pattern.matches_with(name, ANY_CASE);
    if known().any(matches) || others.into_iter().any(matches) {
        return Ok(());
    }
    let hint = match meant(pattern.as_str()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "give an action or a pattern such as DeleteNodeLabel or Delete*; `jst ops` lists all".to_owned(),
    };
    Err(Unfit { why: format!("{}: there is no such operation", quoted(pattern.as_str())), hint: Some(hint) })
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
            [length, length + 1, length.saturating_sub(1)].into_iter().flat_map(move |size| {
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
