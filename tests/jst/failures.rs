//! What happens when the service or the way to it fails: what is sent again, what is known, and the exit code.

use crate::support::{Behaviour, FAKE_SECRET, Server, Simulator, jst};
use Behaviour::{Answer, Close, Raw, Stall};

fn good() -> Behaviour {
    Answer(200, "", r#"{"Code":0,"RequestId":"R","Success":true,"TotalCount":0,"Data":[],"Result":{"Admitted":true,"DeployOrderId":7}}"#.into())
}

fn gateway(status: u16, code: &str) -> Behaviour {
    Answer(status, "", format!(r#"{{"RequestId":"R","HostId":"h","Code":"{code}","Message":"said so"}}"#))
}

const READ: &[&str] = &["call", "ListApp"];
const WRITE: &[&str] = &["call", "ScaleApp", "EnvId=1", "Replicas=2"];

#[test]
fn each_failure_has_its_exit_code_and_is_sent_again_only_when_that_is_safe() {
    /// What the server does, the call, exit code, requests made, what stderr says.
    type Case = (Vec<Behaviour>, &'static [&'static str], i32, usize, &'static str);
    let table: Vec<Case> = vec![
        (vec![Close, good()], READ, 0, 2, ""),
        (vec![Close, good()], WRITE, 11, 1, "it is not known whether ScaleApp happened"),
        (vec![Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Code\":0,"), good()], READ, 0, 2, ""),
        (
            vec![Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"Code\":0,"), good()],
            WRITE,
            11,
            1,
            "it is not known",
        ),
        (vec![Raw(b"\x00\x01garbage\r\n\r\n"), good()], READ, 0, 2, ""),
        (vec![Raw(b"\x00\x01garbage\r\n\r\n"), good()], WRITE, 11, 1, "it is not known"),
        (vec![Answer(502, "", "<html>Bad Gateway</html>".into()), good()], READ, 0, 2, ""),
        (vec![Answer(502, "", "<html>Bad Gateway</html>".into()), good()], WRITE, 11, 1, "HTTP 502"),
        (vec![Answer(200, "", "<html>Log in</html>".into()), good()], WRITE, 11, 1, "markup"),
        (vec![Answer(200, "", "{}".into()), good()], READ, 0, 2, ""),
        (vec![gateway(500, "InternalError"), good()], WRITE, 11, 1, "InternalError"),
        (vec![gateway(400, "Throttling.User"), good()], WRITE, 0, 2, ""),
        (vec![gateway(503, "Rejected.Throttling"), good()], WRITE, 0, 2, ""),
        (vec![gateway(429, "Throttling"), good()], READ, 0, 2, ""),
        (vec![gateway(400, "InvalidTimeStamp.Expired"), good()], WRITE, 0, 2, ""),
        (vec![gateway(400, "InvalidTimeStamp.Expired")], WRITE, 10, 2, "InvalidTimeStamp.Expired"),
        (vec![gateway(400, "SignatureDoesNotMatch")], READ, 20, 2, "signature"),
        (vec![gateway(404, "InvalidAccessKeyId.NotFound")], READ, 20, 1, "InvalidAccessKeyId.NotFound"),
        (vec![gateway(403, "Forbidden.RAM")], WRITE, 10, 1, "Forbidden.RAM"),
        (
            vec![Answer(200, "", r#"{"Code":7,"ErrMsg":"no such environment"}"#.into())],
            WRITE,
            10,
            1,
            "no such environment",
        ),
        (
            vec![Answer(
                200,
                "",
                r#"{"Code":0,"Success":true,"Result":{"Admitted":false,"BusinessCode":"102001"}}"#.into(),
            )],
            WRITE,
            10,
            1,
            "not admitted",
        ),
        (vec![Stall], WRITE, 11, 1, "did not answer within"),
    ];
    for (behaviours, call, code, requests, says) in table {
        let server = Server::new(behaviours.clone());
        let ran = jst(["--timeout", "300ms", "--endpoint", &server.url()]).fake_key().args(call).run();
        let case = format!("{behaviours:?} {call:?}: {ran:#?}");
        assert_eq!(ran.code, Some(code), "{case}");
        assert_eq!(server.requests().len(), requests, "{case}");
        assert!(ran.stderr.contains(says), "{case}");
        assert!(!ran.stderr.contains(FAKE_SECRET), "{case}");
        assert_eq!(ran.stdout.is_empty(), code != 0, "{case}");
    }
}

#[test]
fn an_unknown_outcome_is_thrown_with_all_that_is_known() {
    let server = Server::new(vec![Close]);
    let code = r#"let e = (); try { scale_app(1, 2); } catch (err) { e = err; } print(`${e.error} ${e.outcome} ${e.attempts} ${e.operation} ${e.retryable}`);"#;
    let out = jst(["--endpoint", &server.url(), "eval", code]).fake_key().run().ok();
    assert_eq!(out, "unknown_outcome unknown 1 ScaleApp false\n");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_service_that_is_not_there_is_no_unknown_outcome() {
    let ran = jst(["--endpoint", "http://127.0.0.1:9"]).fake_key().args(WRITE).run();
    assert_eq!(ran.code, Some(12), "{ran:#?}");
    assert!(ran.stderr.contains("cannot connect to http://127.0.0.1:9"), "{ran:#?}");
}

#[test]
fn the_deadline_ends_a_call_that_waits_and_a_write_leaves_its_trace() {
    for (call, trace) in
        [(READ, ""), (WRITE, "ScaleApp of environment 1 (Replicas=2) was under way when the run was stopped")]
    {
        let server = Server::new(vec![Stall]);
        let flags =
            ["-q", "--log-format", "json", "--deadline", "300ms", "--grace", "100ms", "--endpoint", &server.url()];
        let ran = jst(flags).fake_key().args(call).run();
        assert_eq!(ran.code, Some(41), "{ran:#?}");
        assert!(ran.stderr.contains("the deadline has passed") && ran.stderr.contains(trace), "{ran:#?}");
        let outcome = if trace.is_empty() { r#""outcome":null"# } else { r#""outcome":"unknown""# };
        assert!(ran.stderr.contains(outcome), "{ran:#?}");
    }
    let server = Server::new(vec![good(), Stall]);
    let code = r#"call_all("ScaleApp", [1, 2, 3].map(|n| #{ EnvId: n, Replicas: 1 }), #{ concurrency: 1 })"#;
    let ran =
        jst(["--deadline", "300ms", "--grace", "100ms", "--endpoint", &server.url(), "eval", code]).fake_key().run();
    assert_eq!(ran.code, Some(41), "{ran:#?}");
    let left = "1 calls came to their end, 1 have an unknown outcome, 1 were not made";
    assert!(ran.stderr.contains(left), "{ran:#?}");
}

#[test]
fn a_write_under_way_when_the_terminal_goes_away_is_named() {
    for (call, trace) in
        [(READ, ""), (WRITE, "ScaleApp of environment 1 (Replicas=2) was under way when the run was stopped")]
    {
        let server = Server::new(vec![Stall]);
        let flags = ["--log-format", "json", "--grace", "100ms", "--endpoint", &server.url()];
        let (child, _home) = jst(flags).fake_key().args(call).start();
        while server.requests().is_empty() {
            std::thread::yield_now();
        }
        let killed = std::process::Command::new("kill").args(["-HUP", &child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(129), "{stderr}");
        assert!(stderr.contains(trace), "{stderr}");
        assert_eq!(stderr.contains(r#""outcome":"unknown""#), !trace.is_empty(), "{stderr}");
    }
}

#[test]
fn a_clock_that_is_off_is_corrected_from_the_date_header() {
    let date = "Date: Mon, 05 Jan 2026 02:00:00 GMT\r\n";
    let Answer(status, _, body) = gateway(400, "InvalidTimeStamp.Expired") else { unreachable!() };
    let server = Server::new(vec![Answer(status, date, body), good()]);
    jst(["--endpoint", &server.url()]).fake_key().args(WRITE).run().ok();
    let requests = server.requests();
    assert!(requests[1].contains("Timestamp=2026-01-05T02%3A00%3A0"), "{requests:?}");
}

#[test]
fn many_calls_that_find_the_clock_off_at_once_correct_it_once() {
    // Each waits for its answer while the others are on their way.
    let simulator = Simulator::new(&["--fault", "*:skew:seconds=7200", "--fault", "*:latency:ms=100"]);
    let code = r#"let items = []; items.pad(16, #{ AppId: 1001, EnvId: 3001 });
        call_all("DescribeAppEnvironmentDetail", items).len()"#;
    assert_eq!(simulator.jst(&["eval", code]).run().ok(), "16\n");
}

#[test]
fn no_output_shows_a_secret() {
    let password = "Fake-Pass-1234";
    let refused = Answer(200, "", format!(r#"{{"Code":7,"ErrMsg":"the password {password} is weak"}}"#));
    let server = Server::new(vec![refused]);
    let cluster = format!(
        r#"create_cluster(#{{ BusinessCode: "JST", ClusterEnvType: "TEST", ClusterTitle: "t", ClusterType: "Serverless", RegionId: "cn-x", VpcId: "v", Vswitchids: ["w"], Password: "{password}" }})"#
    );
    let read_only = ["--read-only"].as_slice();
    // Not one text in the source, so that only the value can tell.
    let pieces = r#"let p = parse_json("\"Fake-Pass" + "-1234\"");"#;
    let table: &[(&[&str], &str)] = &[
        (&[], &cluster),
        (read_only, &cluster),
        (&[], &format!(r#"{pieces} create_cluster(#{{ Password: p, Bogus: 1 }})"#)),
        (&[], &format!(r#"{pieces} call_all("CreateCluster", [#{{ Password: p, Bogus: 1 }}])"#)),
        (read_only, &format!(r#"call_all("CreateCluster", [#{{ Password: "{password}" }}])"#)),
        (&[], &format!(r#"{pieces} print(try_call_all("CreateCluster", [#{{ Password: p, Bogus: 1 }}])); throw p"#)),
        (&[], &format!(r#"create_cluster("JST", "{password}")"#)),
        (&[], &format!(r#"call("ResetThing", #{{ Passwords: ["{password}"] }}); throw "{password}""#)),
        (&[], &format!("log::info(\"{FAKE_SECRET}\"); print(\"{FAKE_SECRET}\"); throw \"{FAKE_SECRET}\"")),
        (&[], &format!("debug(\"{FAKE_SECRET}\"); throw 1")),
    ];
    for (flags, code) in table {
        for form in ["text", "json"] {
            let url = server.url();
            let flags: Vec<&str> = [*flags, &["-vv", "--log-format", form, "--endpoint", &url]].concat();
            let evaluated = jst(&flags).args(&["eval", code]).fake_key().run();
            let entered = jst(&flags).args(&["repl"]).stdin(code).fake_key().run();
            for ran in [evaluated, entered] {
                let shown = format!("{code}: {}{}", ran.stdout, ran.stderr).replacen(code, "", 1);
                assert!(!shown.contains(FAKE_SECRET), "{shown}");
                assert!(!shown.contains(password), "{shown}");
                assert_ne!(ran.code, Some(0), "{shown}");
            }
        }
    }
}
