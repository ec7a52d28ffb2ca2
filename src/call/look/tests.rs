//! Tests of `look`: every writing operation against the simulator.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use super::*;
use crate::call::policy::{Grant, Policy};
use crate::call::{Client, ClientConfig};
use crate::catalogue::Effect;
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::error::Outcome;
use crate::net::endpoint::Endpoint;
use crate::sim::faults::Rules;
use crate::sim::http::running::Running;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, Sim, demo};
use crate::wire::request::Target;

/// A new demo account in which this goes wrong, and whoever works on it.
fn account(faults: &str) -> (Running, Arc<Account>, Arc<Clock>) {
    let rules: Option<Rules> = (!faults.is_empty()).then(|| faults.parse().unwrap());
    let faults = rules.map(|rules| rules.0).unwrap_or_default();
    let clock = Arc::new(Clock::simulated(Pace::Told, demo::START));
    let options = Options { faults, ..Options::demo() };
    let its = Arc::clone(&clock);
    let running = Running::start(move || Ok(Sim::of(demo::account().unwrap(), options, its))).unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", running.address())).unwrap();
    let config = ClientConfig::new(endpoint, Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET));
    let connect = Box::new(move || Ok(Client::new(config.clone())));
    let all = Grant { destructive: Some(true), allow: Vec::new() };
    let policy = Policy::new(false, &[all], &[]).unwrap();
    (running, Arc::new(Account::new(connect, policy, None, Arc::default()).unwrap()), clock)
}

/// What a look shows of a call that was made, or not, with a look before it or none.
fn seen(action: &'static str, faults: &str, call: bool, before: bool) -> Seen {
    let (_running, account, clock) = account(faults);
    let operation = catalogue::find(action).unwrap();
    // The catalogue's example changes nothing of this listener.
    let example =
        if action == "ModifySlbAP" { r#"{"SlbAPId": 5001, "RealServerPort": 9090}"# } else { operation.example };
    let params: Params = serde_json::from_str(example).unwrap();
    let sight = catalogue::look_for(action).unwrap();
    let before = before.then(|| account.wait(facts(&account, sight, &params)).unwrap());
    if call {
        let made: Result<Value> = account.call(&Target::named(action).unwrap(), params.clone());
        let outcome = made.as_ref().err().and_then(|error| error.outcome);
        assert_eq!(outcome, (!faults.is_empty()).then_some(Outcome::Unknown), "{action}: {made:?}");
    }
    if sight.late {
        clock.advance(std::time::Duration::from_secs(600));
    }
    let write = PastWrite::begun(action.to_owned(), params, before);
    account.wait(async { Ok(look(&account, sight, &write).await) }).unwrap()
}

#[test]
fn every_writing_operation_can_be_seen_or_says_why_not() {
    let writing: Vec<&str> =
        catalogue::operations().filter(|op| op.effect != Effect::Read).map(|op| op.action).collect();
    let listed: Vec<&str> = catalogue::seen().map(|(action, _)| action).collect();
    assert!(writing.iter().all(|action| listed.contains(action)) && listed.len() == writing.len());
    assert!(catalogue::seen().filter(|(_, seen)| *seen).count() >= 30);
    for (action, _) in catalogue::seen() {
        if let Ok(sight) = catalogue::look_for(action) {
            assert!(sight.reads.iter().all(|read| catalogue::find(read.action).unwrap().effect == Effect::Read));
        }
    }
}

#[test]
fn what_took_effect_is_seen_and_what_did_not_is_seen_not_to_have() {
    let mut wrong = Vec::new();
    for (action, _) in catalogue::seen().filter(|(_, seen)| *seen) {
        let cases = [
            ("done", seen(action, "", true, true), true),
            ("not done", seen(action, "", false, true), false),
            ("done, its answer lost", seen(action, &format!("{action}:lost"), true, true), true),
            ("lost on its way", seen(action, &format!("{action}:close"), true, true), false),
        ];
        for (case, seen, expected) in cases {
            let late = catalogue::look_for(action).unwrap().late;
            let fits = match (expected, &seen) {
                (true, Seen::Applied(_)) | (false, Seen::NotApplied) => true,
                // It may yet come.
                (false, Seen::CannotTell(_)) => late,
                _ => false,
            };
            if !fits {
                wrong.push(format!("{action} {case}: {seen:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn without_a_look_before_nothing_is_claimed_that_may_have_been_so() {
    for (action, _) in catalogue::seen().filter(|(_, seen)| *seen) {
        let done = seen(action, "", true, false);
        match catalogue::look_for(action).unwrap().before {
            true => assert!(matches!(done, Seen::CannotTell(_)), "{action}: {done:?}"),
            false => assert!(matches!(done, Seen::Applied(_)), "{action}: {done:?}"),
        }
        // What is not as it was asked for never took effect; what was so by chance is open.
        assert!(!matches!(seen(action, "", false, false), Seen::Applied(_)), "{action}");
    }
}

#[test]
fn a_reply_is_told_as_far_as_the_account_tells_it() {
    let Seen::Applied(reply) = seen("ScaleApp", "ScaleApp:lost", true, true) else { panic!("not seen") };
    let result = reply.get("Result").unwrap();
    assert_eq!((result.get("Admitted"), result.get("DeployOrderId")), (Some(&true.into()), Some(&4069.into())));
    let Seen::Applied(reply) = seen("CreateApp", "CreateApp:lost", true, true) else { panic!("not seen") };
    assert!(reply.get("Result").and_then(|result| result.get("AppId")).is_some_and(Value::is_number), "{reply}");
}
