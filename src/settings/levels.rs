//! The levels that flags are given at: variables, before the command, and behind it.
//!
//! Of a plain setting the nearest level decides, a flag before a variable. What forbids adds up over all
//! levels. What grants can only narrow what another level grants. An empty variable is one that is not set.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _};

use super::Surroundings;
use super::flags::{Flags, Simulator, verbosity};
use crate::call::policy::Grant;
use crate::error::{Error, Kind, Result};

/// Flags as they were given at each level, the nearest last.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    variables: Flags,
    before: Flags,
    behind: Flags,
}

/// The command line with the flags at both of its levels, apart. Variables are not clap's to read: it would
/// take empty ones for values and replace what forbids.
pub(crate) fn command(cli: Command) -> Command {
    cli.mut_args(by_hand).mut_subcommands(|command| {
        // What a command is about stays its own: adding flags would put theirs in its place.
        let about = command.get_about().cloned().unwrap_or_default();
        Flags::augment_args(command).about(about).long_about(None::<&str>).mut_args(by_hand)
    })
}

/// A flag as it is written by hand; its help names the variable.
fn by_hand(arg: Arg) -> Arg {
    let Some(variable) = arg.get_env().map(|name| name.to_string_lossy().into_owned()) else {
        return arg;
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    arg.global(false).env(None::<&str>).help(format!("{help} [env: {variable}]"))
}

impl Levels {
    /// The levels of a command line and of what surrounds it.
    ///
    /// # Errors
    /// `usage` for a variable that the flag of its name would not take.
    pub(crate) fn of(matches: &ArgMatches, around: &Surroundings) -> Result<Self> {
        let flags = |matches| Flags::from_arg_matches(matches).map_err(|error| usage(error.to_string()));
        Ok(Self {
            variables: variables(around)?,
            before: flags(matches)?,
            behind: matches.subcommand().map_or(Ok(Flags::default()), |(_, matches)| flags(matches))?,
        })
    }

    /// Id, secret and token of an access key that were given as flags; variables are another source.
    pub(super) fn access_key(&self) -> [Option<String>; 3] {
        let given = |of: fn(&Flags) -> &Option<String>| of(&self.behind).clone().or_else(|| of(&self.before).clone());
        [
            given(|flags| &flags.access_key_id),
            given(|flags| &flags.access_key_secret),
            given(|flags| &flags.security_token),
        ]
    }

    fn all(&self) -> [&Flags; 3] {
        [&self.variables, &self.before, &self.behind]
    }

    /// Whether any level wants reads only.
    pub(super) fn read_only(&self) -> bool {
        self.all().iter().any(|flags| flags.read_only == Some(true))
    }

    /// What each level allows.
    pub(super) fn grants(&self) -> [Grant; 3] {
        self.all().map(|flags| Grant { destructive: flags.allow_destructive, allow: flags.allow.clone() })
    }

    /// What all levels together refuse.
    pub(super) fn deny(&self) -> Vec<String> {
        self.all().iter().flat_map(|flags| flags.deny.clone()).collect()
    }

    /// Whether the simulator stands in for the service, and why, where that is not plain from the command.
    ///
    /// # Errors
    /// `usage` when both it and an endpoint were asked for by hand.
    pub(super) fn sim(&self) -> Result<(bool, Option<&'static str>)> {
        let on = |flags: &Flags| flags.sim.as_ref().map(|sim| *sim != Simulator::None);
        let sim = on(&self.behind).or_else(|| on(&self.before));
        let endpoint = self.behind.endpoint.is_some() || self.before.endpoint.is_some();
        let (sim_too, endpoint_too) = (on(&self.variables) == Some(true), self.variables.endpoint.is_some());
        Ok(match (sim, endpoint) {
            (Some(true), true) => {
                return Err(usage("--sim and --endpoint exclude each other".to_owned())
                    .hint("leave --sim out to reach the endpoint, or --endpoint to stay inside the process"));
            }
            (Some(true), false) => (true, endpoint_too.then_some("--sim outranks JST_ENDPOINT")),
            (Some(false), true) | (None, true) if sim_too => (false, Some("the flag outranks JST_SIM")),
            (Some(false), _) | (None, true) => (false, None),
            (None, false) if sim_too && endpoint_too => (true, Some("JST_SIM outranks JST_ENDPOINT")),
            (None, false) if sim_too => (true, Some("JST_SIM says so")),
            (None, false) => (false, endpoint_too.then_some("JST_ENDPOINT says so")),
        })
    }

    /// One set of flags: of each the nearest that was given.
    pub(crate) fn merged(&self) -> Flags {
        let Self { variables, before, behind } = self;
        let verbose = before.verbose.saturating_add(behind.verbose);
        Flags {
            sim: nearest(self, |flags| flags.sim.clone()),
            sim_fault: self.all().iter().flat_map(|flags| flags.sim_fault.clone()).collect(),
            sim_fleet: nearest(self, |flags| flags.sim_fleet),
            sim_start: nearest(self, |flags| flags.sim_start),
            sim_seed: nearest(self, |flags| flags.sim_seed),
            profile: nearest(self, |flags| flags.profile.clone()),
            endpoint: nearest(self, |flags| flags.endpoint.clone()),
            region: nearest(self, |flags| flags.region.clone()),
            access_key_id: nearest(self, |flags| flags.access_key_id.clone()),
            access_key_secret: nearest(self, |flags| flags.access_key_secret.clone()),
            security_token: nearest(self, |flags| flags.security_token.clone()),
            output: nearest(self, |flags| flags.output),
            log_format: nearest(self, |flags| flags.log_format),
            verbose: if verbose > 0 { verbose } else { variables.verbose },
            quiet: nearest(self, |flags| flags.quiet),
            timeout: nearest(self, |flags| flags.timeout),
            connect_timeout: nearest(self, |flags| flags.connect_timeout),
            deadline: nearest(self, |flags| flags.deadline),
            concurrency: nearest(self, |flags| flags.concurrency),
            rate: nearest(self, |flags| flags.rate),
            read_only: Some(self.read_only()),
            allow: Vec::new(),
            deny: Vec::new(),
            allow_destructive: None,
            allow_env: self.narrowed(|flags| &flags.allow_env, |one, other| one == other),
            allow_read: self.narrowed(|flags| &flags.allow_read, |one, other| real(one).starts_with(real(other))),
            max_memory: nearest(self, |flags| flags.max_memory),
            max_operations: nearest(self, |flags| flags.max_operations),
        }
    }

    /// What every level grants that grants anything; `within` says whether one grant is part of another.
    fn narrowed(&self, list: impl Fn(&Flags) -> &Vec<String>, within: impl Fn(&str, &str) -> bool) -> Vec<String> {
        let mut given = self.all().into_iter().map(list).filter(|list| !list.is_empty());
        let first = given.next().cloned().unwrap_or_default();
        given.fold(first, |wide, narrow| {
            let parts = |list: &[String], of: &[String]| -> Vec<String> {
                list.iter().filter(|one| of.iter().any(|other| within(one, other))).cloned().collect()
            };
            let mut both = parts(narrow, &wide);
            both.extend(parts(&wide, narrow).into_iter().filter(|one| !narrow.contains(one)));
            both
        })
    }
}

fn nearest<T>(levels: &Levels, flag: impl Fn(&Flags) -> Option<T>) -> Option<T> {
    levels.all().into_iter().rev().find_map(flag)
}

/// A path as it is on the disk, where there is one.
fn real(path: &str) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| Path::new(path).to_owned());
    std::fs::canonicalize(path).unwrap_or_else(|_| absolute())
}

/// The flags that variables stand for.
fn variables(around: &Surroundings) -> Result<Flags> {
    let command = || Flags::augment_args(Command::new("jst").no_binary_name(true)).mut_args(by_hand);
    let mut words = Vec::new();
    for arg in Flags::augment_args(Command::new("jst")).get_arguments() {
        let (Some(variable), Some(long)) = (arg.get_env().and_then(|name| name.to_str()), arg.get_long()) else {
            continue;
        };
        if around.not_text.iter().any(|name| name == variable) {
            return Err(usage(format!("{variable} is no text in UTF-8")));
        }
        let Some(value) = around.env.get(variable).filter(|value| !value.is_empty()) else {
            continue;
        };
        if matches!(arg.get_action(), ArgAction::Count) {
            let count = verbosity(value).map_err(|why| usage(format!("{variable}: {why}")))?;
            words.extend((0..count).map(|_| format!("--{long}")));
            continue;
        }
        let word = format!("--{long}={value}");
        command().try_get_matches_from([&word]).map_err(|error| usage(format!("{variable}: {}", why(&error))))?;
        words.push(word);
    }
    let matches = command().try_get_matches_from(words);
    matches.and_then(|matches| Flags::from_arg_matches(&matches)).map_err(|error| usage(why(&error)))
}

/// What is wrong with a value: what its reader says, or the values that there are.
fn why(error: &clap::Error) -> String {
    if let Some(source) = std::error::Error::source(error) {
        return source.to_string();
    }
    let text = error.to_string();
    let told = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn usage(message: String) -> Error {
    Error::new(Kind::Usage, message)
}
