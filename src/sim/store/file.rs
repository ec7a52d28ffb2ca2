//! A state's file, held by one process: the file itself is locked, by whatever name it is reached.
//!
//! A new snapshot goes into a file of its own, private and new, that then takes the other's place. Writing
//! begins at the end of the last whole line, so that what could not be written leaves nothing behind.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{BufWriter, ErrorKind, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::{Line, Loaded, Snapshot, damaged, lines, load};
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::sim::engine::state::State;

/// A state's file.
#[derive(Debug)]
pub(crate) struct StateFile {
    /// The file's own path, links followed.
    path: PathBuf,
    /// Locked for as long as it is open; `None` before there is a file.
    file: Option<File>,
    lines: u64,
    /// Where the last whole line ends.
    length: u64,
}

impl StateFile {
    /// Opens a state's file, and brings back what it holds.
    ///
    /// # Errors
    /// It is no regular file, cannot be read, another process holds it, or it is damaged.
    pub(crate) fn open(path: &Path) -> Result<(Self, Option<Loaded>)> {
        let path = real(path)?;
        let Some(file) = locked(&path)? else {
            return Ok((Self { path, file: None, lines: 0, length: 0 }, None));
        };
        if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            return Err(damaged(&path, 1, "the file is empty"));
        }
        let loaded = load(&path, &file)?;
        let (lines, length) = (loaded.lines, loaded.length);
        Ok((Self { path, file: Some(file), lines, length }, Some(loaded)))
    }

    /// Whether what is served is still what the path leads to.
    ///
    /// # Errors
    /// It was deleted, or another file is in its place.
    pub(crate) fn check(&self) -> std::io::Result<()> {
        let is_ours = |file: &File| Ok::<_, std::io::Error>(is_same(&file.metadata()?, &fs::metadata(&self.path)?));
        match self.file.as_ref().map(is_ours) {
            None | Some(Ok(true)) => Ok(()),
            Some(Ok(false)) => Err(std::io::Error::other("another file is in its place")),
            Some(Err(error)) => Err(error),
        }
    }

    /// Writes a line to the operating system. When that fails, nothing of it stays, and the next one goes
    /// where it would have been.
    ///
    /// # Errors
    /// It could not be written.
    pub(crate) fn append(&mut self, line: &Line) -> std::io::Result<()> {
        self.check()?;
        let file = self.file.as_ref().ok_or_else(|| std::io::Error::other("the file is not there yet"))?;
        let text = lines::written(self.lines + 1, &serde_json::to_vec(line)?);
        // What an earlier failure left, if it could not be taken back then.
        if file.metadata()?.len() != self.length {
            file.set_len(self.length)?;
        }
        // Counted once it is there: a kill between the two leaves a line more than is counted, never one less.
        let kept =
            file.write_all_at(&text, self.length).and_then(|()| file.write_all_at(&lines::head(self.lines + 1), 0));
        if let Err(error) = kept {
            let _ = file.set_len(self.length);
            return Err(error);
        }
        self.lines += 1;
        self.length += text.len() as u64;
        Ok(())
    }

    /// What the file holds, read again: the state as the last whole line left it.
    ///
    /// # Errors
    /// It cannot be read.
    pub(crate) fn again(&self) -> Result<Loaded> {
        let file = self.file.as_ref().ok_or_else(|| Error::new(Kind::Io, "the state file is not there yet"))?;
        let mut from_start = file;
        from_start.seek(SeekFrom::Start(0)).map_err(|error| cannot(&self.path, "read", &error))?;
        load(&self.path, std::io::Read::take(from_start, self.length))
    }

    /// Makes the file one snapshot.
    ///
    /// # Errors
    /// It cannot be written; the file is then as it was.
    pub(crate) fn compact(&mut self, snapshot: &Snapshot<&State>) -> Result<()> {
        let new = beside(&self.path, "new");
        let written = || -> std::io::Result<(File, u64)> {
            let file = create(&new)?;
            file.try_lock()?;
            let head = lines::head(2);
            let line = lines::written(2, &serde_json::to_vec(snapshot)?);
            let mut writer = BufWriter::new(&file);
            writer.write_all(&head)?;
            writer.write_all(&line)?;
            writer.flush()?;
            drop(writer);
            file.sync_all()?;
            self.check()?;
            self.put_in_place(&new)?;
            Ok((file, (head.len() + line.len()) as u64))
        };
        let (file, length) = written().map_err(|error| {
            let _ = fs::remove_file(&new);
            cannot(&self.path, "write", &error)
        })?;
        (self.file, self.lines, self.length) = (Some(file), 2, length);
        Ok(())
    }

    /// A first file does not take the place of one that another process made meanwhile.
    fn put_in_place(&self, new: &Path) -> std::io::Result<()> {
        if self.file.is_some() {
            return fs::rename(new, &self.path);
        }
        match fs::hard_link(new, &self.path) {
            Ok(()) => fs::remove_file(new),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
            // A file system without such links.
            Err(_) => fs::rename(new, &self.path),
        }
    }

    /// Another file in the place of its own, for tests of what happens when writing fails.
    #[cfg(test)]
    pub(crate) fn replace(&mut self, file: File) -> Option<File> {
        self.file.replace(file)
    }
}

/// Where a path leads: links are followed, so that a file has one name.
fn real(path: &Path) -> Result<PathBuf> {
    let found = match path.canonicalize() {
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        found => Some(found.map_err(|error| cannot(path, "open", &error))?),
    };
    if let Some(found) = found {
        // A device would be replaced, a pipe waited for.
        let opened = files::open_file(&found).map_err(|why| format!("cannot open {}: {why}", path.display()));
        return opened.map(|_| found).map_err(|why| Error::new(Kind::Io, why));
    }
    if path.is_symlink() {
        return Err(Error::new(Kind::Config, format!("the state file {} is a link to nothing", path.display())));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| cannot(path, "open", &error))?;
    match path.file_name() {
        Some(name) => Ok(folder.join(name)),
        None => Err(Error::new(Kind::Config, format!("{} names no file", path.display()))),
    }
}

/// The file, once this process holds it; `None` where there is none.
fn locked(path: &Path) -> Result<Option<File>> {
    loop {
        // Never waits, should a pipe have taken the file's place.
        let file = match OpenOptions::new().read(true).write(true).custom_flags(NONBLOCK).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(path, "open", &error)),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let why = format!("another process holds the state file {}", path.display());
                return Err(Error::new(Kind::Config, why).hint("stop it, or give this one another file"));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(path, "lock", &error)),
        }
        let metadata = file.metadata().map_err(|error| cannot(path, "open", &error))?;
        if metadata.nlink() > 1 {
            let why = format!("the state file {} has {} names", path.display(), metadata.nlink());
            return Err(Error::new(Kind::Config, why).hint("another simulator may hold it by another one: copy it"));
        }
        // Whoever held it before may have put a new snapshot in its place just now.
        match fs::metadata(path) {
            Ok(there) if is_same(&metadata, &there) => return Ok(Some(file)),
            _ => continue,
        }
    }
}

const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

fn is_same(one: &fs::Metadata, other: &fs::Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// A new file, read and written by its owner only: a state holds the passwords of clusters. What a killed
/// process left there goes; a link that stands there is not followed.
fn create(path: &Path) -> std::io::Result<File> {
    if fs::symlink_metadata(path).is_ok() {
        fs::remove_file(path)?;
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

pub(super) fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::new(Kind::Io, format!("cannot {what} {}: {error}", path.display()))
}
