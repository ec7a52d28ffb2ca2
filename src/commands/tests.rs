//! The command line as a whole.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use clap::CommandFactory as _;

use super::*;
use crate::settings::flags::Simulator;

#[test]
fn the_command_line_is_consistent() {
    command_line().debug_assert();
}

#[test]
fn flags_work_before_and_after_the_command_and_not_behind_the_script() {
    for line in [
        "jst --sim --deadline 20m run x.rhai --sim-not-mine -5",
        "jst run --sim --deadline 1200 x.rhai --sim-not-mine -5",
    ] {
        let matches = command_line().try_get_matches_from(line.split(' ')).unwrap();
        let flags = Levels::of(&matches, &Surroundings::default()).unwrap().merged();
        assert_eq!((flags.sim, flags.deadline), (Some(Simulator::Demo), Some(Duration::from_secs(1200))), "{line}");
        let Some(Command::Run(args)) = Cli::from_arg_matches(&matches).unwrap().command else { unreachable!() };
        assert_eq!(args.words, ["x.rhai", "--sim-not-mine", "-5"], "{line}");
    }
}

#[test]
fn words_behind_a_script_are_its_own_and_a_flag_of_jst_there_is_refused() {
    let words = |line: &str| {
        let words = line.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        words::of_script("run", "FILE", words)
    };
    let table: &[(&str, &[&str])] = &[
        ("30 --close -x --help -h", &["30", "--close", "-x", "--help", "-h"]),
        ("--simulate --timeouts=5 -- --sim", &["--simulate", "--timeouts=5", "--sim"]),
        ("-- -- --timeout 5", &["--", "--timeout", "5"]),
        ("- -5 -vx read-only", &["-", "-5", "-vx", "read-only"]),
        ("", &[]),
    ];
    for (line, expected) in table {
        assert_eq!(words(line).unwrap(), *expected, "{line}");
    }
    for arg in Cli::command().get_arguments().filter(|arg| !matches!(arg.get_long(), Some("help" | "version"))) {
        let long = format!("--{}", arg.get_long().unwrap());
        let short = arg.get_short().map(|short| format!("-{short}{short}"));
        for word in [format!("{long}=x"), long].into_iter().chain(short) {
            let error = words(&format!("a {word} b")).unwrap_err();
            let said = "is a flag of jst, but it stands behind FILE, where every word is the script's: nothing was run";
            assert_eq!((error.kind, error.message.clone()), (Kind::Usage, format!("`{word}` {said}")));
            let ways = [
                format!("for jst, put it before FILE: jst run {word} FILE …"),
                format!("for the script, put it behind `--`: jst run FILE -- {word} …"),
            ];
            assert_eq!(error.hints, ways);
        }
    }
}

#[test]
fn every_command_says_what_it_does() {
    let command = command_line();
    let mut said = std::collections::BTreeSet::new();
    for command in command.get_subcommands() {
        let about = command.get_about().unwrap().to_string();
        assert!(!about.contains("Flags") && said.insert(about.clone()), "{}: {about}", command.get_name());
    }
}

#[test]
fn every_flag_has_its_variable() {
    for arg in Cli::command().get_arguments() {
        let Some(long) = arg.get_long().filter(|name| !matches!(*name, "help" | "version")) else { continue };
        let variable = format!("JST_{}", long.to_uppercase().replace('-', "_"));
        assert_eq!(arg.get_env().and_then(|v| v.to_str()), Some(variable.as_str()), "--{long}");
    }
}
