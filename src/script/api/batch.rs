//! Many calls at once: `call_all` for plain calls, `parallel` for closures, and their `try_` forms.

use std::ops::{Range, RangeInclusive};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, Map as RhaiMap, Module, NativeCallContext};

use serde_json::Value;

use super::as_array::list_of;
use super::captured::Threaded;
use super::{self as api, map_of, target_of};
use crate::call::account::{Account, Calls};
use crate::call::subject::SHOWN;
use crate::error::{Error, Kind, Outcome, Result};
use crate::journal::place::Place;
use crate::memory;
use crate::script::report::Sources;
use crate::script::threads::{self, Threads};
use crate::script::value::{ScriptError, ScriptResult, from_dynamic, is_ours, throw, to_map};
use crate::script::words::{kind_of, shown};
use crate::script::{hints, limits, report};
use crate::secret;
use crate::show::redaction::REDACTOR;

/// Calls or closures that run at once when a script does not say.
const CONCURRENCY: usize = 16;

/// The most that a script may ask for.
const MOST: i64 = threads::MOST as i64;

/// What an item failed with.
enum Failed {
    /// A call, whose error is kept small: there may be many.
    Call(Error),
    /// A closure.
    Closure(ScriptError),
}

impl Failed {
    fn thrown(self) -> ScriptError {
        match self {
            Self::Call(error) => throw(error),
            Self::Closure(error) => error,
        }
    }

    /// Whether it ends the script, past every form.
    fn is_end(&self) -> bool {
        match self {
            Self::Call(error) => matches!(error.kind, Kind::Interrupted(_) | Kind::Limit),
            Self::Closure(error) => is_end(error),
        }
    }
}

/// The result of one item.
type ItemResult = std::result::Result<Dynamic, Failed>;

/// What becomes of the items' results: thrown together, or returned one by one.
#[derive(Clone, Copy)]
enum Form {
    Throw,
    Try,
}

pub(super) fn register(module: &mut Module, account: &Arc<Account>, threads: &Arc<Threads>) {
    let forms = [
        ("", Form::Throw, "; throws when any failed, after the rest finished"),
        ("try_", Form::Try, "; returns one #{ok, value, error, item} for each"),
    ];
    for (prefix, form, ending) in forms {
        let name = format!("{prefix}call_all");
        let help = format!("Calls an operation once for each map of parameters, results in order{ending}.");
        for signature in [
            &["action: string", "items: array", "array"][..],
            &["action: string", "items: array", "options: map", "array"],
        ] {
            let (account, called) = (Arc::clone(account), name.clone());
            api::register(module, &name, signature, &help, move |context, args| {
                let [action, items, options @ ..] = args else {
                    return Ok(Dynamic::UNIT);
                };
                let items = array_of(items, &format!("{called} takes an array of maps"))?;
                let results = run_calls(&account.here(), action, items, options.first().map(|options| &**options));
                finish(context, form, results.map_err(throw)?, &called)
            });
        }
        let name = format!("{prefix}parallel");
        let help = format!("Runs a closure for each item on real threads, results in order{ending}.");
        for signature in
            [&["items: array", "body: Fn", "array"][..], &["items: array", "concurrency: int", "body: Fn", "array"]]
        {
            let (account, threads, called) = (Arc::clone(account), Arc::clone(threads), name.clone());
            api::register(module, &name, signature, &help, move |context, args| {
                let [items, concurrency @ .., body] = args else {
                    return Ok(Dynamic::UNIT);
                };
                let concurrency = concurrency.first().map(|concurrency| &**concurrency);
                let results = run_closures(context, &account.here(), &threads, items, concurrency, body)?;
                finish(context, form, results, &called)
            });
        }
    }
}

/// The `#{ok, value, error, item}` of one item. A stop of the run is no outcome.
pub(super) fn outcome(context: &NativeCallContext<'_>, item: Dynamic, result: ScriptResult) -> ScriptResult {
    let (ok, value, error) = match result {
        Ok(value) => (true, value, Dynamic::UNIT),
        Err(error) if is_end(&error) => return Err(error),
        Err(error) => {
            let mut failure = to_map(&failure(context, &error));
            // What a script threw itself comes as it was, beside.
            let thrown = match error.unwrap_inner() {
                EvalAltResult::ErrorRuntime(value, _) if !is_ours(value) => value.clone(),
                _ => Dynamic::UNIT,
            };
            if let Ok(mut map) = failure.as_map_mut() {
                map.insert("thrown".into(), thrown);
            }
            (false, Dynamic::UNIT, failure)
        }
    };
    let fields = [("ok", ok.into()), ("value", value), ("error", error), ("item", item)];
    let map: RhaiMap = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Ok(Dynamic::from_map(map))
}

/// Whether an error ends the script, past every form.
pub(super) fn is_end(error: &EvalAltResult) -> bool {
    matches!(
        error.unwrap_inner(),
        EvalAltResult::ErrorTerminated(..) | EvalAltResult::ErrorStackOverflow(..) | EvalAltResult::ErrorParsing(..)
    )
}

/// What one item failed with, and where.
pub(super) fn failure(context: &NativeCallContext<'_>, error: &EvalAltResult) -> Error {
    let sources = Sources::of(context).unwrap_or_default();
    let place = report::place(&sources, context.call_source().unwrap_or_default(), error);
    let mut failure = report::said(context.engine(), error);
    if failure.trace.is_empty() {
        failure.trace = place.into_iter().collect();
    }
    let file = failure.trace.first().map(|frame| frame.file.clone()).unwrap_or_default();
    hints::add(&mut failure, error.unwrap_inner(), &sources.text(&file));
    failure
}

/// Results as the form wants them.
fn finish(
    context: &NativeCallContext<'_>,
    form: Form,
    results: Vec<(Dynamic, ItemResult)>,
    name: &str,
) -> ScriptResult {
    if let Some(end) = results.iter().position(|(_, result)| result.as_ref().is_err_and(Failed::is_end)) {
        return Err(ended_by(context, results, end));
    }
    let mut values = Array::with_capacity(results.len());
    let mut failures = Vec::new();
    let count = results.len();
    for (item, result) in results {
        match (form, result) {
            (Form::Try, result) => values.push(outcome(context, item, result.map_err(Failed::thrown))?),
            (Form::Throw, Ok(value)) => values.push(value),
            (Form::Throw, Err(Failed::Call(error))) => failures.push((item, error)),
            (Form::Throw, Err(Failed::Closure(error))) => failures.push((item, failure(context, &error))),
        }
    }
    match failures.is_empty() {
        true => Ok(Dynamic::from_array(values)),
        false => Err(throw(all_of(name, count, failures))),
    }
}

/// What ended the script in the middle of many items. Nobody will see what the others failed with: those of
/// which it is not known whether they happened are named.
fn ended_by(context: &NativeCallContext<'_>, mut results: Vec<(Dynamic, ItemResult)>, end: usize) -> ScriptError {
    let (_, end) = results.swap_remove(end);
    for (item, result) in results {
        let error = match result {
            Err(failed) if failed.is_end() => continue,
            Err(Failed::Call(error)) => error,
            Err(Failed::Closure(error)) => failure(context, &error),
            Ok(_) => continue,
        };
        if error.outcome == Some(Outcome::Unknown) {
            tracing::error!("{}: {}", item_shown(&item), error.message);
        }
    }
    match end {
        Err(failed) => failed.thrown(),
        Ok(_) => throw(Error::new(Kind::Script, "the script ended")),
    }
}

/// An item as people see it, without what its keys call secret.
fn item_shown(item: &Dynamic) -> Value {
    match from_dynamic(item) {
        Ok(Value::Object(item)) => secret::mask_for_people(item).into(),
        Ok(item) => item,
        Err(_) => kind_of(item).into(),
    }
}

/// What an item of a call of many that failed takes, as an error and as the map that a script catches.
const FAILURE: usize = 8 << 10;

/// How many ended how, where it is not known of some.
fn tally(count: usize, failures: &[(Dynamic, Error)]) -> Option<String> {
    let ended = |outcome| failures.iter().filter(|(_, error)| error.outcome == Some(outcome)).count();
    let [unknown, refused, not_sent] = [Outcome::Unknown, Outcome::Refused, Outcome::NotSent].map(ended);
    let done = count - failures.len();
    (unknown > 0).then(|| format!(": {done} done, {refused} refused, {unknown} unknown, {not_sent} not sent"))
}

/// One error that lists every failure; its kind is the gravest among them.
pub(super) fn all_of(name: &str, count: usize, mut failures: Vec<(Dynamic, Error)>) -> Error {
    let gravity = |error: &Error| match error.kind {
        Kind::UnknownOutcome => 5,
        Kind::Credentials | Kind::Policy | Kind::Config => 4,
        Kind::Network => 3,
        Kind::Api | Kind::NotAdmitted | Kind::Throttled => 2,
        Kind::Invalid => 1,
        _ => 0,
    };
    let gravest = failures.iter().map(|(_, error)| error).max_by_key(|error| gravity(error));
    let mut error = Error::new(
        gravest.map_or(Kind::Script, |error| error.kind),
        format!("{} of {count} items of {name} failed{}", failures.len(), tally(count, &failures).unwrap_or_default()),
    );
    error.outcome = gravest.and_then(|error| error.outcome);
    error.operation = gravest.and_then(|error| error.operation.clone());
    error.hints = gravest.map(|error| error.hints.clone()).unwrap_or_default();
    error.retryable = failures.iter().all(|(_, error)| error.retryable);
    // Made, thrown, and read again by whoever shows it.
    let room = (memory::left() / FAILURE / 4).max(1);
    if failures.len() > room {
        // Those that have to be looked at come first.
        failures.sort_by_key(|(_, error)| error.outcome != Some(Outcome::Unknown));
        error
            .hints
            .push(format!("there is room for {room} of the {} failures: --max-memory allows more", failures.len()));
        failures.truncate(room);
    }
    error.failures = failures.into_iter().map(|(item, error)| (item_shown(&item), error)).collect();
    error
}

fn run_calls(
    account: &Account,
    action: &Dynamic,
    items: Array,
    options: Option<&Dynamic>,
) -> Result<Vec<(Dynamic, ItemResult)>> {
    let target = target_of(action)?;
    let concurrency = options.map_or(Ok(CONCURRENCY), concurrency_option)?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    // Those of calls that are refused are secrets, too.
    Account::know(&target, items.iter().filter_map(|item| map_of(item).ok()));
    let permit = account.permit(&target, || Calls {
        count: items.len(),
        first: items.iter().take(SHOWN).filter_map(|item| map_of(item).ok()).collect(),
    })?;
    let results = account.call_all(&permit, &items, map_of, concurrency)?;
    let results = results.into_iter().map(|result| result.map_err(Failed::Call));
    Ok(items.into_iter().zip(results).collect())
}

fn array_of(value: &Dynamic, expected: &str) -> ScriptResult<Array> {
    let is_range = value.is::<Range<i64>>() || value.is::<RangeInclusive<i64>>();
    let hint = is_range.then(|| "(1..4).map(|n| n) is the array of a range".to_owned());
    let wrong = |given| {
        let error = Error::new(Kind::Invalid, format!("{expected}, not {given}")).outcome(Outcome::NotSent);
        throw(hint.into_iter().fold(error, Error::hint))
    };
    list_of(value)?.map_err(wrong)
}

fn concurrency_option(options: &Dynamic) -> Result<usize> {
    let mut options = map_of(options)?;
    let given = options.remove("concurrency");
    if let Some(name) = options.keys().next() {
        let message = format!("call_all has no option `{name}`");
        return Err(Error::new(Kind::Invalid, message).hint("its one option is `concurrency`"));
    }
    match given {
        None => Ok(CONCURRENCY),
        Some(value) => concurrency_of(value.as_i64()),
    }
}

fn concurrency_of(given: Option<i64>) -> Result<usize> {
    given
        .filter(|n| (1..=MOST).contains(n))
        .and_then(|n| usize::try_from(n).ok())
        .ok_or_else(|| Error::new(Kind::Invalid, format!("concurrency is an integer from 1 to {MOST}")))
}

/// What tells an item from others, wherever it stands in its list: itself, or the ids in it.
fn identity(item: &Dynamic) -> String {
    let is_plain = |value: &Dynamic| value.is_int() || value.is_string();
    let text = match item.as_map_ref() {
        Ok(map) => {
            let ids = map.iter().filter(|(name, value)| name.ends_with("Id") && is_plain(value));
            ids.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        }
        Err(_) if is_plain(item) => item.to_string(),
        Err(_) => String::new(),
    };
    REDACTOR.text(&text).chars().take(LONGEST_IDENTITY).collect()
}

/// The longest of what tells an item from others, in characters.
const LONGEST_IDENTITY: usize = 200;

/// Runs a closure for each item, on this thread and on others. What ends the script keeps further
/// items from being begun.
fn run_closures(
    context: &NativeCallContext<'_>,
    account: &Arc<Account>,
    threads: &Threads,
    items: &Dynamic,
    concurrency: Option<&Dynamic>,
    body: &Dynamic,
) -> ScriptResult<Vec<(Dynamic, ItemResult)>> {
    let items = array_of(items, "parallel takes an array")?;
    let concurrency = match concurrency {
        None => CONCURRENCY,
        Some(given) => concurrency_of(given.as_int().ok()).map_err(throw)?,
    };
    let Some(body) = body.clone().try_cast::<FnPtr>() else {
        let message = format!("parallel runs a closure, not {}", shown(body));
        let hint = "write it as |item| list_app_environment(item.AppId)";
        return Err(throw(Error::new(Kind::Invalid, message).hint(hint)));
    };
    let here = Place::here();
    let run = |body: &FnPtr, n: usize, item: &Dynamic| -> ScriptResult {
        limits::check(account.stop())?;
        let call = || body.call_within_context::<Dynamic>(context, (item.clone(),));
        // Other threads do not know where this one is.
        let call = || account.within(|| here.item_of(n, &identity(item)).within(call));
        std::panic::catch_unwind(AssertUnwindSafe(call))
            .unwrap_or_else(|_| Err(throw(Error::new(Kind::Script, "the script engine failed in this closure"))))
    };
    let next = AtomicUsize::new(0);
    let results: Vec<OnceLock<ScriptResult>> = items.iter().map(|_| OnceLock::new()).collect();
    let count = concurrency.min(items.len());
    let body = Threaded::new(&body, count);
    threads.together(count, &|| {
        let body = body.of_thread();
        loop {
            let n = next.fetch_add(1, Ordering::AcqRel);
            let Some((item, slot)) = items.get(n).zip(results.get(n)) else {
                break;
            };
            let result = run(&body, n, item);
            if result.as_ref().is_err_and(|error| is_end(error)) {
                next.store(items.len(), Ordering::Release);
            }
            let _ = slot.set(result);
        }
    });
    // Items without a result come behind one that ended the script, which decides.
    let results = results.into_iter().map(|slot| slot.into_inner().unwrap_or(Ok(Dynamic::UNIT)));
    let results = results.map(|result| result.map_err(Failed::Closure));
    Ok(items.into_iter().zip(results).collect())
}
