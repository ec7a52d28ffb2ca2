//! The commands: what they print, what they refuse, and that nothing is sent that should not be.

use serde_json::Value;

use crate::support::{Behaviour, FAKE_SECRET, Server, jst};

#[test]
fn bad_input_is_named_with_its_exit_code() {
    // arguments, exit code, what stderr says
    let table: &[(&[&str], i32, &[&str])] = &[
        (&[], 2, &["no command was given", "jst --help"]),
        (&["fly"], 2, &["unrecognized subcommand 'fly'"]),
        (&["run", "missing.rhai"], 1, &["cannot read missing.rhai"]),
        (&["run", "--sim", "broken.rhai"], 3, &["broken.rhai:2:"]),
        (&["run", "--sim", "latin.rhai"], 3, &["latin.rhai is not UTF-8 text"]),
        (&["eval", "let x = ;"], 3, &["eval:1:"]),
        (&["eval", "--smi", "1"], 2, &["unexpected argument `--smi`"]),
        (&["eval", "throw \"no\""], 1, &["error: no", "eval:1:1"]),
        (&["eval", "exit(70)"], 70, &[]),
        (&["eval", "exit(\"a\")"], 1, &["exit takes 0, 4 or a code from 64 to 113, not a"]),
        (
            &["eval", "sleep()"],
            1,
            &["`sleep` does not take ()", "it takes sleep(seconds: int), or sleep(seconds: float)"],
        ),
        (&["eval", "[1].map(1)"], 1, &["map(list: array, closure: closure) -> array"]),
        (&["eval", "exit(1)"], 1, &["exit takes 0, 4 or a code from 64 to 113"]),
        (&["eval", "env(\"HOME\")"], 30, &["may not read the environment variable HOME", "--allow-env HOME"]),
        (&["eval", "read_file(\"x\")"], 30, &["may not read the file x", "--allow-read x"]),
        (&["--allow-read", "x", "eval", "read_file(\"x\")"], 1, &["cannot read x: No such file"]),
        (&["eval", "list_ap()"], 3, &["there is no function `list_ap`", "did you mean `list_app`?"]),
        (&["--sim", "eval", "list_app().Dat"], 1, &["no property `Dat`", "did you mean `Data`?"]),
        (&["eval", "scale_app(1, \"three\")"], 1, &["Replicas (\"three\") must be an integer"]),
        (&["eval", "list_app()"], 20, &["there are no credentials", "--sim"]),
        (&["call", "ListApp"], 20, &["there are no credentials", "--sim"]),
        (&["call", "ListAp"], 1, &["there is no operation `ListAp`", "did you mean `ListApp`?"]),
        (&["call", "ScaleApp", "EnvId"], 2, &["`EnvId` is not a parameter", "KEY=VALUE"]),
        (
            &["call", "ScaleApp", "EnvId=x", "Replica=3"],
            1,
            &["EnvId (\"x\") must be an integer", "did you mean `Replicas`?", "Replicas is required"],
        ),
        (&["call", "ScaleApp", "--json", "{"], 2, &["--json is not JSON"]),
        (
            &["call", "--sim", "ScaleApp", "--json", r#"{"EnvId": 1, "Replica": 3}"#],
            1,
            &["Replica is not a parameter", "did you mean `Replicas`?", "Replicas is required"],
        ),
        (&["--read-only", "call", "ScaleApp", "EnvId=1", "Replicas=2"], 30, &["--read-only"]),
        (&["--sim", "call", "DeleteSlbAP", "SlbAPId=1"], 30, &["--allow DeleteSlbAP"]),
        (&["--deny", "Scale*", "call", "ScaleApp", "EnvId=1", "Replicas=2"], 30, &["--deny forbids it"]),
        (&["--allow", "Delete[", "whoami"], 21, &["the pattern does not parse"]),
        (&["--endpoint", "ftp://x", "whoami"], 21, &["must begin with http:// or https://"]),
        (&["--endpoint", "http://a b", "whoami"], 21, &["is not a URL"]),
        (&["--deadline", "soon", "whoami"], 2, &["`soon` is not a span of time"]),
        (&["--endpoint", "http://me:pass@h", "whoami"], 21, &["the endpoint `…@h` must not contain credentials"]),
        (&["--profile", "nobody", "call", "ListApp"], 21, &["no usable profile `nobody`"]),
        (&["--deny", "DelteApp*", "eval", "1"], 21, &["--deny DelteApp*", "did you mean `DeleteApp*`?"]),
        (
            &["--read-only", "call", "ListThings", "Action=DeleteNodeLabel", "version=2099-01-01", "SignatureX=1"],
            1,
            &["Action is set by jst itself", "version is set by jst", "SignatureX is set by jst"],
        ),
        (
            &["--sim", "call", "CreatePersistentVolume", "NFSVersion=4", "MountDir=data"],
            1,
            &[
                "NFSVersion (\"4\") must be one of 3, 4.0; did you mean `4.0`?",
                "MountDir (\"data\") must be text that begins with /",
            ],
        ),
        (&["--sim", "call", "OfflineAppEnvironment", "AppId=1"], 30, &["--allow OfflineAppEnvironment"]),
        (&["ops", "ScaleAp"], 1, &["did you mean `ScaleApp`?"]),
        (&["--max-operations", "1000", "eval", "loop {}"], 42, &["more than 1000 operations"]),
        (&["--max-memory", "16", "eval", "let a = []; loop { a.push(\"x\".to_blob()); }"], 42, &["more than 16 MB"]),
        (&["--deadline", "200ms", "eval", "loop {}"], 41, &["the deadline has passed"]),
        (&["--deadline", "200ms", "eval", "sleep(60)"], 41, &["the deadline has passed"]),
    ];
    for (args, code, says) in table {
        let ran = jst(*args)
            .file("broken.rhai", "let x = 1;\nlet y = = 2;\n")
            .file_bytes("latin.rhai", b"print(\"\xff\")")
            .run();
        assert_eq!(ran.code, Some(*code), "{args:?}: {ran:#?}");
        for text in *says {
            assert!(ran.stderr.contains(text), "{args:?} does not say {text:?}: {ran:#?}");
        }
        assert_eq!(ran.stdout, "", "{args:?}: {ran:#?}");
    }
}

#[test]
fn scripts_read_what_the_flag_or_its_variable_grants_in_the_working_folder() {
    let read = |path: &str, flags: &[&str]| {
        jst(flags).args(&["eval", &format!("read_file(\"{path}\").len()")]).file("a/b.txt", "1234")
    };
    assert_eq!(read("a/b.txt", &["--allow-read", "c", "--allow-read", "a"]).run().ok(), "4\n");
    assert_eq!(read("./a/b.txt", &[]).env("JST_ALLOW_READ", ",c,a/b.txt").run().ok(), "4\n");
    assert_eq!(read("a/b.txt", &[]).env("JST_ALLOW_READ", "").run().code, Some(30));
    let large = read("large", &["--allow-read", "large", "--max-memory", "16"]).file("large", &"x".repeat(17 << 20));
    let ran = large.run();
    assert_eq!(ran.code, Some(42), "{ran:#?}");
    assert!(ran.stderr.contains("--max-memory allows more"), "{ran:#?}");
}

#[test]
fn half_a_credential_and_an_unreadable_config_stop_the_run() {
    let half = jst(["whoami"]).env("ALIBABA_CLOUD_ACCESS_KEY_ID", "fake-access-key").run();
    assert_eq!(half.code, Some(20), "{half:#?}");
    assert!(half.stderr.contains("ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing"), "{half:#?}");
    for command in [&["whoami"][..], &["call", "ListApp"]] {
        let broken = jst(command).file(".aliyun/config.json", "{").run();
        assert_eq!(broken.code, Some(21), "{broken:#?}");
        assert!(broken.stderr.contains("config.json: not JSON"), "{broken:#?}");
    }
}

#[test]
fn output_that_cannot_be_written_is_no_success() {
    let Ok(full) = std::fs::File::options().write(true).open("/dev/full") else { return };
    for code in ["print(1)", "1"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_jst"));
        let ran = command.args(["eval", code]).env_clear().stdout(full.try_clone().unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(1), "{said}");
        assert!(said.contains("cannot write to stdout"), "{said}");
    }
}

#[test]
fn the_deadline_ends_a_wait_for_input() {
    for command in [&["run", "-"][..], &["repl"]] {
        // Its stdin stays open and silent.
        let (mut child, _home) = jst(["--sim", "--deadline", "200ms"]).args(command).start();
        let _stdin = child.stdin.take();
        assert_eq!(child.wait().unwrap().code(), Some(41), "{command:?}");
    }
}

#[test]
fn whoami_names_each_source_and_masks_the_key() {
    let out = jst(["whoami"])
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "fake-0123456789-key")
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", FAKE_SECRET)
        .run()
        .ok();
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["AccessKeyId"], "fake****-key");
    let sources: Vec<&str> =
        shown["Sources"].as_array().unwrap().iter().map(|s| s["Source"].as_str().unwrap()).collect();
    assert_eq!(sources[..2], ["flags", "environment ALIBABA_CLOUD_*"]);
    assert!(!out.contains(FAKE_SECRET), "{out}");
    let nobody = jst(["whoami"]).no_home().run();
    assert_eq!(nobody.code, Some(20), "{nobody:#?}");
    assert!(nobody.stdout.contains("no home folder"), "{nobody:#?}");
}

#[test]
fn ops_lists_all_and_shows_one_in_full() {
    let list: Value = serde_json::from_str(&jst(["ops"]).run().ok()).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 66);
    let one: Value = serde_json::from_str(&jst(["ops", "scale_app", "--json"]).run().ok()).unwrap();
    assert_eq!(one["action"], "ScaleApp");
    assert_eq!(one["positional"], serde_json::json!(["EnvId", "Replicas"]));
    let subject = &one["subject"];
    assert_eq!((&subject["kind"], &subject["parameter"]), (&"environment".into(), &"EnvId".into()));
    assert_eq!(subject["reads"][0]["action"], "DescribeAppResourceAlloc");
    let text = jst(["ops", "DeleteService", "--output", "table"]).run().ok();
    let about = "About: the service (ServiceId) of the environment (EnvId), shown by DescribeServiceDetail.";
    assert!(text.contains(about), "{text}");
    let orders: Value = serde_json::from_str(&jst(["ops", "ListDeployOrders", "--json"]).run().ok()).unwrap();
    assert_eq!(orders["meanings"]["Data.Status"], "1 running, 2 paused, 3 finished");
    let configs = jst(["ops", "ListDeployConfig", "--output", "table"]).run().ok();
    assert!(configs.contains("Deployment: string (plain YAML, where creating and changing take base64)"), "{configs}");
    let envs = jst(["ops", "ListAppEnvironment", "--output", "table"]).run().ok();
    assert!(envs.contains("0 for test, 1 for production; the document's text has 1 and 2"), "{envs}");
    assert!(envs.contains("EnvType: int (0 test, 1 production"), "{envs}");
    // What may be left out everywhere is not marked as required.
    let text = jst(["ops", "ListUsers", "--output", "table"]).run().ok();
    assert!(text.contains("PageNumber: int") && text.contains("PageSize: int"), "{text}");
    let text = jst(["ops", "CreateSlbAP", "--output", "table"]).run().ok();
    for part in [
        "CreateSlbAP (create_slb_ap), write, POST",
        "EstablishedTimeout: int, query [must be between 10 and 900",
        "Reply:",
        "SlbAPId: int",
        "jst call CreateSlbAP --json '{",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_dry_run_shows_what_would_be_sent_without_credentials_or_secrets() {
    let params = r#"{"BusinessCode":"JST","ClusterEnvType":"TEST","ClusterTitle":"t","ClusterType":"Serverless","RegionId":"cn-x","VpcId":"v","Vswitchids":["w"],"Password":"Fake-Pass-1234"}"#;
    let out = jst(["call", "CreateCluster", "--dry-run", "--json", params]).no_home().run().ok();
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(shown["Method"], "POST");
    assert!(shown["Url"].as_str().unwrap().starts_with("https://retailcloud.aliyuncs.com/?"), "{out}");
    assert!(
        shown["StringToSign"]
            .as_str()
            .unwrap()
            .starts_with("POST&%2F&AccessKeyId%3DACCESS_KEY_ID%26Action%3DCreateCluster%26"),
        "{out}"
    );
    assert!(!out.contains("Fake-Pass"), "{out}");
    let refused = jst(["call", "ScaleApp", "EnvId=1", "--dry-run"]).run();
    assert_eq!(refused.code, Some(1), "{refused:#?}");
}

#[test]
fn values_come_out_in_every_form() {
    let code = r#"[#{ Title: "商城前台", AppId: 1 }, #{ Title: "a,b", AppId: 20 }]"#;
    for (format, expected) in [
        ("table", " AppId  Title\n─────────────────\n 1      商城前台\n 20     a,b\n"),
        ("jsonl", "{\"AppId\":1,\"Title\":\"商城前台\"}\n{\"AppId\":20,\"Title\":\"a,b\"}\n"),
        ("csv", "AppId,Title\n1,商城前台\n20,\"a,b\"\n"),
    ] {
        assert_eq!(jst(["--output", format, "eval", code]).run().ok(), expected, "{format}");
    }
    // Where only records are printed, a page says that it is one.
    for (format, words, says) in [
        ("csv", ["call", "ListApp", "PageSize=5"].as_slice(), true),
        ("jsonl", &["eval", "list_app(#{PageSize: 5})"], true),
        ("csv", &["call", "ListApp", "PageSize=100"], false),
        ("json", &["call", "ListApp", "PageSize=5"], false),
    ] {
        let ran = jst(["--sim", "--output", format]).args(words).run();
        let said = "5 of 12 records: this is one page of a list, and `paginate` gives all";
        assert_eq!((ran.code, ran.stderr.contains(said)), (Some(0), says), "{format} {words:?}");
    }
    assert_eq!(jst(["eval", "print(1)"]).run().ok(), "1\n");
    // A minus at the beginning is code.
    for (code, value) in [("-7 % 3", "-1\n"), ("-7", "-7\n"), ("- 2.5", "-2.5\n"), ("-args.len()", "-1\n")] {
        assert_eq!(jst(["eval", code, "-x"]).run().ok(), value, "{code}");
    }
    assert_eq!(jst(["eval", "1 + 1"]).no_home().run().ok(), "2\n");
}

#[test]
fn errors_are_json_where_the_log_is() {
    let ran = jst(["--sim", "--log-format", "json", "repl"]).stdin("scale_app()\n").run();
    assert_eq!(serde_json::from_str::<Value>(&ran.stderr).unwrap()["error"], "invalid", "{ran:#?}");
    let ran = jst(["--log-format", "json", "eval", "log::warn(\"careful\"); scale_app()"]).run();
    let lines: Vec<Value> = ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{ran:#?}");
    assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&"WARN".into(), &"careful".into()));
    assert_eq!(lines[1]["error"], "invalid");
}

#[test]
fn the_log_keeps_the_time_that_the_script_sees() {
    let code = "log::info(`a ${now()}`); sleep(3600); log::info(`b ${now()}`)";
    for format in ["text", "json"] {
        let ran = jst(["--sim", "--log-format", format, "eval", code]).run();
        for line in ran.stderr.lines() {
            let (_, now) = line.split_once(" 2026-").unwrap_or_else(|| line.split_at(0));
            let second = &now[..now.find('Z').unwrap()];
            assert!(line.contains(&format!("2026-{second}.")), "{line}");
        }
        assert_eq!(ran.stderr.lines().count(), 2, "{ran:#?}");
    }
}

#[test]
fn a_line_of_the_log_stays_one_line_and_steers_nothing() {
    let code = r#"log::warn("a\n2026-01-01T00:00:00Z ERROR forged\r\x1b]0;x\x07\u009b1m\u202e"); throw "b\nerror: forged\r\x1b]0;x\x07\u009b1m\u202e""#;
    for format in ["text", "json"] {
        let ran = jst(["--log-format", format, "eval", code]).run();
        let steers = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        assert!(!ran.stderr.contains(steers), "{ran:#?}");
        assert!(
            !ran.stderr.lines().any(|line| line.starts_with("error: forged") || line.starts_with("2026-01-01")),
            "{ran:#?}"
        );
        let warnings = ran.stderr.lines().filter(|line| line.contains("WARN"));
        assert!(warnings.eq(ran.stderr.lines().take(1)), "{ran:#?}");
    }
    // A pipe gets what is printed as it is.
    assert_eq!(jst(["eval", r#"print("\x1b[1m\u202e")"#]).run().ok(), "\u{1b}[1m\u{202e}\n");
}

#[test]
fn a_script_from_stdin_sees_its_arguments() {
    let out = jst(["run", "-", "--replicas", "3"]).stdin("print(args); let sum = 1; sum + 1").run().ok();
    assert_eq!(out, "[\"--replicas\", \"3\"]\n");
}

#[test]
fn reads_are_never_refused_and_what_is_refused_is_not_sent() {
    let server = Server::new(vec![Behaviour::Answer(200, "", r#"{"Code":0,"Data":[]}"#.into())]);
    let with = |args: &[&str]| jst(["--endpoint", &server.url(), "--read-only"]).args(args).fake_key().run().code;
    assert_eq!(with(&["call", "ListApp"]), Some(0));
    assert_eq!(with(&["call", "ScaleApp", "EnvId=1", "Replicas=1"]), Some(30));
    assert_eq!(with(&["eval", "call_all(\"ScaleApp\", [#{EnvId: 1, Replicas: 1}])"]), Some(30));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(jst(["completions", shell]).run().ok().contains("jst"), "{shell}");
    }
}

#[test]
fn whatever_forbids_holds_wherever_it_was_given() {
    let scale = ["call", "ScaleApp", "EnvId=3002", "Replicas=3"];
    type Words = &'static [&'static str];
    type Variables = &'static [(&'static str, &'static str)];
    let table: &[(Words, Words, Variables)] = &[
        (&["--deny", "ScaleApp"], &["--deny", "ListApp"], &[]),
        (&[], &["--deny", "ListApp"], &[("JST_DENY", "scale_*")]),
        (&["--read-only"], &["--read-only=false"], &[]),
        (&[], &["--read-only=no"], &[("JST_READ_ONLY", "yes")]),
    ];
    for (before, behind, env) in table {
        let mut run = jst(["--sim"]).args(before).args(&scale).args(behind);
        for (name, value) in *env {
            run = run.env(name, value);
        }
        let ran = run.run();
        assert_eq!(ran.code, Some(30), "{before:?} {behind:?} {env:?} {ran:#?}");
    }
}

#[test]
fn a_flag_behind_a_script_or_code_is_refused_and_nothing_runs() {
    let script = "scripts/backup_audit.rhai";
    for words in [&["run", script, "30", "--read-only"][..], &["run", script, "--sim"], &["eval", "print(1)", "-q"]] {
        let ran = jst(["--sim"]).args(words).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(2), ""), "{words:?} {ran:#?}");
        assert!(ran.stderr.contains("is a flag of jst"), "{ran:#?}");
        assert!(ran.stderr.contains("behind `--`: jst "), "{ran:#?}");
    }
    assert_eq!(
        jst(["eval", "args", "a", "--", "--sim", "--", "-q"]).run().ok().replace(['\n', ' '], ""),
        r#"["a","--sim","--","-q"]"#
    );
    assert_eq!(jst(["eval", "-7 % 3"]).run().ok().trim(), "-1");
}

#[test]
fn variables_that_are_empty_are_not_set_and_errors_name_them() {
    jst(["ops"]).env("JST_TIMEOUT", "").env("JST_PROFILE", "").env("JST_READ_ONLY", "").run().ok();
    jst(["call", "ListApp"]).env("JST_SIM", "1").run().ok();
    let ran = jst(["ops"]).env("JST_READ_ONLY", "maybe").run();
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(ran.stderr.contains("JST_READ_ONLY: `maybe` is none of yes, no, true, false, 1 and 0"), "{ran:#?}");
    for (slip, meant) in [
        ("JST_READONLY", "JST_READ_ONLY"),
        ("JST_DENNY", "JST_DENY"),
        ("JST_MAXWRITES", "JST_MAX_WRITES"),
        ("JST_ENDPIONT", "JST_ENDPOINT"),
    ] {
        let ran = jst(["--sim", "eval", "1"]).env(slip, "1").run();
        let says = format!("{slip} is no variable of jst\n |\n = help: did you mean {meant}?");
        assert!(ran.code == Some(2) && ran.stderr.contains(&says), "{ran:#?}");
        jst(["--sim", "eval", "1"]).env(slip, "").run().ok();
    }
    jst(["--sim", "eval", "1"]).env("JST_SHOP", "1").run().ok();
}

#[test]
fn the_log_says_where_a_run_goes_and_two_ways_at_once_are_refused() {
    let ran = jst(["--sim", "call", "ListApp"]).env("JST_ENDPOINT", "http://127.0.0.1:9").run();
    assert_eq!(ran.code, Some(0), "{ran:#?}");
    assert!(
        ran.stderr.contains("calls go to the simulator inside the process: --sim outranks JST_ENDPOINT"),
        "{ran:#?}"
    );
    let ran = jst(["call", "ListApp", "--endpoint", "http://127.0.0.1:9"]).fake_key().env("JST_SIM", "1").run();
    assert_eq!(ran.code, Some(12), "{ran:#?}");
    assert!(ran.stderr.contains("calls go to http://127.0.0.1:9: the flag outranks JST_SIM"), "{ran:#?}");
    let ran = jst(["--sim", "call", "ListApp", "--endpoint", "http://127.0.0.1:9"]).run();
    assert_eq!(ran.code, Some(2), "{ran:#?}");
    assert!(ran.stderr.contains("--sim and --endpoint exclude each other"), "{ran:#?}");
}

#[test]
fn whoami_says_simulator() {
    let who: Value = serde_json::from_str(&jst(["--sim", "whoami"]).no_home().run().ok()).unwrap();
    assert_eq!(who["Endpoint"], "the simulator inside the process");
    assert_eq!(who["Sources"][0]["Used"], true);
    assert!(jst(["--sim", "whoami", "--output", "table"]).run().ok().contains("the simulator"));
}
