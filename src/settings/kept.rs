//! Where what outlives a run is kept, and what a journal says of whose run it is.

use std::path::PathBuf;

use super::Settings;
use crate::error::{Error, Kind, Result};
use crate::journal::Bounds;

impl Settings {
    /// Where state that outlives a run is kept: the one place that says it.
    pub(crate) fn state_dir(&self) -> Option<PathBuf> {
        self.flags.state_dir.clone().or_else(|| self.around.state_dir())
    }

    /// The journal's file; `None` where a run has none.
    ///
    /// # Errors
    /// `config` when there is no place for one.
    pub(crate) fn journal(&self) -> Result<Option<PathBuf>> {
        let flags = &self.flags;
        let is_none = flags.no_journal == Some(true) || flags.read_only == Some(true);
        if is_none || (self.sim && flags.journal.is_none()) {
            return Ok(None);
        }
        self.journal_file().map(Some)
    }

    /// The journal's file, whether or not this run has one.
    ///
    /// # Errors
    /// `config` when there is no place for one.
    pub(crate) fn journal_file(&self) -> Result<PathBuf> {
        let given = self.flags.journal.clone().filter(|path| !path.as_os_str().is_empty());
        given.or_else(|| Some(self.state_dir()?.join("journal.db"))).ok_or_else(|| {
            Error::new(Kind::Config, "there is no folder for the journal: no HOME, and no home in the password file")
                .hint("--state-dir or --journal names a place, and --no-journal goes without")
        })
    }

    /// Whether it was asked for to go without a journal.
    pub(crate) fn no_journal(&self) -> bool {
        self.flags.no_journal == Some(true)
    }

    /// How much of old runs the journal keeps.
    pub(crate) fn journal_bounds(&self) -> Bounds {
        Bounds { keep: self.flags.journal_keep, max_size: self.flags.journal_max_size }
    }

    /// The profile that a journal names.
    pub(crate) fn journal_profile(&self) -> Option<String> {
        if self.sim {
            return None;
        }
        self.flags.profile.clone().or_else(|| self.found().profile.clone())
    }

    /// Where calls go, as a journal names it.
    pub(crate) fn journal_endpoint(&self) -> String {
        if self.sim {
            return "simulator".to_owned();
        }
        self.endpoint().map_or_else(|_| String::new(), |endpoint| endpoint.to_string())
    }
}
