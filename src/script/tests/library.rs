//! The library, called with what does not fit: whatever is wrong stands at the caller's line and in the caller's words.

use serde_json::json;

use super::bench::{Bench, ok};
use crate::error::Kind;
use crate::script::library::{module, names};

/// Values that fit few parameters.
const VALUES: [&str; 4] = ["5", "\"x\"", "()", "#{}"];

#[test]
fn wrong_values_are_told_at_the_line_of_the_caller_by_the_name_of_the_function() {
    let bench = Bench::new(|_| ok(json!({})));
    let host = bench.host();
    let (mut calls, mut refused, mut wrong) = (0, 0, Vec::new());
    for module in names().filter(|name| *name != "std/testing").filter_map(module) {
        for (function, form) in module.functions.iter().flat_map(|f| f.forms.iter().map(move |form| (f, form))) {
            for value in VALUES.iter().filter(|_| !form.is_empty()) {
                let given = vec![*value; form.len()].join(", ");
                let call = format!("{}::{}({given})", module.short(), function.name);
                let script = format!("import \"{}\" as {};\n{call}; ()", module.name, module.short());
                calls += 1;
                let Err(error) = host.eval("test.rhai", &script) else { continue };
                refused += 1;
                let place = error.trace.first().map(|frame| (frame.file.as_str(), frame.line));
                let names = error.message.starts_with(&format!("{}::{} ", module.short(), function.name));
                // What the engine finds says which function and what that takes; the rest is the library's own word.
                let is_told =
                    names && !error.hints.is_empty() || error.kind != Kind::Script || !is_engines(&error.message);
                if place != Some(("test.rhai", 2)) || !is_told || error.message.contains("__") {
                    wrong.push(format!("{call}: {place:?} {} {:?}", error.message, error.hints));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {calls}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(calls > 300 && refused > calls / 2, "{refused} of {calls}");
}

/// Whether a message is one of those that the engine's errors become.
fn is_engines(message: &str) -> bool {
    ["does not take", "has no property", "does not work between", "has nothing at", "is wanted here"]
        .iter()
        .any(|words| message.contains(words))
}

#[test]
fn what_does_not_fit_is_told_with_what_the_function_takes() {
    let bench = Bench::new(|_| ok(json!({})));
    for (module, call, message, hint) in [
        (
            "audit",
            "ranked(5)",
            "audit::ranked cannot use what it was given: sorted_by takes a list, not 5",
            "`findings`: an array.",
        ),
        (
            "ensure",
            "volume_claim(1001, 3002, #{ Capacity: 1 })",
            "ensure::volume_claim cannot use what it was given: the map has no property `Name`",
            "`wanted`: `Name`, `Capacity`, `AccessModes` and `StorageClass`.",
        ),
        (
            "wait",
            "until(\"x\", 5, || 1)",
            "wait::until cannot use what it was given: `keys` does not take (int)",
            "`options`: see the module.",
        ),
    ] {
        let error = bench.error(&format!("import \"std/{module}\" as {module}; {module}::{call}"));
        assert_eq!(error.message, message);
        assert!(error.hints.iter().any(|known| known == hint), "{:?}", error.hints);
    }
    let error = bench.error("import \"std/wait\" as wait; wait::until(\"x\", #{ every: true, most: -1 }, || 1)");
    let kinds = "every is a number of seconds or a text such as \"10m\", not true; most is a number of seconds or a text such as \"10m\", not -1";
    assert_eq!(error.message, kinds);
    // What a closure of the caller's does wrong is its own.
    let error = bench.error("import \"std/list\" as list;\nlist::sorted_by([1],\n|x| x.y)");
    assert_eq!((error.message.as_str(), error.trace[0].line), ("an int has no property `y`", 3));
}
