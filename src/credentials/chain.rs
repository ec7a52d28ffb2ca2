//! Every source in order: what each holds, and what ends the search.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::source::{Held, held, meant};
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
    /// Its variables whose values are no text.
    pub not_text: BTreeSet<String>,
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
    /// What is to be said of sources that could not be looked at before others were.
    pub passed_over: Vec<String>,
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
        if let (Some((by, name)), None) = (self.chosen(), &found.credentials) {
            let by = by.map(|variable| format!(", which {variable} names")).unwrap_or_default();
            let missing = Error::new(Kind::Config, format!("there is no usable profile `{name}`{by}"))
                .hint(format!("looked at: {}", found.describe()));
            found.error.get_or_insert(missing);
        }
        found
    }

    /// The profile that is meant, and the variable that names it where it was not given by hand.
    fn chosen(&self) -> Option<(Option<String>, &str)> {
        let by_hand = self.profile.as_deref().map(|name| (None, name));
        by_hand.or_else(|| {
            let variables = PREFIXES.iter().map(|prefix| format!("{prefix}_PROFILE"));
            variables.filter_map(|variable| self.var(&variable).map(|name| (Some(variable), name))).next()
        })
    }

    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).and_then(|value| meant(value))
    }

    fn flags(&self) -> Vec<(String, Result<Held>)> {
        let [id, secret, token] = self.flags.each_ref().map(Option::as_deref);
        let names = ["--access-key-id", "--access-key-secret"];
        vec![("flags".to_owned(), held(id, secret, token, names, "not given"))]
    }

    fn environment(&self) -> Vec<(String, Result<Held>)> {
        let look = |prefix| {
            let name = |end: &str| format!("{prefix}_{end}");
            let names = ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"].map(name);
            let [id, secret, token] = names.each_ref().map(|name| self.var(name));
            let [id_name, secret_name, _] = names.each_ref().map(String::as_str);
            let held = match names.iter().find(|name| self.not_text.contains(*name)) {
                Some(name) => Err(Error::new(Kind::Credentials, format!("{name} is not UTF-8 text"))),
                None => held(id, secret, token, [id_name, secret_name], "not set"),
            };
            (format!("environment {prefix}_*"), held)
        };
        // Ours first: they are meant for nobody else. Most have none.
        let ours = ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN"].map(|end| format!("JST_{end}"));
        let is_set = |name: &String| self.var(name).is_some() || self.not_text.contains(name);
        let ours = ours.iter().any(is_set).then_some("JST");
        ours.into_iter().chain(PREFIXES).map(look).collect()
    }

    /// The vendor command line's own file.
    fn command_line_file(&self) -> Vec<(String, Result<Held>)> {
        let home = match self.home() {
            Ok(home) => home,
            Err(why) => return vec![("~/.aliyun/config.json".to_owned(), Ok(*why))],
        };
        let path = home.join(".aliyun/config.json");
        let mut source = path.display().to_string();
        let held = aliyun_cli::file(&path, self.chosen().map(|(_, name)| name), &mut source);
        vec![(source, held)]
    }

    fn ini_files(&self) -> Vec<(String, Result<Held>)> {
        let paths = match (self.var("ALIBABA_CLOUD_CREDENTIALS_FILE"), self.home()) {
            (Some(named), _) => vec![PathBuf::from(named)],
            (None, Ok(home)) => {
                ["credentials", "credentials.ini"].map(|name| home.join(".alibabacloud").join(name)).into()
            }
            (None, Err(why)) => return vec![("~/.alibabacloud/credentials".to_owned(), Ok(*why))],
        };
        let chosen = self.chosen().map_or("default", |(_, name)| name);
        let look = |path: &PathBuf| {
            let mut source = path.display().to_string();
            let held = ini::file(path, chosen, &mut source);
            (source, held)
        };
        paths.iter().map(look).collect()
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
        let taken = self.credentials.is_some() || self.error.is_some();
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

    /// The credentials, or what to do to have some.
    ///
    /// # Errors
    /// `credentials` for half a credential, for a profile of a kind that cannot be used, and when there are
    /// none; `config` for a file that cannot be read, or a profile that is meant and not there.
    pub(crate) fn require(&self) -> Result<&Credentials> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        self.credentials.as_ref().ok_or_else(|| {
            Error::new(Kind::Credentials, "there are no credentials")
                .hint(format!("looked at: {}", self.describe()))
                .hint("set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
                .hint("or try without an account: --sim")
        })
    }
}
