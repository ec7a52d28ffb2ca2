//! The profile of a run, and the settings of another one that a script names.

use super::Settings;
use super::given::Origin;
use crate::credentials::Configured;
use crate::error::{Error, Kind, Result};
use crate::job::limits::Limits;
use crate::net::endpoint::Endpoint;
use crate::suggest::nearest;

/// What says where calls go, together, and what names the region: a variable's holds where the profile is silent.
const PLACE: [&str; 2] = ["endpoint", "endpoint-type"];
const REGION: &str = "region";

impl Settings {
    /// The profile that was asked for by name.
    pub(crate) fn profile(&self) -> Option<&str> {
        self.flags.profile.as_deref()
    }

    /// Whether a flag or its variable names a profile.
    pub(crate) fn has_profile_by_hand(&self) -> bool {
        self.flags.profile.is_some()
    }

    /// The profiles of the file of settings.
    pub(crate) fn profiles(&self) -> Vec<String> {
        self.levels.file().map(|file| file.profiles.keys().cloned().collect()).unwrap_or_default()
    }

    /// Whether the profile is one of production.
    pub(crate) fn is_production(&self) -> bool {
        self.production().is_some_and(|(_, is)| *is)
    }

    /// What the file of settings says of that, and where.
    pub(super) fn production(&self) -> Option<&(Origin, bool)> {
        let file = self.levels.file()?;
        let section = self.levels.chosen().and_then(|given| file.profiles.get(&given.value));
        section.and_then(|section| section.production.as_ref()).or(file.defaults.production.as_ref())
    }

    /// The profile that is in use, by hand or otherwise, where that is known without the sources being looked at.
    pub(crate) fn known_profile(&self) -> Option<&str> {
        self.profile().or_else(|| self.levels.chosen().map(|given| given.value.as_str()))
    }

    /// What people call the account: the profile's name, and whether it is one of production.
    pub(crate) fn account_name(&self, name: &str) -> String {
        if self.is_production() { format!("{name} [production]") } else { name.to_owned() }
    }

    /// How much the whole run may change, on all its accounts together: what a profile says holds for its own.
    pub(crate) fn limits_of_run(&self) -> Limits {
        self.levels.of_all_accounts().limits()
    }

    /// How much may be changed on this account, where its profile says something of that.
    pub(crate) fn limits_of_account(&self, name: Option<&str>) -> Option<Limits> {
        let limits = self.flags.job.limits();
        (limits != self.limits_of_run()).then(|| Limits { profile: name.map(str::to_owned), ..limits })
    }

    /// The settings of a part of a script that works with another profile. It counts as named by hand, and of where
    /// calls go, in which region, what it says itself outranks variables. Where a simulator `stands_in` for every
    /// account, no profile has to be there.
    ///
    /// # Errors
    /// `config` for a profile that is not there, and where a flag would send its calls elsewhere or sign them as
    /// somebody else; as [`Settings::new`].
    pub(crate) fn of_profile(&self, name: &str, stands_in: bool) -> Result<Self> {
        let of =
            |without: &[&str]| Self::until(self.deadline, self.levels.of_profile(name, without)?, self.around.clone());
        let mut other = of(&[])?;
        if stands_in || (self.sim() && other.sim()) {
            return Ok(other);
        }
        self.may_work_beside(name, &other)?;
        let found = other.found();
        let has_place = found.endpoint.is_some() || PLACE.iter().any(|long| other.levels.is_of_profile(long));
        let has_region = found.region.is_some() || other.levels.is_of_profile(REGION);
        let mut without = Vec::new();
        without.extend(PLACE.iter().filter(|_| has_place));
        without.extend(Some(REGION).filter(|_| has_region));
        if !without.is_empty() {
            other = of(&without)?;
        }
        other.endpoint()?;
        Ok(other)
    }

    /// Whether the account of a profile can be told from the run's, which these are the settings of.
    fn may_work_beside(&self, name: &str, other: &Self) -> Result<()> {
        let wrong = |why: String| Error::new(Kind::Config, format!("with_profile cannot go to {name}: {why}"));
        if self.sim() != other.sim() {
            let (one, another) = if self.sim() { ("the run", "the profile") } else { ("the profile", "the run") };
            return Err(wrong(format!("{one} is on the simulator, and {another} is not"))
                .hint("--sim gives each profile a simulated account of its own"));
        }
        other.is_there(name)?;
        if self.levels.access_key().iter().any(Option::is_some) {
            return Err(wrong("--access-key-id says who signs every call".to_owned())
                .hint("leave it out, and let profiles say who signs"));
        }
        self.goes_there(other, wrong)
    }

    /// Looks whether a run with this profile would find it.
    ///
    /// # Errors
    /// `config` for one that is not there; as [`Settings::new`].
    pub(crate) fn check_profile(&self, name: &str) -> Result<()> {
        // On the simulator any name is one.
        if self.sim() {
            return Ok(());
        }
        let other = self.of_profile(name, true)?;
        // Where a flag says who signs, a profile need not.
        other.is_there(name).or_else(|error| other.found().require().map(drop).map_err(|_| error))
    }

    /// Looks whether the profile of these settings is there.
    fn is_there(&self, name: &str) -> Result<()> {
        let is_in_file = self.levels.file().is_some_and(|file| file.profiles.contains_key(name));
        if is_in_file || self.found().profile.as_deref() == Some(name) {
            return Ok(());
        }
        let known = self.sources().profiles();
        let error = match self.found().require() {
            Err(error) => error,
            Ok(_) => Error::new(Kind::Config, format!("there is no profile `{name}`")),
        };
        let hint = nearest(name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
        let hint = hint.filter(|hint| !error.hints.contains(hint));
        Err(hint.into_iter().fold(error, Error::hint))
    }

    /// Whether no flag sends calls of a profile elsewhere than the profile says.
    fn goes_there(&self, other: &Self, wrong: impl Fn(String) -> Error) -> Result<()> {
        let Some(flag) = self.levels.of_line("endpoint").filter(|flag| !flag.value.is_empty()) else { return Ok(()) };
        let own = self.levels.file().and_then(|file| file.profiles.get(&other.levels.chosen()?.value));
        let own = own.and_then(|section| section.given.iter().find(|given| given.long == "endpoint"));
        let own = own.map(|given| given.value.clone()).or_else(|| other.found().endpoint.clone());
        let Some(own) = own else { return Ok(()) };
        if Endpoint::parse(&own)?.to_string() == Endpoint::parse(&flag.value)?.to_string() {
            return Ok(());
        }
        Err(wrong(format!("--endpoint sends every call to {}, and the profile says {own}", flag.value))
            .hint("leave --endpoint out, or the profile's endpoint"))
    }

    /// What the file of settings says of who signs.
    pub(super) fn configured(&self) -> Option<Configured> {
        let (file, chosen) = (self.levels.file()?, self.levels.chosen());
        let chosen = chosen.map(|given| (given.value.clone(), given.origin.to_string()));
        let section = chosen.as_ref().and_then(|(name, _)| file.profiles.get(name));
        let meant =
            section.and_then(|section| section.credentials.clone()).or_else(|| file.defaults.credentials.clone());
        Some(Configured {
            file: file.path.display().to_string(),
            is_profile: section.is_some(),
            profiles: self.profiles(),
            chosen,
            access_key: self.levels.access_key_of_file(),
            meant: meant.map(|(origin, meant)| (origin.to_string(), meant)),
        })
    }
}
