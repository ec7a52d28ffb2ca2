//! Many calls at once: `call_all` for plain calls, `parallel` for closures, and their `try_` forms.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::StreamExt as _;
use rhai::{Array, Dynamic, EvalAltResult, FnPtr, Map as RhaiMap, Module, NativeCallContext};

use super::api::{self, Function, ScriptResult, map_of, target_of};
use super::value::{error_of, from_dynamic, throw, thrown, to_dynamic};
use super::{limits, threads};
use crate::account::Account;
use crate::error::{Error, Kind, Outcome, Result};
use crate::wire::request::Request;

/// One item's result: a value, or what was thrown.
type ItemResult = std::result::Result<Dynamic, Box<EvalAltResult>>;

/// Calls or closures that run at once when a script does not say.
const CONCURRENCY: usize = 16;

/// The most that a script may ask for.
const MOST: i64 = 1024;

/// What becomes of the items' results: thrown together, or returned one by one.
#[derive(Clone, Copy)]
enum Form {
    Throw,
    Try,
}

pub(super) fn register(module: &mut Module, account: &Arc<Account>, stack: usize) {
    let forms = [
        ("", Form::Throw, "; throws when any failed, after the rest finished"),
        ("try_", Form::Try, "; returns one #{ok, value, error, item} for each"),
    ];
    for (prefix, form, ending) in forms {
        let call_all = format!("{prefix}call_all");
        let help = format!("Calls an operation once for each map of parameters, results in order{ending}.");
        for arguments in
            [vec!["action: string", "items: array"], vec!["action: string", "items: array", "options: map"]]
        {
            let account = Arc::clone(account);
            let signature = arguments.into_iter().chain(["array"]).map(str::to_owned).collect();
            let name = call_all.clone();
            api::register(module, Function { name: &call_all, signature, help: &help }, move |_, args| {
                let results = match args {
                    [action, items] => run_calls(&account, action, items, &Dynamic::UNIT),
                    [action, items, options, ..] => run_calls(&account, action, items, options),
                    _ => return Ok(Dynamic::UNIT),
                };
                finish(form, results.map_err(throw)?, &name)
            });
        }
        let parallel = format!("{prefix}parallel");
        let help = format!("Runs a closure for each item on real threads, results in order{ending}.");
        for arguments in [vec!["items: array", "body: Fn"], vec!["items: array", "concurrency: int", "body: Fn"]] {
            let account = Arc::clone(account);
            let signature = arguments.into_iter().chain(["array"]).map(str::to_owned).collect();
            let name = parallel.clone();
            api::register(module, Function { name: &parallel, signature, help: &help }, move |context, args| {
                let results = match args {
                    [items, body] => run_closures(context, &account, stack, items, None, body)?,
                    [items, concurrency, body] => {
                        run_closures(context, &account, stack, items, Some(concurrency), body)?
                    }
                    _ => return Ok(Dynamic::UNIT),
                };
                finish(form, results, &name)
            });
        }
    }
}

/// The `#{ok, value, error, item}` of one item.
pub(super) fn outcome(item: Dynamic, result: ItemResult) -> Dynamic {
    let (ok, value, error) = match result {
        Ok(value) => (true, value, Dynamic::UNIT),
        Err(error) => (false, Dynamic::UNIT, thrown(&error)),
    };
    let fields = [("ok", ok.into()), ("value", value), ("error", error), ("item", item)];
    let map: RhaiMap = fields.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Dynamic::from_map(map)
}

/// Results as the form wants them. A stop of the run passes every form.
fn finish(form: Form, results: Vec<(Dynamic, ItemResult)>, name: &str) -> ScriptResult {
    let mut values = Array::with_capacity(results.len());
    let mut failures = Vec::new();
    let count = results.len();
    for (item, result) in results {
        match (form, result) {
            (_, Err(error)) if matches!(error.unwrap_inner(), EvalAltResult::ErrorTerminated(..)) => {
                return Err(error);
            }
            (Form::Try, result) => values.push(outcome(item, result)),
            (Form::Throw, Ok(value)) => values.push(value),
            (Form::Throw, Err(error)) => failures.push((item, error_of(&error))),
        }
    }
    if failures.is_empty() {
        return Ok(values.into());
    }
    Err(throw(all_of(name, count, failures)))
}

/// One error that lists every failure; its kind is the gravest among them.
fn all_of(name: &str, count: usize, failures: Vec<(Dynamic, Error)>) -> Error {
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
        format!("{name}: {} of {count} failed", failures.len()),
    );
    error.outcome = gravest.and_then(|error| error.outcome);
    error.operation = gravest.and_then(|error| error.operation.clone());
    error.retryable = failures.iter().all(|(_, error)| error.retryable);
    error.failures = failures
        .into_iter()
        .map(|(item, error)| (from_dynamic(&item).unwrap_or_else(|_| item.to_string().into()), error))
        .collect();
    error
}

fn run_calls(
    account: &Account,
    action: &Dynamic,
    items: &Dynamic,
    options: &Dynamic,
) -> Result<Vec<(Dynamic, ItemResult)>> {
    let target = target_of(action)?;
    let items = array_of(items, "call_all takes an array of maps")?;
    let concurrency = concurrency_option(options)?;
    if items.is_empty() {
        return Ok(Vec::new());
    }
    account.permit(&target)?;
    let client = account.client()?;
    let results = account.wait(async {
        // Unordered, so that one slow call does not hold back those behind it.
        let calls = items.iter().enumerate().map(|(n, item)| {
            let (client, target) = (&client, &target);
            async move {
                let result = async { client.call(target, &Request::build(target, map_of(item)?)?).await }.await;
                (n, result)
            }
        });
        let calls = futures_util::stream::iter(calls).buffer_unordered(concurrency);
        let mut results: Vec<_> = calls.collect().await;
        results.sort_unstable_by_key(|(n, _)| *n);
        Ok(results)
    })?;
    let results = results.into_iter().map(|(_, result)| result.map(to_dynamic).map_err(throw));
    Ok(items.into_iter().zip(results).collect())
}

fn array_of(value: &Dynamic, expected: &str) -> Result<Array> {
    value
        .clone()
        .into_array()
        .map_err(|given| Error::new(Kind::Invalid, format!("{expected}, not {given}")).outcome(Outcome::NotSent))
}

fn concurrency_option(options: &Dynamic) -> Result<usize> {
    if options.is_unit() {
        return Ok(CONCURRENCY);
    }
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

/// Runs a closure on threads of its own, each item once.
fn run_closures(
    context: &NativeCallContext<'_>,
    account: &Account,
    stack: usize,
    items: &Dynamic,
    concurrency: Option<&Dynamic>,
    body: &Dynamic,
) -> std::result::Result<Vec<(Dynamic, ItemResult)>, Box<EvalAltResult>> {
    let items = array_of(items, "parallel takes an array").map_err(throw)?;
    let concurrency = match concurrency {
        None => CONCURRENCY,
        Some(given) => concurrency_of(given.as_int().ok()).map_err(throw)?,
    };
    let Some(body) = body.clone().try_cast::<FnPtr>() else {
        let message = "parallel runs a closure such as |item| list_app_environment(item.AppId)";
        return Err(throw(Error::new(Kind::Invalid, message)));
    };
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<ItemResult>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let work = || {
        while let Some((item, slot)) = {
            let n = next.fetch_add(1, Ordering::Relaxed);
            items.get(n).zip(results.get(n))
        } {
            let result = limits::check(account.stop())
                .and_then(|()| body.call_within_context::<Dynamic>(context, (item.clone(),)));
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        }
    };
    threads::scope(concurrency.min(items.len()), stack, &work).map_err(throw)?;
    let lost = || Err(throw(Error::new(Kind::Script, "the closure's thread died")));
    Ok(items
        .iter()
        .cloned()
        .zip(
            results
                .into_iter()
                .map(|slot| slot.into_inner().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(lost)),
        )
        .collect())
}
