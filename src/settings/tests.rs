//! Tests of `settings`.

#![allow(clippy::unwrap_used)]

use std::path::PathBuf;

use super::*;
use crate::call::policy::Verdict;
use clap::CommandFactory as _;

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    _flags: Flags,
    #[command(subcommand)]
    _command: Option<Inner>,
}

#[derive(clap::Subcommand)]
enum Inner {
    Go,
}

type Env<'a> = &'a [(&'a str, &'a str)];

fn settings(line: &str, env: Env<'_>) -> Result<Settings> {
    let matches = levels::command(Line::command()).try_get_matches_from(line.split(' ')).unwrap();
    let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    let around = Surroundings { env, ..Surroundings::default() };
    Settings::new(Levels::of(&matches, &around)?, around)
}

fn may(settings: &Settings, action: &str) -> &'static str {
    let effect = crate::catalogue::find(action).unwrap().effect;
    match settings.policy.check(action, effect) {
        Verdict::Allowed => "allowed",
        Verdict::Ask(_) => "ask",
        Verdict::Refused(_) => "refused",
    }
}

#[test]
fn what_forbids_adds_up_over_every_level() {
    let table: &[(&str, Env<'_>, &str, &str)] = &[
        ("jst --deny ScaleApp go --deny ListApp", &[], "ScaleApp", "refused"),
        ("jst --deny ScaleApp go --deny ListApp", &[], "ListApp", "refused"),
        ("jst --deny ListApp", &[("JST_DENY", "ScaleApp")], "ScaleApp", "refused"),
        ("jst go --deny ListApp --deny ListUsers", &[("JST_DENY", "ScaleApp")], "ScaleApp", "refused"),
        ("jst go --deny ListApp --deny ListUsers", &[], "ListApp", "refused"),
        ("jst go", &[("JST_DENY", "ListApp,ScaleApp")], "ScaleApp", "refused"),
        ("jst --read-only go --read-only=false", &[], "ScaleApp", "refused"),
        ("jst --read-only=false go --read-only", &[], "ScaleApp", "refused"),
        ("jst go --read-only=no", &[("JST_READ_ONLY", "true")], "ScaleApp", "refused"),
        ("jst --read-only=0", &[("JST_READ_ONLY", "yes")], "ScaleApp", "refused"),
        ("jst go", &[("JST_READ_ONLY", "")], "ScaleApp", "allowed"),
        ("jst --allow Delete* go --allow DeleteNodeLabel", &[], "DeleteNodeLabel", "allowed"),
        ("jst --allow Delete* go --allow DeleteNodeLabel", &[], "DeleteAppDetail", "ask"),
        ("jst go --allow Delete*", &[("JST_ALLOW", "DeleteNodeLabel")], "DeleteAppDetail", "ask"),
        ("jst go --allow-destructive", &[("JST_ALLOW", "DeleteNodeLabel")], "DeleteAppDetail", "ask"),
        ("jst go", &[("JST_ALLOW", "Delete*")], "DeleteAppDetail", "allowed"),
        ("jst go --allow-destructive=no", &[("JST_ALLOW_DESTRUCTIVE", "1")], "DeleteAppDetail", "ask"),
        ("jst --allow-destructive go", &[("JST_ALLOW_DESTRUCTIVE", "0")], "DeleteAppDetail", "ask"),
    ];
    for (line, env, action, expected) in table {
        assert_eq!(may(&settings(line, env).unwrap(), action), *expected, "{line} {env:?} {action}");
    }
}

#[test]
fn grants_of_files_and_variables_narrow_each_other() {
    let table: &[(&str, &str, &[&str])] = &[
        ("jst --allow-read /nowhere/a go --allow-read /nowhere", "", &["/nowhere/a"]),
        ("jst --allow-read /nowhere go --allow-read /nowhere/a,/else", "", &["/nowhere/a"]),
        ("jst --allow-read /nowhere/a go --allow-read /nowhere/ab", "", &[]),
        ("jst go --allow-read /nowhere/a", "/nowhere", &["/nowhere/a"]),
        ("jst go", "/nowhere,/else", &["/nowhere", "/else"]),
    ];
    for (line, variable, expected) in table {
        let settings = settings(line, &[("JST_ALLOW_READ", variable)]).unwrap();
        let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(settings.allowed_read(), expected, "{line}");
    }
    let settings = settings("jst --allow-env A,B go --allow-env B,C", &[]).unwrap();
    assert_eq!(settings.allowed_env().into_keys().collect::<Vec<_>>(), ["B"]);
}

#[test]
fn of_plain_settings_the_nearest_decides_and_empty_variables_are_not_set() {
    let concurrency = |line: &str, variable: &str| {
        let settings = settings(line, &[("JST_CONCURRENCY", variable), ("JST_TIMEOUT", "")]).unwrap();
        settings.flags.concurrency
    };
    assert_eq!(concurrency("jst --concurrency 3 go --concurrency 4", "5"), Some(4));
    assert_eq!(concurrency("jst --concurrency 3 go", "5"), Some(3));
    assert_eq!(concurrency("jst go", "5"), Some(5));
    assert_eq!(concurrency("jst go", ""), None);
    let verbose = |line: &str, value: &str| settings(line, &[("JST_VERBOSE", value)]).unwrap().flags.verbose;
    assert_eq!([verbose("jst", "2"), verbose("jst", "yes"), verbose("jst -v go -v", "1")], [2, 1, 2]);
    for (value, sim) in
        [("1", true), ("YES", true), ("True", true), ("0", false), ("no", false), ("false", false), ("", false)]
    {
        assert_eq!(settings("jst", &[("JST_SIM", value)]).unwrap().sim(), sim, "{value}");
    }
}

#[test]
fn an_error_names_the_variable() {
    let switch = "JST_READ_ONLY: `maybe` is none of yes, no, true, false, 1 and 0";
    let table = [
        ("JST_READ_ONLY", "maybe", switch),
        ("JST_TIMEOUT", "soon", "JST_TIMEOUT: `soon` is not a span of time: write 30s, 20m, 1h or a number of seconds"),
        ("JST_CONCURRENCY", "0", "JST_CONCURRENCY: 0 is not in 1..=1024"),
        ("JST_VERBOSE", "much", "JST_VERBOSE: `much` is none of yes, no, true, false and a number"),
        (
            "JST_OUTPUT",
            "xml",
            "JST_OUTPUT: invalid value 'xml' for '--output <FORMAT>' [possible values: table, json, jsonl, csv]",
        ),
    ];
    for (variable, value, message) in table {
        let error = settings("jst", &[(variable, value)]).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Usage, message));
    }
}

#[test]
fn a_flag_says_where_calls_go_before_a_variable_and_two_flags_are_refused() {
    let sim = ("JST_SIM", "1");
    let endpoint = ("JST_ENDPOINT", "http://127.0.0.1:1");
    let flag = "--endpoint http://127.0.0.1:2";
    let table: &[(&str, Env<'_>, bool, Option<&str>)] = &[
        ("jst", &[], false, None),
        ("jst --sim", &[], true, None),
        ("jst --sim go", &[endpoint], true, Some("--sim outranks JST_ENDPOINT")),
        (&format!("jst go {flag}"), &[sim], false, Some("the flag outranks JST_SIM")),
        (&format!("jst {flag} --sim=no"), &[sim], false, Some("the flag outranks JST_SIM")),
        ("jst", &[sim], true, Some("JST_SIM says so")),
        ("jst", &[endpoint], false, Some("JST_ENDPOINT says so")),
        ("jst", &[sim, endpoint], true, Some("JST_SIM outranks JST_ENDPOINT")),
    ];
    for (line, env, simulated, route) in table {
        let settings = settings(line, env).unwrap();
        assert_eq!((settings.sim(), settings.route()), (*simulated, *route), "{line} {env:?}");
    }
    for line in [format!("jst --sim {flag}"), format!("jst --sim go {flag}"), format!("jst {flag} go --sim=1")] {
        let error = settings(&line, &[]).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Usage, "--sim and --endpoint exclude each other"));
    }
}

#[test]
fn endpoint_and_region_come_from_flag_then_profile_then_the_service() {
    let mut profile = Found::default();
    (profile.endpoint, profile.region) = (Some("shop.example".into()), Some("cn-p".into()));
    let table = [
        ("jst", None, "https://retailcloud.aliyuncs.com", None),
        ("jst", Some(&profile), "https://shop.example", Some("cn-p")),
        ("jst --endpoint http://127.0.0.1:1 --region cn-f", Some(&profile), "http://127.0.0.1:1", Some("cn-f")),
    ];
    for (line, found, endpoint, region) in table {
        let settings = settings(line, &[]).unwrap();
        settings.found.set(found.cloned().unwrap_or_default()).unwrap();
        assert_eq!(settings.endpoint().unwrap().to_string(), endpoint, "{line}");
        assert_eq!(settings.region(), region, "{line}");
    }
    let error = settings("jst --endpoint ftp://x", &[]).unwrap_err();
    assert_eq!(
        (error.kind, error.message.as_str()),
        (Kind::Config, "the endpoint `ftp://x` must begin with http:// or https://")
    );
}

#[test]
fn what_sim_begins_with_comes_from_its_flags_and_what_does_not_fit_together_is_refused() {
    let of = |line: &str| settings(line, &[]).unwrap().simulation();
    assert!(of("jst").unwrap().is_none() && of("jst --sim=no").unwrap().is_none());
    let kept = of("jst --sim=kept.json --sim-seed 7 --sim-fault A*:close").unwrap().unwrap();
    assert_eq!((kept.kept, kept.options.seed), (Some(PathBuf::from("kept.json")), 7));
    assert_eq!(kept.options.faults.len(), 1);
    let new = of("jst --sim --sim-start 2026-02-01 --sim-fleet apps=2,envs=3").unwrap().unwrap();
    assert_eq!(
        (new.kept, new.options.fleet.envs, new.options.start.to_string()),
        (None, 3, "2026-01-31T16:00:00Z".into())
    );
    for (line, message) in [
        ("jst --sim-seed 1", "--sim-seed is given without --sim"),
        ("jst --sim=false --sim-fault *:lost", "--sim-fault is given without --sim"),
        ("jst --sim=x --sim-start now", "--sim-start is for a new account, and --sim=x begins with a kept one"),
        ("jst --sim=x --sim-fleet apps=1", "--sim-fleet is for a new account, and --sim=x begins with a kept one"),
    ] {
        let error = of(line).unwrap_err();
        assert_eq!((error.kind, error.message.as_str()), (Kind::Usage, message));
    }
    assert!(Line::command().try_get_matches_from(["jst", "--sim="]).is_err());
}

#[test]
fn state_lies_where_it_is_said_or_in_the_users_folder() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().to_str().unwrap();
    let dir = |env: &[(&str, &str)]| settings("jst", env).unwrap().state_dir();
    let at = |path: &str| Ok(PathBuf::from(path));
    assert_eq!(dir(&[("HOME", home)]), at(&format!("{home}/.local/state/jst")));
    assert_eq!(dir(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), at("/s/jst"));
    let missing = format!("{home}/missing");
    assert_eq!(dir(&[("HOME", &missing)]), Err(format!("HOME is {missing}, which is no folder")));
    let of_user = crate::system::home().filter(|home| home.is_dir()).map(|home| home.join(".local/state/jst"));
    assert_eq!(dir(&[("HOME", ""), ("XDG_STATE_HOME", "relative")]).ok(), of_user);
    assert_eq!(dir(&[("HOME", "/h"), ("STATE_DIRECTORY", "/var/lib/shop:/x")]), at("/var/lib/shop"));
    assert_eq!(dir(&[("JST_STATE_DIR", "/j"), ("STATE_DIRECTORY", "/var/lib/shop")]), at("/j"));
    let by_hand = settings("jst --state-dir /f", &[("JST_STATE_DIR", "/j")]).unwrap();
    assert_eq!(by_hand.state_dir(), at("/f"));
    assert_eq!(by_hand.journal().unwrap(), Some(PathBuf::from("/f/journal.db")));
    for (line, none) in [
        ("jst --sim", true),
        ("jst --sim --journal /j", false),
        ("jst --no-journal", true),
        ("jst --read-only", true),
        ("jst --read-only --journal /j", false),
    ] {
        assert_eq!(settings(line, &[("HOME", home)]).unwrap().journal().unwrap().is_none(), none, "{line}");
    }
}

#[test]
fn output_is_a_table_at_a_terminal_and_json_in_a_pipe() {
    let mut settings = settings("jst", &[]).unwrap();
    assert_eq!(settings.output(), Format::Json);
    settings.around.terminal[1] = true;
    assert_eq!(settings.output(), Format::Table);
}
