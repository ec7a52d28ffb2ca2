//! Where the files go that tell of a run, report and metrics: never in the place of what the run itself lives on.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::job::file;
use crate::settings::Settings;

/// Files that a run lives on, or tells of itself in.
#[derive(Debug)]
pub(super) struct Places {
    used: Vec<Used>,
    reports: Vec<PathBuf>,
    metrics: Option<PathBuf>,
}

/// A file that none is written in the place of.
#[derive(Debug)]
struct Used {
    what: &'static str,
    path: PathBuf,
}

impl Places {
    /// Those of a run of a script, by its path or whatever it is called.
    pub(super) fn new(settings: &Settings, script: &str) -> Self {
        let used = settings.files().into_iter().chain([("the script", PathBuf::from(script))]);
        Self {
            used: used.map(|(what, path)| Used { what, path }).collect(),
            reports: settings.job().report.clone(),
            metrics: settings.job().metrics_file.clone(),
        }
    }

    /// Looks whether all of them can be written, as far as that can be seen before.
    ///
    /// # Errors
    /// `config`.
    pub(super) fn check(&self) -> Result<()> {
        let wrong = |flag: &str, why: String| {
            Err(Error::new(Kind::Config, format!("--{flag}: {why}: nothing was run"))
                .hint("name a file of its own, in a folder that is there and can be written to"))
        };
        for (n, path) in self.reports.iter().enumerate() {
            let before = self.reports.iter().take(n).map(|path| ("the report", path.as_path()));
            file::check(path).and_then(|()| self.is_free(path, before)).or_else(|why| wrong("report", why))?;
        }
        let reports = || self.reports.iter().map(|path| ("the report", path.as_path()));
        let fits = |path: &PathBuf| file::check(path).and_then(|()| self.is_free(path, reports()));
        self.metrics.iter().try_for_each(|path| fits(path).or_else(|why| wrong("metrics-file", why)))
    }

    /// Whether a file can be written and is none that the run lives on.
    pub(super) fn is_fit(&self, path: &Path) -> bool {
        file::check(path).is_ok() && self.is_free(path, []).is_ok()
    }

    fn is_free<'a>(
        &'a self,
        path: &Path,
        others: impl IntoIterator<Item = (&'static str, &'a Path)>,
    ) -> std::result::Result<(), String> {
        let place = real(path);
        let used = self.used.iter().map(|Used { what, path }| (*what, path.as_path()));
        match used.chain(others).find(|(_, other)| real(other) == place) {
            Some((what, other)) => Err(format!("cannot write {}: that is {what}, {}", path.display(), other.display())),
            None => Ok(()),
        }
    }
}

/// Where a path leads to, be there something or not yet.
fn real(path: &Path) -> PathBuf {
    let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let in_folder = || {
        let whole = absolute();
        let folder = whole.parent()?.canonicalize().ok()?;
        Some(folder.join(whole.file_name()?))
    };
    path.canonicalize().ok().or_else(in_folder).unwrap_or_else(absolute)
}
