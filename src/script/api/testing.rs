//! What `stdlib/testing.rhai` stands on; registered for tests only.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use rhai::{Array, Dynamic, FnPtr, ImmutableString, Map, Module, NativeCallContext};
use serde_json::Value;
use similar::TextDiff;

use super::batch::{all_of, failure, is_end};
use super::{function, map_of};
use crate::error::{Error, Kind, Result};
use crate::script::bench::{Bench, Wanted};
use crate::script::limits;
use crate::script::value::{ScriptResult, from_dynamic, throw, to_dynamic, to_map, written};
use crate::script::words::{a, kind_of, shown};

/// A one-line value of more characters than this is compared line by line.
const SHORT: usize = 60;

/// Registers what tests call, under names of their own.
pub(in crate::script) fn register(module: &mut Module, bench: &Arc<dyn Bench>) {
    register_asserts(module);
    register_account(module, bench);
    let at = Arc::clone(bench);
    function("run__", &["any"; 4], "").set_into_module(
        module,
        move |file: ImmutableString, words: Dynamic, options: Dynamic| -> ScriptResult {
            run(&*at, &file, &words, &options).map_err(throw)
        },
    );
    let at = Arc::clone(bench);
    function("snapshot__", &["any"; 3], "").set_into_module(
        module,
        move |name: ImmutableString, value: Dynamic| -> ScriptResult {
            let differs = from_dynamic(&value).and_then(|value| at.snapshot(&name, &value)).map_err(throw)?;
            Ok(differs.map_or(Dynamic::UNIT, Into::into))
        },
    );
    let at = Arc::clone(bench);
    function("file__", &["any"; 3], "").set_into_module(
        module,
        move |name: ImmutableString, text: ImmutableString| -> ScriptResult<String> {
            at.file(&name, &text).map_err(throw)
        },
    );
}

fn register_asserts(module: &mut Module) {
    function("differ__", &["any"; 3], "").set_into_module(
        module,
        |context: NativeCallContext<'_>, mut got: Dynamic, mut wanted: Dynamic| -> ScriptResult {
            let same = limits::equal(&context, &mut got, &mut wanted, 0)?;
            Ok(if same { Dynamic::UNIT } else { difference(&got, &wanted).into() })
        },
    );
    function("shown__", &["any"; 2], "").set_into_module(module, |value: Dynamic| said(&value));
    function("thrown__", &["any"; 2], "").set_into_module(
        module,
        |context: NativeCallContext<'_>, body: Dynamic| -> ScriptResult {
            let body = closure(&body, "assert_throws", "|| …")?;
            match body.call_within_context::<Dynamic>(&context, ()) {
                Ok(_) => Ok(Dynamic::UNIT),
                Err(error) if is_end(&error) => Err(error),
                Err(error) => Ok(caught(&context, &error)),
            }
        },
    );
    function("each__", &["any"; 3], "").set_into_module(
        module,
        |context: NativeCallContext<'_>, cases: Dynamic, body: Dynamic| -> ScriptResult<()> {
            each(&context, &cases, &body)
        },
    );
}

fn register_account(module: &mut Module, bench: &Arc<dyn Bench>) {
    let at = Arc::clone(bench);
    function("world__", &["any"; 2], "").set_into_module(module, move |words: Dynamic| -> ScriptResult {
        from_dynamic(&words).and_then(|words| at.world(&words)).map(to_dynamic).map_err(throw)
    });
    let at = Arc::clone(bench);
    function("faults__", &["any"; 2], "").set_into_module(module, move |rules: Dynamic| -> ScriptResult {
        let rules = if rules.is_unit() { None } else { Some(from_dynamic(&rules).map_err(throw)?) };
        at.faults(rules.as_ref()).map(to_dynamic).map_err(throw)
    });
    let at = Arc::clone(bench);
    function("ledger__", &["any"], "")
        .set_into_module(module, move || -> ScriptResult { at.ledger().map(to_dynamic).map_err(throw) });
    let at = Arc::clone(bench);
    function("advance__", &["any"; 2], "").set_into_module(module, move |by: Dynamic| -> ScriptResult<()> {
        at.advance(span(&by).map_err(throw)?);
        Ok(())
    });
}

/// A span of time: seconds, or text such as `10m`.
fn span(by: &Dynamic) -> Result<Duration> {
    let wrong = || {
        let message = format!("advance takes seconds or a span of time such as \"10m\", not {}", shown(by));
        Error::new(Kind::Invalid, message)
    };
    let seconds = by.as_float().or_else(|_| by.as_int().map(|seconds| seconds as f64));
    match (seconds, by.clone().into_immutable_string()) {
        (Ok(seconds), _) => Duration::try_from_secs_f64(seconds).map_err(|_| wrong()),
        (_, Ok(text)) => in_words(text.trim()).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// `10m`, `1h 30m`, `2d`, `1d12h`.
fn in_words(text: &str) -> Option<Duration> {
    const DAY: u64 = 24 * 3600;
    let (days, rest) = match text.split_once('d') {
        Some((days, rest)) => (days.trim().parse().ok()?, rest.trim()),
        None => (0_u64, text),
    };
    let rest = if rest.is_empty() && days > 0 { SignedDuration::ZERO } else { rest.parse().ok()? };
    Duration::from_secs(days.checked_mul(DAY)?).checked_add(Duration::try_from(rest).ok()?)
}

fn run(bench: &dyn Bench, file: &str, words: &Dynamic, options: &Dynamic) -> Result<Dynamic> {
    let wrong =
        |given: String| Error::new(Kind::Invalid, format!("run takes the words of a script as a list, not {given}"));
    let words = words.read_lock::<Array>().ok_or_else(|| wrong(shown(words)))?;
    let word = |word: &Dynamic| match from_dynamic(word)? {
        Value::String(text) => Ok(text),
        value @ (Value::Number(_) | Value::Bool(_)) => Ok(value.to_string()),
        _ => Err(wrong(format!("a list with {}", a(&kind_of(word))))),
    };
    let words = words.iter().map(word).collect::<Result<_>>()?;
    bench.run(Wanted { file: file.to_owned(), words, options: map_of(options)? }).map(to_dynamic)
}

/// Runs a closure for every case, and throws what failed with the cases that it failed for.
fn each(context: &NativeCallContext<'_>, cases: &Dynamic, body: &Dynamic) -> ScriptResult<()> {
    let body = closure(body, "each", "|case| …")?;
    let Some(cases) = cases.read_lock::<Array>().map(|cases| cases.clone()) else {
        let message = format!("each takes a list of cases, not {}", shown(cases));
        return Err(throw(Error::new(Kind::Invalid, message)));
    };
    let count = cases.len();
    if count == 0 {
        return Err(throw(Error::new(Kind::Invalid, "each was given no case: nothing would be tested")));
    }
    let mut failures = Vec::new();
    for case in cases {
        match body.call_within_context::<Dynamic>(context, (case.clone(),)) {
            Ok(_) => {}
            Err(error) if is_end(&error) => return Err(error),
            Err(error) => failures.push((case, failure(context, &error))),
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(throw(all_of("each", count, failures))) }
}

fn closure(body: &Dynamic, name: &str, form: &str) -> ScriptResult<FnPtr> {
    body.clone().try_cast::<FnPtr>().ok_or_else(|| {
        let message = format!("{name} runs a closure, not {}", shown(body));
        throw(Error::new(Kind::Invalid, message).hint(format!("write it as {form}")))
    })
}

/// What a `catch` would see, as a map in any case.
fn caught(context: &NativeCallContext<'_>, error: &rhai::EvalAltResult) -> Dynamic {
    let mut map = to_map(&failure(context, error));
    if let rhai::EvalAltResult::ErrorRuntime(thrown, _) = error.unwrap_inner()
        && let (Ok(mut map), Some(thrown)) = (map.as_map_mut(), thrown.read_lock::<Map>())
    {
        // A script's own map keeps its own words.
        map.extend(thrown.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
    map
}

/// What two values differ in: both on lines of their own, or line by line where they are long.
fn difference(got: &Dynamic, wanted: &Dynamic) -> String {
    let (one, other) = (said(got), said(wanted));
    let is_short = |text: &str| text.chars().count() <= SHORT && !text.contains('\n');
    if is_short(&one) && is_short(&other) {
        return format!("   got: {one}\nwanted: {other}");
    }
    lines(&long(wanted), &long(got))
}

/// The lines of two texts that differ, with a few around them.
pub(crate) fn lines(wanted: &str, got: &str) -> String {
    let diff = TextDiff::from_lines(wanted, got);
    let changes = diff.unified_diff().context_radius(3).missing_newline_hint(false).to_string();
    format!("- wanted, + got\n{}", changes.trim_end())
}

/// A value as an assertion shows it: as JSON, where it is data.
fn said(value: &Dynamic) -> String {
    let json = from_dynamic(value).map(|value| value.to_string());
    json.unwrap_or_else(|_| written(value).unwrap_or_default())
}

/// A value on many lines; a text as it is.
fn long(value: &Dynamic) -> String {
    match from_dynamic(value) {
        Ok(Value::String(text)) => text,
        Ok(value) => format!("{value:#}"),
        Err(_) => written(value).unwrap_or_default(),
    }
}
