//! `config.toml`: where it is found, what outranks what, and what `jst config` says of it.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::support::{Jst, jst};

const FILE: &str = "\
[defaults]
concurrency = 5
deny = [\"ScaleApp\"]
output = \"json\"

[profiles.shop]
concurrency = 7
read_only = true
production = true
endpoint = \"http://127.0.0.1:9\"
access_key_id = \"fake-config-id\"
access_key_secret = \"fake-config-secret\"
";

const HOME: &str = ".config/jst/config.toml";

/// The value of a setting and where it comes from, as `jst config` says it.
fn setting(run: Jst, name: &str) -> (Value, String) {
    let home = run.home.path().display().to_string();
    let rows: Vec<Value> = serde_json::from_str(&run.run().ok()).unwrap();
    let row = rows.into_iter().find(|row| row["Setting"] == name).unwrap();
    (row["Value"].clone(), row["From"].as_str().unwrap().replace(&home, "~"))
}

#[test]
fn a_flag_outranks_a_variable_and_that_a_profile_and_that_the_defaults() {
    type Row<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], &'a str, &'a str, &'a str);
    let table: &[Row<'_>] = &[
        (&[], &[], "concurrency", "5", "~/.config/jst/config.toml:2"),
        (&["--profile", "shop"], &[], "concurrency", "7", "~/.config/jst/config.toml:7"),
        (&[], &[("JST_PROFILE", "shop")], "concurrency", "7", "~/.config/jst/config.toml:7"),
        (&[], &[("ALIBABA_CLOUD_PROFILE", "shop")], "concurrency", "7", "~/.config/jst/config.toml:7"),
        (&[], &[("ALICLOUD_PROFILE", "shop")], "concurrency", "7", "~/.config/jst/config.toml:7"),
        (&["--profile", "shop"], &[("JST_CONCURRENCY", "8")], "concurrency", "8", "JST_CONCURRENCY"),
        (&["--concurrency", "9"], &[("JST_CONCURRENCY", "8")], "concurrency", "9", "flag"),
        (&["--profile", "shop", "--concurrency", "9"], &[], "concurrency", "9", "flag"),
        (&["--profile", "shop"], &[("JST_CONCURRENCY", "")], "concurrency", "7", "~/.config/jst/config.toml:7"),
        (&[], &[], "timeout", "30s", "default"),
        (&["--timeout", "9s"], &[], "timeout", "9s", "flag"),
        (
            &["--deny", "ListApp"],
            &[("JST_DENY", "ListUsers")],
            "deny",
            "ScaleApp,ListUsers,ListApp",
            "~/.config/jst/config.toml:3, JST_DENY, flag",
        ),
        (&["--profile", "shop", "--read-only=no"], &[], "read_only", "true", "~/.config/jst/config.toml:8"),
        (&[], &[], "read_only", "", "default"),
        (&["--profile", "shop"], &[], "endpoint", "http://127.0.0.1:9", "~/.config/jst/config.toml:10"),
        (&[], &[], "endpoint", "https://retailcloud.aliyuncs.com", "default"),
        (&["--profile", "shop"], &[], "access_key_secret", "****", "~/.config/jst/config.toml:12"),
        (&["--profile", "shop"], &[], "production", "true", "~/.config/jst/config.toml"),
        (&[], &[], "production", "false", "default"),
        (&[], &[("ALIBABA_CLOUD_REGION_ID", "cn-a")], "region", "cn-a", "ALIBABA_CLOUD_REGION_ID"),
        (&[], &[("ALICLOUD_REGION_ID", "cn-a")], "region", "cn-a", "ALICLOUD_REGION_ID, an older name of the vendor's"),
        (
            &[],
            &[("ALICLOUD_REGION_ID", "cn-a"), ("ALIBABA_CLOUD_REGION_ID", "cn-b")],
            "region",
            "cn-b",
            "ALIBABA_CLOUD_REGION_ID",
        ),
        (&[], &[("JST_REGION", "cn-c"), ("ALIBABA_CLOUD_REGION_ID", "cn-b")], "region", "cn-c", "JST_REGION"),
    ];
    for (flags, variables, name, value, from) in table {
        let run = jst(["config"].iter().chain(*flags)).file(HOME, FILE);
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        let expected = if value.is_empty() { Value::Null } else { Value::from(*value) };
        assert_eq!(setting(run, name), (expected, (*from).to_owned()), "{flags:?} {variables:?}");
    }
}

#[test]
fn the_first_file_that_exists_counts() {
    let rate = |n: u8| format!("[defaults]\nrate = {n}\n");
    let files = |run: Jst| {
        run.file("named.toml", &rate(1))
            .file("variable.toml", &rate(2))
            .file("x/jst/config.toml", &rate(3))
            .file(HOME, &rate(4))
    };
    let table: &[(&[&str], &[&str], &str)] = &[
        (&["--config", "named.toml"], &["JST_CONFIG", "XDG_CONFIG_HOME"], "1"),
        (&[], &["JST_CONFIG", "XDG_CONFIG_HOME"], "2"),
        (&[], &["XDG_CONFIG_HOME"], "3"),
        (&[], &[], "4"),
    ];
    for (flags, variables, expected) in table {
        let mut run = files(jst(["config"].iter().chain(*flags)));
        let xdg = run.home.path().join("x");
        for name in *variables {
            run = if *name == "JST_CONFIG" { run.env(name, "variable.toml") } else { run.env(name, &xdg) };
        }
        assert_eq!(setting(run, "rate").0, *expected);
    }
    for run in [jst(["config", "--config", "gone.toml"]), jst(["config"]).env("JST_CONFIG", "gone.toml")] {
        let ran = run.file(HOME, &rate(4)).run();
        assert_eq!(ran.code, Some(21));
        assert!(ran.stderr.contains("cannot read gone.toml: "), "{}", ran.stderr);
    }
}

#[test]
fn a_profile_rules_what_may_be_called_and_who_signs() {
    let ran =
        jst(["--profile", "shop", "call", "DeleteAppDetail", "AppId=1", "--allow-destructive"]).file(HOME, FILE).run();
    assert_eq!(ran.code, Some(30), "{ran:#?}");
    assert!(ran.stderr.contains("--read-only allows reads only"), "{}", ran.stderr);
    let ran = jst(["call", "ScaleApp", "EnvId=1", "Replicas=2"]).file(HOME, FILE).fake_key().run();
    assert_eq!((ran.code, ran.stderr.contains("--deny forbids it")), (Some(30), true), "{ran:#?}");
    // By hand it outranks the environment.
    let out = jst(["--profile", "shop", "whoami"]).file(HOME, FILE).fake_key().run().ok();
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["AccessKeyId"], &said["Profile"]), (&"fake****g-id".into(), &"shop".into()), "{out}");
    assert!(!out.contains("fake-config-secret"), "{out}");
    // Otherwise the environment is looked at before.
    let out = jst(["whoami"]).file(HOME, FILE).env("ALIBABA_CLOUD_PROFILE", "shop").fake_key().run().ok();
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["AccessKeyId"], "fake****-key");
}

#[test]
fn a_mistake_in_the_file_stops_a_run_and_is_named() {
    for command in [&["eval", "1"][..], &["config"], &["config", "check"], &["whoami"]] {
        let ran = jst(command).file(HOME, "[defaults]\nconcurency = 3\nrate = 0\n").run();
        assert_eq!(ran.code, Some(21), "{ran:#?}");
        for said in [
            "config.toml:2: `concurency` is no setting",
            "did you mean `concurrency`?",
            "config.toml:3: `0` is not a number",
        ] {
            assert!(ran.stderr.contains(said), "{command:?}: {}", ran.stderr);
        }
    }
    let ran = jst(["config", "check"]).run();
    assert_eq!((ran.code, ran.stderr.contains("there is no config.toml")), (Some(21), true));
}

#[test]
fn a_first_file_is_written_once_for_its_owner_alone() {
    let run = jst(["config", "init"]);
    let path = run.home.path().join(HOME);
    let (child, home) = run.start();
    assert!(child.wait_with_output().unwrap().status.success());
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(jst(["config", "init", "--print"]).run().ok(), text);
    let again = jst(["config", "init", path.to_str().unwrap()]).run();
    assert_eq!((again.code, again.stderr.contains("is there already")), (Some(21), true), "{again:#?}");
    assert_eq!(jst(["config", "check", path.to_str().unwrap()]).run().code, Some(0));
    drop(home);
}

#[test]
fn a_file_with_secrets_that_all_can_read_is_warned_about_and_refused_when_asked() {
    let vendors = r#"{"current":"a","profiles":[{"name":"a","mode":"AK","access_key_id":"fake-id","access_key_secret":"fake-secret"}]}"#;
    for (name, text, flags) in [(HOME, FILE, &["--profile", "shop"][..]), (".aliyun/config.json", vendors, &[])] {
        for (mode, is_open) in [(0o644, true), (0o600, false)] {
            let run = |strict: &[&str]| {
                let run =
                    jst(flags.iter().chain(strict).chain(&["--endpoint", "http://127.0.0.1:9", "call", "ListApp"]))
                        .file(name, text);
                let path = run.home.path().join(name);
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
                run.run()
            };
            let said = "holds secrets, and every user of this machine can read it";
            assert_eq!(run(&[]).stderr.contains(said), is_open, "{name} {mode:o}");
            let strict = run(&["--strict"]);
            assert_eq!(strict.code == Some(21), is_open, "{strict:#?}");
        }
    }
}

#[test]
fn a_script_runs_once_for_each_profile_and_ends_with_the_gravest_code() {
    let file = "[defaults]\nsim = true\n[profiles.a]\n[profiles.bee]\nallow_env = [\"CODE\"]\n[profiles.c]\nread_only = true\n";
    let run = |args: &[&str]| jst(args).file(HOME, file).file("s.rhai", "print(args); scale_app(3002, 4);").run();
    let ran = run(&["run", "--profiles", "*", "s.rhai", "x", "--", "--profiles"]);
    assert_eq!(ran.code, Some(30), "{ran:#?}");
    let mut lines: Vec<&str> = ran.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        ["a   | [\"x\", \"--profiles\"]", "bee | [\"x\", \"--profiles\"]", "c   | [\"x\", \"--profiles\"]"]
    );
    assert!(ran.stderr.contains("3 profiles: 2 done, 1 failed\n  c    exit 30\n"), "{}", ran.stderr);
    assert!(ran.stderr.lines().any(|line| line.starts_with("c   | error: ")), "{}", ran.stderr);
    let ran = run(&["run", "--profiles=a", "s.rhai"]);
    assert_eq!((ran.code, ran.stderr.contains("1 profile: 1 done, 0 failed")), (Some(0), true), "{ran:#?}");
    for (args, code, said) in [
        (&["--profile", "a", "run", "--profiles", "a", "s.rhai"][..], 2, "--profiles and --profile exclude each other"),
        (&["run", "--profiles", "a", "-"], 2, "--profiles needs a script in a file"),
    ] {
        let ran = run(args);
        assert_eq!((ran.code, ran.stderr.contains(said)), (Some(code), true), "{ran:#?}");
    }
    let ran = jst(["run", "--profiles", "*", "s.rhai"]).run();
    assert_eq!((ran.code, ran.stderr.contains("config.toml has none")), (Some(21), true), "{ran:#?}");
}
