//! Every function that a script can call, with its forms and what it does, in the words of scripts.

use std::collections::HashSet;

use rhai::{Engine, FuncInfo};
use serde_json::Value;

use super::words::plain;

/// A function as a script can call it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Function {
    /// With its module: `log::info`.
    pub name: String,
    /// `sleep(seconds: int)`, each way to call it once.
    pub forms: Vec<String>,
    /// What it does, in a line or a few.
    pub help: String,
}

/// Every function, sorted by name; operators and what is hidden left out.
pub(super) fn all(engine: &Engine) -> Vec<Function> {
    let metadata = engine.gen_fn_metadata_to_json(true).unwrap_or_default();
    let metadata: Value = serde_json::from_str(&metadata).unwrap_or_default();
    let mut found = Vec::new();
    collect(&metadata, "", &mut found);
    // Ours stand before the engine's, which they hide.
    let own: HashSet<String> = engine.gen_fn_signatures(false).iter().map(|signature| form(signature)).collect();
    let is_engines = |function: &Function| !function.forms.iter().any(|form| own.contains(form));
    found.sort_by_cached_key(|function: &Function| (function.name.clone(), is_engines(function)));
    let mut merged: Vec<Function> = Vec::new();
    for function in found {
        match merged.last_mut().filter(|last| last.name == function.name) {
            Some(last) => last.take(function),
            None => merged.push(function),
        }
    }
    for function in &mut merged {
        // The engine has numbers of many sizes, scripts have two.
        function.forms.retain(|form| !SIZES.iter().any(|size| form.contains(size)));
        function.forms.sort_by_key(|form| kinds(form));
        function.forms.dedup_by_key(|form| kinds(form));
        function.forms.sort_by_key(|form| (form.len(), form.clone()));
    }
    merged
}

/// The name of every function that the engine can call, with its module: what is hidden and operators, too.
pub(super) fn names(engine: &Engine) -> HashSet<String> {
    let name = |function: FuncInfo<'_>| match function.namespace.as_str() {
        "" => Some(function.metadata.name.to_string()),
        module => Some(format!("{module}::{}", function.metadata.name)),
    };
    engine.collect_fn_metadata(None, name, true).into_iter().collect()
}

impl Function {
    /// Another overload. Ours say in one line what they do, and stand before the engine's.
    fn take(&mut self, other: Self) {
        if self.help.is_empty() {
            self.help = other.help;
        }
        self.forms.extend(other.forms);
    }
}

/// Numbers that no script has.
const SIZES: [&str; 11] = ["i8", "u8", "i16", "u16", "i32", "u32", "u64", "i128", "u128", "f32", "std::"];

/// The kinds of values that a form takes: what tells it from others.
fn kinds(form: &str) -> Vec<String> {
    let arguments = form.split_once('(').map(|(_, rest)| rest.split(')').next().unwrap_or(rest)).unwrap_or_default();
    arguments.split(", ").map(|argument| argument.rsplit(": ").next().unwrap_or(argument).to_owned()).collect()
}

fn collect(metadata: &Value, module: &str, found: &mut Vec<Function>) {
    let list = |key: &str| metadata.get(key).and_then(Value::as_array).into_iter().flatten();
    for function in list("functions") {
        let text = |key: &str| function.get(key).and_then(Value::as_str).unwrap_or_default();
        let name = text("name");
        // Some are there for pages as well, and say nothing of themselves.
        if !is_name(name) || text("signature").contains("(_") {
            continue;
        }
        let said =
            function.get("docComments").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let comment = said.collect::<Vec<_>>().join("\n");
        let name = format!("{module}{name}");
        let form = form(&format!("{module}{}", text("signature")));
        found.push(Function { forms: vec![form], help: first_paragraph(&comment), name });
    }
    for (name, inner) in metadata.get("modules").and_then(Value::as_object).into_iter().flatten() {
        collect(inner, &format!("{module}{name}::"), found);
    }
}

pub(super) fn is_name(name: &str) -> bool {
    // The engine's debugger is what counts the lines that tests run; it is no part of the language.
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name != "back_trace"
        && name.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !name.ends_with("__")
}

/// What a comment says before its first empty line and examples.
fn first_paragraph(comment: &str) -> String {
    let lines = comment.lines().map(|line| line.trim_start_matches(['/', '*']).trim());
    let said =
        lines.skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty() && !line.starts_with(['#', '`']));
    plain(&said.collect::<Vec<_>>().join("\n"))
}

/// A signature without what only Rust has: references, paths, and errors in the result.
fn form(signature: &str) -> String {
    let text = signature.replace("&mut ", "").replace("NativeCallContext, ", "");
    let Some((call, result)) = text.split_once(" -> ") else {
        return plain(&text);
    };
    let value = result
        .split_once('<')
        .filter(|(name, _)| name.contains("Result"))
        .map_or(result, |(_, rest)| rest.split([',', '>']).next().unwrap_or(rest));
    let value = value.rsplit("::").next().unwrap_or(value).trim();
    let value = match value {
        "Result" | "RhaiResult" | "EvalAltResult" => "any",
        other => other,
    };
    let (call, value) = (plain(call), plain(value));
    if value.is_empty() || value == "()" || value.contains(['<', '&']) { call } else { format!("{call} -> {value}") }
}

/// The ways to call a function of this name.
pub(super) fn forms(engine: &Engine, name: &str) -> Vec<String> {
    all(engine).into_iter().find(|function| function.name == name).map(|function| function.forms).unwrap_or_default()
}
