//! Flags of jobs and of the journal: each is heeded by a command, or refused by its name.

use crate::support::{Behaviour, Server, jst};

/// Each flag with a value.
const FLAGS: [(&str, &str); 19] = [
    ("lock", "a"),
    ("lock-wait", "1s"),
    ("lock-dir", "locks"),
    ("grace", "1s"),
    ("max-writes", "3"),
    ("max-destructive", "3"),
    ("max-unknown", "3"),
    ("max-failures", "3"),
    ("quiet-success", "yes"),
    ("jitter", "1ms"),
    ("heartbeat", "http://127.0.0.1:1/x"),
    ("metrics-file", "a.prom"),
    ("report", "a.json"),
    ("shard", "0/2"),
    ("shards", "1"),
    ("journal", "j.db"),
    ("no-journal", "yes"),
    ("journal-keep", "1d"),
    ("journal-max-size", "1MB"),
];

const OF_A_RUN: [&str; 8] =
    ["lock", "lock-wait", "lock-dir", "quiet-success", "jitter", "heartbeat", "metrics-file", "report"];

#[test]
fn every_command_heeds_a_flag_or_refuses_it_by_name() {
    type Heeds = fn(&str) -> bool;
    let commands: [(&[&str], Heeds); 13] = [
        (&["run", "a.rhai"], |_| true),
        (&["eval", "1"], |_| true),
        (&["call", "ListApp"], |flag| !flag.starts_with("shard")),
        (&["repl"], |flag| !OF_A_RUN.contains(&flag)),
        (&["unit", "a.rhai", "--for", "kubernetes", "--every", "@daily"], |_| true),
        (&["config"], |_| true),
        (&["runs"], |flag| matches!(flag, "journal" | "journal-keep" | "journal-max-size")),
        (&["ops"], |_| false),
        (&["help"], |_| false),
        (&["whoami"], |_| false),
        (&["test"], |_| false),
        (&["sim", "--listen", "0.0.0.0:0"], |_| false),
        (&["completions", "bash"], |_| false),
    ];
    let locks = tempfile::tempdir().unwrap();
    for (words, heeds) in commands {
        for (flag, value) in FLAGS {
            let lock: &[&str] = if flag.starts_with("lock-") && heeds(flag) { &["--lock=x"] } else { &[] };
            let written = format!("--{flag}={value}");
            let ran = jst([lock, &[&written], words].concat())
                .env("JST_SIM", "1")
                .env("JST_LOCK_DIR", locks.path())
                .file("a.rhai", "1")
                .run();
            let refusal = format!("`jst {}` does nothing with --{flag}", words[0]);
            let is_refused = ran.code == Some(2) && ran.stderr.contains(&refusal);
            assert_eq!(!is_refused, heeds(flag), "{words:?} {written}: {ran:#?}");
        }
    }
    // In a variable they are for those that heed them.
    assert_eq!(jst(["whoami"]).env("JST_REPORT", "a.json").env("JST_LOCK", "a").run().code, Some(20));
}

#[test]
fn a_call_has_around_it_what_a_run_has() {
    let monitor = Server::new(vec![Behaviour::Answer(200, "", String::new())]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (metrics, report) = (file("a.prom"), file("a.json"));
    let flags = ["--lock=one", "--lock-dir", folder.path().to_str().unwrap(), "--heartbeat", &monitor.url()];
    let more = ["--metrics-file", &metrics, "--report", &report, "--quiet-success", "--max-writes", "0"];
    let call = |words: &[&str]| jst(flags).args(&more).args(&["--sim", "call"]).args(words).run();
    assert_eq!(call(&["ListApp"]).ok(), "");
    let ran = call(&["ScaleApp", "EnvId=3002", "Replicas=3"]);
    assert_eq!(ran.code, Some(42), "{ran:#?}");
    let report: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    assert_eq!((&report["script"], &report["writes"]["left"]), (&"call ScaleApp".into(), &1.into()));
    let metrics = std::fs::read_to_string(metrics).unwrap();
    assert!(metrics.contains("jst_run_exit_code{script=\"call ScaleApp\",profile=\"default\"} 42"), "{metrics}");
    let told: Vec<String> = monitor.requests().iter().map(|told| told.split('?').next().unwrap().to_owned()).collect();
    assert_eq!(told, ["POST /start", "POST /", "POST /start", "POST /42"]);
    let ran = jst(["--lock", "--sim", "call", "ListApp"]).run();
    assert!(ran.code == Some(2) && ran.stderr.contains("--lock has no script's path to lock"), "{ran:#?}");
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
    for (line, said) in [
        ("--no-journal --journal j.db eval 1", "--no-journal and --journal exclude each other"),
        (
            "run --resume 01k2x9f8p-3v7q0m --check-only --report a.json",
            "--check-only runs nothing, and --report is about",
        ),
        (
            "--report a.json run --profiles a,b a.rhai",
            "--report is of one run, and --profiles makes one for each profile",
        ),
        ("run --run-key k --profiles a,b a.rhai", "--run-key is of one run, and --profiles makes one for each profile"),
    ] {
        let ran = jst(words(line)).file("a.rhai", "1").run();
        assert!(ran.code == Some(2) && ran.stderr.contains(said), "{line}: {ran:#?}");
    }
    // Of a flag and a variable the flag counts.
    let journal = |jst: crate::support::Jst| jst.args(&["--sim", "eval", "scale_app(3002, 4).Success"]).run();
    let ran = journal(jst(["--journal", "j.db"]).env("JST_NO_JOURNAL", "1"));
    assert!(ran.code == Some(0) && !ran.stderr.contains("--no-journal"), "{ran:#?}");
    let ran = journal(jst(["--no-journal"]).env("JST_JOURNAL", "j.db"));
    assert!(ran.code == Some(0) && ran.stderr.contains("--no-journal: nothing tells afterwards"), "{ran:#?}");
}

#[test]
fn all_profiles_are_looked_for_before_the_first_is_run() {
    let config = "[profiles.a]\nregion = \"cn-a\"\n[profiles.bee]\nregion = \"cn-b\"\n";
    for (list, code, says) in [
        ("a,bee,nope", 21, "nope"),
        ("a,bea", 21, "did you mean `bee`?"),
        ("", 2, "--profiles names no profile: its list is empty"),
        (" , ", 2, "--profiles names no profile: its list is empty"),
        ("a,bee", 0, "2 profiles: 2 done, 0 failed"),
    ] {
        let ran = jst(["run", "--profiles", list, "a.rhai"])
            .env("JST_CONFIG", "c.toml")
            .file("c.toml", config)
            .file("a.rhai", "print(1)")
            .run();
        assert!(ran.code == Some(code) && ran.stderr.contains(says), "{list}: {ran:#?}");
        assert_eq!(ran.stdout.is_empty(), code != 0, "{list}: {ran:#?}");
    }
}

#[test]
fn a_home_that_is_not_there_stops_a_write_and_is_not_made() {
    let server = Server::new(vec![Behaviour::Answer(200, "", r#"{"Code":0,"TotalCount":1,"Data":[]}"#.to_owned())]);
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("missing");
    let run = |args: &[&str]| {
        let words = ["--endpoint", &server.url()];
        jst(words).args(args).fake_key().env("HOME", &home).file("a.rhai", "print(list_app().TotalCount)").run()
    };
    let why = format!("the journal has no place: HOME is {}, which is no folder", home.display());
    for args in [&["call", "ScaleApp", "EnvId=1", "Replicas=2"][..], &["eval", "scale_app(1, 2)"]] {
        let ran = run(args);
        assert_eq!(ran.code, Some(21), "{args:?}: {ran:#?}");
        assert!(
            ran.stderr.contains(&format!("nothing was sent, as it could not be written down first: {why}")),
            "{ran:#?}"
        );
        assert!(ran.stderr.contains("--state-dir or --journal names one, and --no-journal goes without"), "{ran:#?}");
    }
    assert!(server.requests().is_empty());
    // What only reads needs no home.
    let read = run(&["run", "a.rhai"]);
    assert_eq!((read.code, read.stdout.as_str(), read.stderr.as_str()), (Some(0), "1\n", ""), "{read:#?}");
    let listed = run(&["runs"]);
    assert!(listed.code == Some(21) && listed.stderr.contains(&why), "{listed:#?}");
    assert!(!home.exists());
}
