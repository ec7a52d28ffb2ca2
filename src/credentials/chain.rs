//! Every source in order: what each holds, and what ends the search.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::source::{Held, Profile, held, meant, token_alone};
use super::way::{Metadata, Role, Way};
use super::{Credentials, Meant, aliyun_cli, ini};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::suggest::nearest;

/// Where to look.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// Id, secret and token given as flags.
    pub flags: [Option<String>; 3],
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// Its variables whose values are no text.
    pub not_text: BTreeSet<String>,
    /// The home folder; a missing one is no error.
    pub home: Option<PathBuf>,
    /// A profile given by hand, which outranks the environment.
    pub profile: Option<String>,
    /// The file of settings, where there is one.
    pub config: Option<Configured>,
}

/// What a file of settings says of who signs.
#[derive(Debug, Default)]
pub(crate) struct Configured {
    /// The file.
    pub file: String,
    /// The profile that is meant, and where it is named: perhaps in a variable or by hand.
    pub chosen: Option<(String, String)>,
    /// Whether the file has that profile.
    pub is_profile: bool,
    /// The profiles that it has.
    pub profiles: Vec<String>,
    /// Id, secret and token of an access key.
    pub access_key: [Option<String>; 3],
    /// Another source, and where it is named.
    pub meant: Option<(String, Meant)>,
}

/// One source that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tried {
    /// What it is: "environment", a file and its profile.
    pub source: String,
    /// What was there, secrets masked.
    pub result: String,
    /// Whether it is the one in use.
    pub used: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// The way of signing in that is used, if there is one.
    pub way: Option<Way>,
    /// Every source in the order it was looked at.
    pub trace: Vec<Tried>,
    /// The profile in use, where one was.
    pub profile: Option<String>,
    /// The region that the profile names.
    pub region: Option<String>,
    /// The endpoint that the profile names.
    pub endpoint: Option<String>,
    /// The file that the secrets in use come from, if everybody can read it.
    pub exposed: Option<PathBuf>,
    /// What is to be said of sources that could not be looked at before others were.
    pub passed_over: Vec<String>,
    /// What ended the search: a source that was meant to be used and cannot be. To go on to the next
    /// would use another account.
    error: Option<Error>,
}

/// Looks at sources of one kind, for a profile where they have some: what each is called, and what it holds.
type Look = fn(&Sources, Option<&str>) -> Vec<(String, Result<Held>)>;

/// A profile that is meant.
struct Chosen<'a> {
    name: &'a str,
    /// Where it is named, if not by hand.
    by: Option<String>,
    /// Whether it is an error that no file has it.
    must: bool,
}

/// The environment's names by the vendor's generations, newest first.
const PREFIXES: [&str; 3] = ["ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD"];

/// The variable that names a profile of the vendor's files, and the profile.
pub(crate) fn chosen_by(env: &BTreeMap<String, String>) -> Option<(String, &str)> {
    let variables = PREFIXES.iter().map(|prefix| format!("{prefix}_PROFILE"));
    variables.filter_map(|variable| Some((meant(env.get(&variable)?)?, variable))).map(|(name, by)| (by, name)).next()
}

/// Whether jst reads an environment variable of this name.
pub(crate) fn is_variable(name: &str) -> bool {
    PREFIXES.iter().chain(&["JST"]).any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_')))
}

impl Sources {
    /// Looks at every source in order and takes the first that holds credentials. What is wrong with a
    /// source before it ends the search, and [`Found::require`] says so; what is wrong with a later one
    /// only stands in the trace.
    pub(crate) fn find(&self) -> Found {
        let mut found = Found::default();
        let chosen = self.chosen();
        for (look, profile) in self.order(chosen.as_ref()) {
            for (source, held) in look(self, profile) {
                found.take(source, held);
            }
        }
        found.finish();
        if let (Some(Chosen { name, by, must: true }), None) = (chosen, &found.way) {
            let by = by.map(|place| format!(", which {place} names")).unwrap_or_default();
            let missing = Error::new(Kind::Config, format!("there is no usable profile `{name}`{by}"));
            let missing = match nearest(name, self.profiles().iter().map(String::as_str)) {
                Some(near) if near != name => missing.hint(format!("did you mean `{near}`?")),
                _ => missing,
            };
            let looked = format!("looked at: {}", found.describe());
            found.error.get_or_insert(missing.hint(looked));
        }
        found
    }

    /// The profiles of all files, as far as these can be read.
    pub(crate) fn profiles(&self) -> Vec<String> {
        let mut names = self.config.as_ref().map(|config| config.profiles.clone()).unwrap_or_default();
        if let Ok(home) = self.home() {
            let path = home.join(".aliyun/config.json");
            let file = aliyun_cli::Profiles::read(&path, self.commands()).ok().flatten();
            names.extend(file.iter().flat_map(aliyun_cli::Profiles::names));
        }
        names.extend(self.ini_paths().unwrap_or_default().iter().flat_map(|path| ini::profiles(path)));
        names
    }

    /// Where is looked, in order, and for which profile there.
    fn order<'a>(&self, chosen: Option<&Chosen<'a>>) -> Vec<(Look, Option<&'a str>)> {
        let name = chosen.map(|chosen| chosen.name);
        let files = |name| [(Self::command_line_file as Look, name), (Self::ini_files as Look, name)];
        let mut order: Vec<(Look, Option<&str>)> = vec![(Self::flags, None)];
        let by_hand = self.profile.is_some();
        if !by_hand {
            order.extend([(Self::environment as Look, None), (Self::oidc, None)]);
        }
        order.push((Self::configured, None));
        order.extend(files(name));
        if chosen.is_some_and(|chosen| !chosen.must) {
            if by_hand {
                order.extend([(Self::environment as Look, None), (Self::oidc, None)]);
            }
            order.extend(files(None));
        }
        // A profile that must be there is somewhere else.
        if !chosen.is_some_and(|chosen| chosen.must) {
            order.extend([(Self::metadata as Look, None), (Self::uri, None)]);
        }
        order
    }

    /// The profile of the vendor's files that is meant.
    fn chosen(&self) -> Option<Chosen<'_>> {
        let config = self.config.as_ref();
        if let Some((place, Meant::Profile(name))) = config.and_then(|config| config.meant.as_ref()) {
            return Some(Chosen { name, by: Some(place.clone()), must: true });
        }
        // A profile of the settings that says nothing of who signs leaves that open.
        let must = !config.is_some_and(|config| config.is_profile);
        let by_hand = self.profile.as_deref().map(|name| (None, name));
        let by_variable = || chosen_by(&self.env).map(|(variable, name)| (Some(variable), name));
        let by_file = || config?.chosen.as_ref().map(|(name, place)| (Some(place.clone()), name.as_str()));
        by_hand.or_else(by_variable).or_else(by_file).map(|(by, name)| Chosen { name, by, must })
    }

    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).and_then(|value| meant(value))
    }

    fn flags(&self, _: Option<&str>) -> Vec<(String, Result<Held>)> {
        let [id, secret, token] = self.flags.each_ref().map(Option::as_deref);
        let names = ["--access-key-id", "--access-key-secret"];
        vec![("flags".to_owned(), held(id, secret, token, names, "not given"))]
    }

    fn environment(&self, _: Option<&str>) -> Vec<(String, Result<Held>)> {
        let look = |prefix| {
            let name = |end: &str| format!("{prefix}_{end}");
            let names = ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"].map(name);
            let [id, secret, token] = names.each_ref().map(|name| self.var(name));
            let [id_name, secret_name, token_name] = names.each_ref().map(String::as_str);
            let held = match names.iter().find(|name| self.not_text.contains(*name)) {
                Some(name) => Err(Error::new(Kind::Credentials, format!("{name} is not UTF-8 text"))),
                None if token.is_some() && id.is_none() && secret.is_none() => {
                    Err(token_alone(token_name, &format!("{id_name} and {secret_name}")))
                }
                None => held(id, secret, token, [id_name, secret_name], "not set"),
            };
            let is_older = matches!(prefix, "ALIBABACLOUD" | "ALICLOUD");
            let held = held.map(|held| if is_older { held.by_older_names() } else { held });
            (format!("environment {prefix}_*"), held)
        };
        // Ours first: they are meant for nobody else. Most have none.
        let ours = ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"].map(|end| format!("JST_{end}"));
        let is_set = |name: &String| self.var(name).is_some() || self.not_text.contains(name);
        let ours = ours.iter().any(is_set).then_some("JST");
        ours.into_iter().chain(PREFIXES).map(look).collect()
    }

    /// The file of settings.
    fn configured(&self, _: Option<&str>) -> Vec<(String, Result<Held>)> {
        let Some(config) = &self.config else { return Vec::new() };
        let profile = config.chosen.as_ref().filter(|_| config.is_profile);
        let name = profile.map_or("defaults", |(name, _)| name);
        let [id, secret, token] = config.access_key.each_ref().map(Option::as_deref);
        let held = match &config.meant {
            Some((place, Meant::Given(map))) => {
                self.given(map, name, &config.file).map_err(|error| error.hint(format!("see {place}")))
            }
            _ => {
                let nothing = "names no access key of its own";
                held(id, secret, token, ["access_key_id", "access_key_secret"], nothing)
            }
        };
        let held = held.map(|held| match held {
            Held::Way(way, beside) => {
                let name = profile.map(|(name, _)| name.clone());
                Held::Way(way, Profile { name, file: None, ..beside })
            }
            other => other,
        });
        vec![(format!("{} {name}", config.file), held)]
    }

    /// A profile that stands in a file of settings, and may refer to those of the vendor's.
    fn given(&self, map: &Map<String, Value>, name: &str, file: &str) -> Result<Held> {
        let path = self.home.as_ref().map(|home| home.join(".aliyun/config.json")).unwrap_or_else(|| file.into());
        let others = match map.contains_key("source_profile") {
            true => aliyun_cli::Profiles::read(&path, self.commands())?,
            false => None,
        };
        let others = others.unwrap_or_else(|| aliyun_cli::Profiles::none(&path, self.commands()));
        aliyun_cli::in_profile(map, name, &others)
    }

    /// Whether a profile may run a command.
    fn commands(&self) -> bool {
        !self.is_yes("ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS")
    }

    fn is_yes(&self, name: &str) -> bool {
        self.var(name).is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes"))
    }

    /// The role of a service account: all three variables or none.
    fn oidc(&self, _: Option<&str>) -> Vec<(String, Result<Held>)> {
        let names = ["OIDC_TOKEN_FILE", "ROLE_ARN", "OIDC_PROVIDER_ARN"].map(|end| format!("ALIBABA_CLOUD_{end}"));
        let [file, arn, provider] = names.each_ref().map(|name| self.var(name));
        let held = match (file, arn, provider) {
            (None, None, None) => Held::nothing("not set"),
            (Some(file), Some(arn), Some(provider)) => {
                let session = self.var("ALIBABA_CLOUD_ROLE_SESSION_NAME").map(str::to_owned);
                let role = Role { arn: arn.to_owned(), session, ..Role::default() };
                let way = Way::Oidc { role, provider_arn: provider.to_owned(), token_file: file.into() };
                Ok(Held::Way(way, Profile::default()))
            }
            _ => {
                let named = |set: bool| {
                    let of = |name: &&String| self.var(name.as_str()).is_some() == set;
                    names.iter().filter(of).map(String::as_str).collect::<Vec<_>>().join(" and ")
                };
                let verb = |list: &str| if list.contains(" and ") { "are" } else { "is" };
                let (given, missing) = (named(true), named(false));
                let why =
                    format!("half a credential: {given} {} given, {missing} {} missing", verb(&given), verb(&missing));
                Err(Error::new(Kind::Credentials, why).hint("give all three, or none"))
            }
        };
        vec![("environment ALIBABA_CLOUD_OIDC_*".to_owned(), held)]
    }

    /// The machine itself, which is asked when nothing else is left.
    fn metadata(&self, _: Option<&str>) -> Vec<(String, Result<Held>)> {
        let role = self.var("ALIBABA_CLOUD_ECS_METADATA").map(str::to_owned);
        let wanted = Metadata { role };
        let held = if self.is_yes("ALIBABA_CLOUD_ECS_METADATA_DISABLED") {
            Held::nothing("ALIBABA_CLOUD_ECS_METADATA_DISABLED says so")
        } else if wanted.role.is_some() {
            Ok(Held::Way(Way::Metadata(wanted), Profile::default()))
        } else {
            Ok(Held::Way(Way::IfOnEcs(wanted, None), Profile::default()))
        };
        vec![("ECS metadata".to_owned(), held)]
    }

    fn uri(&self, _: Option<&str>) -> Vec<(String, Result<Held>)> {
        let held = match self.var("ALIBABA_CLOUD_CREDENTIALS_URI") {
            Some(uri) => Ok(Held::Way(Way::Uri(uri.to_owned()), Profile::default())),
            None => Held::nothing("not set"),
        };
        vec![("environment ALIBABA_CLOUD_CREDENTIALS_URI".to_owned(), held)]
    }

    /// The vendor command line's own file.
    fn command_line_file(&self, chosen: Option<&str>) -> Vec<(String, Result<Held>)> {
        let home = match self.home() {
            Ok(home) => home,
            Err(why) => return vec![("~/.aliyun/config.json".to_owned(), Ok(*why))],
        };
        let path = home.join(".aliyun/config.json");
        if self.is_yes("ALIBABA_CLOUD_CLI_PROFILE_DISABLED") {
            let why = "ALIBABA_CLOUD_CLI_PROFILE_DISABLED says so";
            return vec![(path.display().to_string(), Held::nothing(why))];
        }
        let mut source = path.display().to_string();
        let held = aliyun_cli::file(&path, chosen, self.commands(), &mut source);
        vec![(source, held)]
    }

    fn ini_files(&self, chosen: Option<&str>) -> Vec<(String, Result<Held>)> {
        let paths = match self.ini_paths() {
            Ok(paths) => paths,
            Err(why) => return vec![("~/.alibabacloud/credentials".to_owned(), Ok(*why))],
        };
        let chosen = chosen.unwrap_or("default");
        let is_named = self.var("ALIBABA_CLOUD_CREDENTIALS_FILE").is_some();
        let look = |path: &PathBuf| {
            let mut source = path.display().to_string();
            let held = match ini::file(path, chosen, &mut source) {
                // A file that is named is meant.
                Ok(Held::Nothing(_)) if is_named && !path.exists() => Err(Error::new(
                    Kind::Config,
                    format!("ALIBABA_CLOUD_CREDENTIALS_FILE names {}, which is not there", path.display()),
                )
                .hint("name the file that is meant, or unset the variable")),
                held => held,
            };
            (source, held)
        };
        paths.iter().map(look).collect()
    }

    fn ini_paths(&self) -> std::result::Result<Vec<PathBuf>, Box<Held>> {
        if let Some(named) = self.var("ALIBABA_CLOUD_CREDENTIALS_FILE") {
            return Ok(vec![PathBuf::from(named)]);
        }
        let folder = self.home()?.join(".alibabacloud");
        Ok(["credentials", "credentials.ini"].map(|name| folder.join(name)).into())
    }

    /// The home folder, or why there is none to look in.
    fn home(&self) -> std::result::Result<&Path, Box<Held>> {
        let home = self.home.as_deref().ok_or_else(|| Box::new(Held::Nothing("no home folder".into())))?;
        // Something in it, so that a file is noticed, and a folder that may not be entered.
        match home.join(".").metadata() {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Box::new(Held::PassedOver(format!("the home folder {} cannot be used: {error}", home.display()))))
            }
            _ => Ok(home),
        }
    }
}

impl Found {
    fn take(&mut self, source: String, held: Result<Held>) {
        let taken = self.way.is_some() || self.error.is_some();
        let (result, used) = match held {
            Ok(Held::Nothing(why)) => (why.into_owned(), false),
            Ok(Held::PassedOver(why)) => {
                if !taken {
                    self.passed_over.push(format!("{source} was passed over: {why}"));
                }
                (why, false)
            }
            Err(error) => {
                let result = error.message.clone();
                if !taken {
                    self.error = Some(error.hint(format!("in {source}")));
                }
                (result, false)
            }
            Ok(Held::Way(way, profile)) => {
                let older = if profile.is_older { ", by an older name of the vendor's" } else { "" };
                let result = way.describe() + older + self.why_not();
                match &mut self.way {
                    // Whoever the machine is was only to be asked: there is something else, should it be nobody.
                    Some(Way::IfOnEcs(_, otherwise @ None)) => *otherwise = Some(Box::new(way)),
                    None if !taken => {
                        let holds_secret = way.holds_secret();
                        self.way = Some(way);
                        self.profile = profile.name;
                        self.region = profile.region;
                        self.endpoint = profile.endpoint;
                        self.exposed = profile.file.filter(|path| holds_secret && files::is_open(path));
                    }
                    _ => {}
                }
                (result, !taken)
            }
        };
        self.trace.push(Tried { source, result, used });
    }

    /// Why a source that has something is not the one that signs.
    fn why_not(&self) -> &'static str {
        match (&self.error, &self.way) {
            (Some(_), _) => "; not used, as an earlier source cannot be",
            (_, Some(Way::IfOnEcs(_, None))) => "; used if the machine has no role",
            (_, Some(_)) => "; not used, as an earlier source is",
            (None, None) => "",
        }
    }

    fn describe(&self) -> String {
        let tried: Vec<String> = self.trace.iter().map(|t| format!("{} ({})", t.source, t.result)).collect();
        tried.join("; ")
    }

    /// Nobody knows yet whether the machine is somebody.
    fn finish(&mut self) {
        if let Some(Way::IfOnEcs(_, None)) = self.way {
            self.trace.iter_mut().for_each(|tried| tried.used = false);
        }
    }

    /// The access key that is known without the network.
    pub(crate) fn key(&self) -> Option<&Credentials> {
        self.way.as_ref().and_then(Way::key)
    }

    /// The way of signing in, or what to do to have one. It may turn out to be none only on the way.
    ///
    /// # Errors
    /// `credentials` for half a credential, for a profile of a kind that cannot be used, and when there is no
    /// way at all; `config` for a file that cannot be read, or a profile that is meant and not there.
    pub(crate) fn require(&self) -> Result<&Way> {
        match (&self.error, &self.way) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(way)) => Ok(way),
            (None, None) => Err(nobody().hint(format!("looked at: {}", self.describe()))),
        }
    }

    /// The way of signing in, where one is known without the network.
    ///
    /// # Errors
    /// As [`Found::require`]; `credentials` also where only the machine itself can be asked.
    pub(crate) fn known(&self) -> Result<&Way> {
        match self.require()? {
            Way::IfOnEcs(_, None) => Err(nobody().hint(format!("looked at: {}", self.describe()))),
            way => Ok(way),
        }
    }
}

/// There is nobody to sign.
pub(super) fn nobody() -> Error {
    Error::new(Kind::Credentials, "there are no credentials")
        .hint("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
        .hint("or try without an account: --sim")
}
