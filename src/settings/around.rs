//! What surrounds the process: its environment, and whether a person sits at its streams.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::error::{Kind, Result};
use crate::files;
use crate::system;

/// What surrounds the process, taken in once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surroundings {
    /// The environment's variables whose values are text.
    pub env: BTreeMap<String, String>,
    /// The names of its other variables.
    pub not_text: BTreeSet<String>,
    /// Whether stdin, stdout and stderr are terminals.
    pub terminal: [bool; 3],
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        use std::io::IsTerminal as _;
        let (mut env, mut not_text) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in std::env::vars_os() {
            // A name that is no text is none that jst or a script knows.
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(env.insert(name, value)),
                Err(_) => drop(not_text.insert(name)),
            }
        }
        Self {
            env,
            not_text,
            terminal: [
                std::io::stdin().is_terminal(),
                std::io::stdout().is_terminal(),
                std::io::stderr().is_terminal(),
            ],
        }
    }

    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        self.env.get(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// The home folder; `None` where there is none.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.path("HOME").or_else(|| self.path("USERPROFILE"))
    }

    /// Where state that outlives a run is kept, as far as the environment and the password file say; or why there is no
    /// such place. A home that is not there is not made: whoever named it is mistaken.
    pub(super) fn state_dir(&self) -> std::result::Result<PathBuf, String> {
        // Of several folders systemd's first is the one.
        let given = self.env.get("STATE_DIRECTORY").and_then(|list| list.split(':').next());
        if let Some(given) = given.filter(|given| !given.is_empty()) {
            return Ok(given.into());
        }
        if let Some(base) = self.path("XDG_STATE_HOME").filter(|path| path.is_absolute()) {
            return Ok(base.join("jst"));
        }
        let of_user = || "HOME is not set, and the home in the password file";
        let (home, whose) = match (self.home(), system::home()) {
            (Some(home), _) => (home, "HOME is"),
            (None, Some(home)) => (home, of_user()),
            (None, None) => return Err(format!("{} is missing", of_user())),
        };
        match home.is_dir() {
            true => Ok(home.join(".local/state/jst")),
            false => Err(format!("{whose} {}, which is no folder", home.display())),
        }
    }

    /// Looks at the file of CA certificates before the library of secure connections does, which would wait
    /// for a pipe. That there is none is for who connects to say.
    ///
    /// # Errors
    /// `config` for what is no regular file.
    pub(crate) fn check_ca_file(&self) -> Result<()> {
        let Some(path) = self.path("SSL_CERT_FILE") else { return Ok(()) };
        match files::open_file(&path) {
            Err(why) if !why.is_missing() => {
                Err(why.error(Kind::Config, path.display()).hint("SSL_CERT_FILE names a file with CA certificates"))
            }
            _ => Ok(()),
        }
    }

    /// Whether talk on stderr may be coloured.
    pub(crate) fn colour(&self) -> bool {
        self.terminal[2] && self.path("NO_COLOR").is_none() && !self.is_plain()
    }

    /// Whether the terminal can only print.
    pub(crate) fn is_plain(&self) -> bool {
        self.env.get("TERM").is_some_and(|term| matches!(term.as_str(), "dumb" | "cons25" | "emacs"))
    }

    /// The command that opens an editor.
    pub(crate) fn editor(&self) -> String {
        let named = ["VISUAL", "EDITOR"].map(|name| self.env.get(name).filter(|value| !value.trim().is_empty()));
        named.into_iter().flatten().next().cloned().unwrap_or_else(|| "vi".to_owned())
    }
}
