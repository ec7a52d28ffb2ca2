//! Tests of `account`.

#![allow(clippy::unwrap_used)]

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::json;

use super::*;
use crate::call::ClientConfig;
use crate::call::observer::Ended;
use crate::clock::{Clock, Pace};
use crate::credentials::Provider;
use crate::net::endpoint::Endpoint;

#[test]
fn throttling_is_waited_out_on_the_clock_that_is_given() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    std::thread::spawn(move || {
        for (n, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let (status, body) = match n {
                0..12 => (400, r#"{"Code":"Throttling.User","Message":"slower","RequestId":"R"}"#),
                _ => (200, r#"{"Code":0,"Result":{"DeployOrderId":7}}"#),
            };
            let head = "x-acs-retry-after: 60000\r\nConnection: close";
            write!(stream, "HTTP/1.1 {status} X\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
        }
    });
    let clock = Arc::new(Clock::simulated(Pace::Told, jiff::Timestamp::UNIX_EPOCH));
    let config = ClientConfig::new(endpoint, Provider::of("fake-id", "fake-secret"));
    let config = ClientConfig { clock: Arc::clone(&clock), ..config };
    let connect = Box::new(move || Ok(Client::new(config.clone())));
    let account = Account::new(connect, Policy::default(), None, Arc::default()).unwrap();
    let params = json!({"EnvId": 1, "Replicas": 2}).as_object().unwrap().clone();
    let begun = Instant::now();
    let reply: Value = account.call(&Target::named("ScaleApp").unwrap(), params).unwrap();
    assert_eq!(reply.pointer("/Result/DeployOrderId"), Some(&json!(7)));
    // Twelve minutes of the clock, and hardly any of ours.
    assert!(clock.waited() >= Duration::from_secs(12 * 60), "{:?}", clock.waited());
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// Keeps what it is told, and may refuse.
#[derive(Debug)]
struct Listener {
    name: &'static str,
    refuses: bool,
    told: Arc<Mutex<Vec<String>>>,
}

impl Listener {
    fn hear(&self, what: &str) {
        self.told.lock().unwrap().push(format!("{} {what}", self.name));
    }
}

impl Observer for Listener {
    fn begins(&self, action: &str, _effect: Effect) -> Result<()> {
        self.hear("begins");
        if self.refuses { Err(Error::new(Kind::Limit, format!("no {action}"))) } else { Ok(()) }
    }

    fn left(&self, _effect: Effect) {
        self.hear("left");
    }

    fn ended(&self, call: &Ended<'_>) {
        self.hear(call.error.map_or("done", |error| error.kind.word()));
    }
}

#[test]
fn every_observer_knows_of_a_call_that_one_of_them_refuses() {
    // Nobody answers there: a call that began comes to its end at once.
    let endpoint = Endpoint::parse("http://127.0.0.1:1").unwrap();
    for (refuses, expected) in [
        ("", "limits begins, one begins, two begins, limits network, one network, two network"),
        ("limits", "limits begins, one left, two left"),
        ("one", "limits begins, one begins, limits left, two left"),
        ("two", "limits begins, one begins, two begins, limits left, one left"),
    ] {
        let told = Arc::default();
        let listener = |name| Arc::new(Listener { name, refuses: name == refuses, told: Arc::clone(&told) });
        let config = ClientConfig::new(endpoint.clone(), Provider::of("fake-id", "fake-secret"));
        let config =
            ClientConfig { clock: Arc::new(Clock::simulated(Pace::Told, jiff::Timestamp::UNIX_EPOCH)), ..config };
        let connect = Box::new(move || Ok(Client::new(config.clone())));
        let account = Account::new(connect, Policy::default(), None, Arc::default()).unwrap();
        let account = account.with_observers(vec![listener("one"), listener("two")]).with_limits(listener("limits"));
        let params = json!({"EnvId": 1, "Replicas": 2}).as_object().unwrap().clone();
        account.call::<Value>(&Target::named("ScaleApp").unwrap(), params).unwrap_err();
        assert_eq!(told.lock().unwrap().join(", "), expected, "{refuses} refuses");
    }
}

#[test]
fn a_write_is_not_lost_in_a_connection_that_the_service_closed_meanwhile() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let ((close, may_close), (tell, closed)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            let body = r#"{"Code":0,"Result":{"DeployOrderId":7}}"#;
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
            may_close.recv().unwrap();
            drop(stream);
            tell.send(()).unwrap();
        }
    });
    let config = ClientConfig::new(endpoint, Provider::of("fake-id", "fake-secret"));
    let connect = Box::new(move || Ok(Client::new(config.clone())));
    let account = Account::new(connect, Policy::default(), None, Arc::default()).unwrap();
    let params = json!({"EnvId": 1, "Replicas": 2});
    for _ in 0..3 {
        let target = Target::named("ScaleApp").unwrap();
        let reply: Value = account.call(&target, params.as_object().unwrap().clone()).unwrap();
        assert_eq!(reply.pointer("/Result/DeployOrderId"), Some(&json!(7)));
        close.send(()).unwrap();
        closed.recv().unwrap();
        while account.served().elapsed() <= FRESH {}
    }
}
