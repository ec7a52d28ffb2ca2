//! What could come next on a line: function names, parameter keys, action names. Pure.

use crate::catalogue::{self, Operation, Type};
use crate::script::tokens::{self, What};

/// Where the word under the cursor begins, and what it could become.
#[derive(Debug, PartialEq)]
pub(crate) struct Completion {
    /// The byte where the word begins.
    pub start: usize,
    /// What could stand in its place, sorted.
    pub candidates: Vec<String>,
}

/// Completes the word that ends at `cursor`. `names` are the functions and variables that the
/// session knows beside the catalogue's.
pub(crate) fn complete(line: &str, cursor: usize, names: &[String]) -> Completion {
    let before = line.get(..cursor).unwrap_or(line);
    let start = word_start(before);
    let word = before.get(start..).unwrap_or_default();
    let actions = || catalogue::operations().map(|operation| operation.action.to_owned());
    let functions = || catalogue::operations().map(|operation| operation.function.to_owned());
    let known = || functions().chain(names.iter().cloned());
    let mut candidates: Vec<String> = match Context::of(before.get(..start).unwrap_or_default()) {
        Context::Key(operation, list) => keys(operation, list),
        Context::Action => actions().collect(),
        Context::Topic => actions().chain(known()).collect(),
        Context::Text => Vec::new(),
        Context::Code if word.starts_with(':') => {
            super::commands::COMMANDS.iter().map(|(name, _)| (*name).to_owned()).collect()
        }
        Context::Code => known().collect(),
    };
    candidates.retain(|candidate| candidate.starts_with(word));
    candidates.sort_unstable();
    candidates.dedup();
    Completion { start, candidates }
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

/// The keys of an operation's parameters, or of the maps in one of its lists.
fn keys(operation: &'static Operation, list: Option<String>) -> Vec<String> {
    let fields = list.and_then(|name| operation.param(&name)).and_then(|param| match param.ty {
        Type::Maps(fields) => Some(fields),
        _ => None,
    });
    fields.unwrap_or(operation.params).iter().map(|param| format!("{}: ", param.name)).collect()
}

/// What kind of word belongs at a place.
#[derive(Debug, PartialEq)]
enum Context {
    /// A function or variable.
    Code,
    /// A key of a map of an operation's parameters; in a list of maps, the list's name.
    Key(&'static Operation, Option<String>),
    /// The name of an action inside quotes.
    Action,
    /// What `:help` explains.
    Topic,
    /// Inside other text.
    Text,
}

impl Context {
    /// Reads the code before the word, keeping what is open: calls, maps, lists, text.
    fn of(before: &str) -> Self {
        if before.trim_start().starts_with(":help ") {
            return Self::Topic;
        }
        let tokens = tokens::read(before);
        let mut open: Vec<Open> = Vec::new();
        let mut word = String::new();
        for token in &tokens {
            let function = std::mem::take(&mut word);
            match (token.what, token.text) {
                (What::Name, name) => name.clone_into(&mut word),
                (What::Text { open: false }, _) => {
                    if let Some(Open::Call { action, .. }) = open.last_mut() {
                        action.get_or_insert(token.said().to_owned());
                    }
                }
                (What::Symbol, "(") => open.push(Open::Call { function, action: None }),
                (What::Symbol, "#{") => open.push(Open::Map { key: String::new(), in_value: false }),
                (What::Symbol, "{") => open.push(Open::Block),
                (What::Symbol, "[" | "?[") => open.push(Open::List),
                (What::Symbol, ")" | "}" | "]") => drop(open.pop()),
                (What::Symbol, ":" | ",") => {
                    if let Some(Open::Map { key, in_value }) = open.last_mut() {
                        *in_value = token.text == ":";
                        *key = function;
                    }
                }
                _ => {}
            }
        }
        let last = tokens.last().filter(|token| token.end() == before.len());
        let in_text = last.is_some_and(|token| match token.what {
            What::Text { open } => open,
            What::Wrong => token.text.starts_with('"'),
            _ => false,
        });
        match open.as_slice() {
            [.., Open::Call { function, action: None }] if in_text && takes_action(function) => Self::Action,
            _ if in_text || last.is_some_and(|token| matches!(token.what, What::Comment { .. })) => Self::Text,
            open => Self::of_open(open),
        }
    }

    fn of_open(open: &[Open]) -> Self {
        let Some(Open::Map { in_value: false, .. }) = open.last() else {
            return Self::Code;
        };
        let call = open.iter().rev().find_map(|open| match open {
            Open::Call { function, action } => Some((function, action)),
            _ => None,
        });
        let operation = call.and_then(|(function, action)| {
            catalogue::find(action.as_deref().filter(|_| takes_action(function)).unwrap_or(function))
        });
        // The map before this one, if it is the value of a key: `PortMappings: [ #{`.
        let list = open.iter().rev().skip(1).find_map(|open| match open {
            Open::Map { key, in_value: true } => Some(key.clone()),
            _ => None,
        });
        operation.map_or(Self::Code, |operation| Self::Key(operation, list))
    }
}

/// What is open before the cursor.
#[derive(Debug)]
enum Open {
    Call { function: String, action: Option<String> },
    Map { key: String, in_value: bool },
    List,
    Block,
}

fn takes_action(function: &str) -> bool {
    matches!(function, "call" | "try_call" | "paginate" | "call_all" | "try_call_all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_under_the_cursor_is_completed() {
        let names = ["scaled", "envs", "log::info"].map(str::to_owned);
        let table: &[(&str, usize, &[&str])] = &[
            ("scale", 0, &["scale_app", "scaled"]),
            ("let x = env", 8, &["envs"]),
            ("scale_app(#{Env", 12, &["EnvId: "]),
            ("scale_app(#{EnvId: 1, Repl", 22, &["Replicas: "]),
            ("scale_app(#{EnvId: env", 19, &["envs"]),
            ("call(\"ScaleA", 6, &["ScaleApp"]),
            ("paginate(\"ListApp\", #{Page", 22, &["PageNumber: ", "PageSize: "]),
            ("print(\"scale", 7, &[]),
            ("create_service(#{EnvId: 1, PortMappings: [ #{Nod", 45, &["NodePort: "]),
            ("if true { scale_a", 10, &["scale_app"]),
            ("scale_app(#{EnvId:env", 18, &["envs"]),
            ("scale_app(#{\n  EnvId: 1,\n  Repl", 27, &["Replicas: "]),
            ("call_all(\"ScaleApp\", [#{Repl", 24, &["Replicas: "]),
            ("log::in", 0, &["log::info"]),
            ("x + log::in", 4, &["log::info"]),
            (":q", 0, &[":quit"]),
            (":help ScaleA", 6, &["ScaleApp"]),
            (":help scale_a", 6, &["scale_app"]),
        ];
        for &(line, start, expected) in table {
            let found = complete(line, line.len(), &names);
            assert_eq!(
                (found.start, found.candidates.as_slice()),
                (start, expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>().as_slice()),
                "{line}"
            );
        }
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for line in ["", "}}}", "#{", "\"", "`\\", "聚石塔", "(((([", "scale_app(#{聚"] {
            complete(line, line.len(), &[]);
            complete(line, 1, &[]);
        }
    }
}
