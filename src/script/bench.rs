//! Tests of scripts: which a file has, how one is run, and the [`Bench`] that `std/testing` works on. What is
//! behind the bench, a simulator and other scripts, is not the engine's to know.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rhai::{CallFnOptions, Dynamic, Module};
use serde_json::{Map, Value};

use super::api;
use super::forms::in_text;
use super::host::{Ended, Host, Part};
use super::tokens::{self, What};
use crate::error::{Error, Kind, Result};

/// What a test is called.
const PREFIX: &str = "test_";

/// What another script is run with.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// Its file.
    pub file: String,
    /// The words behind it.
    pub words: Vec<String>,
    /// What else was said: `flags` of jst, `env`.
    pub options: Map<String, Value>,
}

/// What a test has beside the script API: an account of its own, its clock, files and other scripts.
pub(crate) trait Bench: Send + Sync {
    /// Makes another account of a few words, and tells the ids in it.
    ///
    /// # Errors
    /// `invalid` for words that it does not know.
    fn world(&self, words: &Value) -> Result<Value>;

    /// Lets things go wrong from now on, and tells the rules with what each has done.
    ///
    /// # Errors
    /// `invalid` for what is no list of rules.
    fn faults(&self, rules: Option<&Value>) -> Result<Value>;

    /// The writes that were applied, oldest first.
    ///
    /// # Errors
    /// `io` when there is no simulator.
    fn ledger(&self) -> Result<Value>;

    /// Lets time go by.
    fn advance(&self, by: Duration);

    /// Runs another script on the same account, and gives its `code`, `stdout` and `stderr`.
    ///
    /// # Errors
    /// `io` when there is no such script; what it ends with is no error.
    fn run(&self, wanted: Wanted) -> Result<Value>;

    /// Compares a value with the one that was kept under this name, or keeps it. What they differ in.
    ///
    /// # Errors
    /// `io` when it cannot be read or written, `invalid` for a name that is none.
    fn snapshot(&self, name: &str, value: &Value) -> Result<Option<String>>;

    /// Writes a file into the folder of the test, and gives its path.
    ///
    /// # Errors
    /// `io`, or `invalid` for a name that leaves the folder.
    fn file(&self, name: &str, text: &str) -> Result<String>;
}

/// A function of a file that is a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Test {
    /// Its name.
    pub name: String,
    /// The line that it begins on.
    pub line: usize,
}

impl Host {
    /// Opens `std/testing`, on this bench.
    pub(crate) fn open_to_tests(&mut self, bench: &Arc<dyn Bench>) {
        let mut module = Module::new();
        api::register_testing(&mut module, bench);
        self.engine.register_global_module(module.into());
        self.modules.for_tests.store(true, Ordering::Release);
    }

    /// The tests of a file, in its order.
    ///
    /// # Errors
    /// `parse`; `script` for a test that wants something and for a file without any.
    pub(crate) fn tests(&self, name: &str, text: &str) -> Result<Vec<Test>> {
        self.on_own_thread(|| {
            self.sources.add(name, text);
            let ast = self.compile(&self.new_scope(), name, text, Part::Script)?;
            let wants = |test: &str| ast.iter_functions().find(|f| f.name == test).map_or(0, |f| f.params.len());
            let tests = functions(text).filter(|test| test.name.starts_with(PREFIX));
            let tests: Vec<Test> = tests.collect();
            match tests.iter().find(|test| wants(&test.name) > 0) {
                Some(test) => {
                    Err(Error::new(Kind::Script, format!("{}:{}: {} takes parameters", name, test.line, test.name))
                        .hint("a test takes none; `t::each(cases, |case| …)` runs one for many cases"))
                }
                None if tests.is_empty() => Err(Error::new(Kind::Script, format!("{name} has no test"))
                    .hint("a test is a function whose name begins with test_: fn test_scales() { … }")),
                None => Ok(tests),
            }
        })
    }

    /// Runs a file's own lines, then one of its functions.
    ///
    /// # Errors
    /// As [`Host::run`].
    pub(crate) fn run_test(&self, name: &str, text: &str, test: &str) -> Result<Ended> {
        self.on_own_thread(|| {
            let mut scope = self.new_scope();
            self.sources.add(name, text);
            self.sources.is_test.store(true, Ordering::Release);
            let mut ast = self.compile(&scope, name, &without_others(text, test), Part::Script)?;
            self.look_ahead(name, &ast)?;
            ast.set_source(name);
            let options = CallFnOptions::new().eval_ast(true);
            // Its own, which the function of this name only passes on to.
            let own = ast.iter_functions().map(|own| own.name).find(|own| *own != test && in_text(own) == test);
            let own = own.unwrap_or(test).to_owned();
            let result = self.engine.call_fn_with_options::<Dynamic>(options, &mut scope, &ast, own, ());
            self.ended(name, result.map(|_| Value::Null))
        })
    }
}

/// A text without what stands in its other tests, where nothing calls them: each test is compiled anew, and a file may
/// have hundreds. All else stays in its place.
fn without_others(text: &str, test: &str) -> String {
    let tokens: Vec<_> =
        tokens::read(text).into_iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let mut mentioned: HashMap<&str, usize> = HashMap::new();
    for token in tokens.iter().filter(|token| matches!(token.what, What::Name | What::Text { .. })) {
        *mentioned.entry(token.said()).or_default() += 1;
    }
    let (mut rest, mut written, mut done) = (tokens.iter(), String::with_capacity(text.len()), 0);
    while let Some(token) = rest.next() {
        let Some(name) = rest.as_slice().first().filter(|_| token.is("fn")) else { continue };
        if !name.text.starts_with(PREFIX) || name.text == test || mentioned.get(name.text) != Some(&1) {
            continue;
        }
        let Some(begin) = rest.find(|token| token.is("{")) else { break };
        let mut depth = 1;
        let end = rest.find(|token| {
            depth += i32::from(token.is("{") || token.is("#{")) - i32::from(token.is("}"));
            depth == 0
        });
        let Some((before, inside)) =
            end.and_then(|end| Some((text.get(done..begin.end())?, text.get(begin.end()..end.start)?)))
        else {
            break;
        };
        written.push_str(before);
        written.extend(inside.chars().map(|c| if c == '\n' { c } else { ' ' }));
        done = begin.end() + inside.len();
    }
    written + text.get(done..).unwrap_or_default()
}

/// The functions of a text, in its order.
fn functions(text: &str) -> impl Iterator<Item = Test> {
    let tokens: Vec<_> =
        tokens::read(text).into_iter().filter(|token| !matches!(token.what, What::Comment { .. })).collect();
    let named = tokens.windows(2).filter_map(|pair| match pair {
        [word, name] if word.is("fn") => {
            Some(Test { name: name.text.to_owned(), line: tokens::place_of(text, word.start).0 })
        }
        _ => None,
    });
    named.collect::<Vec<_>>().into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_is_compiled_without_the_others() {
        let text = "fn helper() { 1 }\nfn test_a() { #{a: `${\"}\"}`}; /* } */\n }\nfn test_b() { test_c() }\nfn test_c() { 2 } fn test_中() { 3 }\n";
        for (test, expected) in [
            (
                "test_a",
                "fn helper() { 1 }\nfn test_a() { #{a: `${\"}\"}`}; /* } */\n }\nfn test_b() {          }\nfn test_c() { 2 } fn test_中() {   }\n",
            ),
            (
                "test_b",
                "fn helper() { 1 }\nfn test_a() {                        \n }\nfn test_b() { test_c() }\nfn test_c() { 2 } fn test_中() {   }\n",
            ),
        ] {
            assert_eq!(without_others(text, test), expected, "{test}");
        }
        for odd in ["fn test_a() {", "fn test_a(", "fn", "fn test_a() { \"", ""] {
            assert_eq!(without_others(odd, "test_b"), odd);
        }
    }
}
