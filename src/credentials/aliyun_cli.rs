//! `~/.aliyun/config.json`: the vendor command line's own file, and what a profile of it means.

use std::path::Path;

use serde_json::{Map, Value};

use super::source::{Held, Profile, half, held, meant, read, unsupported};
use super::way::{Metadata, Role, Way};
use crate::error::{Error, Kind, Result};
use crate::suggest;

/// The profiles of a file.
pub(super) struct Profiles<'a> {
    path: &'a Path,
    current: Option<String>,
    profiles: Vec<Value>,
    /// Whether commands may be run.
    commands: bool,
}

impl<'a> Profiles<'a> {
    /// Reads a file; `None` where there is none.
    ///
    /// # Errors
    /// `config` for a file that is none of these.
    pub(super) fn read(path: &'a Path, commands: bool) -> Result<Option<Self>> {
        let Some(text) = read(path)? else { return Ok(None) };
        let malformed = |why: String| malformed(path, &why);
        let json: Value = serde_json::from_str(&text).map_err(|error| malformed(format!("not JSON: {error}")))?;
        let current = match json.get("current") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => meant(name).map(str::to_owned),
            Some(_) => return Err(malformed("`current` is no text".to_owned())),
        };
        let profiles = json.get("profiles").and_then(Value::as_array).cloned();
        let profiles = profiles.ok_or_else(|| malformed("there is no list `profiles`".to_owned()))?;
        Ok(Some(Self { path, current, profiles, commands }))
    }

    /// No file at all: a profile that stands elsewhere and refers to none.
    pub(super) fn none(path: &'a Path, commands: bool) -> Self {
        Self { path, current: None, profiles: Vec::new(), commands }
    }

    /// What they are called.
    pub(super) fn names(&self) -> Vec<String> {
        self.profiles.iter().filter_map(|profile| profile.get("name")?.as_str().map(str::to_owned)).collect()
    }

    fn named(&self, name: &str) -> Option<&Map<String, Value>> {
        let has_name = |profile: &&Value| profile.get("name").and_then(Value::as_str) == Some(name);
        self.profiles.iter().find(has_name).and_then(Value::as_object)
    }
}

fn malformed(path: &Path, why: &str) -> Error {
    Error::new(Kind::Config, format!("{}: {why}", path.display())).hint("mend the file, or move it away")
}

/// What the chosen profile of the file holds; its name is added to the source's.
pub(super) fn file(path: &Path, chosen: Option<&str>, commands: bool, source: &mut String) -> Result<Held> {
    let Some(profiles) = Profiles::read(path, commands)? else {
        return Held::nothing("no such file");
    };
    let current = profiles.current.as_deref();
    let name = chosen.or(current).unwrap_or("default");
    source.push_str(&format!(" profile {name}"));
    match profiles.named(name) {
        Some(profile) => Ok(match in_profile(profile, name, &profiles)? {
            Held::Way(way, beside) => Held::Way(way, Profile { file: Some(path.to_owned()), ..beside }),
            other => other,
        }),
        None if chosen.is_none() && current.is_some() => {
            Err(malformed(path, &format!("`current` names the profile `{name}`, which is not there")))
        }
        None => Held::nothing("no such profile"),
    }
}

/// What a profile means. Those that it refers to are sought among `others`.
pub(super) fn in_profile(profile: &Map<String, Value>, name: &str, others: &Profiles<'_>) -> Result<Held> {
    let text = |key: &str| profile.get(key).and_then(Value::as_str).and_then(meant);
    let beside = Profile {
        name: Some(name.to_owned()),
        region: text("region_id").map(str::to_owned),
        endpoint: text("endpoint").map(str::to_owned),
        ..Profile::default()
    };
    let mut seen = Vec::new();
    Ok(match way(profile, name, others, &mut seen)? {
        Some(way) => Held::Way(way, beside),
        None => Held::Nothing("the profile is empty".into()),
    })
}

/// Looks at a profile that stands elsewhere than in the file of the command line, where every key is one that is read.
///
/// # Errors
/// `config` for a key that is not, and what [`in_profile`] would say.
pub(super) fn check(profile: &Map<String, Value>, name: &str) -> Result<()> {
    let known = || TEXTS.iter().chain(&OTHERS).copied();
    if let Some(key) = profile.keys().find(|key| !known().any(|known| known == *key)) {
        let error = Error::new(Kind::Config, format!("`credentials` has no `{key}`"));
        return Err(match suggest::nearest(key, known()) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint(format!("it has {}", known().collect::<Vec<_>>().join(", "))),
        });
    }
    match profile.get("source_profile").and_then(Value::as_str) {
        Some(source) if source == name => {
            let message = format!("profile {name} refers to itself as source_profile");
            Err(Error::new(Kind::Config, message).hint("name a profile that has credentials of its own"))
        }
        // Whether it is there shows where it is used.
        Some(_) => Ok(()),
        None => in_profile(profile, name, &Profiles::none(Path::new(""), true)).map(drop),
    }
}

/// Keys whose values are texts.
const TEXTS: [&str; 18] = [
    "mode",
    "access_key_id",
    "access_key_secret",
    "sts_token",
    "ram_role_arn",
    "ram_role_name",
    "ram_session_name",
    "role_session_name",
    "external_id",
    "policy",
    "source_profile",
    "process_command",
    "credentials_uri",
    "oidc_provider_arn",
    "oidc_token_file",
    "region_id",
    "sts_region",
    "endpoint",
];

/// The other keys that are read.
const OTHERS: [&str; 2] = ["expired_seconds", "enable_vpc"];

/// One profile while it is read.
struct Reader<'a> {
    profile: &'a Map<String, Value>,
    name: &'a str,
    mode: &'a str,
}

impl<'a> Reader<'a> {
    fn text(&self, key: &str) -> Option<&'a str> {
        self.profile.get(key).and_then(Value::as_str).and_then(meant)
    }

    fn owned(&self, key: &str) -> Option<String> {
        self.text(key).map(str::to_owned)
    }

    fn wrong(&self, why: &str) -> Error {
        Error::new(Kind::Credentials, format!("profile {}: {why}", self.name)).hint("mend the profile")
    }

    fn needed(&self, key: &str) -> Result<String> {
        self.owned(key).ok_or_else(|| self.wrong(&format!("mode {} needs {key}, which is missing", self.mode)))
    }

    /// Each field is what it should be.
    fn check(&self) -> Result<()> {
        let is_wrong =
            |key: &&&str| self.profile.get(**key).is_some_and(|value| !value.is_string() && !value.is_null());
        match TEXTS.iter().find(is_wrong) {
            Some(key) => {
                let message = format!("profile {}: {key} is no text", self.name);
                Err(Error::new(Kind::Config, message).hint("write it in quotes"))
            }
            None => Ok(()),
        }
    }

    fn role(&self) -> Result<Role> {
        let duration = match self.profile.get("expired_seconds") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_u64().and_then(|seconds| u32::try_from(seconds).ok()) {
                Some(0) => None,
                Some(seconds @ 900..=43_200) => Some(seconds),
                _ => return Err(self.wrong("expired_seconds is a number from 900 to 43200")),
            },
        };
        Ok(Role {
            arn: self.needed("ram_role_arn")?,
            session: self.owned("ram_session_name").or_else(|| self.owned("role_session_name")),
            external_id: self.owned("external_id"),
            policy: self.owned("policy"),
            duration,
            region: self.owned("sts_region"),
            vpc: self.profile.get("enable_vpc").and_then(Value::as_bool) == Some(true),
        })
    }

    fn key(&self) -> Result<Option<Way>> {
        let names = ["access_key_id", "access_key_secret"];
        let [id, secret] = names.map(|name| self.text(name));
        let token = self.text("sts_token").filter(|_| self.mode != "AK");
        Ok(match held(id, secret, token, names, "")? {
            Held::Way(way, _) => Some(way),
            _ => None,
        })
    }
}

/// The way of signing in that a profile means; `None` where it is empty. `seen` are those that referred to it.
fn way(profile: &Map<String, Value>, name: &str, others: &Profiles<'_>, seen: &mut Vec<String>) -> Result<Option<Way>> {
    let mode = profile.get("mode").and_then(Value::as_str).and_then(meant).unwrap_or("AK");
    let reader = Reader { profile, name, mode };
    reader.check()?;
    let metadata = || Metadata { role: reader.owned("ram_role_name") };
    Ok(Some(match mode {
        "AK" => return reader.key(),
        "StsToken" => {
            if reader.text("sts_token").is_none() {
                return Err(half("access_key_id", "sts_token"));
            }
            return reader.key();
        }
        "RamRoleArn" => {
            let base = reader.key()?;
            let base = base.ok_or_else(|| reader.wrong("mode RamRoleArn needs access_key_id, which is missing"))?;
            Way::Role(Box::new(base), reader.role()?)
        }
        "ChainableRamRoleArn" => {
            let role = reader.role()?;
            Way::Role(Box::new(source(&reader, others, seen)?), role)
        }
        "RamRoleArnWithRoleName" => Way::Role(Box::new(Way::Metadata(metadata())), reader.role()?),
        "EcsRamRole" => Way::Metadata(metadata()),
        "OIDC" => Way::Oidc {
            role: reader.role()?,
            provider_arn: reader.needed("oidc_provider_arn")?,
            token_file: reader.needed("oidc_token_file")?.into(),
        },
        "CredentialsURI" => Way::Uri(reader.needed("credentials_uri")?),
        "External" if !others.commands => {
            return Err(reader.wrong("runs a command, which ALIBABA_CLOUD_DISABLE_EXTERNAL_PROCESS forbids"));
        }
        "External" => Way::External(reader.needed("process_command")?),
        mode => return Err(unsupported(mode)),
    }))
}

/// The way of the profile that another refers to.
fn source(reader: &Reader<'_>, others: &Profiles<'_>, seen: &mut Vec<String>) -> Result<Way> {
    let next = reader.needed("source_profile")?;
    seen.push(reader.name.to_owned());
    if seen.contains(&next) {
        let why = match seen.len() {
            1 => format!("profile {next} refers to itself as its source_profile"),
            _ => format!("these profiles refer to each other in a ring: {} → {next}", seen.join(" → ")),
        };
        return Err(malformed(others.path, &why));
    }
    let missing = || {
        let why = format!("profile {} refers to the profile `{next}`, which is not there", reader.name);
        malformed(others.path, &why)
    };
    let profile = others.named(&next).ok_or_else(missing)?;
    way(profile, &next, others, seen)?
        .ok_or_else(|| malformed(others.path, &format!("profile {next}, which {} refers to, is empty", reader.name)))
}
