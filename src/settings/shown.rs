//! The settings of a run for people: each with its value and where it comes from.

use super::given::{Given, arguments, default_in, is_list};
use super::{DEFAULT_ENDPOINT, Settings};
use crate::secret::{MASK, is_secret_name};

/// A setting that was resolved.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    /// Its key in a file.
    pub setting: String,
    /// The value in use, secrets masked; `None` where there is none.
    pub value: Option<String>,
    /// The flag, the variable, the file and line, or the default.
    pub from: String,
}

impl Settings {
    /// Every setting of this run.
    pub(crate) fn shown(&self) -> Vec<Shown> {
        let mut all: Vec<Shown> = arguments()
            .filter(|(arg, _)| !arg.is_hide_set())
            .map(|(arg, long)| {
                let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
                let given = self.levels.given(&long);
                match given.is_empty() {
                    true => self.by_itself(&long, default_in(&help)),
                    false => counted(&long, &given),
                }
            })
            .collect();
        let production = self.is_production();
        let from = self.levels.file().filter(|_| production).map(|file| file.path.display().to_string());
        let from = from.unwrap_or_else(|| "default".to_owned());
        all.push(Shown { setting: "production".to_owned(), value: Some(production.to_string()), from });
        all
    }

    /// A setting that no flag, variable or `config.toml` gives.
    fn by_itself(&self, long: &str, default: Option<&str>) -> Shown {
        let setting = long.replace('-', "_");
        let found = (!self.sim()).then(|| self.found());
        let of_profile = found.and_then(|found| match long {
            "endpoint" => found.endpoint.clone(),
            "region" => found.region.clone(),
            "profile" => found.profile.clone(),
            _ => None,
        });
        if let (Some(value), Some(found)) = (of_profile, found) {
            let used = found.trace.iter().find(|tried| tried.used).map(|tried| tried.source.clone());
            return Shown { setting, value: Some(value), from: used.unwrap_or_default() };
        }
        let default = if long == "endpoint" { Some(DEFAULT_ENDPOINT) } else { default };
        Shown { setting, value: default.map(str::to_owned), from: "default".to_owned() }
    }
}

/// A setting by what each place gives, the nearest last: of a plain one the last counts, of a list all.
fn counted(long: &str, given: &[&Given]) -> Shown {
    let setting = long.replace('-', "_");
    // What forbids holds wherever it stands.
    let forbids = given.iter().find(|given| long == "read-only" && is_yes(&given.value));
    let counting: Vec<&&Given> = match (forbids, is_list(long)) {
        (Some(given), _) => vec![given],
        (None, true) => given.iter().collect(),
        (None, false) => given.last().into_iter().collect(),
    };
    let shown = |given: &&&Given| if is_secret_name(&setting) { MASK.to_owned() } else { given.value.clone() };
    let value = counting.iter().map(shown).collect::<Vec<_>>().join(",");
    let mut places: Vec<String> = counting.iter().map(|given| given.origin.to_string()).collect();
    places.dedup();
    Shown { setting, value: Some(value), from: places.join(", ") }
}

fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes")
}
