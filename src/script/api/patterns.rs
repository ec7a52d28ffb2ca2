//! Patterns of text: regular expressions, and globs as shells have them.

use std::sync::{LazyLock, Mutex, PoisonError};

use glob::{MatchOptions, Pattern};
use regex_lite::{Captures, Regex};
use rhai::{Array, Dynamic, ImmutableString, Map, Module};

use super::function;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::script::value::{ScriptResult, throw};

type Text = ImmutableString;

pub(super) fn register(module: &mut Module) {
    const MATCHES: &str = "Whether a regular expression matches anywhere in a text; ^ and $ bind it to its ends.";
    function("matches", &["text: string", "pattern: string", "bool"], MATCHES)
        .set_into_module(module, |text: Text, pattern: Text| -> ScriptResult<bool> {
            Ok(compiled(&pattern).map_err(throw)?.is_match(&text))
        });
    const FIND_ALL: &str = "Every place where a regular expression matches: its text; with groups, an array of theirs, or a map where they have names.";
    function("find_all", &["text: string", "pattern: string", "array"], FIND_ALL)
        .set_into_module(module, |text: Text, pattern: Text| find_all(&text, &pattern).map_err(throw));
    const REGEX: &str = "A regular expression for `replaced`, where a text stands for itself; $1 or ${name} in the new text are its groups.";
    function("regex", &["pattern: string", "regex"], REGEX)
        .set_into_module(module, |pattern: Text| compiled(&pattern).map(Expression).map_err(throw));
    const REPLACED: &str = "The text with every match of a regular expression replaced.";
    function("replaced", &["text: string", "pattern: regex", "with: string", "string"], REPLACED)
        .set_into_module(module, |text: Text, pattern: Expression, with: Text| {
            replaced(&text, &pattern.0, &with).map_err(throw)
        });
    const GLOB: &str = "Whether a glob fits a whole text: * is any run of characters, ? one, [ab] one of some.";
    function("matches_glob", &["text: string", "glob: string", "bool"], GLOB)
        .set_into_module(module, |text: Text, pattern: Text| -> ScriptResult<bool> {
            Ok(glob(&pattern).map_err(throw)?.matches(&text))
        });
    module.set_custom_type::<Expression>("regex");
}

/// A regular expression as a script holds one.
#[derive(Clone)]
pub(crate) struct Expression(Regex);

/// Expressions that were used lately: a script asks for the same in a loop.
static LATELY: LazyLock<Mutex<Vec<(String, Regex)>>> = LazyLock::new(Mutex::default);

/// So many are kept.
const KEPT: usize = 16;

fn compiled(pattern: &str) -> Result<Regex> {
    let mut lately = LATELY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, regex)) = lately.iter().find(|(known, _)| known == pattern) {
        return Ok(regex.clone());
    }
    let regex = Regex::new(pattern).map_err(|error| {
        Error::new(Kind::Invalid, format!("`{pattern}` is no regular expression: {error}"))
            .hint("a backslash before a character takes it as it is: `\\.`; in quotes it is written twice: \"\\\\.\"")
    })?;
    if lately.len() >= KEPT {
        lately.remove(0);
    }
    lately.push((pattern.to_owned(), regex.clone()));
    Ok(regex)
}

fn find_all(text: &str, pattern: &str) -> Result<Array> {
    let regex = compiled(pattern)?;
    let mut found = Array::new();
    for captures in regex.captures_iter(text) {
        let length = captures.get(0).map_or(0, |all| all.len());
        memory::room_for(64 + 2 * length)?;
        found.push(said(&regex, &captures));
    }
    Ok(found)
}

/// What a match says: its text, or those of its groups.
fn said(regex: &Regex, captures: &Captures<'_>) -> Dynamic {
    let text = |n: usize| captures.get(n).map_or(Dynamic::UNIT, |group| group.as_str().into());
    let names: Vec<Option<&str>> = regex.capture_names().collect();
    if names.iter().any(Option::is_some) {
        let named = names.iter().enumerate().filter_map(|(n, name)| name.map(|name| (name.into(), text(n))));
        return Dynamic::from_map(named.collect::<Map>());
    }
    match captures.len() {
        1 => text(0),
        all => Dynamic::from_array((1..all).map(text).collect()),
    }
}

fn replaced(text: &str, regex: &Regex, with: &str) -> Result<String> {
    let mut new = String::new();
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let Some(all) = captures.get(0) else { continue };
        // What the groups stand for is at most the match, as often as the new text names them.
        let most = with.len().saturating_add(all.len().saturating_mul(with.matches('$').count()));
        memory::room_for(2 * (new.len() + most + all.start() - end))?;
        new.push_str(text.get(end..all.start()).unwrap_or_default());
        captures.expand(with, &mut new);
        end = all.end();
    }
    new.push_str(text.get(end..).unwrap_or_default());
    Ok(new)
}

/// A glob, checked.
///
/// # Errors
/// `invalid`.
pub(super) fn glob(pattern: &str) -> Result<Pattern> {
    Pattern::new(pattern).map_err(|error| Error::new(Kind::Invalid, format!("`{pattern}` is no glob: {}", error.msg)))
}

/// Whether a glob fits a path, `*` staying within a folder.
pub(super) fn fits_path(pattern: &Pattern, path: &str) -> bool {
    let within = MatchOptions { require_literal_separator: true, ..MatchOptions::new() };
    pattern.matches_with(path, within)
}
