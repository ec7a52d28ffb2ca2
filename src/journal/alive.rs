//! Whether a run lives: it holds a lock that the system lets go when its process is gone, however it went. Whoever
//! settles what a run left behind, or takes it out, holds the same lock meanwhile, so that nobody resumes it.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::store;
use crate::error::{Error, Kind, Result};
use crate::files::locked::{self, Tries};

/// What the lock of a run is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The run goes on.
    Lives,
    /// Somebody looks at what it left, or takes it out.
    LookedAt,
}

/// What stands in the file of one that is looked at; in that of a run, nothing.
const LOOKED_AT: u8 = b'?';

/// The lock of a run, held until it is dropped.
#[derive(Debug)]
pub(super) struct Alive {
    path: PathBuf,
    file: File,
}

/// The file that a run locks, in a folder beside the journal's.
fn path_of(journal: &Path, run: &str) -> PathBuf {
    let mut folder = journal.as_os_str().to_owned();
    folder.push("-alive");
    Path::new(&folder).join(run)
}

impl Alive {
    /// Takes the lock of a run; inside, what another process holds it for.
    ///
    /// # Errors
    /// `config`, with the file and what the system says, or that others are always busy with it.
    pub(super) fn take(journal: &Path, run: &str, why: Held) -> Result<std::result::Result<Self, Held>> {
        let path = path_of(journal, run);
        taken(&path, why).map_err(|error| store::cannot(journal, &format!("{}: {error}", path.display())))
    }
}

fn taken(path: &Path, why: Held) -> io::Result<std::result::Result<Alive, Held>> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let open = |path: &Path| {
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false).custom_flags(locked::FLAGS).open(path)
    };
    let tries = Tries::new();
    let file = loop {
        match locked::lock(path, open)? {
            Ok(file) => break file,
            Err(others) => match held(&others) {
                Some(why) => return Ok(Err(why)),
                // Somebody had a look at the lock just then.
                None => tries.pause()?,
            },
        }
    };
    // Left behind by one that died.
    file.set_len(0)?;
    if why == Held::LookedAt {
        file.write_all_at(&[LOOKED_AT], 0)?;
    }
    Ok(Ok(Alive { path: path.to_owned(), file }))
}

impl Drop for Alive {
    fn drop(&mut self) {
        // Left behind it would only be a file that nobody holds; one that came in its place is another's.
        if locked::is_at(&self.path, &self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// What a file is held for, if it is held.
fn held(mut file: &File) -> Option<Held> {
    if !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)) {
        let _ = file.unlock();
        return None;
    }
    let mut first = [0];
    let is_looked_at = file.read(&mut first).is_ok_and(|read| read == 1) && first == [LOOKED_AT];
    Some(if is_looked_at { Held::LookedAt } else { Held::Lives })
}

/// Whether the process of a run is there.
///
/// # Errors
/// `config` when that cannot be told, as the file is another user's: what cannot be read is not gone.
pub(super) fn is_alive(journal: &Path, run: &str) -> Result<bool> {
    let path = path_of(journal, run);
    match File::open(&path) {
        Ok(file) => Ok(held(&file) == Some(Held::Lives)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => {
            let why = format!("it cannot be told whether the run {run} still lives: {}: {error}", path.display());
            Err(Error::new(Kind::Config, why)
                .hint("ask as the user who started it, or let others read that file and its folder"))
        }
    }
}

/// The error of a run that cannot be `done` now, as its lock is held.
pub(super) fn refused(run: &str, held: Held, done: &str) -> Error {
    match held {
        Held::Lives => {
            let why = format!("the run {run} still lives: it cannot be {done} while its process is there");
            Error::new(Kind::Locked, why).hint(format!("`jst runs {run}` shows how far it is"))
        }
        Held::LookedAt => {
            let why = format!("the run {run} is being looked at by another process: it cannot be {done} meanwhile");
            Error::new(Kind::Locked, why).hint("try again when that has ended")
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn take(journal: &Path, run: &str, why: Held) -> std::result::Result<Alive, Held> {
        Alive::take(journal, run, why).unwrap()
    }

    #[test]
    fn a_run_lives_as_long_as_somebody_holds_its_lock_and_a_file_left_behind_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        assert!(!is_alive(&journal, "one").unwrap());
        let held = take(&journal, "one", Held::Lives).unwrap();
        assert!(is_alive(&journal, "one").unwrap());
        assert_eq!(take(&journal, "one", Held::LookedAt).unwrap_err(), Held::Lives);
        drop(held);
        assert!(!is_alive(&journal, "one").unwrap());
        for left in ["", "?"] {
            std::fs::write(path_of(&journal, "two"), left).unwrap();
            assert!(!is_alive(&journal, "two").unwrap());
            let held = take(&journal, "two", Held::Lives).unwrap();
            assert!(is_alive(&journal, "two").unwrap(), "{left}");
            drop(held);
        }
    }

    #[test]
    fn who_looks_at_a_run_keeps_others_from_resuming_it_and_does_not_make_it_live() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        let looks = take(&journal, "one", Held::LookedAt).unwrap();
        assert!(!is_alive(&journal, "one").unwrap());
        assert_eq!(take(&journal, "one", Held::Lives).unwrap_err(), Held::LookedAt);
        drop(looks);
        assert!(take(&journal, "one", Held::Lives).is_ok());
    }

    #[test]
    fn a_look_at_the_lock_keeps_nobody_from_taking_it_and_what_came_in_its_place_stays() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        let first = take(&journal, "one", Held::Lives).unwrap();
        std::fs::remove_file(path_of(&journal, "one")).unwrap();
        let second = take(&journal, "one", Held::Lives).unwrap();
        drop(first);
        assert!(is_alive(&journal, "one").unwrap());
        drop(second);
        let looks = File::create(path_of(&journal, "one")).unwrap();
        looks.lock_shared().unwrap();
        std::thread::scope(|scope| {
            let taking = scope.spawn(|| take(&journal, "one", Held::Lives).is_ok());
            looks.unlock().unwrap();
            assert!(taking.join().unwrap());
        });
    }

    #[test]
    fn a_link_at_the_place_of_a_lock_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        let path = path_of(&journal, "one");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(folder.path().join("elsewhere"), &path).unwrap();
        let error = Alive::take(&journal, "one", Held::Lives).unwrap_err();
        let why = format!("{}: Too many levels of symbolic links (os error 40)", path.display());
        let message = format!("the journal {} cannot be used: {why}", journal.display());
        assert_eq!((error.message.clone(), error.kind), (message, Kind::Config));
        assert!(!folder.path().join("elsewhere").exists());
    }

    #[test]
    fn what_cannot_be_opened_is_not_taken_for_gone() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("journal.db");
        let marks = folder.path().join("journal.db-alive");
        std::fs::write(&marks, "").unwrap();
        let error = is_alive(&journal, "one").unwrap_err();
        let why = format!("{}/one: Not a directory (os error 20)", marks.display());
        assert_eq!(error.message, format!("it cannot be told whether the run one still lives: {why}"));
        assert_eq!(error.kind.exit_code(), 21);
    }
}
