//! What every script can call without an account: time, JSON, tables, logs, the end of the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use rhai::{Dynamic, Engine, FuncRegistration, ImmutableString, Module};
use serde_json::{Map, Value};

use super::as_array::list_of;
use super::csv::columns_of;
use super::files;
use super::function;
use super::jobs;
use super::json;
use super::{
    by_key, compared, csv, figures, formats, http, lists, numbers, ordering, output, parts, patterns, texts, times,
};
use crate::call::account::Account;
use crate::clock::{self, Clock};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::script::host::HostConfig;
use crate::script::value::{Ending, ScriptResult, from_dynamic, terminate, throw, written};
use crate::show::redaction::REDACTOR;
use crate::show::{data, visible};
use crate::stop::Stop;

/// Registers them.
pub(in crate::script) fn register(engine: &mut Engine, config: &HostConfig, account: &Arc<Account>) {
    let mut module = Module::new();
    register_time(&mut module, config, account);
    register_data(&mut module);
    register_run(&mut module, config);
    files::register(&mut module, config, account);
    jobs::register(&mut module, config, account);
    lists::register(&mut module);
    by_key::register(&mut module);
    figures::register(&mut module);
    compared::register(&mut module);
    ordering::register(&mut module);
    parts::register(&mut module);
    texts::register(&mut module);
    patterns::register(&mut module);
    csv::register(&mut module);
    formats::register(&mut module);
    numbers::register(&mut module);
    times::register(&mut module, &config.clock);
    output::register(&mut module, config);
    http::register(&mut module, &config.net, account);
    engine.register_global_module(module.into());
    ordering::announce(engine);
    engine.register_static_module("log", log_module().into());
    let stop = Arc::clone(&config.stop);
    engine.on_print(move |text| print_to(&stop, data::print(text)));
    engine.on_debug(|text, source, position| {
        data::tell(&visible::block(&format!("{}:{position:?}: {text}", source.unwrap_or("script"))));
    });
}

/// What became of something printed. A reader that went away is no reason to stop a run half-way; a full disk is.
pub(super) fn print_to(stop: &Stop, printed: std::io::Result<()>) {
    match printed {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            stop.set(Error::new(Kind::Io, format!("cannot write to stdout: {error}")));
        }
        _ => {}
    }
}

/// How often a run that only looks is not kept waiting: a script that asks again and again until something happens,
/// which nobody makes happen now, would ask for ever.
const PASSED_OVER: u32 = 1_000;

/// What a sleep is of a run that only looks: it is later, at once.
///
/// # Errors
/// `interrupted` for one that sleeps too often: it would wait here.
fn passed_over(account: &Account, clock: &Clock, slept: &AtomicU32, span: Duration) -> Result<()> {
    if slept.fetch_add(1, Ordering::Relaxed) >= PASSED_OVER {
        return account.shared().may_do(|| format!("sleep({})", span.as_secs_f64()));
    }
    clock.advance(span);
    Ok(())
}

fn register_time(module: &mut Module, config: &HostConfig, account: &Arc<Account>) {
    let wait = {
        let (clock, account, slept) = (Arc::clone(&config.clock), Arc::clone(account), Arc::<AtomicU32>::default());
        move |seconds: f64| -> ScriptResult<()> {
            let span = Duration::try_from_secs_f64(seconds).map_err(|_| {
                let message = format!("sleep takes seconds, 0 or more, not {seconds}");
                throw(Error::new(Kind::Invalid, message))
            })?;
            if account.shared().journal().is_some_and(|journal| journal.only_looks()) {
                return passed_over(&account, &clock, &slept, span).map_err(throw);
            }
            let slept = account.wait(async {
                clock.sleep(span).await;
                Ok(())
            });
            slept.map_err(throw)
        }
    };
    const SLEEP: &str = "Waits, as long as nothing stops the run.";
    let wait_whole = wait.clone();
    function("sleep", &["seconds: float", "()"], SLEEP).set_into_module(module, wait);
    function("sleep", &["seconds: int", "()"], SLEEP)
        .set_into_module(module, move |seconds: i64| wait_whole(seconds as f64));
    // A run that goes on is told what it was told before.
    let told = {
        let (clock, account) = (Arc::clone(&config.clock), Arc::clone(account));
        move || {
            let now = || clock.now().as_millisecond().into();
            let told = account.shared().journal().map_or_else(now, |journal| journal.told("time", now));
            told.as_i64().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or_else(|| clock.now())
        }
    };
    let told_too = told.clone();
    function("now", &["string"], "The time as 2018-03-13T08:00:00Z; the simulator's, where it is used.")
        .set_into_module(module, move || iso_time(told()));
    function("unix_time", &["int"], "The same time as seconds since 1970.")
        .set_into_module(module, move || told_too().as_second());
    register_random(module, account);
    const READ: &str = "A time that the service wrote, as seconds since 1970; without a zone it is Beijing's.";
    function("parse_time", &["text: string", "int"], READ)
        .set_into_module(module, |text: ImmutableString| time_of(&text).map_err(throw));
    function("time", &["unix_time: int", "string"], "Seconds since 1970 as `now` writes the time.").set_into_module(
        module,
        |seconds: i64| {
            let out_of_range =
                |_| throw(Error::new(Kind::Invalid, format!("time was given {seconds}, which is too far away")));
            Timestamp::from_second(seconds).map(iso_time).map_err(out_of_range)
        },
    );
}

fn register_random(module: &mut Module, account: &Arc<Account>) {
    let account = Arc::clone(account);
    const RANDOM: &str = "A number from 0 up to 1, at random; the same ones when a run is resumed.";
    function("random", &["float"], RANDOM).set_into_module(module, move || {
        let chance = || fastrand::f64().into();
        let told = account.shared().journal().map_or_else(chance, |journal| journal.told("random", chance));
        told.as_f64().unwrap_or_default()
    });
}

fn iso_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn time_of(text: &str) -> Result<i64> {
    let wrong = |_| Error::new(Kind::Invalid, format!("parse_time was given `{text}`, which is no time"));
    clock::parse_time(text).map(Timestamp::as_second).map_err(wrong)
}

fn register_data(module: &mut Module) {
    const JSON: &str = "A value as JSON, in the document's order of fields; on many lines when `pretty`.";
    function("json", &["value: any", "string"], JSON).set_into_module(module, |value: Dynamic| json_of(&value, false));
    function("json", &["value: any", "pretty: bool", "string"], JSON)
        .set_into_module(module, |value: Dynamic, pretty: bool| json_of(&value, pretty));
    function("parse_json", &["text: string", "any"], "The value that a JSON text stands for.")
        .set_into_module(module, |text: ImmutableString| json::parse(&text).map_err(throw));
    const TABLE: &str = "Maps as a table with aligned columns: those named, or all.";
    function("table", &["rows: array", "string"], TABLE).set_into_module(module, |rows: Dynamic| table_of(&rows, None));
    function("table", &["rows: array", "columns: array", "string"], TABLE)
        .set_into_module(module, |rows: Dynamic, columns: Dynamic| table_of(&rows, Some(&columns)));
}

/// A value as JSON text.
pub(in crate::script) fn json_of(value: &Dynamic, pretty: bool) -> ScriptResult<String> {
    let value = data::in_document_order(from_dynamic(value).map_err(throw)?);
    Ok(if pretty { format!("{value:#}") } else { value.to_string() })
}

fn table_of(rows: &Dynamic, columns: Option<&Dynamic>) -> ScriptResult<String> {
    let wrong = |given| throw(Error::new(Kind::Invalid, format!("table takes an array of maps, not {given}")));
    let rows = list_of(rows)?.map_err(wrong)?;
    let rows = rows.iter().map(from_dynamic).collect::<Result<Vec<Value>>>().map_err(throw)?;
    let columns = columns_of("table", columns)?;
    room_for_table(&rows, columns.as_deref()).map_err(throw)?;
    data::table("table", &rows, columns.as_deref()).map_err(throw)
}

/// Asks for the room that a table of these rows takes.
pub(super) fn room_for_table(rows: &[Value], columns: Option<&[String]>) -> Result<()> {
    let widest = rows.iter().filter_map(Value::as_object).flat_map(Map::values).map(width).max().unwrap_or(0);
    let across = columns.map(<[String]>::len).or_else(|| rows.first()?.as_object().map(Map::len));
    // Every cell is as wide as the widest of its column.
    memory::room_for(widest.saturating_mul(rows.len()).saturating_mul(across.unwrap_or(1)))
}

/// About as wide as a value is in a cell.
fn width(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(list) => list.iter().map(width).sum(),
        Value::Object(map) => map.values().map(width).sum(),
        _ => 0,
    }
}

fn register_run(module: &mut Module, config: &HostConfig) {
    // Any value, or the engine's own `exit` would take those that are no integer.
    let exit = |code: Dynamic| -> ScriptResult<()> {
        match code.as_int().ok().and_then(|code| u8::try_from(code).ok()) {
            Some(code @ (0 | 4 | 64..=113)) => Err(terminate(Ending::Exit(code))),
            _ => {
                let message = format!("exit takes 0, 4 or a code from 64 to 113, not {code}");
                let hint = "the other codes have meanings of their own; throw to end with 1";
                Err(throw(Error::new(Kind::Invalid, message).hint(hint)))
            }
        }
    };
    const EXIT: &str = "Ends the run with 0, with 4 when what it checked is not as it should be, or with a code of the script's own, 64 to 113.";
    function("exit", &["()"], EXIT).set_into_module(module, move || exit(0.into()));
    function("exit", &["code: int", "()"], EXIT).set_into_module(module, exit);
    let granted = config.allow_env.clone();
    function(
        "env",
        &["name: string", "any"],
        "An environment variable granted with --allow-env; () when it is not set.",
    )
    .set_into_module(module, move |name: ImmutableString| -> ScriptResult<Dynamic> {
        match granted.get(name.as_str()) {
            Some(value) => Ok(value.clone().map_or(Dynamic::UNIT, Into::into)),
            None => {
                let message = format!("the script may not read the environment variable {name}");
                Err(throw(Error::new(Kind::Policy, message).hint(format!("add --allow-env {name}"))))
            }
        }
    });
    let simulated = config.simulated;
    function("simulated", &["bool"], "Whether the account is the simulator's.")
        .set_into_module(module, move || simulated);
}

/// `log::info` and friends: to stderr, whatever value they are given.
fn log_module() -> Module {
    let mut module = Module::new();
    type Log = fn(&str);
    let levels: [(&str, Log); 4] = [
        ("debug", |text| tracing::debug!(target: "script", "{text}")),
        ("info", |text| tracing::info!(target: "script", "{text}")),
        ("warn", |text| tracing::warn!(target: "script", "{text}")),
        ("error", |text| tracing::error!(target: "script", "{text}")),
    ];
    for (name, log) in levels {
        FuncRegistration::new(name)
            .with_params_info(["value: any", "()"])
            .with_comments(["/// Writes a line to the log, on stderr."])
            .set_into_module(&mut module, move |value: Dynamic| -> ScriptResult<()> {
                let text = written(&value).ok_or_else(|| throw(memory::no_room()))?;
                // Before the log escapes it in its own way.
                log(&REDACTOR.talk(&text));
                Ok(())
            });
    }
    module
}
