//! Ways out that only the script's own text tells.

use rhai::{EvalAltResult, ParseErrorType, Position};

use super::api::NOTHING;
use super::forms::in_text;
use super::host::said_name;
use super::library;
use super::said::did_you_mean;
use super::tokens::{self, Token, What};
use super::value::is_ours;
use crate::error::{Error, Kind};
use crate::suggest;

/// Adds what a script's text tells of a name that the engine does not know, or knows otherwise.
pub(super) fn add(error: &mut Error, engines: &EvalAltResult, text: &str) {
    let hint = match engines {
        EvalAltResult::ErrorParsing(ParseErrorType::VariableUndefined(name), _)
        | EvalAltResult::ErrorVariableNotFound(name, _) => {
            of_variable(name, text).or_else(|| error.hints.is_empty().then(|| nearest(name, text))?)
        }
        EvalAltResult::ErrorFunctionNotFound(signature, _) => {
            let (name, given) = signature.split_once(" (").unwrap_or((signature, ")"));
            let name = said_name(name);
            let given = if given == ")" { 0 } else { given.matches(", ").count() + 1 };
            if let Some((module, function)) = name.split_once("::")
                && let Some(functions) = of_import(module, &tokens::read(text))
            {
                error.hints.push(of_module(module, function, &functions));
                return;
            }
            let takes = parameters(&tokens::read(text), name);
            if let Some(most) = takes.iter().max().filter(|_| !takes.contains(&given)) {
                error.message = format!("`{name}` takes {}, and was given {}", values(*most), values(given));
                error.hints.clear();
                return;
            }
            of_function(name, &takes, text).or_else(|| error.hints.is_empty().then(|| nearest(name, text))?)
        }
        EvalAltResult::ErrorParsing(ParseErrorType::ModuleUndefined(name), _) => no_module(name, text),
        EvalAltResult::ErrorParsing(what, position) => keyword_at(text, *position, what),
        _ => None,
    };
    error.hints.extend(hint);
}

/// What may be meant by the name of a function that there is not, where `known` are those that there are.
pub(super) fn of_unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>, text: &str) -> Option<String> {
    let near = || suggest::nearest(name, known).map(did_you_mean);
    of_function(name, &[], text).or_else(near).or_else(|| nearest(name, text))
}

/// A module that is not imported: one that is, or one of the library.
fn no_module(name: &str, text: &str) -> Option<String> {
    let words = tokens::read(text);
    let imported = words.windows(2).filter_map(|pair| match pair {
        [word, alias] if word.is("as") => Some(in_text(alias.text)),
        _ => None,
    });
    let library = || library::names().filter_map(|name| name.strip_prefix(library::PREFIX));
    if library().any(|known| known == name) {
        return Some(format!("begin the script with import \"std/{name}\" as {name};"));
    }
    suggest::nearest(name, imported).map(did_you_mean).or_else(|| {
        let near = suggest::nearest(name, library())?;
        Some(format!("did you mean `{near}`? Begin the script with import \"std/{near}\" as {near};"))
    })
}

/// What may be meant by a function that a module does not have; these it has.
pub(super) fn of_module(module: &str, function: &str, functions: &[&str]) -> String {
    match suggest::nearest(function, functions.iter().copied()) {
        Some(near) => did_you_mean(&format!("{module}::{near}")),
        None => format!("it has {}", functions.join(", ")),
    }
}

/// The library's functions that a text calls behind this name and two colons; `None` unless all that it imports under
/// the name is the library's.
pub(super) fn of_import(name: &str, tokens: &[Token<'_>]) -> Option<Vec<&'static str>> {
    let words: Vec<&Token<'_>> = tokens.iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let mut found = Vec::new();
    for window in words.windows(4) {
        let [import, path, word, alias] = window else { continue };
        if word.is("as") && alias.text == name {
            let is_plain = import.is("import") && path.what == (What::Text { open: false });
            found.extend(library::function_names(path.said()).filter(|_| is_plain)?);
        }
    }
    found.dedup();
    (!found.is_empty()).then_some(found)
}

/// Says of an error within the library which function of it was called, and what that takes. What the library says
/// itself stays as it is.
pub(super) fn of_library(error: &mut Error, engines: &EvalAltResult, module: &str, function: &str) {
    let is_found = match engines {
        EvalAltResult::ErrorRuntime(thrown, _) => is_ours(thrown) && matches!(error.kind, Kind::Invalid | Kind::Script),
        _ => error.kind == Kind::Script,
    };
    let Some(module) = library::module(module).filter(|_| is_found) else { return };
    let Some(function) = module.functions.iter().find(|known| known.name == function) else { return };
    error.message = format!("{}::{} cannot use what it was given: {}", module.short(), function.name, error.message);
    let parameters = function.parameters.iter().map(|[name, meaning]| format!("`{name}`: {meaning}"));
    error.hints =
        std::mem::take(&mut error.hints).into_iter().filter(|hint| hint != NOTHING).chain(parameters).collect();
}

/// The nearest name in the text, when neither the engine nor the catalogue knows one.
fn nearest(name: &str, text: &str) -> Option<String> {
    // Any letter is near another.
    name.chars().nth(1)?;
    let tokens = tokens::read(text);
    let names = tokens.iter().filter(|token| token.what == What::Name && token.text != name).map(|token| token.text);
    suggest::nearest(name, names).map(did_you_mean)
}

fn of_variable(name: &str, text: &str) -> Option<String> {
    let tokens = tokens::read(text);
    if defines(&tokens, "const", name) {
        return Some(format!("a function sees no names from outside it: write global::{name}, or make it a parameter"));
    }
    let outside = defines(&tokens, "let", name) && tokens.iter().any(|token| token.is("fn"));
    outside
        .then(|| "a function sees no names from outside it: make it a parameter, or the function a closure".to_owned())
}

fn values(count: usize) -> String {
    match count {
        0 => "nothing".to_owned(),
        1 => "1 value".to_owned(),
        count => format!("{count} values"),
    }
}

fn of_function(name: &str, takes: &[usize], text: &str) -> Option<String> {
    let tokens = tokens::read(text);
    if !takes.is_empty() {
        return Some(format!(
            "a function called behind a dot has what stands before it as `this`: write {name}(…) with all values in the brackets"
        ));
    }
    let is_variable = ["let", "const", "for"].iter().any(|word| defines(&tokens, word, name))
        || tokens.windows(3).any(|window| is_parameter(window, name));
    is_variable.then(|| format!("`{name}` is a variable: a closure in it is called as {name}.call(…)"))
}

fn defines(tokens: &[Token<'_>], word: &str, name: &str) -> bool {
    tokens.windows(2).any(|pair| matches!(pair, [first, second] if first.is(word) && second.text == name))
}

/// `|name|`, `(name,` and the like.
fn is_parameter(window: &[Token<'_>], name: &str) -> bool {
    matches!(window, [before, middle, after] if middle.what == What::Name && middle.text == name
        && matches!(before.text, "|" | "," | "(") && matches!(after.text, "|" | "," | ")"))
}

/// How many parameters each function of this name has in the text.
fn parameters(tokens: &[Token<'_>], name: &str) -> Vec<usize> {
    let mut found = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let of_name = token.is("fn") && tokens.get(n + 1).is_some_and(|next| next.text == name);
        if of_name {
            let rest =
                tokens.get(n + 2..).unwrap_or_default().iter().take_while(|token| !token.is(")") && !token.is("{"));
            found.push(rest.filter(|token| token.what == What::Name).count());
        }
    }
    found
}

/// A word of the language where a name is wanted.
fn keyword_at(text: &str, position: Position, what: &ParseErrorType) -> Option<String> {
    use ParseErrorType::{FnMissingName, FnMissingParams, ForbiddenVariable, PropertyExpected, VariableExpected};
    if !matches!(what, VariableExpected | PropertyExpected | FnMissingName | FnMissingParams(..) | ForbiddenVariable(_))
    {
        return None;
    }
    let at = tokens::byte_at(text, position.line()?, position.position()?);
    let tokens = tokens::read(text);
    let word = tokens.iter().find(|token| token.end() > at).filter(|token| token.what == What::Keyword)?;
    Some(format!("`{0}` is a word of the language: take another name, `{0}_` for instance", word.text))
}
