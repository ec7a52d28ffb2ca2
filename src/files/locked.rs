//! Files that are locked: the kernel holds the lock for as long as the file is open, which ends with its holder's
//! process at the latest. What counts is the file of that name: one that is no longer there is nobody's lock.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Opens a file and locks it; inside, the file of whoever holds it already.
///
/// # Errors
/// What the system says.
pub(crate) fn lock(path: &Path, open: impl Fn(&Path) -> io::Result<File>) -> io::Result<Result<File, File>> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(path, &file) => return Ok(Ok(file)),
            // Whoever let go of it, or tidies up, took it away between the two.
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Err(file)),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Whether it is this file that has the name.
pub(crate) fn is_at(path: &Path, file: &File) -> bool {
    let place = |found: std::fs::Metadata| (found.dev(), found.ino());
    let named = std::fs::symlink_metadata(path).map(place).ok();
    named.is_some() && named == file.metadata().map(place).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_file_that_lost_its_name_between_opening_and_locking_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let opened = Cell::new(0);
        let open = |path: &Path| {
            let file = File::options().write(true).create(true).truncate(false).open(path)?;
            opened.set(opened.get() + 1);
            if opened.get() == 1 {
                std::fs::remove_file(path)?;
            }
            Ok(file)
        };
        let held = lock(&path, open).unwrap().unwrap();
        assert!(opened.get() == 2 && is_at(&path, &held));
        assert!(lock(&path, open).unwrap().is_err());
        std::fs::remove_file(&path).unwrap();
        assert!(!is_at(&path, &held) && lock(&path, open).unwrap().is_ok());
    }
}
