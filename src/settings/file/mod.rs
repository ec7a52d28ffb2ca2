//! `config.toml`: where it lies, and what it says. [`parse`] reads it, [`sample`] writes one to begin with.
//!
//! Its keys are the flags' names with underscores, so that a new flag is a new key.

mod parse;
pub(crate) mod sample;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Surroundings;
use super::given::{Given, Origin};
use crate::credentials::Meant;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::secret::is_secret_name;

/// The file that was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    /// Where it lies.
    pub path: PathBuf,
    /// What holds for every profile.
    pub defaults: Section,
    /// The profiles by name.
    pub profiles: BTreeMap<String, Section>,
    /// Whether it holds secrets that others can read.
    pub is_exposed: bool,
}

/// `[defaults]`, or a profile.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    /// Its settings in the order that they are written in.
    pub given: Vec<Given>,
    /// Whether it is a production account, and where that is said.
    pub production: Option<(Origin, bool)>,
    /// Who signs, and where that is said.
    pub credentials: Option<(Origin, Meant)>,
}

/// The files that are looked for, in order; whether the first must be there.
fn places(named: Option<&str>, around: &Surroundings) -> (Vec<PathBuf>, bool) {
    if let Some(named) = named {
        return (vec![PathBuf::from(named)], true);
    }
    let xdg = around.path("XDG_CONFIG_HOME").filter(|path| path.is_absolute());
    let home = around.home().map(|home| home.join(".config"));
    let folders = xdg.into_iter().chain(home).chain([PathBuf::from("/etc")]);
    (folders.map(|folder| folder.join("jst/config.toml")).collect(), false)
}

/// Where a person's own file belongs.
///
/// # Errors
/// `config` without a home folder.
pub(crate) fn own(named: Option<&str>, around: &Surroundings) -> Result<PathBuf> {
    let (places, is_named) = places(named, around);
    match places.into_iter().next() {
        Some(first) if is_named || first.parent() != Some(Path::new("/etc/jst")) => Ok(first),
        _ => Err(Error::new(Kind::Config, "there is no home folder to write config.toml to")
            .hint("name the file: --config FILE")),
    }
}

/// Reads the file that counts: the named one, or the first that exists.
///
/// # Errors
/// `config` for a named file that is not there, and for all that is wrong in a file.
pub(crate) fn read(named: Option<&str>, around: &Surroundings) -> Result<Option<File>> {
    let (places, is_named) = places(named, around);
    for path in places {
        match files::read_text(&path, files::LARGEST) {
            Ok(text) => return parse::parse(&path, &text).map(|file| Some(file.looked_at())),
            Err(why) if why.is_missing() && !is_named => {}
            Err(why) => {
                return Err(Error::new(Kind::Config, format!("cannot read {}: {why}", path.display()))
                    .hint("make it a readable file, or name another with --config"));
            }
        }
    }
    Ok(None)
}

impl File {
    /// Looks at what only shows when a section is used: patterns of operations, and the endpoint.
    ///
    /// # Errors
    /// `config`: the first thing wrong, with the others beside it.
    pub(crate) fn check(&self) -> Result<()> {
        let named = self.profiles.iter().map(|(name, section)| (name.as_str(), section));
        let mut problems = std::iter::once(("defaults", &self.defaults)).chain(named).flat_map(|(name, section)| {
            let settings = section.given.iter().filter_map(|given| given.check().err());
            settings.chain(section.credentials_problem(name))
        });
        match problems.next() {
            None => Ok(()),
            Some(first) => Err(first.with(|error| error.more.extend(problems))),
        }
    }

    /// Every section, `[defaults]` first.
    fn sections(&self) -> impl Iterator<Item = &Section> {
        std::iter::once(&self.defaults).chain(self.profiles.values())
    }

    fn looked_at(mut self) -> Self {
        let holds = self.secrets().next().is_some();
        self.is_exposed = holds && files::is_open(&self.path);
        self
    }

    /// Every secret in it.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.sections().flat_map(Section::secrets)
    }
}

impl Section {
    /// What is wrong with its credentials, as far as the file shows.
    fn credentials_problem(&self, name: &str) -> Option<Error> {
        let (place, meant) = self.credentials.as_ref()?;
        let error = meant.check(name).err()?;
        Some(error.with(|facts| {
            facts.kind = Kind::Config;
            facts.message = format!("{place}: {}", facts.message);
        }))
    }

    fn secrets(&self) -> impl Iterator<Item = &str> {
        let is_secret = |given: &&Given| is_secret_name(&given.long.replace('-', "_"));
        let of_keys = self.given.iter().filter(is_secret).map(|given| given.value.as_str());
        of_keys.chain(self.credentials.iter().flat_map(|(_, meant)| meant.secrets()))
    }
}
