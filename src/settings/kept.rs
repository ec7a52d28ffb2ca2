//! Where what outlives a run is kept, and what a journal says of whose run it is.

use std::path::{Path, PathBuf};

use super::Settings;
use super::flags::Simulator;
use crate::error::{Error, Kind, Result};
use crate::job::shard::Shard;
use crate::journal::Bounds;

impl Settings {
    /// Where state that outlives a run is kept: the one place that says it.
    ///
    /// # Errors
    /// In words: why there is no such place.
    pub(crate) fn state_dir(&self) -> std::result::Result<PathBuf, String> {
        self.flags.state_dir.clone().map_or_else(|| self.around.state_dir(), Ok)
    }

    /// The journal's file; `None` where a run has none.
    ///
    /// # Errors
    /// `config` when there is no place for one.
    pub(crate) fn journal(&self) -> Result<Option<PathBuf>> {
        let flags = &self.flags;
        let is_needed = !self.sim && flags.read_only != Some(true);
        if self.no_journal() || !(is_needed || flags.journal.is_some()) {
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
        let nowhere = |why: String| {
            Error::new(Kind::Config, format!("the journal has no place: {why}"))
                .hint("--state-dir or --journal names one, and --no-journal goes without")
        };
        given.map_or_else(|| self.state_dir().map(|folder| folder.join("journal.db")).map_err(nowhere), Ok)
    }

    /// Files that a run reads or keeps, with what each is: nothing is to be written in their places.
    pub(crate) fn files(&self) -> Vec<(&'static str, PathBuf)> {
        let simulator = match &self.flags.sim {
            Some(Simulator::Kept(path)) => Some(path.clone()),
            _ => None,
        };
        let in_use = self.config_of_run().map(|file| file.path.clone());
        let files = [
            ("the journal", self.journal_file().ok()),
            ("the file of settings", in_use.or_else(|| self.config_file().map(PathBuf::from))),
            ("the file of authorities", self.ca_file().map(Path::to_owned)),
            ("the simulator's account", simulator),
        ];
        files.into_iter().filter_map(|(what, path)| Some((what, path?))).collect()
    }

    /// Whether it was asked for to go without a journal, and no flag names one where only a variable or file says so.
    pub(crate) fn no_journal(&self) -> bool {
        let is_outranked = self.is_by_hand("journal") && !self.is_by_hand("no-journal");
        self.flags.no_journal == Some(true) && !is_outranked
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

    /// The part that a run does.
    ///
    /// # Errors
    /// `usage` when what is said of it does not fit together.
    pub(crate) fn shard(&self) -> Result<Shard> {
        let index = self.around.env.get("JOB_COMPLETION_INDEX").map(String::as_str);
        Shard::of(self.job().shard, self.job().shards, index)
    }

    /// The same where somebody says which; `None` where nobody does, and a run that goes on does the part that it did.
    ///
    /// # Errors
    /// As [`Settings::shard`].
    pub(crate) fn given_shard(&self) -> Result<Option<Shard>> {
        let is_given = self.job().shard.is_some() || self.job().shards.is_some();
        is_given.then(|| self.shard()).transpose()
    }

    /// Where calls go, as a journal names it.
    pub(crate) fn journal_endpoint(&self) -> String {
        if self.sim {
            return "simulator".to_owned();
        }
        self.endpoint().map_or_else(|_| String::new(), |endpoint| endpoint.to_string())
    }
}
