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
                let given = self.levels.given_by_level(&long);
                match given.is_empty() {
                    true => self.by_itself(&long, default_in(&help)),
                    false => counted(&long, &given),
                }
            })
            .collect();
        let said = self.production();
        let from = said.map_or_else(|| "default".to_owned(), |(origin, _)| origin.to_string());
        let value = Some(self.is_production().to_string());
        all.push(Shown { setting: "production".to_owned(), value, from });
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

/// A setting by what each level gives, the nearest last.
fn counted(long: &str, levels: &[Vec<&Given>]) -> Shown {
    let setting = long.replace('-', "_");
    let counting = counting(long, levels);
    let shown = |given: &&Given| if is_secret_name(&setting) { MASK.to_owned() } else { given.value.clone() };
    let listed = |level: &Vec<&Given>| level.iter().map(shown).collect::<Vec<_>>().join(",");
    // Each level that grants something can only narrow what the others do.
    let between = if long.starts_with("allow") { " & " } else { "," };
    let value = counting.iter().map(listed).collect::<Vec<_>>().join(between);
    let mut places: Vec<String> = counting.iter().flatten().map(|given| given.origin.to_string()).collect();
    places.dedup();
    Shown { setting, value: Some(value), from: places.join(", ") }
}

/// The levels that count: of a plain setting the nearest.
fn counting<'a>(long: &str, levels: &[Vec<&'a Given>]) -> Vec<Vec<&'a Given>> {
    let nearest = || levels.last().cloned().into_iter().collect();
    let all = || levels.iter().flatten();
    let first = |found: Option<&&'a Given>| found.map_or_else(nearest, |given| vec![vec![*given]]);
    match long {
        // What forbids holds wherever it stands.
        "read-only" => first(all().find(|given| is_yes(&given.value))),
        "allow-destructive" => first(all().find(|given| !is_yes(&given.value))),
        "max-writes" | "max-destructive" | "max-unknown" => {
            first(all().min_by_key(|given| given.value.parse().unwrap_or(u64::MAX)))
        }
        "report" => nearest(),
        long if is_list(long) => levels.to_vec(),
        _ => levels.last().and_then(|level| level.last()).map(|given| vec![*given]).into_iter().collect(),
    }
}

fn is_yes(value: &str) -> bool {
    matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "yes")
}
