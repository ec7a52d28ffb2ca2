//! Where credentials come from: flags, environment and the vendor's files, in the contract's order.
//!
//! Nothing here touches the network; `jst whoami` prints the [`Found::trace`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use configparser::ini::{Ini, IniDefault};
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::secret::{Secret, shortened};

/// What signs a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// The token of temporary credentials.
    pub security_token: Option<Secret>,
}

/// Where to look.
#[derive(Debug, Default)]
pub struct Sources {
    /// Id, secret and token given as flags.
    pub flags: [Option<String>; 3],
    /// The environment.
    pub env: BTreeMap<String, String>,
    /// The home folder; a missing one is no error.
    pub home: Option<PathBuf>,
    /// A profile given by hand, which outranks the environment.
    pub profile: Option<String>,
}

/// One source that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// What it is: "environment", a file and its profile.
    pub source: String,
    /// What was there, secrets masked.
    pub result: String,
    /// Whether it is the one in use.
    pub used: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// The credentials in use, if any.
    pub credentials: Option<Credentials>,
    /// Every source in the order it was looked at.
    pub trace: Vec<Tried>,
    /// The profile in use, where one was.
    pub profile: Option<String>,
    /// The region that the profile names.
    pub region: Option<String>,
    /// The endpoint that the profile names.
    pub endpoint: Option<String>,
    /// What ended the search: a source that was meant to be used and cannot be. To go on to the next
    /// would use another account.
    error: Option<Error>,
}

/// What a source holds.
enum Held {
    Nothing(&'static str),
    Credentials(Credentials, Profile),
}

/// What a profile says beside the credentials.
#[derive(Default)]
struct Profile {
    name: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
}

/// Looks at sources of one kind: what each is called, and what it holds.
type Look = fn(&Sources) -> Vec<(String, Result<Held>)>;

/// The environment's names by the vendor's generations, newest first.
const PREFIXES: [&str; 3] = ["ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD"];

/// Whether jst reads an environment variable of this name.
pub fn is_variable(name: &str) -> bool {
    PREFIXES.iter().chain(&["JST"]).any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('_')))
}

impl Sources {
    /// Looks at every source in order and takes the first that holds credentials. What is wrong with a
    /// source before it ends the search, and [`Found::require`] says so; what is wrong with a later one
    /// only stands in the trace.
    pub fn find(&self) -> Found {
        let mut found = Found::default();
        let order: &[Look] = match self.profile {
            Some(_) => &[Self::flags, Self::command_line_file, Self::ini_files],
            None => &[Self::flags, Self::environment, Self::command_line_file, Self::ini_files],
        };
        for look in order {
            for (source, held) in look(self) {
                found.take(source, held);
            }
        }
        if let (Some(name), None) = (&self.profile, &found.credentials) {
            let missing = Error::new(Kind::Config, format!("there is no usable profile `{name}`"))
                .hint(format!("looked at: {}", found.describe()));
            found.error.get_or_insert(missing);
        }
        found
    }

    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    fn flags(&self) -> Vec<(String, Result<Held>)> {
        let [id, secret, token] = self.flags.each_ref().map(Option::as_deref);
        let names = ["--access-key-id", "--access-key-secret"];
        vec![("flags".to_owned(), held(id, secret, token, names, "not given"))]
    }

    fn environment(&self) -> Vec<(String, Result<Held>)> {
        let look = |prefix| {
            let name = |end: &str| format!("{prefix}_{end}");
            let [id, secret, token] =
                ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"].map(|end| self.var(&name(end)));
            let names = [name("ACCESS_KEY_ID"), name("ACCESS_KEY_SECRET")];
            let held = held(id, secret, token, [&names[0], &names[1]], "not set");
            (format!("environment {prefix}_*"), held)
        };
        PREFIXES.into_iter().map(look).collect()
    }

    /// The vendor command line's own file.
    fn command_line_file(&self) -> Vec<(String, Result<Held>)> {
        let Some(home) = &self.home else {
            return vec![("~/.aliyun/config.json".to_owned(), Ok(Held::Nothing("no home folder")))];
        };
        let path = home.join(".aliyun/config.json");
        let mut source = path.display().to_string();
        let held = self.json_file(&path, &mut source);
        vec![(source, held)]
    }

    /// What the chosen profile of the file holds; its name is added to the source's.
    fn json_file(&self, path: &Path, source: &mut String) -> Result<Held> {
        let Some(text) = read(path)? else {
            return Ok(Held::Nothing("no such file"));
        };
        let malformed = |why: String| {
            Error::new(Kind::Config, format!("{}: {why}", path.display())).hint("mend the file, or move it away")
        };
        let json: Value = serde_json::from_str(&text).map_err(|error| malformed(format!("not JSON: {error}")))?;
        let chosen = self
            .profile
            .as_deref()
            .or_else(|| self.var("ALIBABA_CLOUD_PROFILE"))
            .or_else(|| json.get("current")?.as_str())
            .unwrap_or("default");
        let profiles = json.get("profiles").and_then(Value::as_array);
        let profiles = profiles.ok_or_else(|| malformed("there is no list `profiles`".to_owned()))?;
        source.push_str(&format!(" profile {chosen}"));
        match profiles.iter().find(|p| p.get("name").and_then(Value::as_str) == Some(chosen)) {
            None => Ok(Held::Nothing("no such profile")),
            Some(profile) => json_profile(profile, chosen),
        }
    }

    fn ini_files(&self) -> Vec<(String, Result<Held>)> {
        let named = self.var("ALIBABA_CLOUD_CREDENTIALS_FILE").map(PathBuf::from);
        let in_home = |name: &str| self.home.as_ref().map(|home| home.join(".alibabacloud").join(name));
        let paths: Vec<PathBuf> = match named {
            Some(path) => vec![path],
            None => [in_home("credentials"), in_home("credentials.ini")].into_iter().flatten().collect(),
        };
        if paths.is_empty() {
            return vec![("~/.alibabacloud/credentials".to_owned(), Ok(Held::Nothing("no home folder")))];
        }
        let chosen = self.profile.as_deref().or_else(|| self.var("ALIBABA_CLOUD_PROFILE")).unwrap_or("default");
        let look = |path: &PathBuf| {
            let mut source = path.display().to_string();
            let held = ini_file(path, chosen, &mut source);
            (source, held)
        };
        paths.iter().map(look).collect()
    }
}

/// Credentials from their parts. Half of them is an error: to go on to the next source would use
/// another account than was meant.
fn held(
    id: Option<&str>,
    secret: Option<&str>,
    token: Option<&str>,
    names: [&str; 2],
    nothing: &'static str,
) -> Result<Held> {
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Held::Credentials(
            Credentials {
                access_key_id: id.to_owned(),
                secret: Secret::new(secret),
                security_token: token.filter(|token| !token.is_empty()).map(Secret::new),
            },
            Profile::default(),
        )),
        (None, None) => Ok(Held::Nothing(nothing)),
        (Some(_), None) => Err(half(names[0], names[1])),
        (None, Some(_)) => Err(half(names[1], names[0])),
    }
}

fn half(given: &str, missing: &str) -> Error {
    Error::new(Kind::Credentials, format!("half a credential: {given} is given, {missing} is missing"))
        .hint("give both, or neither")
}

fn unsupported(kind: &str) -> Error {
    Error::new(Kind::Credentials, format!("{kind}: this kind of credentials is not supported"))
}

fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(Kind::Config, format!("cannot read {}: {error}", path.display()))
            .hint("make it readable, or move it away")),
    }
}

fn json_profile(profile: &Value, name: &str) -> Result<Held> {
    let text = |key: &str| profile.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    let beside = Profile {
        name: Some(name.to_owned()),
        region: text("region_id").map(str::to_owned),
        endpoint: text("endpoint").map(str::to_owned),
    };
    match text("mode").unwrap_or("AK") {
        mode @ ("AK" | "StsToken") => {
            let names = ["access_key_id", "access_key_secret"];
            let token = text("sts_token").filter(|_| mode == "StsToken");
            if mode == "StsToken" && token.is_none() {
                return Err(half("access_key_id", "sts_token"));
            }
            let [id, secret] = names.map(text);
            Ok(match held(id, secret, token, names, "the profile is empty")? {
                Held::Credentials(credentials, _) => Held::Credentials(credentials, beside),
                other => other,
            })
        }
        mode => Err(unsupported(mode)),
    }
}

/// What the chosen profile of a file holds; its name is added to the source's.
fn ini_file(path: &Path, chosen: &str, source: &mut String) -> Result<Held> {
    let Some(text) = read(path)? else {
        return Ok(Held::Nothing("no such file"));
    };
    let mut rules = IniDefault::default();
    // A `#` or `;` inside a secret is part of the secret.
    rules.inline_comment_symbols = Some(Vec::new());
    rules.comment_symbols = vec!['#', ';'];
    rules.delimiters = vec!['='];
    rules.case_sensitive = true;
    let mut ini = Ini::new_from_defaults(rules);
    ini.read(text).map_err(|why| {
        Error::new(Kind::Config, format!("{}: {why}", path.display())).hint("mend the file, or move it away")
    })?;
    source.push_str(&format!(" profile {chosen}"));
    if !ini.sections().iter().any(|section| section == chosen) {
        return Ok(Held::Nothing("no such profile"));
    }
    let text = |key: &str| ini.get(chosen, key).filter(|value| !value.is_empty());
    let kind = text("type").unwrap_or_else(|| "access_key".to_owned());
    if !matches!(kind.as_str(), "access_key" | "sts") {
        return Err(unsupported(&kind));
    }
    let [id, secret] = ["access_key_id", "access_key_secret"].map(text);
    let token = text("security_token").or_else(|| text("sts_token"));
    let names = ["access_key_id", "access_key_secret"];
    let held = held(id.as_deref(), secret.as_deref(), token.as_deref(), names, "the profile is empty")?;
    Ok(match held {
        Held::Credentials(credentials, _) => {
            Held::Credentials(credentials, Profile { name: Some(chosen.to_owned()), ..Profile::default() })
        }
        other => other,
    })
}

impl Found {
    fn take(&mut self, source: String, held: Result<Held>) {
        let taken = self.credentials.is_some() || self.error.is_some();
        let (result, used) = match held {
            Ok(Held::Nothing(why)) => (why.to_owned(), false),
            Err(error) => {
                let result = error.message.clone();
                if !taken {
                    self.error = Some(error.hint(format!("in {source}")));
                }
                (result, false)
            }
            Ok(Held::Credentials(credentials, profile)) => {
                let token = if credentials.security_token.is_some() { " with a security token" } else { "" };
                let result = format!("access key {}{token}", shortened(&credentials.access_key_id));
                if !taken {
                    self.credentials = Some(credentials);
                    self.profile = profile.name;
                    self.region = profile.region;
                    self.endpoint = profile.endpoint;
                }
                (result, !taken)
            }
        };
        self.trace.push(Tried { source, result, used });
    }

    fn describe(&self) -> String {
        let tried: Vec<String> = self.trace.iter().map(|t| format!("{} ({})", t.source, t.result)).collect();
        tried.join("; ")
    }

    /// What ended the search, if something did.
    ///
    /// # Errors
    /// `credentials` for half a credential, or for a profile of a kind that cannot be used; `config`
    /// for a file that cannot be read, or a profile asked for by hand that is not there.
    pub fn check(&self) -> Result<()> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// The credentials, or what to do to have some.
    ///
    /// # Errors
    /// As [`Found::check`]; `credentials` when there are none.
    pub fn require(&self) -> Result<&Credentials> {
        self.check()?;
        self.credentials.as_ref().ok_or_else(|| {
            Error::new(Kind::Credentials, "there are no credentials")
                .hint(format!("looked at: {}", self.describe()))
                .hint("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
                .hint("or try without an account: --sim")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    /// A home folder with these files.
    fn home(files: &[(&str, &str)]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = home.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        home
    }

    fn sources(home: &tempfile::TempDir, env: &[(&str, &str)], profile: Option<&str>) -> Sources {
        Sources {
            env: env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            home: Some(home.path().to_owned()),
            profile: profile.map(str::to_owned),
            ..Sources::default()
        }
    }

    const CONFIG: (&str, &str) = (
        ".aliyun/config.json",
        r#"{"current": "shop", "profiles": [
            {"name": "shop", "mode": "AK", "access_key_id": "shop-id", "access_key_secret": "fake", "region_id": "cn-x"},
            {"name": "sts", "mode": "StsToken", "access_key_id": "sts-id", "access_key_secret": "fake", "sts_token": "fake-token"},
            {"name": "role", "mode": "RamRoleArn"},
            {"name": "half", "mode": "AK", "access_key_id": "half-id"}]}"#,
    );
    const INI: (&str, &str) = (
        ".alibabacloud/credentials",
        "[default]\ntype = access_key\naccess_key_id = ini-id\naccess_key_secret = fa#ke;x=y\n[other]\ntype=ecs_ram_role\nrole_name=r\n",
    );
    const ENV: [(&str, &str); 2] =
        [("ALIBABA_CLOUD_ACCESS_KEY_ID", "env-id"), ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "fake")];

    #[test]
    fn sources_are_taken_in_the_contracts_order() {
        let files = home(&[CONFIG, INI]);
        let only_ini = home(&[INI]);
        let nothing = home(&[]);
        let table = [
            (sources(&files, &ENV, None), Some("env-id"), None),
            (sources(&files, &ENV, Some("shop")), Some("shop-id"), Some("shop")),
            (sources(&files, &[], None), Some("shop-id"), Some("shop")),
            (sources(&files, &[("ALIBABA_CLOUD_PROFILE", "sts")], None), Some("sts-id"), Some("sts")),
            (
                sources(&files, &[("ALICLOUD_ACCESS_KEY_ID", "old"), ("ALICLOUD_ACCESS_KEY_SECRET", "fake")], None),
                Some("old"),
                None,
            ),
            (sources(&only_ini, &[], None), Some("ini-id"), Some("default")),
            (sources(&nothing, &[], None), None, None),
            (Sources::default(), None, None),
        ];
        for (sources, id, profile) in table {
            let found = sources.find();
            assert_eq!(found.credentials.as_ref().map(|c| c.access_key_id.as_str()), id, "{sources:?}");
            assert_eq!(found.profile.as_deref(), profile, "{sources:?}");
        }
        let flags = Sources {
            flags: [Some("flag-id".into()), Some("fake".into()), None],
            ..sources(&files, &ENV, Some("shop"))
        };
        assert_eq!(flags.find().credentials.unwrap().access_key_id, "flag-id");
    }

    #[test]
    fn secrets_are_read_whole_and_tokens_are_kept() {
        let files = home(&[CONFIG, INI]);
        let ini = Sources {
            env: [("ALIBABA_CLOUD_CREDENTIALS_FILE".to_owned(), files.path().join(INI.0).display().to_string())].into(),
            ..Sources::default()
        };
        assert_eq!(ini.find().credentials.unwrap().secret.expose(), "fa#ke;x=y");
        let sts = sources(&files, &[], Some("sts")).find();
        assert_eq!(sts.credentials.unwrap().security_token, Some(Secret::new("fake-token")));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let files = home(&[CONFIG, INI]);
        let broken = home(&[(".aliyun/config.json", "{")]);
        let table = [
            (
                sources(&files, &[ENV[0]], None),
                Kind::Credentials,
                "half a credential: ALIBABA_CLOUD_ACCESS_KEY_ID is given, ALIBABA_CLOUD_ACCESS_KEY_SECRET is missing",
            ),
            (
                sources(&files, &[], Some("half")),
                Kind::Credentials,
                "half a credential: access_key_id is given, access_key_secret is missing",
            ),
            (sources(&files, &[], Some("nobody")), Kind::Config, "there is no usable profile `nobody`"),
            // Another file's profile of that name would be another account.
            (
                sources(&files, &[("ALIBABA_CLOUD_PROFILE", "role")], None),
                Kind::Credentials,
                "RamRoleArn: this kind of credentials is not supported",
            ),
            (
                sources(&files, &[], Some("role")),
                Kind::Credentials,
                "RamRoleArn: this kind of credentials is not supported",
            ),
        ];
        for (sources, kind, message) in table {
            let error = sources.find().require().unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (kind, message));
        }
        let error = sources(&broken, &[], None).find().require().unwrap_err();
        assert_eq!(error.kind, Kind::Config);
        assert!(error.message.contains("config.json: not JSON: EOF"), "{}", error.message);
        let none = Sources::default().find();
        assert_eq!(none.require().unwrap_err().kind, Kind::Credentials);
    }

    #[test]
    fn what_is_wrong_with_a_source_that_is_not_needed_does_no_harm() {
        let broken = home(&[(".aliyun/config.json", "{")]);
        let found = sources(&broken, &[ENV[0], ENV[1], ("ALICLOUD_ACCESS_KEY_ID", "stray")], None).find();
        assert_eq!(found.require().unwrap().access_key_id, "env-id");
        let said: Vec<&str> = found.trace.iter().map(|tried| tried.result.as_str()).collect();
        assert!(said[3].contains("half a credential") && said[4].contains("not JSON"), "{said:?}");
    }

    #[test]
    fn the_trace_shows_no_secret() {
        let files = home(&[CONFIG, INI]);
        let shown = format!("{:?}", sources(&files, &ENV, None).find());
        assert!(!shown.contains("fake"), "{shown}");
    }
}
