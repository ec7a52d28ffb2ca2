//! `jst help`: a command, an operation, a function, a module of the library, or a ready script.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::{command_line, ops, write_out};
use crate::catalogue;
use crate::error::{Error, Kind, Result};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::{library, ready};
use crate::settings::Settings;
use crate::suggest;

/// Arguments of `jst help`.
#[derive(Debug, Args)]
pub(super) struct HelpArgs {
    /// A command, an operation, a function, a module of the library: std/list, or std/list::diff; or a ready script:
    /// scripts/node_label
    #[arg(value_parser = Topic)]
    topic: Option<String>,
}

/// Any text; completion knows the modules of the library and the ready scripts.
#[derive(Clone)]
struct Topic;

impl TypedValueParser for Topic {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> std::result::Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(library::names().chain(ready::names()).map(PossibleValue::new)))
    }
}

/// Explains a topic; lists what there is, for none.
pub(super) fn help(settings: &Arc<Settings>, exit: &Exit, args: &HelpArgs) -> Result<u8> {
    let Some(topic) = &args.topic else {
        return write_out(&format!("{}\n{}", command_line().render_long_help(), list()));
    };
    if let Some(command) = command_line().find_subcommand_mut(topic) {
        return write_out(&command.render_long_help().to_string());
    }
    if let Some(text) = explain(topic).as_deref().or_else(|| ready::text(topic)) {
        return write_out(text.trim_end());
    }
    let functions = Run::new(settings, exit, false)?.host(PathBuf::new(), Vec::new()).functions();
    if let Some(function) = functions.iter().find(|function| function.name == *topic) {
        return write_out(&format!("{}\n  {}", function.forms.join("\n"), function.help));
    }
    // Without the folder that it is in.
    if let Some(text) = library::explain(&format!("std/{topic}")) {
        return write_out(text.trim_end());
    }
    if let Some(text) = ready::text(&format!("scripts/{topic}")) {
        return write_out(text.trim_end());
    }
    Err(nothing_about(topic, functions.iter().map(|function| function.name.as_str())))
}

/// What there is to say of an operation, of a module of the library, or of a function in one.
pub(super) fn explain(topic: &str) -> Option<String> {
    catalogue::find(topic).map(ops::explain).or_else(|| library::explain(topic))
}

/// The modules of the library and the ready scripts, each in a line.
fn list() -> String {
    let modules = library::names().filter_map(library::module);
    let modules = lines(modules.map(|module| (module.name.clone(), module.headline())));
    let scripts = lines(ready::headlines().map(|(name, says)| (name.to_owned(), says.to_owned())));
    format!(
        "Modules of the library, which `jst help std/NAME` explains:\n{modules}\n\n\
         Ready scripts, which `jst help scripts/NAME` prints, to be run or changed:\n{scripts}"
    )
}

/// Names, and what there is to say of each.
fn lines(rows: impl Iterator<Item = (String, String)>) -> String {
    let rows: Vec<_> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    rows.iter().map(|(name, says)| format!("  {name:<width$}  {says}")).collect::<Vec<_>>().join("\n")
}

fn nothing_about<'a>(topic: &str, functions: impl Iterator<Item = &'a str>) -> Error {
    let error = Error::new(Kind::Usage, format!("there is no help about `{topic}`"));
    let operations = catalogue::operations().flat_map(|operation| [operation.action, operation.function]);
    let known: Vec<&str> = operations.chain(library::names()).chain(ready::names()).collect();
    match suggest::nearest(topic, functions.chain(known)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => {
            error.hint("`jst help` lists commands and modules, `jst ops` operations, `jst ops --functions` functions")
        }
    }
}
