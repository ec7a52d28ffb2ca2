//! The simulator from a request's bytes to an answer's, without and with a socket.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::engine::state;
use super::gateway::keys::{READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET};
use super::http::server::{self, respond};
use super::*;
use crate::catalogue::{self, Field, Shape as FieldShape};
use crate::clock::{Clock, Pace};
use crate::credentials::Credentials;
use crate::secret::Secret;
use crate::sim::faults::{Delivery, Rule};
use crate::wire::request::{self as wire, Target};
use crate::wire::sign::{self, Signed, Stamp};

fn clock() -> Arc<Clock> {
    Arc::new(Clock::simulated(Pace::Told, demo::START))
}

fn started(options: Options) -> Arc<Sim> {
    Sim::new(options, clock()).unwrap()
}

fn with_faults(rules: &[&str]) -> Arc<Sim> {
    let faults = rules.iter().map(|rule| rule.parse::<Rule>().unwrap()).collect();
    started(Options { faults, ..Options::demo() })
}

fn signed(action: &str, params: Value, key: (&str, &str)) -> Signed {
    let params = params.as_object().cloned().unwrap_or_else(Map::new);
    let request = wire::Request::build(&Target::named(action).unwrap(), params).unwrap();
    let credentials = Credentials { access_key_id: key.0.into(), secret: Secret::new(key.1), security_token: None };
    sign::sign(&request, &credentials, None, &Stamp::now(SignedDuration::ZERO))
}

const DEMO: (&str, &str) = (ACCESS_KEY_ID, ACCESS_KEY_SECRET);

fn call(action: &str, params: Value) -> Request<Bytes> {
    request(&signed(action, params, DEMO))
}

fn request(signed: &Signed) -> Request<Bytes> {
    Request::builder()
        .method(signed.method.name())
        .uri(format!("/?{}", signed.query))
        .header("host", "localhost")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from(signed.body.clone()))
        .unwrap()
}

fn list() -> Request<Bytes> {
    call("ListApp", json!({}))
}

fn scale() -> Request<Bytes> {
    call("ScaleApp", json!({"EnvId": 999_999, "Replicas": 2}))
}

fn json_of(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|error| panic!("{error}: {:?}", answer.body))
}

fn control(sim: &Sim, method: &str, path: &str, body: impl Into<Bytes>) -> Answer {
    let token = format!("Bearer {TOKEN}");
    respond(sim, &Request::builder().method(method).uri(path).header("authorization", token).body(body.into()).unwrap())
}

/// What whoever asks for `/_sim/` shows in these tests.
const TOKEN: &str = "fake-control-token";

fn controlled() -> Options {
    Options { control: Some(Secret::new(TOKEN)), ..Options::demo() }
}

#[test]
fn a_signed_call_reaches_the_account_and_comes_back_as_a_reply() {
    let sim = started(Options::demo());
    let answer = respond(&sim, &scale());
    let reply = json_of(&answer);
    assert_eq!((answer.status, answer.content_type), (200, "application/json;charset=utf-8"));
    assert!(reply["Code"].as_i64().is_some_and(|code| code != 0), "{reply}");
    assert_eq!(reply["Success"], false, "{reply}");
    assert!(reply["ErrMsg"].as_str().is_some_and(|text| text.contains("does not exist")), "{reply}");
}

#[test]
fn an_error_of_the_gateway_says_what_it_is_in_the_syntax_asked_for() {
    let sim = started(Options::demo());
    let reader = (READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
    let answer = respond(&sim, &request(&signed("ScaleApp", json!({"EnvId": 1, "Replicas": 2}), reader)));
    let body = json_of(&answer);
    assert_eq!((answer.status, &body["Code"], &body["HostId"]), (403, &json!("Forbidden.RAM"), &json!("localhost")));
    assert_eq!(body["RequestId"].as_str().map(str::len), Some(36));
    let xml = Request::builder().uri("/?Action=ListApp&Format=xml").body(Bytes::new()).unwrap();
    let answer = respond(&sim, &xml);
    assert_eq!((answer.status, answer.content_type), (400, "text/xml;charset=utf-8"));
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(body.contains("<Error><RequestId>") && body.contains("<Code>MissingVersion</Code>"), "{body}");
}

#[test]
fn the_same_seed_gives_the_same_request_ids_and_no_id_twice() {
    let ids = |seed| {
        let sim = started(Options { seed, ..Options::demo() });
        (0..1000).map(|_| sim.request_id()).collect::<Vec<_>>()
    };
    let first = ids(1);
    assert_eq!(first, ids(1));
    assert_ne!(first, ids(2));
    assert_eq!(first.iter().collect::<std::collections::HashSet<_>>().len(), 1000);
    let shape: String = first[0].chars().map(|c| if c == '-' { '-' } else { 'x' }).collect();
    assert_eq!(shape, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");
    assert!(first[0].chars().all(|c| c == '-' || c.is_ascii_digit() || c.is_ascii_uppercase()));
}

#[test]
fn actions_outside_the_catalogue_are_answered_only_from_a_recording() {
    let recorded = r#"{"RebuildAppInstance": {"Code": 0, "RequestId": "recorded"}}"#;
    let sim = started(Options { answers: options::answers(recorded).unwrap(), ..Options::demo() });
    let answer = respond(&sim, &call("RebuildAppInstance", json!({"AppInstanceId": "x"})));
    assert_eq!((answer.status, json_of(&answer)), (200, json!({"Code": 0, "RequestId": "recorded"})));
    let answer = respond(&sim, &call("BatchAddServers", json!({})));
    assert_eq!((answer.status, &json_of(&answer)["Code"]), (404, &json!("InvalidAction.NotFound")));
    let reader = (READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET);
    assert_eq!(respond(&sim, &request(&signed("RebuildAppInstance", json!({}), reader))).status, 403);
}

#[test]
fn faults_answer_in_place_of_the_service() {
    let page = |text: &str| Value::from(text);
    for (rule, status, code) in [
        ("*:throttle:retry-after=250", 400, json!("Throttling.User")),
        ("*:500", 500, json!("InternalError")),
        ("*:503:applied=true", 503, json!("ServiceUnavailable")),
        ("*:502", 502, page("text/html")),
        ("*:504", 504, page("text/html")),
        ("*:html", 200, page("text/html")),
        ("*:garbage", 200, page("application/json")),
        ("*:error:code=Forbidden.RAM:status=403:text=no", 403, json!("Forbidden.RAM")),
        ("*:expired-token", 400, json!("InvalidSecurityToken.Expired")),
        ("*:refusal:code=17:text=frozen", 200, json!(17)),
        ("*:skew:seconds=-1000", 400, json!("InvalidTimeStamp.Expired")),
    ] {
        let answer = with_faults(&[rule]).answer(&scale());
        assert_eq!(answer.status, status, "{rule}");
        match serde_json::from_slice::<Value>(&answer.body) {
            Ok(body) => assert_eq!(body["Code"], code, "{rule}"),
            Err(_) => assert_eq!(answer.content_type, code, "{rule}"),
        }
        assert_eq!(answer.retry_after, rule.contains("retry-after").then_some(250), "{rule}");
        assert_eq!(answer.date.is_some(), rule.contains("skew"), "{rule}");
    }
    for (rule, delivery) in [
        ("*:close", Delivery::Closed),
        ("*:lost", Delivery::Closed),
        ("*:half", Delivery::Half),
        ("*:refuse:ms=10", Delivery::Deaf(Duration::from_millis(10))),
        ("*:stall:ms=10", Delivery::Stalled(Duration::from_millis(10))),
        ("*:slow:rate=5", Delivery::Slow(5.0)),
    ] {
        assert_eq!(with_faults(&[rule]).answer(&scale()).delivery, delivery, "{rule}");
    }
    let sim = with_faults(&["ListApp:latency:ms=70", "ListApp:refusal:code=9:count=2"]);
    assert_eq!(respond(&sim, &list()).delay, Duration::from_millis(70));
    assert_eq!(json_of(&respond(&sim, &list()))["Code"], 9);
    assert_eq!(respond(&sim, &scale()).delay, Duration::ZERO);
}

#[test]
fn a_dropped_call_leaves_its_nonce_unused_and_an_applied_one_does_not() {
    for (rule, status) in [("*:close:first=1", 200), ("*:500:first=1", 200), ("*:lost:first=1", 400)] {
        let sim = with_faults(&[rule]);
        let again = scale();
        respond(&sim, &again);
        let answer = respond(&sim, &again);
        assert_eq!(answer.status, status, "{rule}");
        if status == 400 {
            assert_eq!(json_of(&answer)["Code"], "SignatureNonceUsed", "{rule}");
        }
    }
}

#[test]
fn the_control_endpoint_is_there_only_when_asked_for() {
    let closed = started(Options::demo());
    let answer = control(&closed, "GET", "/_sim/ledger", "");
    assert_eq!((answer.status, &json_of(&answer)["Code"]), (404, &json!("InvalidApi.NotFound")));

    let sim = started(controlled());
    assert_eq!(json_of(&control(&sim, "GET", "/_sim/ledger", "")), json!({"total": 0, "records": []}));
    assert_eq!(control(&sim, "POST", "/_sim/faults", r#"["ListApp:503"]"#).status, 200);
    assert_eq!(respond(&sim, &list()).status, 503);
    let rules = json_of(&control(&sim, "GET", "/_sim/faults", ""));
    assert_eq!(rules, json!([{"rule": "ListApp:503", "seen": 1, "applied": 1}]));
    assert_eq!(control(&sim, "POST", "/_sim/faults", "[]").status, 200);
    assert_eq!(respond(&sim, &list()).status, 200);

    let answer = json_of(&control(&sim, "POST", "/_sim/faults", r#"["Scale_App:lost", "scael_app:lost"]"#));
    let why = "the fault scael_app:lost: scael_app: there is no such operation; did you mean `scale_app`?";
    assert_eq!(answer, json!({"error": why}));
    assert_eq!(control(&sim, "POST", "/_sim/faults", r#"["list_*:503:count=2"]"#).status, 200);
    assert_eq!([respond(&sim, &list()).status, respond(&sim, &list()).status], [200, 503]);

    for (method, path, body, status) in [
        ("POST", "/_sim/faults", "nonsense", 400),
        ("POST", "/_sim/faults", r#"["*:explode"]"#, 400),
        ("POST", "/_sim/faults", r#"["scale_app:lost", {"action": "ListAp", "kind": "lost"}]"#, 400),
        ("POST", "/_sim/advance", "", 400),
        ("POST", "/_sim/advance?seconds=-1", "", 400),
        ("POST", "/_sim/advance?seconds=1e300", "", 400),
        ("POST", "/_sim/advance?seconds=NaN", "", 400),
        ("GET", "/_sim/advance", "", 405),
        ("PUT", "/_sim/state", "{}", 400),
        ("GET", "/_sim/", "", 404),
    ] {
        assert_eq!(control(&sim, method, path, body).status, status, "{method} {path}");
    }
}

#[test]
fn time_moves_when_told_and_goes_back_with_a_restored_state() {
    let sim = started(controlled());
    let now = |sim: &Sim| sim.look(|state| state.now);
    assert_eq!(now(&sim), demo::START);
    let before = control(&sim, "GET", "/_sim/state", "").body;
    let answer = json_of(&control(&sim, "POST", "/_sim/advance?seconds=90.5", ""));
    let moved = demo::START + SignedDuration::from_millis(90_500);
    assert_eq!((now(&sim), &answer["now"]), (moved, &json!(moved)));
    assert_eq!(control(&sim, "PUT", "/_sim/state", before.clone()).status, 200);
    assert_eq!(now(&sim), demo::START);
    let state = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap()["state"].clone();
    assert_eq!(state(&control(&sim, "GET", "/_sim/state", "").body), state(&before));
    sim.clock.advance(Duration::from_secs(5));
    assert_eq!(now(&sim), demo::START + SignedDuration::from_secs(5));
}

#[test]
fn a_state_that_cannot_be_kept_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let sim = started(Options { state: Some(folder.path().join("state")), ..controlled() });
    let before = control(&sim, "GET", "/_sim/state", "").body;
    sim.clock.advance(Duration::from_secs(60));
    let now = sim.look(|state| state.now);
    std::fs::create_dir(folder.path().join("state.new")).unwrap();
    assert_eq!(control(&sim, "PUT", "/_sim/state", before.clone()).status, 400);
    assert_eq!(sim.look(|state| state.now), now);
    std::fs::remove_dir(folder.path().join("state.new")).unwrap();
    assert_eq!(control(&sim, "PUT", "/_sim/state", before).status, 200);
    assert_eq!(sim.look(|state| state.now), demo::START);
}

#[test]
fn a_state_that_does_not_add_up_breaks_nothing() {
    fn spoil(value: &mut Value, with: i64) {
        match value {
            Value::Array(list) => list.iter_mut().for_each(|value| spoil(value, with)),
            Value::Object(map) => {
                for (key, value) in map {
                    match key.as_str() {
                        "taken" | "cpu_millis" if value.is_number() => *value = with.into(),
                        "partitions" => *value = 0.into(),
                        _ => spoil(value, with),
                    }
                }
            }
            _ => {}
        }
    }
    let sim = started(controlled());
    let whole = json_of(&control(&sim, "GET", "/_sim/state", ""));
    for with in [i64::MIN, -1, i64::MAX] {
        let mut spoilt = whole.clone();
        spoil(&mut spoilt, with);
        assert_eq!(control(&sim, "PUT", "/_sim/state", spoilt.to_string()).status, 200);
        for operation in catalogue::operations() {
            let example = serde_json::from_str(operation.example).unwrap();
            assert_eq!(respond(&sim, &call(operation.action, example)).status, 200, "{}", operation.action);
            sim.clock.advance(Duration::from_secs(400));
        }
    }
}

#[test]
fn a_state_file_keeps_the_state_across_a_kill_and_a_stop() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let options = || Options { state: Some(path.clone()), ..controlled() };
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    let moved = demo::START + SignedDuration::from_secs(60);
    let killed = started(options());
    let ids = |sim: &Sim| (0..9).map(|_| sim.request_id()).collect::<BTreeSet<_>>();
    let first = ids(&killed);
    assert_eq!(first, ids(&started(Options::demo())), "a fresh state begins as ever");
    assert_eq!(control(&killed, "POST", "/_sim/advance?seconds=60", "").status, 200);
    assert_eq!(lines(), 3);
    let error = Sim::new(options(), clock()).unwrap_err();
    assert!(error.message.contains("another process holds"), "{error}");
    drop(killed);

    let again = started(options());
    assert_eq!(again.look(|state| state.now), moved);
    assert_eq!(lines(), 2);
    again.clock.advance(Duration::from_secs(60));
    again.close().unwrap();
    let second = ids(&again);
    drop(again);
    let third = started(options());
    assert_eq!(first.iter().chain(&second).chain(&ids(&third)).collect::<BTreeSet<_>>().len(), 27);
    assert_eq!(third.look(|state| state.now), moved + SignedDuration::from_secs(60));
}

/// The id of an environment of an application of the demo account.
fn an_environment(sim: &Sim, app: i64) -> Value {
    let reply = json_of(&respond(sim, &call("ListAppEnvironment", json!({"AppId": app}))));
    reply["Data"][0]["EnvId"].clone()
}

#[test]
fn applied_writes_are_in_the_ledger_and_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let faults = || vec!["ScaleApp:crash-loop:count=3".parse().unwrap()];
    let options = || Options { state: Some(folder.path().join("state")), faults: faults(), ..controlled() };
    let state = |sim: &Sim| json_of(&control(sim, "GET", "/_sim/state", ""))["state"].clone();
    let sim = started(options());
    let env = an_environment(&sim, 1001);
    for (replicas, seconds) in [(3, 3600), (5, 60), (2, 10)] {
        let reply = json_of(&respond(&sim, &call("ScaleApp", json!({"EnvId": env, "Replicas": replicas}))));
        assert_eq!(reply["Code"], 0, "{reply}");
        sim.clock.advance(Duration::from_secs(seconds));
        assert_eq!(json_of(&respond(&sim, &scale()))["Code"], 10404);
        assert_eq!(respond(&sim, &list()).status, 200);
        if replicas == 5 {
            // It still runs, for its first pod does not come up.
            let close = json!({"DeployOrderId": reply["Result"]["DeployOrderId"]});
            let closed = json_of(&respond(&sim, &call("CloseDeployOrder", close)));
            assert_eq!(closed["Code"], 0, "{closed}");
        }
    }
    let ledger = json_of(&control(&sim, "GET", "/_sim/ledger", ""));
    let column = |name: &str| ledger["records"].as_array().unwrap().iter().map(|r| r[name].clone()).collect::<Vec<_>>();
    assert_eq!(ledger["total"], 4);
    assert_eq!(column("action"), ["ScaleApp", "ScaleApp", "CloseDeployOrder", "ScaleApp"]);
    assert_eq!(column("trouble"), [json!(null), json!("CrashLoop"), json!(null), json!(null)]);
    let (before, at) = (state(&sim), sim.look(|state| state.now));
    // No graceful stop: what is left is what was written with each answer.
    drop(sim);
    let again = started(options());
    let ahead = at.duration_since(again.look(|state| state.now));
    again.clock.advance(Duration::try_from(ahead).unwrap());
    assert_eq!(state(&again), before);
    let shown = |sim: &Sim| json_of(&control(sim, "GET", "/_sim/ledger", ""));
    assert_eq!(shown(&again), ledger);
    // After a graceful stop they are counted only.
    again.close().unwrap();
    drop(again);
    assert_eq!(shown(&started(options())), json!({"total": 4, "records": []}));
}

/// A write that fails leaves nothing behind, in the file or in the account, and the next one goes on.
#[test]
fn a_write_that_cannot_be_kept_is_not_answered_as_done_nor_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let options = || Options { state: Some(path.clone()), ..Options::demo() };
    let sim = started(options());
    let create = |title: &str| {
        let app = json!({"BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication", "Title": title});
        respond(&sim, &call("CreateApp", app))
    };
    let total = |sim: &Sim| json_of(&respond(sim, &list()))["TotalCount"].clone();
    assert_eq!(json_of(&create("kept"))["Code"], 0);
    // A full disk: what was written of a line stays in the way until the next one.
    let read_only = std::fs::File::open(&path).unwrap();
    let writable = sim.book().file.as_mut().unwrap().replace(read_only).unwrap();
    for title in ["a", "b"] {
        let answer = create(title);
        assert_eq!(answer.status, 500);
        assert!(json_of(&answer)["Message"].as_str().unwrap().starts_with("the state file cannot be written: "));
        assert_eq!(total(&sim), 13);
    }
    assert_eq!(sim.book().ledger.total(), 1);
    {
        use std::io::Write as _;
        std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(b"3 0000").unwrap();
    }
    drop(sim.book().file.as_mut().unwrap().replace(writable));
    assert_eq!(json_of(&create("kept too"))["Code"], 0);
    assert_eq!(total(&sim), 14);
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    sim.close().unwrap();
    drop(sim);
    assert_eq!((lines, total(&started(options()))), (4, json!(14)));
}

#[test]
fn a_file_that_was_deleted_or_replaced_is_noticed_before_the_next_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state");
    let sim = started(Options { state: Some(path.clone()), ..Options::demo() });
    let create = || {
        let app = json!({"BizCode": "JST", "Language": "Java", "OperatingSystem": "Linux", "ServiceType": "StoreApplication", "Title": "new"});
        json_of(&respond(&sim, &call("CreateApp", app)))["Message"].clone()
    };
    let kept = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(create().as_str().unwrap().contains("cannot be written: No such file"), "{}", create());
    std::fs::write(&path, &kept).unwrap();
    assert_eq!(create(), "the state file cannot be written: another file is in its place");
    assert_eq!(json_of(&respond(&sim, &list()))["TotalCount"], 12);
    assert!(sim.close().is_err());
    assert_eq!(std::fs::read(&path).unwrap(), kept);
}

#[test]
fn control_asks_for_its_token_and_shows_no_secret() {
    let sim = started(controlled());
    let ask = |token: Option<&str>| {
        let mut request = Request::builder().uri("/_sim/state");
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        respond(&sim, &request.body(Bytes::new()).unwrap()).status
    };
    for (token, status) in [
        (None, 401),
        (Some(""), 401),
        (Some("Bearer "), 401),
        (Some("Bearer fake-control-tokem"), 401),
        (Some("fake-control-token"), 401),
        (Some("Basic fake-control-token"), 401),
        (Some("Bearer fake-control-token"), 200),
        (Some("bearer fake-control-token"), 200),
    ] {
        assert_eq!(ask(token), status, "{token:?}");
    }
    let cluster = json!({
        "BusinessCode": "JST", "ClusterEnvType": "TEST", "ClusterTitle": "t", "ClusterType": "Serverless",
        "RegionId": "cn-zhangjiakou", "VpcId": "vpc-demo-9", "Vswitchids": ["v"], "Password": "Fake-Pass-1234",
    });
    assert_eq!(json_of(&respond(&sim, &call("CreateCluster", cluster)))["Code"], 0);
    let shown = control(&sim, "GET", "/_sim/state", "").body;
    assert!(!String::from_utf8_lossy(&shown).contains("Fake-Pass-1234"));
    // What was masked is still there when the state comes back.
    assert_eq!(control(&sim, "PUT", "/_sim/state", shown).status, 200);
    let clusters = json_of(&respond(&sim, &call("ListCluster", json!({}))));
    assert!(clusters.to_string().contains("Fake-Pass-1234"), "{clusters}");
    // Only who may restore a state may send much.
    let limit = |method: &str, token: &str| {
        let request = Request::builder().method(method).uri("/_sim/state").header("authorization", token);
        sim.body_limit(&request.body(()).unwrap().into_parts().0)
    };
    let limits = [
        limit("PUT", "Bearer fake-control-token"),
        limit("PUT", "Bearer x"),
        limit("POST", "Bearer fake-control-token"),
    ];
    assert_eq!(limits, [256 << 20, 1 << 20, 1 << 20]);
}

#[test]
fn a_frozen_window_does_not_admit_a_release() {
    let sim = with_faults(&["ScaleApp:frozen:code=102001"]);
    let env = an_environment(&sim, 1001);
    let reply = json_of(&respond(&sim, &call("ScaleApp", json!({"EnvId": env, "Replicas": 3}))));
    assert_eq!((&reply["Code"], &reply["Result"]["Admitted"]), (&json!(0), &json!(false)), "{reply}");
    assert_eq!(reply["Result"]["BusinessCode"].as_str(), Some("102001"), "{reply}");
}

#[test]
fn the_same_seed_and_calls_give_the_same_transcript() {
    let transcript = || {
        let sim = with_faults(&["*:503:probability=0.3"]);
        let answers = (0..40).map(|n| {
            let env = 3000 + n % 5;
            let answer = respond(&sim, &call("ScaleApp", json!({"EnvId": env, "Replicas": n % 4 + 1})));
            sim.clock.advance(Duration::from_secs(60));
            (answer.status, answer.body)
        });
        answers.collect::<Vec<_>>()
    };
    assert_eq!(transcript(), transcript());
}

/// A simulator on a socket, for as long as the test that is given its address runs.
fn on_a_socket(sim: &Arc<Sim>, test: impl FnOnce(SocketAddr) + Send) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (address, addresses) = std::sync::mpsc::channel();
    let (done, is_done) = tokio::sync::oneshot::channel::<()>();
    let sim = sim.clone();
    std::thread::scope(|scope| {
        let serving = scope.spawn(move || {
            runtime.block_on(async {
                let server = server::bind(sim, "127.0.0.1:0".parse().unwrap()).await.unwrap();
                address.send(server.address()).unwrap();
                server.run(async { drop(is_done.await) }).await.unwrap();
            });
        });
        test(addresses.recv().unwrap());
        drop(done);
        serving.join().unwrap();
    });
}

/// Sends bytes and reads until the connection closes.
fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that has seen enough may close before all of it is sent.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn http(request: &Request<Bytes>, more: &str) -> Vec<u8> {
    let head = format!(
        "{} {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n{more}\r\n",
        request.method(),
        request.uri(),
        request.body().len(),
    );
    [head.as_bytes(), request.body()].concat()
}

const CLOSE: &str = "Connection: close\r\n";

#[test]
fn calls_travel_over_a_socket_on_one_connection() {
    on_a_socket(&started(Options::demo()), |address| {
        let both = [http(&scale(), ""), http(&list(), CLOSE)].concat();
        let answers = exchange(address, &both);
        assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
        assert!(answers.contains("\r\ndate: "), "{answers}");
        assert!(answers.contains("does not exist"), "{answers}");
    });
}

/// As many silent connections as there are places, and some more: whoever asks is answered at once.
#[test]
fn silent_connections_make_way() {
    on_a_socket(&started(Options::demo()), |address| {
        // A test's process has few descriptors of its own: it holds both ends.
        let silent: Vec<_> = (0..400).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let begun = Instant::now();
        assert!(exchange(address, &http(&list(), CLOSE)).starts_with("HTTP/1.1 200"));
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        drop(silent);
    });
}

#[test]
fn what_is_no_http_or_too_much_is_answered_with_an_error() {
    on_a_socket(&started(Options::demo()), |address| {
        let head = |more: &str| format!("POST / HTTP/1.1\r\nHost: x\r\n{more}\r\n");
        let megabytes = vec![b'a'; 64 << 20];
        let large = |head: String| [head.as_bytes(), &megabytes].concat();
        let chunked = head("Transfer-Encoding: chunked\r\n") + "4000000\r\n";
        let chunked = [chunked.as_bytes(), &megabytes, b"\r\n0\r\n\r\n"];
        for (bytes, expected) in [
            (b"nonsense\r\n\r\n".to_vec(), "HTTP/1.1 400"),
            (b"\x00\xff\x00\xff\r\n\r\n".to_vec(), "HTTP/1.1 400"),
            (format!("GET /?{} HTTP/1.1\r\n\r\n", "a".repeat(100_000)).into_bytes(), "HTTP/1.1 414"),
            (head(&"X-A: b\r\n".repeat(1000)).into_bytes(), "HTTP/1.1 431"),
            (large(head("Content-Length: 67108864\r\n")), "HTTP/1.1 413"),
            (chunked.concat(), "HTTP/1.1 413"),
            (head("Content-Length: 67108864\r\nExpect: 100-continue\r\n").into_bytes(), "HTTP/1.1 413"),
            (head("Content-Length: -5\r\n").into_bytes(), "HTTP/1.1 400"),
            (head(CLOSE).into_bytes(), "HTTP/1.1 400"),
        ] {
            let answer = exchange(address, &bytes);
            let start = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
            assert!(answer.starts_with(expected), "{start}: {}", answer.chars().take(200).collect::<String>());
        }
        assert!(exchange(address, &http(&list(), CLOSE)).starts_with("HTTP/1.1 200"), "it goes on");
    });
}

#[test]
fn broken_answers_are_broken_on_the_wire() {
    let whole = started(Options::demo()).answer(&scale()).body.len();
    let text_of = |rule: &str| {
        let mut text = String::new();
        on_a_socket(&with_faults(&[rule]), |address| text = exchange(address, &http(&scale(), CLOSE)));
        text
    };
    for rule in ["*:close", "*:lost", "*:stall:ms=10"] {
        assert_eq!(text_of(rule), "", "{rule}");
    }
    let half = text_of("*:half");
    let body = half.split("\r\n\r\n").nth(1).unwrap();
    assert!(half.contains(&format!("content-length: {whole}\r\n")), "{half}");
    assert_eq!(body.len(), whole / 2, "{half}");
    let slow = text_of("*:slow:rate=5000");
    assert_eq!(slow.split("\r\n\r\n").nth(1).map(str::len), Some(whole), "{slow}");
    assert!(text_of("*:throttle:retry-after=250").contains("x-acs-retry-after: 250\r\n"));
    let year = (Timestamp::now() + SignedDuration::from_hours(2 * 366 * 24)).strftime("%Y").to_string();
    let ahead = text_of("*:skew:seconds=63244800");
    assert!(ahead.contains(&format!("{year} ")) && ahead.contains("\r\ndate: "), "{year}: {ahead}");
}

#[test]
fn a_stop_releases_stalls_and_a_refusing_server_comes_back() {
    let stalled = with_faults(&["*:stall:ms=3600000:first=1", "*:refuse:ms=200:count=2"]);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        on_a_socket(&stalled, |address| {
            scope.spawn(move || exchange(address, &http(&scale(), CLOSE)));
            while stalled.faults.list()[0]["seen"] == 0 {
                std::thread::yield_now();
            }
            assert_eq!(exchange(address, &http(&scale(), CLOSE)), "");
            while std::net::TcpStream::connect(address).is_ok() {
                std::thread::yield_now();
            }
            while std::net::TcpStream::connect(address).is_err() {
                std::thread::yield_now();
            }
            assert!(exchange(address, &http(&scale(), CLOSE)).starts_with("HTTP/1.1 200"));
        });
    });
    let sim = with_faults(&["*:stall:ms=3600000"]);
    std::thread::scope(|scope| {
        on_a_socket(&sim, |address| {
            scope.spawn(move || exchange(address, &http(&scale(), CLOSE)));
            while sim.faults.list()[0]["seen"] == 0 {
                std::thread::yield_now();
            }
        });
    });
    assert!(begun.elapsed() < Duration::from_secs(60));
}

/// The system gives who knocks in vain a second before it knocks again.
#[test]
fn callers_in_a_burst_are_not_kept_waiting() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(server::bind(started(Options::demo()), "127.0.0.1:0".parse().unwrap())).unwrap();
    // It does not accept any yet.
    let knock = |_| std::net::TcpStream::connect_timeout(&server.address(), Duration::from_millis(900));
    let callers: Vec<_> = (0..200).map(knock).collect();
    assert_eq!(callers.iter().filter(|caller| caller.is_err()).count(), 0);
}

#[test]
fn large_answers_are_compressed_for_those_who_ask() {
    let long = "x".repeat(40_000);
    let answers = [("Recorded".to_owned(), json!({"Code": 0, "Text": long}))].into();
    on_a_socket(&started(Options { answers, ..Options::demo() }), |address| {
        for (header, is_zipped) in [
            ("", false),
            ("Accept-Encoding: gzip\r\n", true),
            ("Accept-Encoding: deflate, GZIP;q=0.5\r\n", true),
            ("Accept-Encoding: br, gzip; q=0\r\n", false),
        ] {
            let bytes = http(&call("Recorded", json!({})), &format!("{CLOSE}{header}"));
            let answer = exchange(address, &bytes);
            assert_eq!(answer.contains("content-encoding: gzip"), is_zipped, "{header}");
            assert_eq!(answer.len() < 2_000, is_zipped, "{header}");
        }
        let small = exchange(address, &http(&scale(), &format!("{CLOSE}Accept-Encoding: gzip\r\n")));
        assert!(!small.contains("content-encoding"), "{small}");
    });
}

#[test]
fn every_operation_is_simulated() {
    let handled: BTreeSet<&str> = state::handlers().map(|(action, _)| action).collect();
    let listed: BTreeSet<&str> = catalogue::operations().map(|operation| operation.action).collect();
    assert_eq!(handled, listed);
    assert_eq!(state::handlers().count(), listed.len(), "an action is handled twice");
}

/// Everything in a payload that the catalogue does not document.
fn undocumented(fields: &[Field], payload: &Value, path: &str) -> Vec<String> {
    let Some(map) = payload.as_object() else { return vec![format!("{path} is no map: {payload}")] };
    let mut odd = Vec::new();
    for (name, value) in map {
        let path = format!("{path}.{name}");
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            odd.push(path);
            continue;
        };
        match (field.shape, value) {
            (_, Value::Null) => {}
            // The service sends some numbers where it documents text.
            (FieldShape::String, Value::String(_) | Value::Number(_))
            | (FieldShape::Int, Value::Number(_))
            | (FieldShape::Bool, Value::Bool(_)) => {}
            (FieldShape::Strings, Value::Array(_)) => {}
            (FieldShape::Object(fields), value) => odd.extend(undocumented(fields, value, &path)),
            (FieldShape::Objects(fields), Value::Array(list)) => {
                odd.extend(list.iter().flat_map(|element| undocumented(fields, element, &path)));
            }
            _ => odd.push(format!("{path} is {value}")),
        }
    }
    odd
}

#[test]
fn every_example_works_on_the_demo_account_and_replies_as_documented() {
    let account = demo::account().unwrap();
    let mut wrong = Vec::new();
    for operation in catalogue::operations() {
        let example = serde_json::from_str(operation.example).unwrap();
        match account.clone().perform(operation.action, example) {
            Ok(payload) => wrong.extend(undocumented(operation.reply, &payload, operation.action)),
            Err(refusal) => wrong.push(format!("{} is refused: {}", operation.action, refusal.text)),
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The notes of the document: each that is said to hold, or on which a side was taken, is tried on a demo
/// account of its own, as calls that change the catalogue's example. A call may come `after` seconds; its reply
/// has a `code` (0), a value `at` a place, and nothing where it is `absent`.
#[test]
fn the_documents_notes_hold() {
    let notes: Vec<Value> = serde_json::from_str(include_str!("../../tests/notes.json")).unwrap();
    let account = demo::account().unwrap();
    let wrong: Vec<String> = notes.iter().filter_map(|note| note_is_wrong(note, &account)).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), notes.len(), wrong.join("\n"));
    let not_modelled = notes.iter().filter(|note| note["calls"].is_null()).count();
    assert!(not_modelled <= 10, "{not_modelled}");
}

/// What is wrong with a note, if anything is.
fn note_is_wrong(note: &Value, account: &state::State) -> Option<String> {
    let verdict = note["verdict"].as_str().unwrap();
    let is_modelled = verdict == "holds" || verdict.starts_with("contradiction: ");
    assert!(is_modelled || verdict.starts_with("not modelled: "), "{note}");
    assert!(catalogue::find(note["operation"].as_str().unwrap()).is_some(), "{note}");
    let calls = note["calls"].as_array().cloned().unwrap_or_default();
    assert_eq!(calls.is_empty(), !is_modelled, "{note}");
    let sim = Sim::of(account.clone(), Options::demo(), clock());
    calls.iter().find_map(|step| {
        let operation = catalogue::find(step["call"].as_str().unwrap()).unwrap();
        let mut params: Map<String, Value> = serde_json::from_str(operation.example).unwrap();
        params.extend(step["with"].as_object().cloned().unwrap_or_default());
        sim.clock.advance(Duration::from_secs(step["after"].as_u64().unwrap_or_default()));
        let reply = json_of(&respond(&sim, &unchecked(operation, params)));
        let has_code = reply["Code"] == step.get("code").cloned().unwrap_or(json!(0));
        let at = |key: &str| reply.pointer(step[key].as_str()?);
        let fits = step["at"].is_null() || at("at") == Some(&step["is"]);
        let is_right = has_code && fits && at("absent").is_none_or(Value::is_null);
        (!is_right).then(|| format!("{} {}: {step}\n   {reply}", note["operation"], note["note"]))
    })
}

/// A signed call that no client has checked.
fn unchecked(operation: &catalogue::Operation, params: Map<String, Value>) -> Request<Bytes> {
    let flat = wire::flatten(operation, &params);
    let pairs = |position| {
        let of = |flat: &&(catalogue::Position, String, String)| flat.0 == position;
        flat.iter().filter(of).map(|(_, name, text)| (name.clone(), text.clone())).collect()
    };
    let request = wire::Request {
        action: operation.action.to_owned(),
        method: operation.method,
        query: pairs(catalogue::Position::Query),
        body: pairs(catalogue::Position::Body),
    };
    let credentials = Credentials { access_key_id: DEMO.0.into(), secret: Secret::new(DEMO.1), security_token: None };
    self::request(&sign::sign(&request, &credentials, None, &Stamp::now(SignedDuration::ZERO)))
}
