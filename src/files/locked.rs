//! Files that are locked: the kernel holds the lock for as long as the file is open, which ends with its holder's
//! process at the latest. What counts is the file of that name: one that is no longer there is nobody's lock.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

/// How a lock's file is opened, beside reading and writing: a link at its place is none, and a pipe keeps nobody.
pub(crate) const FLAGS: i32 = OFlags::NOFOLLOW.union(OFlags::NONBLOCK).bits() as i32;

/// Tries to lock a file that others are busy with: some pause between them, and they end.
pub(crate) struct Tries {
    begun: Instant,
    limit: Duration,
}

impl Tries {
    /// Others take the file away, or look at it, for moments; who does so for longer never ends.
    const LIMIT: Duration = Duration::from_secs(5);

    const PAUSE: Duration = Duration::from_millis(1);

    /// The tries that begin now.
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), limit: Self::LIMIT }
    }

    /// Waits for the next one.
    ///
    /// # Errors
    /// That there were enough.
    pub(crate) fn pause(&self) -> io::Result<()> {
        if self.begun.elapsed() >= self.limit {
            return Err(io::Error::other("it could not be locked: others are always busy with it"));
        }
        std::thread::sleep(Self::PAUSE);
        Ok(())
    }
}

/// Opens a file and locks it; inside, the file of whoever holds it already.
///
/// # Errors
/// What the system says; that the file is another one each time.
pub(crate) fn lock(path: &Path, open: impl Fn(&Path) -> io::Result<File>) -> io::Result<Result<File, File>> {
    locked(path, open, &Tries::new())
}

fn locked(path: &Path, open: impl Fn(&Path) -> io::Result<File>, tries: &Tries) -> io::Result<Result<File, File>> {
    loop {
        let file = open(path)?;
        match file.try_lock() {
            Ok(()) if is_at(path, &file) => return Ok(Ok(file)),
            // Whoever let go of it, or tidies up, took it away between the two.
            Ok(()) => tries.pause()?,
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

    #[test]
    fn a_name_that_never_is_the_files_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let (path, elsewhere) = (folder.path().join("lock"), folder.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
        let open = |path: &Path| File::options().write(true).create(true).truncate(false).open(path);
        let tries = Tries { begun: Instant::now(), limit: Duration::ZERO };
        let error = locked(&path, open, &tries).unwrap_err();
        assert_eq!(error.to_string(), "it could not be locked: others are always busy with it");
    }
}
