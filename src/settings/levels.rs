//! The levels that flags are given at: `[defaults]` and the profile of `config.toml`, variables, before the
//! command, and behind it.
//!
//! Of a plain setting the nearest level decides: a flag before a variable, a variable before a file. What
//! forbids adds up over all levels. What grants can only narrow what another level grants. An empty variable
//! is one that is not set.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Args as _, Command};

use super::Surroundings;
use super::file::{self, File};
use super::flags::{Flags, Simulator};
use super::given::{Given, Level, Origin};
use super::job::JobFlags;
use crate::call::policy::Grant;
use crate::credentials;
use crate::error::{Error, Kind, Result};
use crate::net::outside::GrantedHost;

/// Flags as they were given at each level.
#[derive(Debug, Default)]
pub(crate) struct Levels {
    defaults: Level,
    profile: Level,
    variables: Level,
    before: Level,
    behind: Level,
    /// The file of settings, where there is one.
    file: Option<File>,
    /// The profile that is meant, and where it is named.
    chosen: Option<Given>,
    /// What is wrong with the file.
    problem: Option<Error>,
}

/// The command line with the flags at both of its levels, apart. Variables are not clap's to read: it would
/// take empty ones for values and replace what forbids.
pub(crate) fn command(cli: Command) -> Command {
    cli.mut_args(by_hand).mut_subcommands(|command| {
        // What a command is about stays its own: adding flags would put theirs in its place.
        let about = command.get_about().cloned().unwrap_or_default();
        let own: Vec<Arg> = command.get_arguments().cloned().collect();
        let all = Flags::augment_args(command).about(about).long_about(None::<&str>).mut_args(by_hand);
        all.mut_args(|arg| giving_way(arg, &own))
    })
}

/// A flag as it is written by hand; its help names the variable.
pub(super) fn by_hand(arg: Arg) -> Arg {
    let Some(variable) = arg.get_env().map(|name| name.to_string_lossy().into_owned()) else {
        return arg;
    };
    let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
    arg.global(false).env(None::<&str>).help(format!("{help} [env: {variable}]"))
}

/// A flag of all commands. Where a command has one of its own by this name, that is the one that is meant.
fn giving_way(arg: Arg, own: &[Arg]) -> Arg {
    let has_own = own.iter().any(|other| other.get_long() == arg.get_long() && other.get_id() != arg.get_id());
    let is_own = own.iter().any(|other| other.get_id() == arg.get_id());
    if arg.get_long().is_some() && has_own && !is_own { arg.long(ASIDE).hide(true) } else { arg }
}

/// What a flag that gives way is called: each has a name, or it would be taken for a word without one.
const ASIDE: &str = "of-run";

impl Levels {
    /// The levels of a command line and of what surrounds it. What is wrong with the file of settings is for
    /// [`Levels::problem`] to say: some commands tell of it and go on.
    ///
    /// # Errors
    /// `usage` for a variable that the flag of its name would not take.
    pub(crate) fn of(matches: &ArgMatches, around: &Surroundings) -> Result<Self> {
        let mut levels = Self {
            variables: Level::of_variables(around)?,
            before: Level::of_line(matches)?,
            behind: matches.subcommand().map_or(Ok(Level::default()), |(_, matches)| Level::of_line(matches))?,
            ..Self::default()
        };
        if let Err(problem) = levels.read_file(around) {
            levels.problem = Some(problem);
        }
        Ok(levels)
    }

    /// The levels of a part of a script that works with another profile, which counts as named by hand. Variables of
    /// these names do not hold there: what they say is of the run's own account.
    ///
    /// # Errors
    /// None that the file did not show when it was read.
    pub(super) fn of_profile(&self, name: &str, without: &[&str]) -> Result<Self> {
        let section = self.file.as_ref().and_then(|file| file.profiles.get(name));
        let chosen = Given { long: "profile".to_owned(), value: name.to_owned(), origin: Origin::Script };
        let others = |level: &Level, without: &[&str]| {
            Level::of(level.given.iter().filter(|given| !without.contains(&given.long.as_str())).cloned().collect())
        };
        let mut behind = self.behind.clone();
        behind.given.push(chosen.clone());
        Ok(Self {
            defaults: self.defaults.clone(),
            profile: section.map_or_else(|| Ok(Level::default()), |section| Level::of(section.given.clone()))?,
            variables: others(&self.variables, without)?,
            before: self.before.clone(),
            behind,
            file: self.file.clone(),
            chosen: Some(chosen),
            problem: None,
        })
    }

    /// The flags of jobs as they hold for all accounts of a run: without those of its own profile.
    pub(super) fn of_all_accounts(&self) -> JobFlags {
        let levels = || [&self.defaults, &self.variables, &self.before, &self.behind];
        JobFlags::merged(|| levels().map(|level| &level.flags.job).to_vec())
    }

    /// Whether the profile itself says something of this.
    pub(super) fn is_of_profile(&self, long: &str) -> bool {
        self.profile.given.iter().any(|given| given.long == long)
    }

    /// What was given of this by hand.
    pub(super) fn of_line(&self, long: &str) -> Option<&Given> {
        let given = [&self.behind, &self.before].into_iter().flat_map(|level| level.given.iter().rev());
        given.into_iter().find(|given| given.long == long)
    }

    fn read_file(&mut self, around: &Surroundings) -> Result<()> {
        self.chosen = self.by_hand().or_else(|| {
            let (variable, name) = credentials::chosen_by(&around.env)?;
            let origin = Origin::Variable(variable);
            Some(Given { long: "profile".to_owned(), value: name.to_owned(), origin })
        });
        let named = nearest(self, |flags| flags.config.clone().filter(|name| !name.is_empty()));
        let Some(file) = file::read(named.as_deref(), around)? else { return Ok(()) };
        file.check()?;
        self.defaults = Level::of(file.defaults.given.clone())?;
        let by_default = || file.defaults.given.iter().rev().find(|given| given.long == "profile").cloned();
        self.chosen = self.chosen.take().or_else(by_default);
        if let Some(section) = self.chosen.as_ref().and_then(|chosen| file.profiles.get(&chosen.value)) {
            self.profile = Level::of(section.given.clone())?;
        }
        self.file = Some(file);
        Ok(())
    }

    /// The profile that a flag or its variable names.
    fn by_hand(&self) -> Option<Given> {
        let named = |level: &Level| {
            let meant = |given: &&Given| given.long == "profile" && !given.value.trim().is_empty();
            level.given.iter().rev().find(meant).cloned()
        };
        [&self.behind, &self.before, &self.variables].into_iter().find_map(named)
    }

    /// What is wrong with the file of settings.
    pub(crate) fn problem(&self) -> Option<&Error> {
        self.problem.as_ref()
    }

    /// The file of settings, where there is one.
    pub(super) fn file(&self) -> Option<&File> {
        self.file.as_ref()
    }

    /// What every file holds of secrets.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        self.file.iter().flat_map(|file| file.secrets()).collect()
    }

    /// The profile that is meant, and where it is named.
    pub(super) fn chosen(&self) -> Option<&Given> {
        self.chosen.as_ref()
    }

    /// What each level gives of a setting, the nearest last.
    pub(super) fn given(&self, long: &str) -> Vec<&Given> {
        self.levels().into_iter().flat_map(|level| &level.given).filter(|given| given.long == long).collect()
    }

    /// The same, level by level; of those that give nothing none.
    pub(super) fn given_by_level(&self, long: &str) -> Vec<Vec<&Given>> {
        let levels = self.levels().map(|level| level.given.iter().filter(|given| given.long == long).collect());
        levels.into_iter().filter(|given: &Vec<&Given>| !given.is_empty()).collect()
    }

    /// Id, secret and token of an access key that were given as flags; variables and profiles are other
    /// sources.
    pub(super) fn access_key(&self) -> [Option<String>; 3] {
        of_key(&[&self.before.flags, &self.behind.flags])
    }

    /// Id, secret and token of the profile.
    pub(super) fn access_key_of_file(&self) -> [Option<String>; 3] {
        of_key(&[&self.defaults.flags, &self.profile.flags])
    }

    fn levels(&self) -> [&Level; 5] {
        [&self.defaults, &self.profile, &self.variables, &self.before, &self.behind]
    }

    fn all(&self) -> [&Flags; 5] {
        self.levels().map(|level| &level.flags)
    }

    /// Whether any level wants reads only.
    pub(super) fn read_only(&self) -> bool {
        self.all().iter().any(|flags| flags.read_only == Some(true))
    }

    /// What each level allows.
    pub(super) fn grants(&self) -> [Grant; 5] {
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
        let on = |level: &Level| level.flags.sim.as_ref().map(|sim| *sim != Simulator::None);
        let sim = on(&self.behind).or_else(|| on(&self.before));
        let has_endpoint = |level: &Level| level.flags.endpoint.is_some();
        let endpoint = has_endpoint(&self.behind) || has_endpoint(&self.before);
        let (sim_too, endpoint_too) = (on(&self.variables) == Some(true), has_endpoint(&self.variables));
        let in_file = on(&self.profile).or_else(|| on(&self.defaults)) == Some(true);
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
            (None, false) if endpoint_too => (false, Some("JST_ENDPOINT says so")),
            (None, false) if in_file && on(&self.variables).is_none() => (true, Some("config.toml says so")),
            (None, false) => (false, None),
        })
    }

    /// What stands on the command line, before and behind the command.
    pub(super) fn written(&self) -> [&[Given]; 2] {
        [&self.before.given, &self.behind.given]
    }

    /// The variables that say something.
    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.given.iter().filter_map(|given| match &given.origin {
            Origin::Variable(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// One set of flags: of each the nearest that was given.
    pub(crate) fn merged(&self) -> Flags {
        let by_hand = self.before.flags.verbose.saturating_add(self.behind.flags.verbose);
        let elsewhere = [&self.variables, &self.profile, &self.defaults].map(|level| level.flags.verbose);
        let verbose = std::iter::once(by_hand).chain(elsewhere).find(|count| *count > 0).unwrap_or_default();
        Flags {
            sim: nearest(self, |flags| flags.sim.clone()),
            sim_fault: self.all().iter().flat_map(|flags| flags.sim_fault.clone()).collect(),
            sim_fleet: nearest(self, |flags| flags.sim_fleet),
            sim_start: nearest(self, |flags| flags.sim_start),
            sim_seed: nearest(self, |flags| flags.sim_seed),
            config: nearest(self, |flags| flags.config.clone()),
            strict: nearest(self, |flags| flags.strict),
            // One that a file names is not named by hand.
            profile: self.by_hand().map(|given| given.value),
            endpoint: nearest(self, |flags| flags.endpoint.clone()),
            region: nearest(self, |flags| flags.region.clone()),
            endpoint_type: nearest(self, |flags| flags.endpoint_type),
            ca_file: nearest(self, |flags| flags.ca_file.clone()),
            insecure_http: nearest(self, |flags| flags.insecure_http),
            signature: nearest(self, |flags| flags.signature),
            access_key_id: nearest(self, |flags| flags.access_key_id.clone()),
            access_key_secret: nearest(self, |flags| flags.access_key_secret.clone()),
            security_token: nearest(self, |flags| flags.security_token.clone()),
            sts_endpoint: nearest(self, |flags| flags.sts_endpoint.clone()),
            metadata_endpoint: nearest(self, |flags| flags.metadata_endpoint.clone()),
            output: nearest(self, |flags| flags.output),
            log_format: nearest(self, |flags| flags.log_format),
            verbose,
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
            allow_net: self.narrowed(|flags| &flags.allow_net, GrantedHost::is_within),
            allow_write: self.narrowed(|flags| &flags.allow_write, |one, other| real(one).starts_with(real(other))),
            state_dir: nearest(self, |flags| flags.state_dir.clone()),
            journal: nearest(self, |flags| flags.journal.clone()),
            no_journal: nearest(self, |flags| flags.no_journal),
            journal_keep: nearest(self, |flags| flags.journal_keep),
            journal_max_size: nearest(self, |flags| flags.journal_max_size),
            max_memory: nearest(self, |flags| flags.max_memory),
            max_operations: nearest(self, |flags| flags.max_operations),
            job: JobFlags::merged(|| self.all().map(|flags| &flags.job).to_vec()),
        }
    }

    /// What every level grants that grants anything; `within` says whether one grant is part of another.
    fn narrowed<T: Clone + PartialEq>(
        &self,
        list: impl Fn(&Flags) -> &Vec<T>,
        within: impl Fn(&T, &T) -> bool,
    ) -> Vec<T> {
        let mut given = self.all().into_iter().map(list).filter(|list| !list.is_empty());
        let first = given.next().cloned().unwrap_or_default();
        given.fold(first, |wide, narrow| {
            let parts = |list: &[T], of: &[T]| -> Vec<T> {
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

/// Id, secret and token: of each the last that was given.
fn of_key(flags: &[&Flags]) -> [Option<String>; 3] {
    let last = |of: fn(&Flags) -> &Option<String>| flags.iter().rev().find_map(|flags| of(flags).clone());
    [last(|flags| &flags.access_key_id), last(|flags| &flags.access_key_secret), last(|flags| &flags.security_token)]
}

fn usage(message: String) -> Error {
    Error::new(Kind::Usage, message)
}
