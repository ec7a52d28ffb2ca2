//! Every source in order: what each holds, and what ends the search.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::source::{Held, held};
use super::{Credentials, aliyun_cli, ini};
use crate::error::{Error, Kind, Result};
use crate::secret::shortened;

/// Where to look.
#[derive(Debug, Default)]
pub(crate) struct Sources {
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

/// Looks at sources of one kind: what each is called, and what it holds.
type Look = fn(&Sources) -> Vec<(String, Result<Held>)>;

/// The environment's names by the vendor's generations, newest first.
const PREFIXES: [&str; 3] = ["ALIBABA_CLOUD", "ALIBABACLOUD", "ALICLOUD"];

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
        let chosen = self.profile.as_deref().or_else(|| self.var("ALIBABA_CLOUD_PROFILE"));
        let held = aliyun_cli::file(&path, chosen, &mut source);
        vec![(source, held)]
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
            let held = ini::file(path, chosen, &mut source);
            (source, held)
        };
        paths.iter().map(look).collect()
    }
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
    pub(crate) fn check(&self) -> Result<()> {
        self.error.clone().map_or(Ok(()), Err)
    }

    /// The credentials, or what to do to have some.
    ///
    /// # Errors
    /// As [`Found::check`]; `credentials` when there are none.
    pub(crate) fn require(&self) -> Result<&Credentials> {
        self.check()?;
        self.credentials.as_ref().ok_or_else(|| {
            Error::new(Kind::Credentials, "there are no credentials")
                .hint(format!("looked at: {}", self.describe()))
                .hint("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
                .hint("or try without an account: --sim")
        })
    }
}
