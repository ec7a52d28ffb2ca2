//! What could come next on a line: function names, parameter keys, action names, properties. Pure.

use crate::catalogue::{self, Check, Effect, Field, Param, Scalar, Shape, Type};
use crate::repl::commands;
use crate::repl::context::{Base, Place, Receiver};
use crate::script::library;

/// Where the word under the cursor begins, and what it could become.
#[derive(Debug, PartialEq)]
pub(crate) struct Completion {
    /// The byte where the word begins.
    pub start: usize,
    /// What could stand in its place: what changes nothing first, what destroys last.
    pub candidates: Vec<String>,
}

/// What a session knows beside the catalogue.
pub(crate) trait Known {
    /// The functions and variables.
    fn names(&self) -> Vec<String>;

    /// The variables and functions that the person made.
    fn own(&self) -> Vec<String>;

    /// What may follow a dot behind a variable and properties of it.
    fn members(&self, variable: &str, path: &[String]) -> Vec<String>;
}

/// A session that knows nothing.
impl Known for () {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn own(&self) -> Vec<String> {
        Vec::new()
    }

    fn members(&self, _: &str, _: &[String]) -> Vec<String> {
        Vec::new()
    }
}

/// What is put in for a Tab at the beginning of a line within a block.
const INDENT: &str = "    ";

/// Completes the word that ends at `cursor`; the case of what is typed does not matter.
pub(crate) fn complete(line: &str, cursor: usize, known: &dyn Known) -> Completion {
    let before = line.get(..cursor).unwrap_or(line);
    let start = word_start(before);
    let word = before.get(start..).unwrap_or_default();
    let above = before.get(..start).unwrap_or_default();
    let typed = simple(word);
    let mut candidates = possible(above, word, known);
    // As it is typed where that fits anything.
    let is_exact = candidates.iter().any(|candidate| candidate.starts_with(word));
    candidates.retain(|found| if is_exact { found.starts_with(word) } else { simple(found).starts_with(&typed) });
    candidates.sort_by_cached_key(|candidate| (danger(candidate), candidate.clone()));
    candidates.dedup();
    Completion { start, candidates }
}

/// What could stand behind `above`, whatever was typed of it.
fn possible(above: &str, word: &str, known: &dyn Known) -> Vec<String> {
    let actions = || catalogue::operations().map(|operation| operation.action.to_owned());
    let functions = || catalogue::operations().map(|operation| operation.function.to_owned());
    let names = || functions().chain(known.names());
    let command_names = || commands::COMMANDS.iter().map(|(name, _)| (*name).to_owned());
    let is_blank = word.is_empty() && above.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    if let Some(modules) = modules(above) {
        return modules;
    }
    match Place::of(above) {
        Place::Key(params, given) => {
            let open = params.iter().filter(|param| !given.iter().any(|name| name == param.name));
            open.map(|param| format!("{}: ", param.name)).collect()
        }
        Place::Value(param, in_quotes) => match (values(param, in_quotes), in_quotes) {
            (Some(values), _) => values,
            (None, true) => Vec::new(),
            (None, false) => names().collect(),
        },
        Place::Action => actions().collect(),
        Place::Topic => actions().chain(names()).chain(library::names().map(str::to_owned)).collect(),
        Place::Member(receiver) => members(&receiver, known),
        Place::Nothing => Vec::new(),
        Place::Code if word.starts_with(':') => command_names().collect(),
        Place::Code if is_blank && above.contains('\n') => vec![INDENT.to_owned()],
        Place::Code if is_blank => command_names().chain(known.own()).collect(),
        Place::Code => names().collect(),
    }
}

/// The modules of the library, where one is imported or asked about; what stands there of its name left out.
fn modules(above: &str) -> Option<Vec<String>> {
    let rest = |name: &'static str| if above.ends_with('/') { name.strip_prefix("std/").unwrap_or(name) } else { name };
    let line = above.rsplit('\n').next().unwrap_or_default();
    let is_asked = ["import \"", "import \"std/", ":help std/"].iter().any(|asks| line.ends_with(asks));
    is_asked.then(|| library::names().map(|name| rest(name).to_owned()).collect())
}

/// A word without what does not matter: case, and the underscores that tell a function from its action.
fn simple(word: &str) -> String {
    word.replace('_', "").to_lowercase()
}

/// Names of operations behind each other by what they may do.
fn danger(name: &str) -> u8 {
    match catalogue::find(name).map(|operation| operation.effect) {
        None | Some(Effect::Read) => 0,
        Some(Effect::Write) => 1,
        Some(Effect::Destructive) => 2,
    }
}

/// The values of a parameter that takes certain ones only.
fn values(param: &Param, in_quotes: bool) -> Option<Vec<String>> {
    let is_text = matches!(param.ty, Type::Scalar(Scalar::String) | Type::List(Scalar::String));
    if matches!(param.ty, Type::Scalar(Scalar::Boolean)) {
        return Some(vec!["true".to_owned(), "false".to_owned()]);
    }
    let values = param.checks.iter().find_map(|check| match check {
        Check::OneOf(values) => Some(*values),
        _ => None,
    })?;
    let written = |value: &&str| if is_text && !in_quotes { format!("\"{value}\"") } else { (*value).to_owned() };
    Some(values.iter().map(written).collect())
}

/// What may follow a dot.
fn members(receiver: &Receiver, known: &dyn Known) -> Vec<String> {
    match &receiver.base {
        Base::Variable(name) => known.members(name, &receiver.path),
        Base::Call(function) => {
            let Some(operation) = catalogue::find(function) else { return Vec::new() };
            let mut fields: &[Field] = operation.reply;
            for name in &receiver.path {
                let field = fields.iter().find(|field| field.name == name);
                fields = match field.map(|field| field.shape) {
                    Some(Shape::Object(inner) | Shape::Objects(inner)) => inner,
                    _ => &[],
                };
            }
            fields.iter().map(|field| field.name.to_owned()).collect()
        }
    }
}

/// Where the word that ends a text begins: a name, with the module before it, or a command.
fn word_start(text: &str) -> usize {
    let name = |text: &str| text.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    let start = name(text);
    match text.get(..start) {
        Some(":") => 0,
        Some(before) => before.strip_suffix("::").map_or(start, name),
        None => start,
    }
}

#[cfg(test)]
mod tests;
