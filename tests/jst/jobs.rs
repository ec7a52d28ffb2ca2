//! Runs that nobody watches: one at a time, within limits, heard of only when they fail, and told of behind them.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Behaviour, Ran, Server, Simulator, behind, jst, may, until};

fn good() -> Behaviour {
    let body = r#"{"Code":0,"Success":true,"RequestId":"REQ-1","Result":{"Admitted":true,"DeployOrderId":"1"}}"#;
    Behaviour::Answer(200, "", body.to_owned())
}

fn refused() -> Behaviour {
    Behaviour::Answer(200, "", r#"{"Code":500,"Success":false,"ErrMsg":"no such environment"}"#.to_owned())
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[test]
fn of_a_thousand_runs_with_one_lock_one_works() {
    let (server, locks) = (Server::new(vec![Behaviour::Stall]), tempfile::tempdir().unwrap());
    let dir = locks.path().to_str().unwrap();
    let url = server.url();
    // The one that works asks once, however long the others take.
    let args = ["--lock=nightly", "--lock-dir", dir, "--endpoint", &url, "--timeout", "10m", "eval", "list_app()"];
    let (first, _home) = jst(args).fake_key().into_command();
    let start = || {
        let mut command = Command::new(first.get_program());
        let env = first.get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.args(first.get_args()).env_clear().envs(env).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::piped()).spawn().unwrap()
    };
    let mut runs: Vec<Child> = (0..1_000).map(|_| start()).collect();
    until(|| !server.requests().is_empty());
    let begun = Instant::now();
    while runs.len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} hang", runs.len());
        runs.retain_mut(|run| match run.try_wait().unwrap() {
            Some(status) => {
                let mut said = String::new();
                run.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                assert_eq!(status.code(), Some(40), "{said}");
                false
            }
            None => true,
        });
        std::thread::yield_now();
    }
    assert_eq!(server.requests().len(), 1);
    // The kernel lets go of what a dead holder held.
    runs[0].kill().unwrap();
    runs[0].wait().unwrap();
    let ran = jst(["--lock=nightly", "--lock-dir", dir, "eval", "1"]).run();
    assert_eq!(ran.ok(), "1\n");
}

#[test]
fn the_second_run_of_a_script_names_the_first_or_waits_for_it() {
    let (server, locks) = (Server::new(vec![Behaviour::Stall]), tempfile::tempdir().unwrap());
    let script = locks.path().join("a.rhai");
    std::fs::write(&script, "list_app();").unwrap();
    let link = locks.path().join("link.rhai");
    std::os::unix::fs::symlink(&script, &link).unwrap();
    let run = |script: &Path, more: &[&str]| {
        let flags = ["--endpoint", &server.url(), "--lock", "--lock-dir", locks.path().to_str().unwrap()];
        jst(flags).args(more).args(&["run", script.to_str().unwrap()]).fake_key()
    };
    let (holder, _home) = run(&script, &[]).start();
    until(|| !server.requests().is_empty());
    // By whatever name it is reached.
    let second = run(&link, &[]).run();
    assert_eq!(second.code, Some(40), "{second:#?}");
    let real = script.canonicalize().unwrap();
    let says = format!("the lock {} with profile default is held by run ", real.display());
    assert!(second.stderr.contains(&says), "{second:#?}");
    assert!(second.stderr.contains(&format!("(process {} on ", holder.id())), "{second:#?}");
    assert!(second.stderr.contains(" s: nothing was run"), "{second:#?}");
    for none in ["0s", "0", "0m"] {
        let waited = run(&script, &["--lock-wait", none]).run();
        assert!(waited.code == Some(40) && waited.stderr.contains(" s: nothing was run\n"), "{none}: {waited:#?}");
        assert!(waited.stderr.contains("--lock-wait waits for it"), "{none}: {waited:#?}");
    }
    let waited = run(&script, &["--lock-wait", "100ms"]).run();
    assert!(waited.code == Some(40) && waited.stderr.contains("was not free within 100ms"), "{waited:#?}");
    let (waiting, _other) = run(&script, &["--lock-wait", "1m", "--deadline", "30s"]).start();
    signal(&holder, "KILL");
    assert_eq!(Ran::of(holder).code, None);
    until(|| server.requests().len() == 2);
    signal(&waiting, "TERM");
    assert_eq!(Ran::of(waiting).code, Some(143));
}

#[test]
fn a_lock_is_one_for_all_users_of_a_machine() {
    let (server, locks) = (Server::new(vec![Behaviour::Stall]), tempfile::tempdir().unwrap());
    may(locks.path(), 0o1777);
    let lock = ["--lock=nightly", "--lock-dir", locks.path().to_str().unwrap()];
    let (mut holder, _home) = jst(lock).args(&["--endpoint", &server.url(), "eval", "list_app()"]).fake_key().start();
    until(|| !server.requests().is_empty());
    let other = || jst(lock).args(&["eval", "1"]).run_as_another();
    let refused = other();
    assert!(
        refused.code == Some(40) && refused.stderr.contains(&format!("(process {} on ", holder.id())),
        "{refused:#?}"
    );
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(other().ok(), "1\n");
    // And back: what another user made is a lock for this one.
    assert_eq!(jst(lock).args(&["eval", "1"]).run().ok(), "1\n");
}

#[test]
fn what_is_said_wrongly_of_a_lock_is_refused_before_anything_runs() {
    for (args, code, says) in [
        (&["--lock", "eval", "1"][..], 2, "--lock has no script's path to lock"),
        (&["--lock-wait", "1m", "eval", "1"], 2, "--lock-wait is given without --lock"),
        (&["--lock=a", "--lock-dir", "/nowhere/at/all", "eval", "1"], 21, "cannot lock a: /nowhere/at/all/jst-a-"),
        (&["--report", "a.txt", "eval", "1"], 2, "a report ends in .json, .html, .md or .xml"),
        (&["--heartbeat", "ftp://x", "eval", "1"], 21, "--heartbeat: the URL must begin with http:// or https://"),
        (&["--shard", "3/3", "eval", "1"], 2, "`3/3` is no part"),
        (&["--shards", "3", "eval", "1"], 2, "needs JOB_COMPLETION_INDEX"),
        (&["--max-failures", "105%", "eval", "1"], 2, "is neither a share of the writes"),
    ] {
        let ran = jst(args).run();
        assert!(ran.code == Some(code) && ran.stderr.contains(says) && ran.stdout.is_empty(), "{args:?}: {ran:#?}");
    }
}

const SCALE_ALL: &str = r#"try_call_all("ScaleApp", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30].map(|n| #{ EnvId: n, Replicas: 1 }), #{ concurrency: 1 })"#;

#[test]
fn a_limit_stops_before_the_next_write_and_says_what_was_done() {
    let lost = Behaviour::Close;
    for (flags, answer, requests, says) in [
        (&["--max-writes", "3"][..], good(), 3, "3 were done, 0 failed, 0 have an unknown outcome, 27 were not made"),
        (&["--max-writes", "0"], good(), 0, "0 were done, 0 failed, 0 have an unknown outcome, 30 were not made"),
        (&["--max-unknown", "1"], lost, 2, "0 were done, 0 failed, 2 have an unknown outcome, 28 were not made"),
        (&["--max-failures", "4"], refused(), 5, "0 were done, 5 failed, 0 have an unknown outcome, 25 were not made"),
        (
            &["--max-failures", "10%"],
            refused(),
            3,
            "0 were done, 3 failed, 0 have an unknown outcome, 27 were not made",
        ),
    ] {
        let server = Server::new(vec![answer]);
        let ran = jst(["--endpoint", &server.url()]).args(flags).args(&["eval", SCALE_ALL]).fake_key().run();
        assert_eq!(ran.code, Some(42), "{flags:?}: {ran:#?}");
        assert_eq!(server.requests().len(), requests, "{flags:?}: {ran:#?}");
        assert!(ran.stderr.contains(&format!("of its writes {says}")), "{flags:?}: {ran:#?}");
        // How many it is in the end is said once.
        let headline = match flags[0] {
            "--max-writes" => format!("the run may make {} writes (--max-writes)", flags[1]),
            "--max-unknown" => "more writes have an unknown outcome than --max-unknown 1 lets pass".to_owned(),
            _ => format!("more writes failed than --max-failures {} lets pass", flags[1]),
        };
        assert!(ran.stderr.contains(&format!("error: {headline}: ScaleApp was not called\n")), "{ran:#?}");
    }
    let server = Server::new(vec![good()]);
    let code = r#"for n in 1..9 { try { call("DeleteThing", #{ Id: n }) } catch (e) {} }"#;
    let flags = ["--allow-destructive", "--max-destructive", "2", "--endpoint", &server.url(), "eval", code];
    let ran = jst(flags).fake_key().run();
    assert_eq!((ran.code, server.requests().len()), (Some(42), 2), "{ran:#?}");
    assert!(ran.stderr.contains("the run may make 2 destructive calls (--max-destructive)"), "{ran:#?}");
}

#[test]
fn a_limit_in_a_variable_is_not_raised_by_a_flag() {
    let server = Server::new(vec![good()]);
    let ran = jst(["--endpoint", &server.url(), "--max-writes", "20", "eval", SCALE_ALL])
        .env("JST_MAX_WRITES", "2")
        .fake_key()
        .run();
    assert_eq!((ran.code, server.requests().len()), (Some(42), 2), "{ran:#?}");
}

#[test]
fn a_write_under_way_gets_the_grace_time_and_no_new_call_begins() {
    let code = r#"call_all("ScaleApp", [1, 2, 3].map(|n| #{ EnvId: 3002, Replicas: n }), #{ concurrency: 1 })"#;
    for (name, code_of, grace, says) in [
        ("INT", 130, "10s", "of its writes 1 were done, 0 failed, 0 have an unknown outcome, 2 were not made"),
        ("TERM", 143, "10s", "of its writes 1 were done, 0 failed, 0 have an unknown outcome, 2 were not made"),
        ("HUP", 129, "10s", "of its writes 1 were done, 0 failed, 0 have an unknown outcome, 2 were not made"),
        ("TERM", 143, "0", "of its writes 0 were done, 0 failed, 1 have an unknown outcome, 2 were not made"),
    ] {
        let sim = Simulator::new(&["--pace", "real", "--fault", "ScaleApp:latency:ms=1500"]);
        let (mut child, _home) = sim.jst(&["-vv", "--grace", grace, "eval", code]).start();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("sending") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        signal(&child, name);
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(Ran::of(child).code, Some(code_of), "{said}");
        assert!(said.contains(says), "{said}");
        assert_eq!(said.matches("sending").count(), 1, "{said}");
    }
}

/// Under `nohup`, in the background of a shell, or behind a `trap` of one.
#[test]
fn a_signal_that_whoever_starts_a_run_ignores_does_not_end_it() {
    for (ignored, sent, exit) in [
        ("HUP", &["HUP"][..], 0),
        ("INT QUIT", &["INT", "QUIT"], 0),
        ("TERM", &["TERM"], 0),
        ("HUP", &["HUP", "TERM"], 143),
        ("INT", &["HUP"], 129),
    ] {
        let sim = Simulator::new(&["--pace", "real", "--fault", "ScaleApp:latency:ms=700"]);
        let run = behind(&format!("trap '' {ignored}"), ["-vv", "eval", "scale_app(3002, 4);"]);
        let (mut child, _home) = sim.known_to(run).start();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains("sending") {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        sent.iter().for_each(|name| signal(&child, name));
        stderr.read_to_string(&mut said).unwrap();
        assert_eq!(Ran::of(child).code, Some(exit), "{ignored} {sent:?}: {said}");
    }
    // A simulator hears as little.
    let (mut sim, _home) = behind("trap '' INT", ["sim", "--json", "--listen", "127.0.0.1:0"]).start();
    BufReader::new(sim.stdout.as_mut().unwrap()).read_line(&mut String::new()).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", sim.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap();
    assert_eq!(u64::from_str_radix(mask.trim(), 16).unwrap() & 0b11, 0b10, "SIGINT is the second: {status}");
    signal(&sim, "TERM");
    assert_eq!(Ran::of(sim).code, Some(0));
}

#[test]
fn what_a_stopped_run_waits_for_is_said_at_once() {
    let parallel = "parallel([1, 2], 2, |n| scale_app(n, 2))";
    for (code, calls, name, flags, says) in [
        (
            "scale_app(1, 2)",
            1,
            "INT",
            &["--grace", "1h"][..],
            "stopping: 1 write is under way and gets 3600 s to end; again Ctrl-C ends at once\n",
        ),
        (
            parallel,
            2,
            "TERM",
            &["--grace", "10s"],
            "stopping: 2 writes are under way and get 10 s to end; a second signal ends at once\n",
        ),
        ("list_app()", 1, "INT", &["--grace", "1h"], ""),
        ("scale_app(1, 2)", 1, "INT", &["--grace", "0"], ""),
    ] {
        let server = Server::new(vec![Behaviour::Stall]);
        let (mut child, _home) =
            jst(["--endpoint", &server.url(), "--no-journal"]).args(flags).args(&["eval", code]).fake_key().start();
        until(|| server.requests().len() == calls);
        signal(&child, name);
        if says.is_empty() {
            let ran = Ran::of(child);
            assert!(!ran.stderr.contains("stopping"), "{ran:#?}");
            continue;
        }
        // Said while it waits.
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut said = String::new();
        while !said.contains(says) {
            assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
        }
        assert!(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // Talk is held back as all is.
    let server = Server::new(vec![Behaviour::Stall]);
    let flags = ["--quiet-success", "--grace", "100ms", "--no-journal", "--endpoint", &server.url()];
    let (child, _home) = jst(flags).args(&["eval", "scale_app(1, 2)"]).fake_key().start();
    until(|| server.requests().len() == 1);
    signal(&child, "TERM");
    let ran = Ran::of(child);
    assert!(ran.code == Some(143) && ran.stderr.contains("stopping: 1 write is under way and gets 0.1 s"), "{ran:#?}");
}

#[test]
fn a_message_that_is_not_taken_is_no_refusal_of_the_service() {
    let server = Server::new(vec![Behaviour::Answer(403, "", String::new())]);
    let code = format!("notify(\"{}/hook\", \"x\")", server.url());
    let ran = jst(["--allow-net", "127.0.0.1", "eval", &code]).run();
    assert_eq!(ran.code, Some(10), "{ran:#?}");
    assert!(ran.stderr.starts_with("error: 127.0.0.1 did not take the message: it answered 403\n"), "{ran:#?}");
    assert!(
        ran.stderr.contains("= help: it is the message that was refused, and no call of the service: "),
        "{ran:#?}"
    );
}

#[test]
fn a_second_signal_stops_at_once_and_names_what_is_unknown() {
    let server = Server::new(vec![Behaviour::Stall]);
    let (mut child, _home) =
        jst(["--grace", "1h", "--endpoint", &server.url(), "eval", "scale_app(1, 2)"]).fake_key().start();
    until(|| server.requests().len() == 1);
    signal(&child, "TERM");
    let begun = Instant::now();
    // One that comes at once is the same wish, and does nothing.
    while child.try_wait().unwrap().is_none() {
        signal(&child, "INT");
    }
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let ran = Ran::of(child);
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(matches!(ran.code, Some(130 | 143)), "{ran:#?}");
    assert!(ran.stderr.contains("ScaleApp of environment 1 (Replicas=2) was under way"), "{ran:#?}");
}

/// As GNU timeout ends a run: it signals the process, and then its group.
#[test]
fn two_signals_at_once_are_one_and_the_run_ends_in_good_order() {
    let sim = Simulator::new(&["--pace", "real", "--fault", "ScaleApp:latency:ms=1500"]);
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("a.json");
    let flags = ["-vv", "--grace", "10s", "--report", report.to_str().unwrap(), "eval", "scale_app(3002, 4)"];
    let (mut child, _home) = sim.jst(&flags).start();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("sending") {
        assert_ne!(stderr.read_line(&mut said).unwrap(), 0, "{said}");
    }
    signal(&child, "TERM");
    signal(&child, "TERM");
    signal(&child, "HUP");
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!(Ran::of(child).code, Some(143), "{said}");
    assert!(said.contains("of its writes 1 were done, 0 failed, 0 have an unknown outcome"), "{said}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!((&report["exit_code"], &report["writes"]["done"]), (&143.into(), &1.into()), "{report:#}");
}

#[test]
fn nothing_is_printed_of_a_run_that_did_well_and_all_of_one_that_did_not() {
    const TALK: &str = r#"print("one"); log::warn("two"); print("three");"#;
    let quiet = |code: &str| jst(["--quiet-success", "eval", code]).run();
    let ran = quiet(&format!("{TALK} exit(0)"));
    assert_eq!((ran.code, ran.stdout.as_str(), ran.stderr.as_str()), (Some(0), "", ""));
    let ran = quiet(&format!("{TALK} throw \"four\""));
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stdout, "one\nthree\n");
    let (two, four) = (ran.stderr.find("two").unwrap(), ran.stderr.find("four").unwrap());
    assert!(two < four, "{ran:#?}");
    // In their order, where both go to one place.
    let together = format!("exec \"$0\" --quiet-success eval '{TALK} exit(70)' 2>&1");
    let output = Command::new("sh").args(["-c", &together, env!("CARGO_BIN_EXE_jst")]).env_clear().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().map(|line| line.rsplit(' ').next().unwrap()).collect();
    assert_eq!(lines, ["one", "two", "three"]);
    // Beyond what is held in memory.
    let ran = quiet(
        r#"for n in 0..40000 { print(`line ${n} of a script that says a lot, all of which is kept`); } exit(70)"#,
    );
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(70), 40_000));
    assert!(ran.stdout.len() > 2 << 20 && ran.stdout.contains("line 39999 of"));
    let ran = quiet(r#"let s = ""; s.pad(1000000, "x"); for n in 0..100 { print(s); }"#);
    assert_eq!((ran.code, ran.stdout.len()), (Some(0), 0));
}

#[test]
fn checks_that_fail_end_the_run_with_4() {
    for (code, wanted, says) in [
        (r#"check("a", true)"#, 0, ""),
        (r#"check("a", 1 == 2, "one is not two")"#, 4, "check failed: a: one is not two"),
        (r#"check("a", false); exit(0)"#, 4, "1 of 1 checks failed"),
        (r#"check("a", false); exit(70)"#, 70, "check failed: a"),
        (r#"check("a", false); throw "x""#, 1, "check failed: a"),
        (r#"if !check("a", false) { check("b", true) }"#, 4, "1 of 2 checks failed"),
        (r#"check("", true)"#, 1, "a check needs a name"),
        (r#"check("a", 1)"#, 1, "takes true or false, not an int"),
        (r#"threshold("a", 0.01, "< 0.05")"#, 0, ""),
        (r#"threshold("a", 1, "< 0.05")"#, 4, "check failed: a: 1, wanted < 0.05"),
        (r#"threshold("a", (), "< 0.05")"#, 4, "check failed: a: there is no value, wanted < 0.05"),
        (r#"threshold("a", 1, "about 3")"#, 1, "`about 3` is no bound"),
        (r#"threshold("a", "1", "< 3")"#, 1, "takes a number or ()"),
    ] {
        let ran = jst(["eval", code]).run();
        assert!(ran.code == Some(wanted) && ran.stderr.contains(says), "{code}: {ran:#?}");
    }
}

#[test]
fn the_wait_before_a_run_leaves_time_for_it() {
    for (jitter, deadline, words) in [
        ("8000h", "100ms", &["eval", "print(1)"][..]),
        ("1m", "60s", &["eval", "print(1)"]),
        ("1m", "1m", &["call", "ListApp"]),
        ("2h", "1h", &["unit", "a.rhai", "--for", "cron", "--every", "0 3 * * *"]),
    ] {
        let ran = jst(["--sim", "--jitter", jitter, "--deadline", deadline]).args(words).file("a.rhai", "1").run();
        let named = ["error: --jitter ", " waits as long as --deadline "];
        assert!(ran.code == Some(2) && ran.stdout.is_empty(), "{ran:#?}");
        assert!(named.iter().all(|words| ran.stderr.contains(words)), "{ran:#?}");
    }
    // Without a deadline of its own, a unit has one.
    let words = ["--jitter", "2h", "unit", "a.rhai", "--for", "cron", "--every", "0 3 * * *"];
    assert_eq!(jst(words).file("a.rhai", "1").run().code, Some(2));
    assert_eq!(jst(["--jitter", "10ms", "--deadline", "1m", "eval", "1"]).run().ok(), "1\n");
    for span in ["10ms", "0s"] {
        assert_eq!(jst(["--jitter", span, "eval", "1"]).run().ok(), "1\n");
    }
}

/// The paths of what a monitor was told, without the run's id, and the bodies.
fn heartbeats(server: &Server) -> Vec<(String, String)> {
    let requests = server.requests();
    let parts = requests.iter().map(|request| request.split_once('\n').unwrap());
    parts.map(|(head, body)| (head.split("rid=").next().unwrap().to_owned(), body.to_owned())).collect()
}

#[test]
fn a_monitor_hears_of_start_and_end_and_changes_nothing() {
    let ok = Behaviour::Answer(200, "", "OK".to_owned());
    for (code, exit, end) in [("1", 0, "POST /ping/x?"), ("log::error(\"no space\"); exit(70)", 70, "POST /ping/x/70?")]
    {
        let server = Server::new(vec![ok.clone()]);
        let ran = jst(["--heartbeat", &format!("{}/ping/x", server.url()), "eval", code]).run();
        assert_eq!(ran.code, Some(exit), "{ran:#?}");
        let told = heartbeats(&server);
        assert_eq!((told.len(), told[0].0.as_str(), told[1].0.as_str()), (2, "POST /ping/x/start?", end), "{told:?}");
        assert_eq!(told[1].1.contains("no space"), exit == 70, "{told:?}");
        let rids: Vec<String> =
            server.requests().iter().map(|r| r.split("rid=").nth(1).unwrap()[..36].to_owned()).collect();
        assert_eq!(rids[0], rids[1]);
        assert_eq!(rids[0].split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
    // Three tries each, and no word of it changes the run.
    let server = Server::new(vec![Behaviour::Answer(500, "", String::new())]);
    let ran = jst(["--heartbeat", &server.url(), "eval", "1"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1\n"), "{ran:#?}");
    assert!((4..=6).contains(&server.requests().len()), "{}", server.requests().len());
    assert!(ran.stderr.contains("the heartbeat was not told: 127.0.0.1 answered 500"), "{ran:#?}");
    let ran = jst(["--quiet-success", "--heartbeat", &server.url(), "eval", "1"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1\n"), "{ran:#?}");
    assert!(ran.stderr.contains("the heartbeat was not told: 127.0.0.1 answered 500"), "{ran:#?}");
    let ran = jst(["--heartbeat", "http://127.0.0.1:9/secret-path", "eval", "1"]).run();
    assert!(ran.code == Some(0) && !ran.stderr.contains("secret-path"), "{ran:#?}");
}

#[test]
fn a_run_that_does_not_begin_is_told_of_too() {
    let locks = tempfile::tempdir().unwrap();
    let at = |name: &str| locks.path().join(name).to_str().unwrap().to_owned();
    let slow = Server::new(vec![Behaviour::Stall]);
    let holds = ["--lock=x", "--lock-dir", &at(""), "--endpoint", &slow.url(), "eval", "list_app()"];
    let (mut holder, _home) = jst(holds).fake_key().start();
    until(|| !slow.requests().is_empty());
    let (report, metrics) = (at("z.json"), at("z.prom"));
    for (words, code, is_written) in [
        ("run gone.rhai", 1, true),
        ("run wrong.rhai", 3, true),
        ("run --resume 01k2x9f8p-3v7q0m --journal j.db a.rhai", 2, true),
        ("run --lock-dir /nowhere/at/all --lock a.rhai", 21, true),
        ("run --config wrong.toml a.rhai", 21, true),
        ("run --config gone.toml a.rhai", 21, true),
        // What stands there is of the run that holds it.
        ("run --lock=x a.rhai", 40, false),
    ] {
        let monitor = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
        for file in [&report, &metrics] {
            std::fs::write(file, "before").unwrap();
        }
        let ran = jst(["--heartbeat", &monitor.url(), "--metrics-file", &metrics, "--report", &report])
            .args(&words.split(' ').collect::<Vec<_>>())
            .env("JST_LOCK_DIR", at(""))
            .file("wrong.rhai", "let x = ;")
            .file("wrong.toml", "[defaults]\nlock = [")
            .file("a.rhai", "1")
            .run();
        assert_eq!(ran.code, Some(code), "{words}: {ran:#?}");
        let end = format!("POST /{code}?");
        assert_eq!(heartbeats(&monitor).last().map(|(path, _)| path.as_str()), Some(end.as_str()), "{words}: {ran:#?}");
        let [report, metrics] = [&report, &metrics].map(|file| std::fs::read_to_string(file).unwrap());
        assert_eq!(report.contains(&format!("\"exit_code\": {code}")), is_written, "{words}: {report}");
        let counted =
            metrics.lines().any(|line| line.starts_with("jst_run_exit_code{") && line.ends_with(&format!(" {code}")));
        assert_eq!(counted, is_written, "{words}: {metrics}");
    }
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn a_monitor_that_hangs_keeps_no_run_from_its_result() {
    let server = Server::new(vec![Behaviour::Stall]);
    let ran = jst(["--heartbeat", &server.url(), "--deadline", "1s", "eval", "1"]).run();
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1\n"), "{ran:#?}");
}

/// A monitor that takes the start and hangs at the end of a run.
fn hangs_at_the_end() -> Server {
    Server::new(vec![Behaviour::Answer(200, "", "OK".to_owned()), Behaviour::Stall])
}

#[test]
fn a_monitor_that_hangs_is_named_though_the_wait_for_it_is_cut_short() {
    let said = "the heartbeat was not told: the run was ended before 127.0.0.1 answered\n";
    let flags = ["--quiet-success", "--heartbeat"];
    for hangs in [Server::new(vec![Behaviour::Stall]), hangs_at_the_end()] {
        let ran = jst(flags).args(&[&hangs.url(), "--deadline", "1s", "eval", "print(1)"]).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1\n"), "{ran:#?}");
        assert!(ran.stderr.ends_with(said) && ran.stderr.matches("heartbeat").count() == 1, "{ran:#?}");
    }
    for (name, twice, exit, shown, code) in [
        ("INT", false, 0, "1\n", "print(1)"),
        ("TERM", false, 0, "1\n", "print(1)"),
        ("HUP", false, 0, "1\n", "print(1)"),
        ("TERM", true, 0, "1\n", "print(1)"),
        ("TERM", false, 70, "1\n", "print(1); exit(70)"),
    ] {
        let server = hangs_at_the_end();
        let (mut child, _home) = jst(flags).args(&[&server.url(), "eval", code]).start();
        until(|| server.requests().len() == 2);
        signal(&child, name);
        while twice && child.try_wait().unwrap().is_none() {
            signal(&child, name);
        }
        let ran = Ran::of(child);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(exit), shown), "{name} {code}: {ran:#?}");
        assert!(ran.stderr.ends_with(said), "{name} {code}: {ran:#?}");
    }
    // One that is ended in the middle, and has a moment only.
    let (monitor, service) = (hangs_at_the_end(), Server::new(vec![Behaviour::Stall]));
    let flags = ["--grace", "1h", "--heartbeat", &monitor.url(), "--endpoint", &service.url()];
    let (mut child, _home) = jst(flags).args(&["eval", "scale_app(1, 2)"]).fake_key().start();
    until(|| !service.requests().is_empty() && !monitor.requests().is_empty());
    signal(&child, "TERM");
    while child.try_wait().unwrap().is_none() {
        signal(&child, "TERM");
    }
    let ran = Ran::of(child);
    assert!(ran.code == Some(143) && ran.stderr.contains(said), "{ran:#?}");
}

#[test]
fn a_monitor_has_heard_of_a_run_when_it_says_so() {
    let moved = "its address has changed: give --heartbeat the one that it leads to";
    for (status, why) in [
        (200, None),
        (204, None),
        (301, Some(format!("301: {moved}"))),
        (302, Some(format!("302: {moved}"))),
        (303, Some(format!("303: {moved}"))),
        (307, Some(format!("307: {moved}"))),
        (308, Some(format!("308: {moved}"))),
        (304, Some("304".to_owned())),
        (404, Some("404".to_owned())),
        (503, Some("503".to_owned())),
    ] {
        let server = Server::new(vec![Behaviour::Answer(status, "Location: /fake-secret\r\n", String::new())]);
        let ran = jst(["--quiet-success", "--heartbeat", &server.url(), "eval", "1"]).run();
        let said = why.as_ref().map(|why| format!("WARN the heartbeat was not told: 127.0.0.1 answered {why}\n"));
        let (_, shown) = ran.stderr.split_at(ran.stderr.find("WARN").unwrap_or_default());
        assert_eq!((ran.code, shown), (Some(0), said.as_deref().unwrap_or_default()), "{status}: {ran:#?}");
        assert!(server.requests().iter().all(|request| !request.contains("fake-secret")), "{status}");
    }
}

#[test]
fn the_log_that_a_monitor_gets_is_short_and_holds_no_secret() {
    let server = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
    let code = r#"for n in 0..2000 { log::info(`line ${n} fake-secret-never-shown`); } exit(70)"#;
    jst(["--heartbeat", &server.url(), "eval", code]).fake_key().run();
    let (_, body) = heartbeats(&server).pop().unwrap();
    assert!(body.len() < 11_000 && body.contains("line 1999 ****") && !body.contains("line 3 "), "{body}");
    assert!(!body.contains("fake-secret-never-shown"));
}

#[test]
fn metrics_tell_of_the_run_and_keep_the_last_success() {
    let (sim, folder) = (Simulator::new(&[]), tempfile::tempdir().unwrap());
    let path = folder.path().join("jst.prom");
    let flags = ["--metrics-file", path.to_str().unwrap(), "eval"];
    let code = "list_app(); list_app(); scale_app(3002, 5);";
    sim.jst(&flags).args(&[code]).run().ok();
    let text = std::fs::read_to_string(&path).unwrap();
    for line in [
        "jst_run_exit_code{script=\"-\",profile=\"default\"} 0\n",
        "jst_run_calls{script=\"-\",profile=\"default\",operation=\"ListApp\"} 2\n",
        "jst_run_attempts{script=\"-\",profile=\"default\",operation=\"ScaleApp\"} 1\n",
        "jst_run_failed{script=\"-\",profile=\"default\",operation=\"ScaleApp\"} 0\n",
    ] {
        assert!(text.contains(line), "{text}");
    }
    let success = |text: &str| text.lines().find(|line| line.starts_with("jst_run_last_success")).unwrap().to_owned();
    let ran = sim.jst(&flags).args(&["scale_app(999999, 5)"]).run();
    assert_eq!(ran.code, Some(10), "{ran:#?}");
    let after = std::fs::read_to_string(&path).unwrap();
    assert_eq!(success(&after), success(&text));
    assert!(after.contains("jst_run_failed{script=\"-\",profile=\"default\",operation=\"ScaleApp\"} 1\n"), "{after}");
    // What cannot be written is said before anything is run, or else behind it, and the run is what it was.
    for (flag, path, code, said) in [
        ("--report", "folder.json", 21, "--report: cannot write folder.json: it is a folder: nothing was run"),
        ("--report", "none/a.xml", 21, "--report: cannot write none/a.xml: its folder is missing: nothing was run"),
        ("--metrics-file", "none/a.prom", 21, "--metrics-file: cannot write none/a.prom: its folder is missing"),
        ("--metrics-file", "a.json/a.prom", 21, "what should be its folder is a file: nothing was run"),
        ("--metrics-file", "m.txt", 2, "--metrics-file m.txt: Prometheus' collector reads files that end in .prom"),
    ] {
        let flags = ["--sim", "--quiet-success", flag, path, "eval", "print(1)"];
        let ran = jst(flags).file("folder.json/a", "").file("a.json", "").run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(code), ""), "{ran:#?}");
        assert!(ran.stderr.contains(said) && !ran.stderr.contains("ERROR"), "{ran:#?}");
    }
    for flag in ["--quiet", "--quiet-success"] {
        let flags = [flag, "--sim", "--metrics-file", "a.prom", "--report", "a.json", "eval", "1"];
        let ran = crate::support::limited("-f 0", flags).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1\n"), "{ran:#?}");
        for file in ["a.json", "a.prom"] {
            assert!(ran.stderr.contains(&format!("ERROR cannot write {file}: ")), "{ran:#?}");
        }
    }
}

#[test]
fn a_report_tells_what_changed_what_failed_and_what_is_unknown() {
    let (sim, folder) = (Simulator::new(&[]), tempfile::tempdir().unwrap());
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let reports = ["a.json", "a.html", "a.md", "a.xml"].map(file);
    let flags: Vec<&str> = reports.iter().flat_map(|path| ["--report", path]).collect();
    let code = r#"list_app(); scale_app(3002, 5); check("an <old> backup", false, "30 & more hours"); check("b", true); scale_app(999999, 1)"#;
    let ran = sim.jst(&flags).args(&["eval", code]).run();
    assert_eq!(ran.code, Some(10), "{ran:#?}");
    let [json, html, md, xml] = reports.map(|path| std::fs::read_to_string(path).unwrap());
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["format_version"], 1);
    assert_eq!((&json["exit_code"], &json["verdict"]), (&10.into(), &"failed".into()));
    assert_eq!(json["changed"][0]["operation"], "ScaleApp");
    assert!(json["changed"][0]["request_id"].is_string(), "{json:#}");
    assert_eq!((json["failed"].as_array().unwrap().len(), json["calls"].as_array().unwrap().len()), (1, 3));
    assert_eq!(json["operations"]["ScaleApp"]["failed"], 1);
    assert!(
        html.contains("an &lt;old&gt; backup") && html.contains("id=\"verdict\" class=\"verdict failed\""),
        "{html}"
    );
    assert!(!html.contains("http://") && !html.contains("https://") && !html.contains("<script"), "{html}");
    assert!(md.contains("**failed** | an \\<old\\> backup | 30 \\& more hours"), "{md}");
    assert!(xml.contains("tests=\"3\" failures=\"1\" errors=\"1\"") && xml.contains("an &lt;old&gt; backup"), "{xml}");
}

/// A run with a report of each form: what it printed, and the forms by their endings.
fn reported(args: &[&str]) -> (Ran, Vec<String>) {
    let folder = tempfile::tempdir().unwrap();
    let reports = ["json", "html", "md", "xml"].map(|form| format!("{}/a.{form}", folder.path().display()));
    let flags: Vec<&str> = reports.iter().flat_map(|path| ["--report", path]).collect();
    let ran = jst(flags).args(args).run();
    (ran, reports.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect())
}

#[test]
fn every_report_and_the_monitor_say_why_a_run_ended_and_what_it_said_last() {
    let audit = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/backup_audit.rhai");
    let found = "print(\"shop-a has <no> backup\"); log::error(\"look at it\"); exit(4)";
    for (words, code, why, said) in [
        (&["eval", found][..], 4, "the script ended with 4", "shop-a has <no> backup"),
        (&["eval", "print(1); exit(70)"], 70, "the script ended with 70", "1"),
        (&["eval", "check(\"a\", false, \"b\"); check(\"c\", true)"], 4, "1 of 2 checks failed", "check failed: a: b"),
        (
            &["eval", "check(\"a\", false); exit(70)"],
            70,
            "the script ended with 70, and 1 of 1 checks failed",
            "check failed: a",
        ),
        (&["eval", "print(\"last\"); throw \"no <app>\""], 1, "no <app>", "last"),
        (&["run", audit], 64, "the script ended with 64", "--instance"),
        (&["eval", "print(\"fine\")"], 0, "", "fine"),
    ] {
        let server = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
        let url = server.url();
        let (ran, reports) = reported(&[&["--quiet-success", "--heartbeat", &url], words].concat());
        assert_eq!(ran.code, Some(code), "{ran:#?}");
        let [json, html, md, xml] = &reports[..] else { panic!("{reports:?}") };
        let json: Value = serde_json::from_str(json).unwrap();
        assert_eq!(json["why"], if why.is_empty() { Value::Null } else { why.into() }, "{json:#}");
        assert!(json["said"].as_str().unwrap().contains(said), "{json:#}");
        let escaped = |text: &str| text.replace('<', "&lt;").replace('>', "&gt;");
        let (why_there, said_there) = (escaped(why), escaped(said));
        assert!(html.contains("<pre id=\"said\">") && html.contains(&said_there), "{html}");
        assert_eq!(
            html.contains(&format!("<h2>Why it ended</h2><pre id=\"why\">{why_there}</pre>")),
            code != 0,
            "{html}"
        );
        let md_why = why.replace('<', "\\<").replace('>', "\\>");
        assert_eq!(md.contains(&format!("\nWhy it ended: {md_why}\n")), code != 0, "{md}");
        assert!(md.contains("## What it said last\n\n    ") && md.contains(said), "{md}");
        assert!(xml.contains("<system-out>") && xml.contains(&said_there), "{xml}");
        // A failed check is a failure of its own case.
        let is_error = code != 0 && why != "1 of 2 checks failed";
        assert!(xml.contains(&format!(" errors=\"{}\"", u8::from(is_error))), "{xml}");
        assert_eq!(xml.contains(&format!("message=\"{why_there}\">{why_there}</error>")), is_error, "{xml}");
        let (_, body) = heartbeats(&server).pop().unwrap();
        assert!(body.contains(said) && body.ends_with(&format!("{why}\n")), "{body}");
    }
}

#[test]
fn what_a_ready_script_finds_stands_in_its_reports_as_checks() {
    let script = |name: &str| format!("{}/scripts/{name}.rhai", env!("CARGO_MANIFEST_DIR"));
    for (name, words, code, check) in [
        (
            "backup_audit",
            &["--instance", "rm-demo-0003", "--max-age", "1"][..],
            4,
            ("rm-demo-0003", "serious: the newest good "),
        ),
        ("rds_access_review", &["--instance", "rm-demo-0003"], 4, ("rm-demo-0003 dba", "serious: it is a super")),
        ("stuck_deploys", &[], 4, ("数据报表 正式环境", "under way, ")),
        ("orphans", &[], 4, ("volumes c-demo-test pv-demo-5", "listed, Why: ")),
    ] {
        let script = script(name);
        let (ran, reports) = reported(&[&["--sim", "run", &script], words].concat());
        assert_eq!(ran.code, Some(code), "{name}: {ran:#?}");
        assert!(!ran.stderr.contains("check"), "{name}: what is printed stays: {ran:#?}");
        let json: Value = serde_json::from_str(&reports[0]).unwrap();
        let failed: Vec<&Value> =
            json["checks"].as_array().unwrap().iter().filter(|check| check["passed"] == false).collect();
        let text = |of: &Value, key: &str| of[key].as_str().unwrap().to_owned();
        let is_there = |of: &&Value| text(of, "name").starts_with(check.0) && text(of, "detail").starts_with(check.1);
        assert!(failed.iter().any(is_there), "{name}: {json:#}");
        let said = format!("the script ended with {code}, and {} of ", failed.len());
        assert!(text(&json, "why").starts_with(&said), "{name}: {json:#}");
        assert!(reports[3].contains(&format!(" failures=\"{}\"", failed.len())), "{name}: {}", reports[3]);
    }
}

#[test]
fn what_a_run_said_last_is_short_and_holds_no_secret() {
    let code = r#"for n in 0..2000 { print(`line ${n} fake-secret-never-shown`); log::info("fake-secret-never-shown"); } exit(4)"#;
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("a.json");
    jst(["--report", report.to_str().unwrap(), "eval", code]).fake_key().run();
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let said = report["said"].as_str().unwrap();
    assert!(said.len() <= 10_000 && said.contains("line 1999 ****\n") && !said.contains("line 3 "), "{said}");
    assert!(!said.contains("fake-secret-never-shown"), "{said}");
}

#[test]
fn what_tells_of_a_run_never_takes_the_place_of_what_it_lives_on() {
    const SCRIPT: &str = "print(1); scale_app(3002, 4);";
    for (words, flag, says) in [
        ("--journal j.json --report j.json run s.md", "report", "j.json: that is the journal, j.json"),
        (
            "--journal link/new.json --report new.json run s.md",
            "report",
            "new.json: that is the journal, link/new.json",
        ),
        ("--journal to_j.json --report j.json run s.md", "report", "j.json: that is the journal, to_j.json"),
        ("--report link/s.md run s.md", "report", "link/s.md: that is the script, DIR/s.md"),
        ("--report s.md run to_s", "report", "s.md: that is the script, DIR/s.md"),
        ("--report s.md run wrong.md --report a.json", "", ""),
        ("--report wrong.md run wrong.md", "", ""),
        ("--config c.json --report c.json run s.md", "report", "c.json: that is the file of settings, c.json"),
        ("--config wrong.json --report wrong.json run s.md", "", ""),
        ("--sim=kept.json --report kept.json run s.md", "", ""),
        ("--metrics-file s.prom run s.prom", "metrics-file", "s.prom: that is the script, DIR/s.prom"),
        ("--report a.xml --report b.md --report ./a.xml run s.md", "report", "./a.xml: that is the report, a.xml"),
        ("--report a.xml,link/a.xml eval 1", "report", "link/a.xml: that is the report, a.xml"),
    ] {
        let run = jst(words.split(' ')).env("JST_SIM", "yes").env("JST_METRICS_FILE", "m.prom");
        let run = ["s.md", "s.prom"].iter().fold(run, |run, name| run.file(name, SCRIPT));
        let run = ["j.json", "wrong.md", "wrong.json"].iter().fold(run, |run, name| run.file(name, "let x = ;"));
        let run = run.file("c.json", "").file("kept.json", "{}");
        let home = run.home.path().to_owned();
        for (to, link) in [(".", "link"), ("j.json", "to_j.json"), ("s.md", "to_s")] {
            std::os::unix::fs::symlink(to, home.join(link)).unwrap();
        }
        let before = files(&home);
        let (child, _home) = run.start();
        let ran = Ran::of(child);
        let mut after = files(&home);
        // A run that is refused is told of where it may be.
        after.retain(|name, _| !["m.prom", "a.xml", "b.md", "a.json"].contains(&name.as_str()));
        assert_eq!(after, before, "{words}: {ran:#?}");
        assert!(ran.stdout.is_empty() && ran.code != Some(0), "{words}: {ran:#?}");
        if !says.is_empty() {
            let real = home.canonicalize().unwrap();
            let says = says.replace("DIR", real.to_str().unwrap());
            let said = format!("error: --{flag}: cannot write {says}: nothing was run\n");
            assert!(ran.code == Some(21) && ran.stderr.contains(&said), "{words}: {said}: {ran:#?}");
        }
    }
}

/// The files of a folder by their names, with what they hold.
fn files(folder: &Path) -> std::collections::BTreeMap<String, Vec<u8>> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = names.filter(|entry| entry.file_type().unwrap().is_file());
    files.map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())).collect()
}

#[test]
fn a_run_that_is_ended_from_outside_is_told_of_too() {
    let (server, folder) = (Server::new(vec![Behaviour::Stall]), tempfile::tempdir().unwrap());
    let path = folder.path().join("a.json");
    let flags = ["--grace", "0", "--endpoint", &server.url(), "--report", path.to_str().unwrap()];
    let (child, _home) = jst(flags).args(&["eval", "scale_app(1, 2)"]).fake_key().start();
    until(|| server.requests().len() == 1);
    signal(&child, "TERM");
    assert_eq!(Ran::of(child).code, Some(143));
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(
        (&json["exit_code"], &json["verdict"], &json["writes"]["unknown"]),
        (&143.into(), &"stopped".into(), &1.into())
    );
}

#[test]
fn every_line_of_a_log_in_json_names_the_run_and_its_trace() {
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    let ran = jst(["-v", "--sim", "--log-format", "json", "eval", "log::info(\"x\"); list_app(); throw 1"])
        .env("TRACEPARENT", format!("00-{TRACE}-00f067aa0ba902b7-01"))
        .run();
    let lines: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() >= 4, "{ran:#?}");
    for line in &lines {
        assert_eq!((&line["trace"], line["run"].as_str().unwrap().len()), (&TRACE.into(), 16), "{line}");
    }
    let call = lines.iter().find(|line| line["operation"] == "ListApp").unwrap();
    assert!(call["attempt"] == 1 && call["timestamp"].is_string(), "{call}");
}

#[test]
fn a_trace_that_is_none_is_said_and_the_run_goes_on() {
    let said = "TRACEPARENT names no trace, which is 00-TRACE-PARENT-FLAGS in hexadecimal digits: it is ignored";
    for (given, is_said) in [("00-zz-11-01", true), ("x", true), ("", false), ("  ", false)] {
        let ran = jst(["--sim", "eval", "1"]).env("TRACEPARENT", given).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "1\n"), "{ran:#?}");
        assert_eq!(ran.stderr.contains(said), is_said, "{ran:#?}");
    }
}

#[test]
fn a_script_tells_only_whom_it_may() {
    let server = Server::new(vec![Behaviour::Answer(200, "", r#"{"errcode":0,"errmsg":"ok"}"#.to_owned())]);
    let hook = format!("{}/hook", server.url());
    let ran = jst(["eval", &format!("notify(\"{hook}\", \"x\")")]).run();
    assert!(ran.code == Some(30) && ran.stderr.contains("add --allow-net 127.0.0.1"), "{ran:#?}");
    assert!(server.requests().is_empty());
    let allowed = ["--allow-net", "127.0.0.1", "eval"];
    jst(allowed).args(&[&format!("notify(\"{hook}\", \"the word is fake-secret-never-shown\")")]).fake_key().run().ok();
    assert_eq!(server.requests()[0], "POST /hook HTTP/1.1\n{\"text\":\"the word is ****\"}");
    let robot = format!(
        "notify(#{{ dingtalk: \"{}/robot/send?access_token=fake\", secret: \"SECfakefake\" }}, \"扩容完成\")",
        server.url()
    );
    jst(allowed).args(&[&robot]).run().ok();
    let sent = &server.requests()[1];
    assert!(
        sent.starts_with("POST /robot/send?access_token=fake&timestamp=17") || sent.contains("&timestamp="),
        "{sent}"
    );
    assert!(
        sent.contains("&sign=") && sent.contains(r#""content":"扩容完成""#) && !sent.contains("SECfakefake"),
        "{sent}"
    );
}

#[test]
fn eight_shards_at_once_do_everything_together_and_nothing_twice() {
    let sim = Simulator::new(&["--control", "--fleet", "apps=20,envs=150,nodes=20"]);
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("job.rhai");
    let code = r#"import "std/fleet" as fleet;
        for env in fleet::environments(#{}) { create_node_label("c-demo-test", "label.jst.com/env", `${env.EnvId}`); }"#;
    std::fs::write(&script, code).unwrap();
    let shards: Vec<_> = (0..8)
        .map(|k| {
            let (shard, script) = (format!("{k}/8"), script.to_str().unwrap());
            sim.jst(&["--shard", &shard, "run", script]).env("JST_STATE_DIR", folder.path()).start()
        })
        .collect();
    for (shard, _home) in shards {
        Ran::of(shard).ok();
    }
    let code = r#"import "std/fleet" as fleet; fleet::environments(#{}).map(|env| `${env.EnvId}`)"#;
    let mut all: Vec<String> = serde_json::from_str(&sim.jst(&["eval", code]).run().ok()).unwrap();
    let label = |done: &Value| done["params"]["LabelValue"].as_str().unwrap().to_owned();
    let mut done: Vec<String> = sim.ledger().iter().map(label).collect();
    all.sort();
    done.sort();
    assert_eq!(done, all);
    assert!(all.len() > 170);
    let runs: Vec<Value> =
        serde_json::from_str(&sim.jst(&["runs"]).env("JST_STATE_DIR", folder.path()).run().ok()).unwrap();
    let writes: Vec<u64> = runs.iter().map(|run| run["writes"].as_u64().unwrap()).collect();
    assert!(writes.len() == 8 && writes.iter().all(|writes| *writes > 5), "each had its part: {writes:?}");
}

#[test]
fn a_script_that_divides_nothing_writes_nothing_in_parts() {
    let scale = "scale_app(3002, 4)";
    let undivided = "this run is the part 1/4, and its script divides nothing: ";
    let whole = "every part does the whole";
    for (parts, code, exit, says) in [
        ("1/4", scale.to_owned(), 30, "ScaleApp was not called, as every part would\n"),
        ("1/4", format!("if in_shard(3002) {{}} {scale}"), 0, ""),
        ("0/1", scale.to_owned(), 0, ""),
        ("1/4", "list_app().TotalCount".to_owned(), 0, whole),
        ("1/4", "exit(70)".to_owned(), 70, whole),
    ] {
        let ran = jst(["--sim", "--shard", parts, "eval", &code]).run();
        let is_said = ran.stderr.contains(&format!("{undivided}{says}"));
        assert!(ran.code == Some(exit) && is_said != says.is_empty(), "{code}: {ran:#?}");
    }
}
