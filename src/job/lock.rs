//! One run at a time: a file of all users of the machine, which the kernel holds locked for as long as the process
//! of its holder lives. What stands in the file only says who that is; a file that is left behind is no lock.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind, Result};
use crate::files::locked;
use crate::job::shard::Shard;
use crate::show::visible;

/// What is locked, in words: it is what all who exclude each other say alike.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Name(String);

impl Name {
    /// A name that people gave.
    pub(crate) fn given(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// That of a script, wherever it is called from, a profile, and a part: the parts of a fleet work beside each other.
    ///
    /// # Errors
    /// `io` when the script has no path.
    pub(crate) fn of_script(script: &Path, profile: &str, shard: Shard) -> Result<Self> {
        let real = script
            .canonicalize()
            .map_err(|error| Error::new(Kind::Io, format!("cannot lock {}: {error}", script.display())))?;
        let part = if shard.is_part() { format!(" for {}", shard.words()) } else { String::new() };
        Ok(Self(format!("{} with profile {profile}{part}", real.display())))
    }

    /// The lock's file: readable for people, and different for different names.
    fn file(&self) -> String {
        let plain: String = self.0.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
        let end = plain.trim_matches('-').len().min(40);
        let digest: String = Sha256::digest(&self.0).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("jst-{}-{digest}.lock", plain.trim_matches('-').get(..end).unwrap_or_default())
    }
}

/// Who holds a lock, as the lock's file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// The run's id.
    pub run: String,
    /// Its process.
    pub pid: u32,
    /// Its machine.
    pub host: String,
    /// When it took the lock.
    pub since: Timestamp,
}

/// A lock that this process holds until it ends, or this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Writes down who holds it.
    pub(crate) fn name(&self, holder: &Holder) {
        let text = serde_json::to_vec(holder).unwrap_or_default();
        // A full disk keeps nobody from holding the lock; then others do not know by whom.
        if self.file.set_len(0).and_then(|()| self.file.write_all_at(&text, 0)).is_err() {
            let _ = self.file.set_len(0);
        }
    }
}

/// Where the locks of a machine are.
#[derive(Clone, Debug)]
pub(crate) struct Folder(PathBuf);

/// What a machine's users share for this, the first that is there.
const SHARED: [&str; 3] = ["/run/lock", "/var/lock", "/tmp"];

impl Folder {
    /// The folder that was named, or the one that all users of the machine have.
    pub(crate) fn new(named: Option<&Path>) -> Self {
        let shared = || SHARED.iter().map(Path::new).find(|path| path.is_dir()).unwrap_or(Path::new("/tmp"));
        Self(named.unwrap_or_else(shared).to_owned())
    }

    /// Takes a lock, or says who holds it.
    ///
    /// # Errors
    /// `config`, with why it cannot be locked.
    pub(crate) fn take(&self, name: &Name, holder: &Holder) -> Result<std::result::Result<Lock, Option<Holder>>> {
        let path = self.0.join(name.file());
        let locked = locked::lock(&path, opened).map_err(|error| self.cannot(name, &error))?;
        let lock = match locked {
            Ok(file) => Lock { file },
            Err(others) => return Ok(Err(said(&others))),
        };
        lock.name(holder);
        Ok(Ok(lock))
    }

    fn cannot(&self, name: &Name, error: &std::io::Error) -> Error {
        let path = self.0.join(name.file());
        let hint = match error.kind() {
            ErrorKind::PermissionDenied => format!("another user made it so: remove {}", path.display()),
            _ => "--lock-dir names a folder that all who share the lock can write to".to_owned(),
        };
        Error::new(Kind::Config, format!("cannot lock {}: {}: {error}", visible::line(&name.0), path.display()))
            .hint(hint)
    }
}

/// The lock's file, made where there is none, open to all users: each has to lock it and to write itself down.
fn opened(path: &Path) -> std::io::Result<File> {
    let open = |new| OpenOptions::new().read(true).write(true).create_new(new).custom_flags(locked::FLAGS).open(path);
    // Without creating it first: in a folder of many users the kernel refuses to create what another owns.
    let file = match open(false) {
        Err(error) if error.kind() == ErrorKind::NotFound => match open(true) {
            Ok(file) => {
                file.set_permissions(fs::Permissions::from_mode(0o666))?;
                file
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => open(false)?,
            Err(error) => return Err(error),
        },
        file => file?,
    };
    match file.metadata()? {
        metadata if !metadata.is_file() => Err(std::io::Error::other("it is no regular file")),
        metadata if metadata.nlink() > 1 => Err(std::io::Error::other("it has two names")),
        _ => Ok(file),
    }
}

/// Who the file says holds it; nobody for a moment after it was taken.
fn said(mut file: &File) -> Option<Holder> {
    const LONGEST: u64 = 4096;
    let mut text = Vec::new();
    std::io::Read::take(&mut file, LONGEST).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

/// The refusal of a run that is one too many.
pub(crate) fn held(name: &Name, holder: Option<&Holder>, now: Timestamp, waited: Option<Duration>) -> Error {
    let name = visible::line(&name.0).into_owned();
    let who = match holder {
        None => "by a run that has just begun".to_owned(),
        Some(Holder { run, pid, host, since }) => {
            let age = now.duration_since(*since).as_secs().max(0);
            let run = visible::line(run).into_owned();
            let host = visible::line(host).into_owned();
            format!("by run {run} (process {pid} on {host}) for {age} s")
        }
    };
    let way_out = if waited.is_some() { "a longer --lock-wait waits longer" } else { "--lock-wait waits for it" };
    let waited = waited.map(|waited| format!(" and was not free within {waited:?}")).unwrap_or_default();
    Error::new(Kind::Locked, format!("the lock {name} is held {who}{waited}: nothing was run")).hint(way_out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn holder(run: &str) -> Holder {
        let since = Timestamp::constant(1_764_200_000, 0);
        Holder { run: run.to_owned(), pid: 7, host: "shop".to_owned(), since }
    }

    #[test]
    fn one_holds_it_until_it_lets_go_and_what_is_left_behind_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        let locks = Folder::new(Some(folder.path()));
        let (one, other) = (Name::given("nightly"), Name::given("hourly"));
        let first = locks.take(&one, &holder("a")).unwrap().unwrap();
        assert_eq!(locks.take(&one, &holder("b")).unwrap().unwrap_err(), Some(holder("a")));
        let _second = locks.take(&other, &holder("c")).unwrap().unwrap();
        drop(first);
        assert!(fs::read_dir(folder.path()).unwrap().count() == 2);
        let again = locks.take(&one, &holder("d")).unwrap().unwrap();
        assert_eq!(locks.take(&one, &holder("e")).unwrap().unwrap_err(), Some(holder("d")));
        // Whoever tidies up takes the file, not the lock of those who come later.
        for entry in fs::read_dir(folder.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let _new = locks.take(&one, &holder("f")).unwrap().unwrap();
        assert_eq!(locks.take(&one, &holder("g")).unwrap().unwrap_err(), Some(holder("f")));
        drop(again);
    }

    #[test]
    fn what_cannot_be_locked_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let name = Name::given("x");
        let path = folder.path().join(name.file());
        std::os::unix::fs::symlink("/nowhere", &path).unwrap();
        let refused = Folder::new(Some(folder.path())).take(&name, &holder("a")).unwrap_err();
        assert_eq!(refused.kind, Kind::Config);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let refused = Folder::new(Some(folder.path())).take(&name, &holder("a")).unwrap_err();
        assert_eq!(refused.message, format!("cannot lock x: {}: Is a directory (os error 21)", path.display()));
        let missing = Folder::new(Some(&folder.path().join("none"))).take(&name, &holder("a")).unwrap_err();
        assert_eq!(missing.hints, ["--lock-dir names a folder that all who share the lock can write to"]);
    }

    #[test]
    fn the_refusal_names_holder_run_host_and_age() {
        let now = Timestamp::constant(1_764_200_090, 0);
        let error = held(&Name::given("nightly"), Some(&holder("01k2")), now, None);
        assert_eq!(error.message, "the lock nightly is held by run 01k2 (process 7 on shop) for 90 s: nothing was run");
        assert_eq!(error.kind.exit_code(), 40);
        let error = held(&Name::given("a\nb"), None, now, Some(Duration::from_secs(2)));
        assert!(!error.message.contains('\n') && error.message.ends_with("was not free within 2s: nothing was run"));
        assert_eq!(error.hints, ["a longer --lock-wait waits longer"]);
    }

    #[test]
    fn different_names_have_different_files() {
        let names = ["a/b", "a-b", "a b", "商店", "店商", ""].map(|name| Name::given(name).file());
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
        assert!(names.iter().all(|name| !name.contains('/')), "{names:?}");
    }
}
