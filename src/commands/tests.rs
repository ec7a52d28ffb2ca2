//! The command line as a whole.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use clap::CommandFactory as _;

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn flags_work_before_and_after_the_command() {
    for line in
        ["jst --sim --deadline 20m run x.rhai --sim-not-mine", "jst run --sim --deadline 1200 x.rhai --sim-not-mine"]
    {
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        assert_eq!(cli.flags.sim, crate::settings::flags::Simulator::Demo, "{line}");
        assert_eq!(cli.flags.deadline, Some(Duration::from_secs(1200)), "{line}");
        let Some(Command::Run(args)) = cli.command else { unreachable!() };
        assert_eq!(args.args, ["--sim-not-mine"], "{line}");
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
