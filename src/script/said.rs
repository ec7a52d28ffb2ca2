//! The engine's errors in the words of scripts: what the author wrote, and the way out.

use rhai::{Engine, EvalAltResult, LexError, ParseErrorType};

use super::api::{self, NOTHING};
use super::host::said_name;
use super::modules::is_closure;
use super::value::thrown;
use super::words::{a, plain};
use crate::catalogue::{self, Field, Shape};
use crate::error::{Error, Kind};
use crate::suggest;

/// The crate's error for an error of the engine's, with hints for what the engine only names.
pub(super) fn said(engine: &Engine, error: &EvalAltResult) -> Error {
    let script = |message: String| Error::new(Kind::Script, message);
    match error.unwrap_inner() {
        EvalAltResult::ErrorParsing(what, _) => parse_error(what),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => no_function(engine, signature),
        EvalAltResult::ErrorPropertyNotFound(name, _) => no_property(name),
        EvalAltResult::ErrorVariableNotFound(name, _) => script(format!("there is no variable `{name}`")),
        EvalAltResult::ErrorStackOverflow(_) => Error::new(Kind::Limit, "functions call each other too deeply"),
        EvalAltResult::ErrorFor(_) => script(NO_LIST.to_owned()).hint(OF_MAPS),
        EvalAltResult::ErrorDataRace(..) => {
            script("a captured variable was in use elsewhere at the same time".to_owned())
                .hint("return values from the closure instead of changing captured variables")
        }
        EvalAltResult::ErrorDotExpr(what, _) => no_member(what),
        EvalAltResult::ErrorIndexingType(what, _) => no_index(&plain(what)),
        EvalAltResult::ErrorMismatchDataType(wanted, given, _)
        | EvalAltResult::ErrorMismatchOutputType(wanted, given, _) => mismatch(&plain(wanted), &plain(given)),
        EvalAltResult::ErrorAssignmentToConstant(name, _) => script(is_constant(name)).hint(IN_PARALLEL),
        EvalAltResult::ErrorNonPureMethodCallOnConstant(function, _) => {
            script(would_change(function)).hint(IN_PARALLEL)
        }
        other => thrown(other).unwrap_or_else(|| script(plain(&in_words(other)))),
    }
}

const NO_LIST: &str = "`for` goes through an array, pages, a range or a text, and this is none";
pub(super) const IN_PARALLEL: &str =
    "a closure of `parallel` has what it captured as constants, each thread its own: return values from it";

pub(super) fn is_constant(name: &str) -> String {
    format!("`{name}` is a constant and cannot be changed")
}

pub(super) fn would_change(function: &str) -> String {
    format!("`{function}` would change a constant")
}
const OF_MAPS: &str = "a map is walked by its keys: for key in map.keys() { let value = map[key]; … }";

/// An engine's error in its own words, without its position.
fn in_words(error: &EvalAltResult) -> String {
    let text = error.to_string();
    let place = format!(" ({})", error.position());
    text.strip_suffix(&place).map(str::to_owned).unwrap_or(text)
}

pub(super) fn did_you_mean(near: &str) -> String {
    format!("did you mean `{near}`?")
}

/// What stands here for a word of another language, or for a name that is taken.
fn instead_of(word: &str) -> String {
    match word {
        "null" | "nil" | "void" => "nothing is `()` here".to_owned(),
        "var" => "a variable begins with `let`".to_owned(),
        "#" => "a remark begins with `//`".to_owned(),
        "match" | "case" => "`switch x { 1 => …, _ => … }` chooses by a value".to_owned(),
        "new" => "a map is `#{}`, a list `[]`".to_owned(),
        "await" | "async" | "yield" | "spawn" => "calls are waited for; `parallel` runs many at once".to_owned(),
        "print" | "debug" | "type_of" | "call" | "curry" => {
            format!("a call is written `{word}(…)`, with these brackets")
        }
        _ if !word.starts_with(|c: char| c.is_alphabetic()) => format!("`{word}` means nothing here"),
        _ => format!("take another name, `{word}_` for instance"),
    }
}

fn parse_error(what: &ParseErrorType) -> Error {
    let (message, hint) = match what {
        ParseErrorType::VariableUndefined(name) => (format!("there is no variable `{name}`"), None),
        ParseErrorType::ModuleUndefined(name) => (format!("there is no module `{name}`"), None),
        ParseErrorType::Reserved(word) => (format!("`{word}` is a reserved word"), Some(instead_of(word))),
        ParseErrorType::MismatchedType(wanted, _) if wanted == "an iterable value" => {
            (NO_LIST.to_owned(), Some(OF_MAPS.to_owned()))
        }
        ParseErrorType::ExprTooDeep => (
            "an expression or block is nested deeper than the engine reads".to_owned(),
            Some("give its inner parts names of their own, by `let` or as functions".to_owned()),
        ),
        ParseErrorType::BadInput(LexError::UnexpectedInput(text)) if !text.is_ascii() => (
            format!("`{text}` is no part of the language here"),
            Some("signs of other scripts stand in texts: \"（\" is not \"(\"".to_owned()),
        ),
        other => (plain(&other.to_string()), None),
    };
    let error = Error::new(Kind::Parse, message);
    hint.into_iter().fold(error, Error::hint)
}

/// `what` is the engine's: "Unknown property 'x' - a getter is not registered for type 'i64'".
fn no_member(what: &str) -> Error {
    let quoted: Vec<&str> = what.split('\'').collect();
    let error = match quoted.as_slice() {
        ["Unknown property ", property, _, kind, _] => {
            Error::new(Kind::Script, format!("{} has no property `{property}`", a(&plain(kind))))
        }
        _ => Error::new(Kind::Script, plain(what)),
    };
    if what.contains("'()'") { error.hint(NOTHING) } else { error }
}

fn no_index(what: &str) -> Error {
    let (of, by) = what.split_once(" [").unwrap_or((what, ""));
    let by = by.trim_end_matches(']');
    if of == "()" {
        return Error::new(Kind::Script, format!("() has nothing at {}", a(by))).hint(NOTHING);
    }
    Error::new(Kind::Script, format!("{} has nothing at {}", a(of), a(by)))
}

fn mismatch(wanted: &str, given: &str) -> Error {
    match (wanted, given) {
        ("", given) => Error::new(Kind::Script, format!("{} does not fit here", a(given))),
        (wanted, "") => Error::new(Kind::Script, format!("{} is wanted here", a(wanted))),
        (wanted, given) => Error::new(Kind::Script, format!("{} is wanted here, not {}", a(wanted), a(given))),
    }
}

/// Forms of a function that a message lists.
const FORMS: usize = 6;

/// `signature` is the engine's: `list_ap (map)`.
fn no_function(engine: &Engine, signature: &str) -> Error {
    let script = |message: String| Error::new(Kind::Script, message);
    let (name, given) = signature.split_once(" (").unwrap_or((signature, ""));
    let name = said_name(name);
    let given = plain(given.strip_suffix(')').unwrap_or(given));
    if is_closure(name) {
        return script(format!("a closure was given ({given}), which is not as many values as it takes"));
    }
    if let Some(operation) = catalogue::operations().find(|operation| operation.function == name) {
        return api::misused(operation, &given);
    }
    let name = api::operator_of(name).unwrap_or(name);
    if let Some(property) = name.strip_prefix("get$").or_else(|| name.strip_prefix("set$")) {
        let of = given.split(", ").next().unwrap_or_default();
        let error = script(format!("{} has no property `{property}`", a(of)));
        return if of == "()" { error.hint(NOTHING) } else { error };
    }
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return no_operator(name, &given);
    }
    let own = super::functions::forms(engine, name);
    if !own.is_empty() {
        let more = own.len().saturating_sub(FORMS);
        let mut listed = own.into_iter().take(FORMS).collect::<Vec<_>>().join(", or ");
        if more > 0 {
            listed.push_str(&format!(", and {more} more"));
        }
        let error = script(format!("`{name}` does not take ({given})")).hint(format!("it takes {listed}"));
        return if given.split(", ").any(|kind| kind == "()") { error.hint(NOTHING) } else { error };
    }
    let error = script(format!("there is no function `{name}`"));
    let known = super::functions::all(engine);
    match suggest::nearest(name, known.iter().map(|function| function.name.as_str())) {
        Some(near) => error.hint(did_you_mean(near)),
        None => error,
    }
}

fn no_operator(operator: &str, given: &str) -> Error {
    let kinds: Vec<String> = given.split(", ").map(a).collect();
    let error = match kinds.as_slice() {
        [one, other] => Error::new(Kind::Script, format!("`{operator}` does not work between {one} and {other}")),
        _ => Error::new(Kind::Script, format!("`{operator}` does not work on {}", kinds.join(", "))),
    };
    if kinds.iter().any(|kind| kind == "()") { error.hint(NOTHING) } else { error }
}

fn no_property(name: &str) -> Error {
    fn names(fields: &'static [Field], found: &mut Vec<&'static str>) {
        for field in fields {
            found.push(field.name);
            if let Shape::Object(inner) | Shape::Objects(inner) = field.shape {
                names(inner, found);
            }
        }
    }
    let error = Error::new(Kind::Script, format!("the map has no property `{name}`"));
    let mut known = Vec::new();
    catalogue::operations().for_each(|operation| names(operation.reply, &mut known));
    match suggest::nearest(name, known).filter(|near| *near != name) {
        Some(near) => error.hint(did_you_mean(near)),
        None => error.hint(format!("ask without risk by map.get(\"{name}\")")),
    }
}
