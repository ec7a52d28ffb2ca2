//! The bundled library, and what its modules say of themselves: help, completion and the reference derive from the
//! comments in them.
//!
//! A comment before a function says in its first paragraph what it does, then, each in a paragraph of its own, what
//! the parameters are (``- `name`: …``), what it `Gives:`, what it `Throws:`, and an example, which a test runs.

use std::fmt::Write as _;

use rhai::{AST, Engine, FnAccess};

use super::forms;
use super::host::free_names;
use crate::suggest;

/// What the name of a module of the library begins with.
pub(super) const PREFIX: &str = "std/";

/// How each module is imported, and its text; in the order of their names.
pub(super) const MODULES: &[(&str, &str)] = &[
    ("std/audit", include_str!("../../stdlib/audit.rhai")),
    ("std/backups", include_str!("../../stdlib/backups.rhai")),
    ("std/capacity", include_str!("../../stdlib/capacity.rhai")),
    ("std/ensure", include_str!("../../stdlib/ensure.rhai")),
    ("std/fleet", include_str!("../../stdlib/fleet.rhai")),
    ("std/k8s", include_str!("../../stdlib/k8s.rhai")),
    ("std/labels", include_str!("../../stdlib/labels.rhai")),
    ("std/list", include_str!("../../stdlib/list.rhai")),
    ("std/options", include_str!("../../stdlib/options.rhai")),
    ("std/report", include_str!("../../stdlib/report.rhai")),
    ("std/rollout", include_str!("../../stdlib/rollout.rhai")),
    ("std/rows", include_str!("../../stdlib/rows.rhai")),
    ("std/settle", include_str!("../../stdlib/settle.rhai")),
    ("std/testing", include_str!("../../stdlib/testing.rhai")),
    ("std/wait", include_str!("../../stdlib/wait.rhai")),
];

/// Earlier names that are still taken, and the module that they stand for.
const ALIASES: &[(&str, &str)] = &[("args", "options")];

/// A module, as it describes itself.
#[derive(Debug)]
pub(crate) struct Module {
    /// As it is imported: `std/list`.
    pub name: String,
    /// What lives in it: its first comment.
    pub about: String,
    /// Name, value and meaning of each constant that it exports.
    pub constants: Vec<[String; 3]>,
    /// In the order of the text.
    pub functions: Vec<Function>,
}

/// A function of a module, as its comment describes it.
#[derive(Debug, Default)]
pub(crate) struct Function {
    /// Without its module.
    pub name: String,
    /// The parameters of each form, the longest last.
    pub forms: Vec<Vec<String>>,
    /// What it does.
    pub summary: String,
    /// Name and meaning of each parameter.
    pub parameters: Vec<[String; 2]>,
    /// What its result is.
    pub gives: String,
    /// Its errors.
    pub throws: String,
    /// Lines of a script.
    pub example: String,
}

/// The name and text of a module, by what follows `std/`.
///
/// # Errors
/// There is none of this name; says which there are.
pub(super) fn text(name: &str) -> Result<(String, &'static str), String> {
    let name = name.strip_suffix(".rhai").unwrap_or(name);
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, name)| name);
    let found = MODULES.iter().find(|(known, _)| known.strip_prefix("std/") == Some(name));
    let (name, text) = found.ok_or_else(|| {
        let known: Vec<&str> = names().filter_map(|name| name.strip_prefix("std/")).collect();
        let near = suggest::nearest(name, known.iter().copied());
        let near = near.map(|near| format!("; did you mean `std/{near}`?")).unwrap_or_default();
        format!("the library has no module `std/{name}`; it has {}{near}", known.join(", "))
    })?;
    Ok(((*name).to_owned(), text))
}

/// How each module is imported, in the order of their names.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// What a module says of itself, by its name: `std/list`.
pub(crate) fn module(name: &str) -> Option<Module> {
    let (name, text) = text(name.strip_prefix("std/")?).ok()?;
    let ast = parsed(text)?;
    let about = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim_end).map(dedented);
    Some(Module {
        name,
        about: about.collect::<Vec<_>>().join("\n").trim().to_owned(),
        constants: text.lines().filter_map(constant).collect(),
        functions: functions(&ast, text),
    })
}

/// The functions that a module exports, by how it is imported: what its text begins lines with.
pub(super) fn function_names(path: &str) -> Option<impl Iterator<Item = &'static str>> {
    let (known, _) = text(path.strip_prefix(PREFIX)?).ok()?;
    let (_, text) = MODULES.iter().find(|(name, _)| *name == known)?;
    Some(text.lines().filter_map(|line| line.strip_prefix("fn ")?.split_once('(').map(|(name, _)| name)))
}

/// What there is to say of a topic: `std/list`, or a function of it as `std/list::sum`.
pub(crate) fn explain(topic: &str) -> Option<String> {
    match topic.split_once("::") {
        None => module(topic).map(|module| module.to_string()),
        Some((name, function)) => {
            let module = module(name)?;
            let function = module.functions.iter().find(|known| known.name == function)?;
            Some(function.text(module.short()))
        }
    }
}

fn parsed(text: &str) -> Option<AST> {
    let mut engine = Engine::new_raw();
    #[expect(deprecated, reason = "marked so because it may change, not because anything replaces it")]
    engine.on_parse_token(|token, _, _| free_names(token));
    engine.set_max_expr_depths(0, 0);
    engine.compile(forms::written(text, None).0).ok()
}

/// The functions that others may call, forms of one name together.
fn functions(ast: &AST, text: &str) -> Vec<Function> {
    let mut found: Vec<Function> = Vec::new();
    for function in ast.iter_functions().filter(|function| function.access == FnAccess::Public) {
        let name = super::host::said_name(function.name).to_owned();
        if super::modules::is_closure(&name) {
            continue;
        }
        let comment = function.comments.iter().flat_map(|comment| comment.lines()).collect::<Vec<_>>();
        let parameters = function.params.iter().map(ToString::to_string).collect();
        let known = match found.iter_mut().position(|known| known.name == name) {
            Some(at) => found.get_mut(at),
            None => {
                found.push(Function { name, ..Function::default() });
                found.last_mut()
            }
        };
        if let Some(known) = known {
            known.forms.push(parameters);
            known.read(&comment);
        }
    }
    for function in &mut found {
        function.forms.sort_by_key(Vec::len);
    }
    let place = |function: &Function| text.find(&format!("\nfn {}(", function.name));
    found.sort_by_key(place);
    found
}

/// `export const NAME = value; // meaning`
fn constant(line: &str) -> Option<[String; 3]> {
    let (name, rest) = line.strip_prefix("export const ")?.split_once(" = ")?;
    let (value, means) = rest.split_once(';')?;
    Some([name, value, means.trim_start_matches([' ', '/'])].map(str::to_owned))
}

fn dedented(line: &str) -> &str {
    line.strip_prefix(' ').unwrap_or(line)
}

impl Function {
    /// Takes what a comment says; none says nothing.
    fn read(&mut self, comment: &[&str]) {
        let lines = comment.iter().map(|line| dedented(line.trim_start().trim_start_matches('/')));
        let mut is_example = false;
        let mut into: Option<&mut String> = Some(&mut self.summary);
        for line in lines {
            if line.starts_with("```") {
                is_example = !is_example;
            } else if is_example {
                self.example.push_str(line);
                self.example.push('\n');
            } else if line.trim().is_empty() {
                into = None;
            } else if let Some((name, says)) = line.strip_prefix("- `").and_then(|rest| rest.split_once("`: ")) {
                self.parameters.push([name.to_owned(), says.to_owned()]);
                into = self.parameters.last_mut().map(|[_, says]| says);
            } else if let Some(says) = line.strip_prefix("Gives: ") {
                says.clone_into(&mut self.gives);
                into = Some(&mut self.gives);
            } else if let Some(says) = line.strip_prefix("Throws: ") {
                says.clone_into(&mut self.throws);
                into = Some(&mut self.throws);
            } else if let Some(text) = into.as_deref_mut() {
                text.push_str(if text.is_empty() { "" } else { " " });
                text.push_str(line.trim());
            } else {
                self.summary.push_str("\n\n");
                self.summary.push_str(line.trim());
                into = Some(&mut self.summary);
            }
        }
    }

    /// `list::sum(list)`
    pub(crate) fn calls(&self, module: &str) -> Vec<String> {
        self.forms.iter().map(|parameters| format!("{module}::{}({})", self.name, parameters.join(", "))).collect()
    }

    /// In full, for people.
    fn text(&self, module: &str) -> String {
        let mut text = format!("{}\n", self.calls(module).join("\n"));
        for line in self.summary.lines() {
            let _ = writeln!(text, "  {line}");
        }
        for [name, says] in &self.parameters {
            let _ = writeln!(text, "  - {name}: {says}");
        }
        for (word, says) in [("Gives", &self.gives), ("Throws", &self.throws)] {
            if !says.is_empty() {
                let _ = writeln!(text, "  {word}: {says}");
            }
        }
        for line in self.example.lines() {
            let _ = writeln!(text, "      {line}");
        }
        text
    }
}

impl Module {
    /// The first sentence of what it says of itself.
    pub(crate) fn headline(&self) -> String {
        let paragraph = self.about.lines().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        paragraph.split_inclusive(". ").next().unwrap_or_default().trim_end_matches(['.', ' ']).to_owned()
    }

    /// What stands before `::` where nothing else was chosen: `list` of `std/list`.
    pub(super) fn short(&self) -> &str {
        self.name.strip_prefix("std/").unwrap_or(&self.name)
    }
}

impl std::fmt::Display for Module {
    /// In full, for people.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}: {}\n", self.name, self.about)?;
        for [name, value, means] in &self.constants {
            writeln!(f, "{}::{name} = {value}  {means}", self.short())?;
        }
        for function in &self.functions {
            writeln!(f, "\n{}", function.text(self.short()).trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn modules() -> Vec<Module> {
        names().map(|name| module(name).unwrap()).collect()
    }

    #[test]
    fn every_function_says_what_it_takes_gives_and_throws_and_shows_an_example() {
        let mut lacking = Vec::new();
        for module in modules() {
            assert!(!module.about.is_empty() && !module.functions.is_empty(), "{}", module.name);
            for function in &module.functions {
                let longest = function.forms.last().unwrap();
                let said: Vec<&String> = function.parameters.iter().map(|[name, _]| name).collect();
                let texts = [&function.summary, &function.gives, &function.throws, &function.example];
                if said != longest.iter().collect::<Vec<_>>() || texts.iter().any(|text| text.is_empty()) {
                    lacking.push(format!("{}::{}", module.name, function.name));
                }
            }
        }
        assert_eq!(lacking, [""; 0]);
    }

    #[test]
    fn the_names_of_functions_are_those_of_the_text() {
        for module in modules() {
            let mut names: Vec<&str> = function_names(&module.name).unwrap().collect();
            names.dedup();
            assert_eq!(names, module.functions.iter().map(|function| function.name.as_str()).collect::<Vec<_>>());
        }
        assert!(function_names("std/args").is_some() && function_names("std/none").is_none());
    }

    #[test]
    fn the_chapter_lists_every_function_and_no_other() {
        let chapter = include_str!("../../stdlib/README.md");
        let mut expected = Vec::new();
        for module in modules() {
            for function in &module.functions {
                let call = function.calls(module.short()).pop().unwrap();
                let does = function.summary.split_inclusive(". ").next().unwrap().trim_end();
                expected.push(format!("| `{call}` | {does} |"));
            }
        }
        let listed = chapter.lines().filter(|line| line.starts_with("| `") && line.contains("::"));
        assert_eq!(listed.collect::<Vec<_>>(), expected, "\n{}", expected.join("\n"));
    }

    #[test]
    fn a_topic_is_a_module_or_a_function_of_one() {
        for (topic, says) in [
            ("std/settle", "std/settle: Writes whose answer may be lost"),
            ("std/args", "std/options: Command lines of scripts"),
            ("std/settle::call", "settle::call(action, params, happened)\n  Calls an operation"),
            ("std/wait::until", "wait::until(what, options, value)\n  Waits until"),
            ("std/rollout", "std/rollout: Deploy orders"),
        ] {
            assert!(explain(topic).unwrap().starts_with(says), "{topic}: {:?}", explain(topic));
        }
        assert!(
            explain("std/rollout").unwrap().contains("\nrollout::CLOSED = 4  Result of one that somebody closed\n")
        );
        for topic in ["std/none", "std/settle::none", "settle", "std/"] {
            assert_eq!(explain(topic), None, "{topic}");
        }
        assert_eq!(
            text("rolout").unwrap_err(),
            "the library has no module `std/rolout`; it has audit, backups, capacity, ensure, fleet, k8s, labels, list, options, report, rollout, rows, settle, testing, wait; \
             did you mean `std/rollout`?"
        );
    }
}
