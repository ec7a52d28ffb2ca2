//! Tests of `running`.

#![allow(clippy::unwrap_used)]

use std::net::TcpStream;

use serde_json::{Value, json};

use super::*;
use crate::call::account::Account;
use crate::call::policy::Policy;
use crate::call::{Client, ClientConfig};
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::net::endpoint::Endpoint;
use crate::sim::engine::state::State;
use crate::sim::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Options, demo};
use crate::wire::request::Target;

fn held(state: impl FnOnce() -> State + Send + 'static) -> Running {
    let clock = Arc::new(Clock::simulated(Pace::Told, demo::START));
    Running::start(move || Ok(Sim::of(state(), Options::demo(), clock))).unwrap()
}

fn titles(simulator: &Running) -> Vec<String> {
    let endpoint = Endpoint::parse(&format!("http://{}", simulator.address())).unwrap();
    let config = ClientConfig::new(endpoint, Provider::of(ACCESS_KEY_ID, ACCESS_KEY_SECRET));
    let connect = Box::new(move || Ok(Client::new(config.clone())));
    let account = Account::new(connect, Policy::default(), None, Arc::default()).unwrap();
    let params = json!({"PageNumber": 1, "PageSize": 50}).as_object().unwrap().clone();
    let reply: Value = account.call(&Target::named("ListApp").unwrap(), params).unwrap();
    let title = |app: &Value| app.get("Title").and_then(Value::as_str).unwrap_or_default().to_owned();
    reply.get("Data").and_then(Value::as_array).unwrap().iter().map(title).collect()
}

#[test]
fn several_hold_accounts_of_their_own_and_end_when_they_are_dropped() {
    let demo = held(|| demo::account().unwrap());
    let changed = held(|| {
        let mut state = demo::account().unwrap();
        let app = json!({"BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication", "Title": "only here"});
        state.perform("CreateApp", app).unwrap();
        state
    });
    let (ones, others) = (titles(&demo), titles(&changed));
    assert_eq!(others.len(), ones.len() + 1);
    assert!(others.contains(&"only here".to_owned()) && !ones.contains(&"only here".to_owned()));
    let address = changed.address();
    drop(changed);
    assert!(TcpStream::connect(address).is_err());
    assert_eq!(titles(&demo), ones);
}

#[test]
fn what_cannot_be_made_is_an_error() {
    let error = Running::start(|| Err(Error::new(Kind::Config, "no state"))).unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), (Kind::Config, "no state"));
}
