//! A setting as somebody gave it, and where: what a variable or a line of a file says is read as the flag of
//! its name would read it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, FromArgMatches as _};

use super::Surroundings;
use super::flags::{Flags, verbosity};
use super::levels::by_hand;
use crate::call::policy::{Grant, Policy};
use crate::error::{Error, Kind, Result};
use crate::net::endpoint::Endpoint;
use crate::suggest;

/// The vendor's variables for a setting of ours, newest first: read where ours is not set.
const VENDORS: [(&str, [&str; 4]); 1] =
    [("region", ["ALIBABA_CLOUD_REGION_ID", "ALIBABACLOUD_REGION_ID", "ALICLOUD_REGION_ID", "ALICLOUD_REGION"])];

/// Where a setting was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// On the command line.
    Flag,
    /// In this variable.
    Variable(String),
    /// In this line of a file, counted from 1.
    Line(Arc<PathBuf>, usize),
    /// By a script, which names a profile.
    Script,
}

impl Origin {
    /// A line of a file.
    pub(super) fn line(path: &Path, line: usize) -> Self {
        Self::Line(Arc::new(path.to_owned()), line)
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Line(..) => Kind::Config,
            _ => Kind::Usage,
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => f.write_str("flag"),
            Self::Script => f.write_str("with_profile"),
            Self::Variable(name) if name.starts_with("ALIBABACLOUD_") || name.starts_with("ALICLOUD_") => {
                write!(f, "{name}, an older name of the vendor's")
            }
            Self::Variable(name) => f.write_str(name),
            Self::Line(path, line) => write!(f, "{}:{line}", path.display()),
        }
    }
}

/// One value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Given {
    /// The flag, without its dashes.
    pub long: String,
    /// The value as it was written.
    pub value: String,
    /// Where.
    pub origin: Origin,
}

/// The settings of one place, as flags and as they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    pub flags: Flags,
    pub given: Vec<Given>,
}

impl Level {
    /// What a level of the command line says.
    ///
    /// # Errors
    /// `usage` for what is no flag.
    pub(super) fn of_line(matches: &ArgMatches) -> Result<Self> {
        let flags = Flags::from_arg_matches(matches);
        let flags = flags.map_err(|error| Error::new(Kind::Usage, error.to_string()))?;
        let mut given = Vec::new();
        for (arg, long) in arguments() {
            let id = arg.get_id().as_str();
            let is_known = matches.try_contains_id(id).is_ok();
            if !is_known || matches.value_source(id) != Some(ValueSource::CommandLine) {
                continue;
            }
            let values: Vec<String> = match arg.get_action() {
                ArgAction::Count => vec![matches.get_count(id).to_string()],
                _ => matches.get_raw(id).into_iter().flatten().map(|v| v.to_string_lossy().into_owned()).collect(),
            };
            given.extend(values.into_iter().map(|value| Given { long: long.clone(), value, origin: Origin::Flag }));
        }
        Ok(Self { flags, given })
    }

    /// What the variables say. An empty one is one that is not set.
    ///
    /// # Errors
    /// `usage` for a variable that the flag of its name would not take.
    pub(super) fn of_variables(around: &Surroundings) -> Result<Self> {
        let mut given = Vec::new();
        for (arg, long) in arguments() {
            let ours = arg.get_env().and_then(|name| name.to_str()).map(str::to_owned);
            let vendors = VENDORS.iter().find(|(name, _)| *name == long).map(|(_, names)| names.as_slice());
            let vendors = vendors.unwrap_or_default().iter().map(|name| (*name).to_owned());
            for variable in ours.into_iter().chain(vendors) {
                if around.not_text.contains(&variable) {
                    return Err(Error::new(Kind::Usage, format!("{variable} is no text in UTF-8")));
                }
                if let Some(value) = around.env.get(&variable).filter(|value| !value.is_empty()) {
                    given.push(Given { long, value: value.clone(), origin: Origin::Variable(variable) });
                    break;
                }
            }
        }
        no_slip(around)?;
        Self::of(given)
    }

    /// Settings that were given, as flags.
    ///
    /// # Errors
    /// `usage`, or `config` for lines of a file: a value that the flag would not take.
    pub(super) fn of(given: Vec<Given>) -> Result<Self> {
        let mut words = Vec::new();
        for one in &given {
            words.extend(one.words()?);
        }
        let flags = command().try_get_matches_from(words);
        let flags = flags.and_then(|matches| Flags::from_arg_matches(&matches));
        // Each was read already; only one that stands twice can be wrong now.
        let flags = flags.map_err(|error| Error::new(Kind::Usage, why(&error)))?;
        Ok(Self { flags, given })
    }
}

/// Looks for variables that say nothing, as they are misspelt: nobody may believe that a run was read-only.
///
/// # Errors
/// `usage` for one that is nearly a variable of jst.
fn no_slip(around: &Surroundings) -> Result<()> {
    let known: Vec<String> = arguments().filter_map(|(arg, _)| arg.get_env()?.to_str().map(str::to_owned)).collect();
    // Where words are divided is what people slip at most.
    let plain = |name: &str| name.strip_prefix(PREFIX).unwrap_or_default().replace('_', "");
    let plains: Vec<String> = known.iter().map(|name| plain(name)).collect();
    for (name, _) in around.env.iter().filter(|(_, value)| !value.is_empty()) {
        if !name.starts_with(PREFIX) || known.contains(name) {
            continue;
        }
        let plain = plain(name);
        let near = suggest::nearest(&plain, plains.iter().map(String::as_str)).unwrap_or(&plain);
        if let Some(meant) = plains.iter().zip(&known).find(|(plain, _)| *plain == near) {
            let message = format!("{name} is no variable of jst");
            return Err(Error::new(Kind::Usage, message).hint(format!("did you mean {}?", meant.1)));
        }
    }
    Ok(())
}

/// What variables of jst begin with.
const PREFIX: &str = "JST_";

impl Given {
    /// Looks at what the flag's reader leaves to whoever uses the value.
    ///
    /// # Errors
    /// What would be said then, with the place.
    pub(super) fn check(&self) -> Result<()> {
        let list = || self.value.split(',').map(str::to_owned).collect::<Vec<_>>();
        let checked = match self.long.as_str() {
            "allow" => Policy::new(false, &[Grant { destructive: None, allow: list() }], &[]).map(drop),
            "deny" => Policy::new(false, &[], &list()).map(drop),
            "endpoint" => Endpoint::parse(&self.value).map(drop),
            _ => Ok(()),
        };
        checked.map_err(|error| error.with(|facts| facts.message = format!("{}: {}", self.origin, facts.message)))
    }

    /// The words that say the same on the command line.
    ///
    /// # Errors
    /// The flag would not take the value.
    pub(super) fn words(&self) -> Result<Vec<String>> {
        let Self { long, value, origin } = self;
        let key = match origin {
            Origin::Line(..) => format!("`{}`: ", long.replace('-', "_")),
            _ => String::new(),
        };
        let wrong = |why: String| Error::new(origin.kind(), format!("{origin}: {key}{why}"));
        let counts = arguments().any(|(arg, name)| name == *long && matches!(arg.get_action(), ArgAction::Count));
        if counts {
            let count = verbosity(value).map_err(wrong)?;
            return Ok((0..count).map(|_| format!("--{long}")).collect());
        }
        let word = format!("--{long}={value}");
        command().try_get_matches_from([&word]).map_err(|error| wrong(why(&error)))?;
        Ok(vec![word])
    }
}

/// Every flag that has a long name, and the name.
pub(super) fn arguments() -> impl Iterator<Item = (Arg, String)> {
    let flags = Flags::augment_args(Command::new("jst"));
    let named = |arg: &Arg| arg.get_long().map(|long| (arg.clone(), long.to_owned()));
    flags.get_arguments().filter_map(named).collect::<Vec<_>>().into_iter()
}

/// Whether a flag takes many values.
pub(super) fn is_list(long: &str) -> bool {
    arguments().any(|(arg, name)| name == long && matches!(arg.get_action(), ArgAction::Append))
}

/// Whether a flag says yes or no, or counts.
pub(super) fn is_switch(arg: &Arg) -> bool {
    let names = arg.get_value_names().unwrap_or_default();
    names.iter().any(|name| name.as_str() == "yes|no") || matches!(arg.get_action(), ArgAction::Count)
}

/// The default that a flag's help names.
pub(super) fn default_in(help: &str) -> Option<&str> {
    help.split_once("[default: ")?.1.split_once(']').map(|(default, _)| default)
}

fn command() -> Command {
    Flags::augment_args(Command::new("jst").no_binary_name(true)).mut_args(by_hand)
}

/// What is wrong with a value: what its reader says, or the values that there are.
fn why(error: &clap::Error) -> String {
    if let Some(source) = std::error::Error::source(error) {
        return match source.to_string() {
            // The reader of numbers speaks of digits, and of none.
            said if source.is::<std::num::ParseIntError>() && !said.contains("too") => {
                "a whole number is wanted".to_owned()
            }
            said => said,
        };
    }
    let text = error.to_string();
    let told = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}
