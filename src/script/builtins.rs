//! What every script can call without an account: time, JSON, tables, logs, the end of the run.

use std::io::Write as _;
use std::sync::Arc;

use rhai::{Array, Dynamic, Engine, EvalAltResult, ImmutableString, Module};
use serde_json::Value;

use super::host::Settings;
use super::value::{Ending, from_dynamic, terminate, throw, to_dynamic};
use crate::error::{Error, Kind, Result};
use crate::output;

type Outcome<T> = std::result::Result<T, Box<EvalAltResult>>;

/// Registers them.
pub fn register(engine: &mut Engine, settings: &Settings) {
    register_time(engine, settings);
    register_data(engine);
    register_run(engine, settings);
    engine.register_static_module("log", log_module().into());
    engine.on_print(|text| {
        // A reader that went away is no reason to stop a run half-way.
        let _ = output::print(text);
    });
    engine.on_debug(|text, source, position| {
        let _ = writeln!(std::io::stderr(), "{}:{position:?}: {text}", source.unwrap_or("script"));
    });
}

fn register_time(engine: &mut Engine, settings: &Settings) {
    let wait = {
        let (clock, stop) = (Arc::clone(&settings.clock), Arc::clone(&settings.stop));
        let runtime = settings.runtime.clone();
        Arc::new(move |seconds: f64| -> Outcome<()> {
            let span = std::time::Duration::try_from_secs_f64(seconds).map_err(|_| {
                let message = format!("sleep takes seconds, 0 or more, not {seconds}");
                throw(Error::new(Kind::Invalid, message))
            })?;
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    why = stop.stopped() => Err(throw(why)),
                    () = clock.sleep(span) => Ok(()),
                }
            })
        })
    };
    let wait_whole = Arc::clone(&wait);
    engine.register_fn("sleep", move |seconds: f64| wait(seconds));
    engine.register_fn("sleep", move |seconds: i64| wait_whole(seconds as f64));
    let clock = Arc::clone(&settings.clock);
    engine.register_fn("now", move || clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    let clock = Arc::clone(&settings.clock);
    engine.register_fn("unix_time", move || clock.now().as_second());
}

fn register_data(engine: &mut Engine) {
    let write = |value: &Dynamic, pretty: bool| -> Outcome<String> {
        let value = output::in_document_order(from_dynamic(value).map_err(throw)?);
        Ok(if pretty { format!("{value:#}") } else { value.to_string() })
    };
    engine.register_fn("json", move |value: Dynamic| write(&value, false));
    engine.register_fn("json", move |value: Dynamic, pretty: bool| write(&value, pretty));
    engine.register_fn("parse_json", |text: ImmutableString| -> Outcome<Dynamic> {
        serde_json::from_str(&text).map(to_dynamic).map_err(|error| {
            throw(Error::new(Kind::Invalid, format!("parse_json was given text that is not JSON: {error}")))
        })
    });
    engine.register_fn("table", |rows: Array| table(&rows, None).map_err(throw));
    engine.register_fn("table", |rows: Array, columns: Array| table(&rows, Some(&columns)).map_err(throw));
}

fn table(rows: &[Dynamic], columns: Option<&[Dynamic]>) -> Result<String> {
    let rows = rows.iter().map(from_dynamic).collect::<Result<Vec<Value>>>()?;
    let columns = columns.map(|names| {
        let text = |name: &Dynamic| name.clone().into_string();
        names.iter().map(text).collect::<std::result::Result<Vec<String>, _>>()
    });
    let columns = columns
        .transpose()
        .map_err(|given| Error::new(Kind::Invalid, format!("table takes column names as text, not {given}")))?;
    output::table(&rows, columns.as_deref())
}

fn register_run(engine: &mut Engine, settings: &Settings) {
    let exit = |code: i64| -> Outcome<()> {
        match u8::try_from(code) {
            Ok(code @ (0 | 64..=113)) => Err(terminate(Ending::Exit(code))),
            _ => {
                let message = format!("exit takes 0 or a code from 64 to 113, not {code}");
                Err(throw(
                    Error::new(Kind::Invalid, message)
                        .hint("the other codes have meanings of their own; throw to end with 1"),
                ))
            }
        }
    };
    engine.register_fn("exit", move || exit(0));
    engine.register_fn("exit", exit);
    let granted = settings.allow_env.clone();
    engine.register_fn("env", move |name: ImmutableString| -> Outcome<Dynamic> {
        match granted.get(name.as_str()) {
            Some(Some(value)) => Ok(value.clone().into()),
            Some(None) => Ok(Dynamic::UNIT),
            None => {
                let message = format!("the script may not read the environment variable {name}");
                Err(throw(Error::new(Kind::Policy, message).hint(format!("add --allow-env {name}"))))
            }
        }
    });
    let simulated = settings.simulated;
    engine.register_fn("simulated", move || simulated);
}

/// `log::info` and friends: to stderr, whatever value they are given.
fn log_module() -> Module {
    let mut module = Module::new();
    module.set_native_fn("debug", |text: Dynamic| Ok(tracing::debug!(target: "script", "{text}")));
    module.set_native_fn("info", |text: Dynamic| Ok(tracing::info!(target: "script", "{text}")));
    module.set_native_fn("warn", |text: Dynamic| Ok(tracing::warn!(target: "script", "{text}")));
    module.set_native_fn("error", |text: Dynamic| Ok(tracing::error!(target: "script", "{text}")));
    module
}
