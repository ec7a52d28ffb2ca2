//! The functions that a text may call by their names: the engine's and jst's, and those of the texts of the run.

use std::collections::HashSet;

use rhai::Engine;

use super::functions;
use super::report::Sources;
use crate::catalogue;

/// Words of the engine's that are called like functions, and are none.
const BUILT_IN: [&str; 9] =
    ["Fn", "call", "curry", "debug", "is_def_fn", "is_def_var", "is_shared", "print", "type_of"];

/// What a text of a run may call.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub engine: &'a Engine,
    pub sources: &'a Sources,
}

impl<'a> Known<'a> {
    /// Whether there is a function of this name, with its module: `log::info`. Those of other texts count, too: the
    /// engine finds them where a call comes from.
    pub(super) fn has(self, name: &str) -> bool {
        catalogue::operations().any(|operation| operation.function == name)
            || BUILT_IN.contains(&name)
            || self.sources.defines(name)
            || self.callable().contains(name)
    }

    /// Whether the engine has a module of this name, which no script imports.
    pub(super) fn has_module(self, name: &str) -> bool {
        self.callable().iter().any(|known| known.split_once("::").is_some_and(|(module, _)| module == name))
    }

    /// The names of the functions that people may call, without those of the texts.
    pub(super) fn names(self) -> impl Iterator<Item = &'a str> {
        let names = self.callable().iter().map(String::as_str);
        names.filter(|name| functions::is_name(name.rsplit("::").next().unwrap_or(name)))
    }

    fn callable(self) -> &'a HashSet<String> {
        self.sources.callable.get_or_init(|| functions::names(self.engine))
    }
}
