//! A look inside while it runs, and a hand on it: `/_sim/…`, off unless asked for. No signature is
//! asked for here, but `Authorization: Bearer TOKEN` with the token that this start gave out.
//!
//! | request | what it does |
//! |---|---|
//! | `GET /_sim/ledger` | the writes that were applied, oldest first, secrets masked; how many there were, with those that [`crate::sim::ledger`] no longer shows |
//! | `GET /_sim/faults`, `POST /_sim/faults` | the rules with what they have done; other rules, as a JSON list |
//! | `POST /_sim/advance?seconds=N` | moves the clock, and gives its time |
//! | `GET /_sim/state`, `PUT /_sim/state` | the whole state, secrets masked; puts such a state in its place, where a masked secret is the present one |

use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Method, Request};
use serde_json::{Value, json};

use crate::pattern::Unfit;
use crate::secret::MASK;
use crate::sim::engine::state::State;
use crate::sim::faults::Rule;
use crate::sim::store::{Line, Snapshot};
use crate::sim::{Answer, CONTROL, Sim};

/// Answers a request for control.
pub(super) fn answer(sim: &Sim, request: &Request<Bytes>) -> Answer {
    if !sim.may_control(request.headers()) {
        return failure(401, "Authorization: Bearer TOKEN is needed, with the control_token of `jst sim --json`");
    }
    let what = request.uri().path().strip_prefix(CONTROL).unwrap_or_default();
    let result = match (request.method(), what) {
        (&Method::GET, "ledger") => return success(sim.book().ledger.json()),
        (&Method::GET, "faults") => Ok(sim.faults.list()),
        (&Method::POST, "faults") => faults(sim, request.body()),
        (&Method::POST, "advance") => advance(sim, request.uri().query().unwrap_or_default()),
        (&Method::GET, "state") => state(sim),
        (&Method::PUT, "state") => restore(sim, request.body()),
        (_, "ledger" | "faults" | "advance" | "state") => return failure(405, "another method"),
        _ => return failure(404, "there is ledger, faults, advance and state"),
    };
    match result {
        Ok(value) => success(value.to_string()),
        Err(why) => failure(400, &why),
    }
}

fn success(json: String) -> Answer {
    Answer::new(200, "application/json;charset=utf-8", json)
}

fn failure(status: u16, why: &str) -> Answer {
    Answer::new(status, "application/json;charset=utf-8", json!({"error": why}).to_string())
}

/// Puts other rules to work, if all of them can be.
fn faults(sim: &Sim, body: &[u8]) -> Result<Value, String> {
    let rules = Rule::list(body)?;
    Rule::check(&rules, sim.recorded()).map_err(|Unfit { why, hint }| match hint {
        Some(hint) => format!("{why}; {hint}"),
        None => why,
    })?;
    sim.faults.replace(rules);
    Ok(sim.faults.list())
}

fn state(sim: &Sim) -> Result<Value, String> {
    let mut book = sim.book();
    let now = sim.time(&book);
    book.state.advance(now);
    let snapshot = Snapshot::new(&book.state, sim.starts, &book.ledger);
    let mut shown = serde_json::to_value(snapshot).map_err(|error| error.to_string())?;
    secrets(&mut shown, &mut |secret| *secret = MASK.into());
    Ok(shown)
}

/// Visits what is secret in a state: passwords of clusters, Secrets of deploy configs.
fn secrets(value: &mut Value, visit: &mut impl FnMut(&mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|value| secrets(value, visit)),
        Value::Object(map) => {
            for (name, value) in map {
                match value {
                    Value::String(text) if name == "password" && !text.is_empty() => visit(value),
                    Value::Array(list) if name == "secrets" => list.iter_mut().for_each(&mut *visit),
                    _ => secrets(value, visit),
                }
            }
        }
        _ => {}
    }
}

/// Puts the present secrets in the place of masks.
fn unmask(new: &mut Value, present: &Value) {
    match (new, present) {
        (new @ Value::String(_), Value::String(secret)) if *new == MASK => *new = secret.as_str().into(),
        (Value::Array(new), Value::Array(present)) => {
            new.iter_mut().zip(present).for_each(|(new, present)| unmask(new, present));
        }
        (Value::Object(new), Value::Object(present)) => {
            for (name, new) in new {
                if let Some(present) = present.get(name) {
                    unmask(new, present);
                }
            }
        }
        _ => {}
    }
}

fn advance(sim: &Sim, query: &str) -> Result<Value, String> {
    /// Ten years.
    const FARTHEST: f64 = 10.0 * 366.0 * 86_400.0;
    let by = query
        .strip_prefix("seconds=")
        .and_then(|seconds| seconds.parse().ok())
        .filter(|seconds| (0.0..=FARTHEST).contains(seconds))
        .ok_or(format!("?seconds=N is needed, with N from 0 to {FARTHEST}"))?;
    let by = Duration::from_secs_f64(by);
    let mut book = sim.book();
    let then = sim.time(&book).saturating_add(by).map_err(|error| error.to_string())?;
    book.record(Line::Advanced(then)).map_err(|error| error.to_string())?;
    sim.clock.advance(by);
    book.state.advance(then);
    Ok(json!({"now": then}))
}

fn restore(sim: &Sim, body: &[u8]) -> Result<Value, String> {
    let no_snapshot = |error: serde_json::Error| format!("no snapshot: {error}");
    let mut book = sim.book();
    let mut snapshot: Value = serde_json::from_slice(body).map_err(no_snapshot)?;
    let mut is_masked = false;
    secrets(&mut snapshot, &mut |secret| is_masked |= *secret == MASK);
    if is_masked {
        let present = Snapshot::new(&book.state, sim.starts, &book.ledger);
        unmask(&mut snapshot, &serde_json::to_value(present).map_err(|error| error.to_string())?);
    }
    let snapshot: Snapshot<State> = serde_json::from_value(snapshot).map_err(no_snapshot)?;
    let book = &mut *book;
    // What cannot be kept is not put in place.
    if let Some(file) = &mut book.file {
        file.compact(&Snapshot::new(&snapshot.state, sim.starts, &book.ledger)).map_err(|error| error.to_string())?;
    }
    sim.begin(book, snapshot.state);
    Ok(json!({"now": book.state.now}))
}
