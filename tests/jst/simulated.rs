//! What `--sim` is told: the account that it begins with, its time, its size, and what goes wrong.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Simulator, jst};

#[test]
fn each_setting_works_as_a_flag_and_as_its_variable() {
    let now = "now().sub_string(0, 16)";
    let total = "list_app().TotalCount";
    let scaled = "try_call(\"ScaleApp\", #{EnvId: 3004, Replicas: 3}).error.message";
    for (flag, variable, value, code, expected) in [
        ("--sim-start", "JST_SIM_START", "2026-03-01 08:30", now, "\"2026-03-01T00:30\"\n"),
        ("--sim-fleet", "JST_SIM_FLEET", "apps=3,envs=4", total, "15\n"),
        ("--sim-fault", "JST_SIM_FAULT", "ScaleApp:refusal:code=9:text=no, not now", scaled, "\"no, not now\"\n"),
    ] {
        let flagged = jst(["--sim", flag, value, "eval", code]).run().ok();
        let set = jst(["eval", code]).env("JST_SIM", "1").env(variable, value).run().ok();
        assert_eq!((flagged.as_str(), set.as_str()), (expected, expected), "{flag}");
    }
    let id = |seed: &str| jst(["--sim", "eval", "list_users().RequestId"]).env("JST_SIM_SEED", seed).run().ok();
    assert_eq!(id("7"), jst(["--sim", "--sim-seed", "7", "eval", "list_users().RequestId"]).run().ok());
    assert_ne!(id("7"), id("8"));
}

#[test]
fn faults_add_up_and_are_met_by_the_retry_rule() {
    let code = "let done = scale_app(3004, 3); let apps = list_app(); [done.Result.Admitted, apps.TotalCount]";
    let ran = jst(["-v", "--sim", "--sim-fault", "ScaleApp:throttle:first=2", "--sim-fault", "ListApp:503:count=1"])
        .args(&["eval", code])
        .run();
    assert!(ran.stderr.contains("Throttling") && ran.stderr.contains("ServiceUnavailable"), "{ran:#?}");
    assert_eq!(ran.ok(), "[\n  true,\n  12\n]\n");
    let lost = jst(["--sim", "--sim-fault", "ScaleApp:lost:first=1", "eval", "scale_app(3004, 3)"]).run();
    assert_eq!(lost.code, Some(11), "{lost:#?}");
}

/// Two calls a second pass; the back-off of a hundred moves the account's clock by most of a minute, and
/// waits for nothing.
#[test]
fn a_rate_follows_the_simulated_clock() {
    let begun = Instant::now();
    let code = "let from = unix_time(); for i in 0..100 { list_users(); } unix_time() - from";
    let took = jst(["--sim", "--sim-fault", "ListUsers:throttle:rate=2", "eval", code]).run().ok();
    let took: f64 = took.trim().parse().unwrap();
    assert!((45.0..600.0).contains(&took), "{took}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// Waits on the wire take the account's time and none of ours: an answer that takes longer than an attempt may is
/// a time-out after just that, and what the service does not listen to is over when the account says so.
#[test]
fn waits_on_the_wire_follow_the_simulated_clock() {
    let begun = Instant::now();
    let code = |call: &str| {
        format!(
            "let from = unix_time(); let r = {call}; \
             [unix_time() - from, if r.ok {{ () }} else {{ r.error.outcome }}]"
        )
    };
    let read = code("try_call(\"ListUsers\", #{})");
    let write = code("try_call(\"ScaleApp\", #{EnvId: 3004, Replicas: 3})");
    let (unknown, not_sent) = (Some("unknown"), Some("not_sent"));
    let table = [
        ("*:latency:ms=20000", "30s", &write, 20.0..20.5, None),
        ("*:latency:ms=20000", "10s", &write, 10.0..10.5, unknown),
        ("*:latency:ms=3600000", "30s", &write, 30.0..30.5, unknown),
        ("*:latency:ms=3600000:first=1", "2m", &read, 120.0..121.0, None),
        ("*:latency:ms=1700000", "30m", &read, 1700.0..1700.5, None),
        ("*:latency:ms=3600000", "30s", &read, 150.0..155.0, unknown),
        ("*:stall:ms=600000", "30s", &write, 30.0..30.5, unknown),
        ("*:stall:ms=5000", "30s", &write, 5.0..5.5, unknown),
        ("*:stall:ms=5000:first=2", "30s", &read, 10.0..11.0, None),
        ("*:slow:rate=1", "30s", &write, 30.0..30.5, unknown),
        ("*:slow:rate=20", "30s", &write, 1.0..29.0, None),
        ("*:latency:ms=4000,*:lost", "30s", &write, 4.0..4.5, unknown),
        ("*:latency:ms=4000,*:slow:rate=20", "30s", &write, 5.0..30.0, None),
        ("ListUsers:refuse:ms=20:first=1", "30s", &read, 0.0..4.0, None),
        ("ListUsers:refuse:ms=3600000:first=1", "30s", &read, 0.0..4.0, not_sent),
    ];
    for (fault, timeout, code, took, outcome) in &table {
        let ran = jst(["-q", "--sim", "--sim-fault", fault, "--timeout", timeout, "eval", code]).run();
        let shown: Value = serde_json::from_str(&ran.ok()).unwrap();
        assert!(took.contains(&shown[0].as_f64().unwrap()), "{fault}: {shown}");
        assert_eq!(shown[1].as_str(), *outcome, "{fault}");
    }
    let away = "try_call(\"ListUsers\", #{}); sleep(1800); scale_app(3004, 3).Result.Admitted";
    let back = jst(["-q", "--sim", "--sim-fault", "ListUsers:refuse:ms=1000000", "eval", away]).run().ok();
    assert_eq!(back, "true\n");
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

/// Answers that are under way together take their time together.
#[test]
fn calls_at_once_wait_at_once() {
    let code = "let from = unix_time(); let envs = []; for i in 3001..3009 { envs.push(#{EnvId: i, Replicas: 2}); } \
                try_call_all(\"ScaleApp\", envs, #{concurrency: 8}); unix_time() - from";
    let took = jst(["--sim", "--sim-fault", "ScaleApp:latency:ms=10000", "eval", code]).run().ok();
    assert!((10.0..30.0).contains(&took.trim().parse::<f64>().unwrap()), "{took}");
}

/// What a served simulator kept, and what it showed of itself, are accounts to begin with; the file is
/// only read.
#[test]
fn a_kept_account_is_begun_with() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let kept = state.to_str().unwrap();
    let sim = Simulator::new(&["--state", kept, "--start", "2025-06-01 12:00"]);
    sim.jst(&["call", "CreateApp", "--json"])
        .args(&[r#"{"BizCode":"JST","Language":"Java","OperatingSystem":"Linux","ServiceType":"StoreApplication","Title":"new"}"#])
        .run()
        .ok();
    drop(sim);
    let before = std::fs::read(&state).unwrap();
    let code = "create_app(#{BizCode:\"JST\",Language:\"Java\",OperatingSystem:\"Linux\",ServiceType:\"StoreApplication\",Title:\"newer\"}); [list_app().TotalCount, now().sub_string(0, 10)]";
    for _ in 0..2 {
        let shown: Value = serde_json::from_str(&jst([&format!("--sim={kept}"), "eval", code]).run().ok()).unwrap();
        assert_eq!(shown, serde_json::json!([14, "2025-06-01"]));
    }
    assert_eq!(std::fs::read(&state).unwrap(), before);
}

/// What the file had no room for is answered as failed and undone; what is small enough goes on.
#[test]
fn a_state_file_that_may_not_grow_fails_one_write_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    let kept = ["--state", state.to_str().unwrap()];
    drop(Simulator::new(&kept));
    // In blocks of 512 or of 1024 bytes: 8 or more KiB are left.
    let size = std::fs::metadata(&state).unwrap().len();
    let sim = Simulator::limited(&format!("-f {}", size / 512 + 16), &kept);
    let describe = |sim: &Simulator, text: &str, length: usize| {
        let code = format!(
            "let text = \"{text}\"; text.pad({length}, \"x\"); update_app(#{{ AppId: 1001, Description: text }})"
        );
        sim.jst(&["eval", &code]).run()
    };
    let shown = |sim: &Simulator| {
        let code = "describe_app_detail(1001).Result.Description.sub_string(0, 5)";
        sim.jst(&["eval", code]).run().ok()
    };
    for text in ["first", "third"] {
        assert_eq!(describe(&sim, text, 5).code, Some(0));
        let ran = describe(&sim, "large", 500_000);
        assert!(
            ran.code == Some(11) && ran.stderr.contains("the state file cannot be written: File too large"),
            "{ran:?}"
        );
        assert_eq!(shown(&sim), format!("\"{text}\"\n"));
    }
    drop(sim);
    assert_eq!(shown(&Simulator::new(&kept)), "\"third\"\n");
}

#[test]
fn what_cannot_be_begun_with_is_named() {
    let table: &[(&[&str], i32, &str)] = &[
        (&["--sim=missing", "eval", "1"], 21, "cannot read the account of --sim=missing: No such file"),
        (&["--sim=empty", "eval", "1"], 21, "empty is empty: it holds no account"),
        (&["--sim=other", "eval", "1"], 21, "other holds no account: "),
        (&["--sim-seed", "4", "eval", "1"], 2, "--sim-seed is given without --sim"),
        (&["--sim=other", "--sim-fleet", "apps=1", "eval", "1"], 2, "--sim-fleet is for a new account"),
        (&["sim", "--sim-fault", "*:lost"], 2, "`jst sim` takes no --sim-fault"),
        (&["--sim", "--sim-fault", "*:explode", "eval", "1"], 2, "`explode` is no kind of fault"),
        (&["--sim", "--sim-fault", "ScaleAp:lost", "eval", "1"], 2, "did you mean `ScaleApp`?"),
        (&["--sim", "--sim-fault", "*:lost,scale_ap:lost", "call", "ListApp"], 2, "did you mean `scale_app`?"),
        (&["sim", "--fault", "Lits*:latency:ms=5"], 2, "did you mean `List*`?"),
        (
            &["sim", "--scenario", "faults"],
            2,
            "the fault {\"action\":\"ListApps\",\"kind\":\"lost\"}: ListApps: there is no such operation",
        ),
        (&["--sim=", "eval", "1"], 2, "name a file, or leave the = out for the demo account"),
    ];
    for (args, code, says) in table {
        let ran = jst(*args)
            .file("empty", "")
            .file("other", "{\"apps\": []}")
            .file("faults", r#"[{"action": "ListApps", "kind": "lost"}]"#)
            .run();
        assert_eq!(ran.code, Some(*code), "{args:?}: {ran:#?}");
        assert!(ran.stderr.contains(says), "{args:?} does not say {says:?}: {ran:#?}");
    }
}
