//! Waiting until a file changes that a run of tests depends on: scripts and snapshots in the folders of the tests and of
//! the scripts that they ran.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::found;
use super::snapshots;

/// How often is looked.
const EVERY: Duration = Duration::from_millis(200);

/// The files that are looked at, and when each was changed last.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen(BTreeMap<PathBuf, Option<(SystemTime, u64)>>);

impl Seen {
    /// The files as they are now. Paths of tests are looked into anew: there may be more of them.
    pub(super) fn now(paths: &[PathBuf], ran: &[PathBuf]) -> Self {
        let tests = found::files(paths).unwrap_or_default();
        let mut folders: BTreeSet<PathBuf> = tests.iter().chain(ran).map(|file| folder(file)).collect();
        folders.extend(tests.iter().map(|test| snapshots::folder(test)));
        let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).into_iter().flatten().flatten());
        Self(files.map(|entry| entry.path()).filter(|path| path.extension().is_some()).map(stamped).collect())
    }

    /// Waits until they are no longer as they were.
    pub(super) fn wait(&self, paths: &[PathBuf], ran: &[PathBuf]) {
        while Self::now(paths, ran) == *self {
            std::thread::sleep(EVERY);
        }
    }
}

fn folder(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

fn stamped(path: PathBuf) -> (PathBuf, Option<(SystemTime, u64)>) {
    let stamp = std::fs::metadata(&path).ok().and_then(|data| Some((data.modified().ok()?, data.len())));
    (path, stamp)
}
