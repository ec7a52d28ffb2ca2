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
        (&["--profile", "shop"], &[], "production", "true", "~/.config/jst/config.toml:9"),
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
            "config.toml:3: `rate`: `0` is not a number",
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

/// How the values of a setting at several levels become one.
#[derive(Clone, Copy)]
enum Counts {
    /// The nearest alone.
    Nearest,
    /// All together.
    All,
    /// Each narrows the others.
    Narrow,
    /// The least.
    Least,
}

/// Every setting, and what `[defaults]`, the profile, the variable and the flag say of it.
const EVERY: &[(&str, Counts, [&str; 4])] = {
    use Counts::{All, Least, Narrow, Nearest};
    &[
        ("sim", Nearest, ["no", "false", "0", "no"]),
        ("sim_fault", All, ["ListApp:500", "ListApp:502", "ListApp:503", "ListApp:504"]),
        ("sim_fleet", Nearest, ["apps=1", "apps=2", "apps=3", "apps=4"]),
        ("sim_start", Nearest, ["2026-01-05 10:00", "2026-01-06 10:00", "2026-01-07 10:00", "now"]),
        ("sim_seed", Nearest, ["1", "2", "3", "4"]),
        ("strict", Nearest, ["no", "yes", "0", "false"]),
        ("endpoint", Nearest, ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4"]),
        ("region", Nearest, ["cn-a", "cn-b", "cn-c", "cn-d"]),
        ("endpoint_type", Nearest, ["public", "vpc", "public", "vpc"]),
        ("ca_file", Nearest, ["a.pem", "b.pem", "c.pem", "d.pem"]),
        ("insecure_http", Nearest, ["no", "yes", "no", "yes"]),
        ("signature", Nearest, ["v1", "v3", "v1", "v3"]),
        ("access_key_id", Nearest, ["fake-a", "fake-b", "fake-c", "fake-d"]),
        ("access_key_secret", Nearest, ["fake-secret-a", "fake-secret-b", "fake-secret-c", "fake-secret-d"]),
        ("security_token", Nearest, ["fake-token-a", "fake-token-b", "fake-token-c", "fake-token-d"]),
        (
            "sts_endpoint",
            Nearest,
            ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4"],
        ),
        (
            "metadata_endpoint",
            Nearest,
            ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4"],
        ),
        ("output", Nearest, ["json", "json", "json", "json"]),
        ("log_format", Nearest, ["text", "json", "text", "json"]),
        ("verbose", Nearest, ["1", "2", "1", "1"]),
        ("quiet", Nearest, ["no", "yes", "no", "yes"]),
        ("timeout", Nearest, ["11s", "12s", "13s", "14s"]),
        ("connect_timeout", Nearest, ["1s", "2s", "3s", "4s"]),
        ("deadline", Nearest, ["61s", "62s", "63s", "64s"]),
        ("concurrency", Nearest, ["1", "2", "3", "4"]),
        ("rate", Nearest, ["1", "2.5", "3", "4"]),
        ("read_only", Nearest, ["no", "false", "0", "no"]),
        ("allow", Narrow, ["DeleteService", "DeleteSlbAP", "Delete*", "delete_cluster"]),
        ("deny", All, ["ScaleApp", "DeployApp", "Delete*", "list_app"]),
        ("allow_destructive", Nearest, ["yes", "true", "1", "yes"]),
        ("allow_env", Narrow, ["A", "B", "C", "D"]),
        ("allow_read", Narrow, ["a", "b", "c", "d"]),
        ("allow_write", Narrow, ["a", "b", "c", "d"]),
        ("allow_net", Narrow, ["a.example", "b.example", "c.example:1", "d.example"]),
        ("state_dir", Nearest, ["a", "b", "c", "d"]),
        ("journal", Nearest, ["a.db", "b.db", "c.db", "d.db"]),
        ("no_journal", Nearest, ["no", "false", "0", "no"]),
        ("journal_keep", Nearest, ["1d", "2d", "3d", "4d"]),
        ("journal_max_size", Nearest, ["1GB", "2GB", "3GB", "4GB"]),
        ("max_memory", Nearest, ["64", "65", "66", "67"]),
        ("max_operations", Nearest, ["1000001", "1000002", "1000003", "1000004"]),
        ("lock", Nearest, ["a", "b", "c", "d"]),
        ("lock_wait", Nearest, ["1s", "2s", "3s", "4s"]),
        ("lock_dir", Nearest, ["a", "b", "c", "d"]),
        ("grace", Nearest, ["1s", "2s", "3s", "4s"]),
        ("max_writes", Least, ["2", "1", "3", "4"]),
        ("max_destructive", Least, ["2", "3", "1", "4"]),
        ("max_unknown", Least, ["4", "3", "2", "1"]),
        ("max_failures", Nearest, ["1%", "2%", "3", "4"]),
        ("quiet_success", Nearest, ["no", "yes", "no", "yes"]),
        ("jitter", Nearest, ["1s", "2s", "3s", "4s"]),
        (
            "heartbeat",
            Nearest,
            ["http://127.0.0.1:1", "http://127.0.0.1:2", "http://127.0.0.1:3", "http://127.0.0.1:4"],
        ),
        ("metrics_file", Nearest, ["a", "b", "c", "d"]),
        ("report", Nearest, ["a.json", "b.json", "c.html", "d.md"]),
        ("shard", Nearest, ["0/4", "1/4", "2/4", "3/4"]),
        ("shards", Nearest, ["4", "5", "6", "7"]),
    ]
};

/// Those that say which file or profile counts, and what no flag says: other tables have them.
const OF_THE_FILE: [&str; 3] = ["config", "profile", "production"];

/// A setting as `jst config` shows it when so many levels give it: its value and where that stands.
fn expected(name: &str, counts: Counts, values: &[&str; 4], levels: usize, line: usize) -> (String, String) {
    let file = |line: usize| format!("~/.config/jst/config.toml:{line}");
    let (at, profile_at) = (file(line + 2), file(line + 4 + EVERY.len()));
    let places = [at, profile_at, format!("JST_{}", name.to_uppercase()), "flag".to_owned()];
    let of = |n: usize| (values[n].to_owned(), places[n].clone());
    let last = levels - 1;
    match counts {
        Counts::Nearest => of(last),
        Counts::Least => of((0..levels).min_by_key(|n| values[*n].parse::<u64>().unwrap()).unwrap()),
        Counts::All => (values[..levels].join(","), places[..levels].join(", ")),
        Counts::Narrow => (values[..levels].join(" & "), places[..levels].join(", ")),
    }
}

#[test]
fn every_setting_is_taken_from_where_it_stands_and_its_place_is_named() {
    let section = |head: &str, n: usize| {
        let lines = EVERY.iter().map(|(name, _, values)| format!("{name} = {:?}\n", values[n]));
        format!("{head}\n{}", lines.collect::<String>())
    };
    let file = section("[defaults]", 0) + "\n" + &section("[profiles.p]", 1);
    let (mut rows, masked) = (0, ["access_key_secret", "security_token"]);
    for levels in 1..=4 {
        let mut run = jst(["config"]).file(HOME, &file).env("JST_METADATA_ENDPOINT", "");
        let home = run.home.path().display().to_string();
        for (name, _, values) in EVERY {
            let flag = format!("--{}={}", name.replace('_', "-"), values[3]);
            run = if levels > 2 { run.env(&format!("JST_{}", name.to_uppercase()), values[2]) } else { run };
            run = if levels > 3 { run.args(&[if *name == "verbose" { "-v" } else { &flag }]) } else { run };
        }
        let run = if levels > 1 { run.env("JST_PROFILE", "p") } else { run };
        let shown: Vec<Value> = serde_json::from_str(&run.run().ok()).unwrap();
        let names: Vec<&str> = shown.iter().map(|row| row["Setting"].as_str().unwrap()).collect();
        let known = |name: &&str| EVERY.iter().any(|(known, ..)| known == name) || OF_THE_FILE.contains(name);
        assert_eq!(names.iter().filter(|name| !known(name)).collect::<Vec<_>>(), [&""; 0]);
        for (line, (name, counts, values)) in EVERY.iter().enumerate() {
            let row = shown.iter().find(|row| row["Setting"] == *name).unwrap();
            let (value, from) = expected(name, *counts, values, levels, line);
            let value = if masked.contains(name) { "****".to_owned() } else { value };
            let found = (row["Value"].as_str().unwrap(), row["From"].as_str().unwrap().replace(&home, "~"));
            assert_eq!(found, (value.as_str(), from), "{name} at {levels} levels");
            rows += 1;
        }
    }
    assert!(rows >= 200, "{rows}");
}
