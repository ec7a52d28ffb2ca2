//! Whether a run lives: it holds a lock that the system lets go when its process is gone, however it went.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// The lock of a run that lives, held until it is dropped.
#[derive(Debug)]
pub(super) struct Alive {
    path: PathBuf,
    _file: File,
}

/// The file that a run locks, in a folder beside the journal's.
fn path_of(journal: &Path, run: &str) -> PathBuf {
    let mut folder = journal.as_os_str().to_owned();
    folder.push("-alive");
    Path::new(&folder).join(run)
}

impl Alive {
    /// Takes the lock of a run; `None` while another process holds it.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn take(journal: &Path, run: &str) -> io::Result<Option<Self>> {
        let path = path_of(journal, run);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = File::options().write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { path, _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        // Left behind it would only be an empty file: nobody holds it.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Whether the process of a run is there.
pub(super) fn is_alive(journal: &Path, run: &str) -> bool {
    match File::open(path_of(journal, run)) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_run_lives_as_long_as_somebody_holds_its_lock_and_a_file_left_behind_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        assert!(!is_alive(&journal, "one"));
        let held = Alive::take(&journal, "one").unwrap().unwrap();
        assert!(is_alive(&journal, "one") && Alive::take(&journal, "one").unwrap().is_none());
        drop(held);
        assert!(!is_alive(&journal, "one"));
        std::fs::write(path_of(&journal, "two"), "").unwrap();
        assert!(!is_alive(&journal, "two") && Alive::take(&journal, "two").unwrap().is_some());
    }
}
