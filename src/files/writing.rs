//! Files that are written, and folders that are looked through, beneath folders that are held open.
//!
//! A file is written aside, in its own folder, and takes its place when all of it is on the disk: whoever reads it
//! meanwhile, and whatever ends the process, finds the old file or the new one. What stands in the place must be a
//! regular file; a link is followed only as far as it leads to one beneath the same folders.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, RenameFlags, Stat, Uid};
use rustix::fs::{fchmod, fchown, linkat, openat, renameat, renameat_with, statat, unlinkat};
use rustix::io::Errno;

use super::{FOLDER, Folder, Result, Unread, regular};

/// How the name of a file begins that is being written.
const ASIDE: &str = ".jst-";

/// How a new file may be used by whom, before the umask.
const USUAL: Mode = Mode::from_raw_mode(0o666);

/// What becomes of a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// It is replaced.
    Replace,
    /// There must be none.
    New,
    /// The text goes to its end.
    Append,
}

/// Where a file is, or may be: its folder, held open, and its name there.
pub(crate) struct Place {
    folder: OwnedFd,
    name: OsString,
}

impl Folder {
    /// As [`Folder::open`]; a file that is to be written need not be there yet.
    ///
    /// # Errors
    /// Its folder is not there either, or it is a link that leads nowhere.
    pub(crate) fn for_writing(path: &Path) -> io::Result<Self> {
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            result => return result,
        }
        let real = new_file(path).map_err(|_| io::Error::from(io::ErrorKind::NotFound))?;
        let folder = real.parent().unwrap_or(&real);
        Ok(Self { only: Some(real.clone()), ..Self::open(folder)? })
    }
}

/// The path without links of a file that is not there, in a folder that is.
fn new_file(path: &Path) -> Result<PathBuf> {
    let name = path.file_name().ok_or(Errno::NOENT)?;
    if path.is_symlink() {
        return Err(Unread::NoFile("a link that leads nowhere"));
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Unread::System(io::Error::other("its folder does not exist")),
        _ => error.into(),
    })?;
    Ok(folder.join(name))
}

/// Where a file of one of these folders is, or would be; `None` for one outside all of them.
///
/// # Errors
/// Its folder is not there, or cannot be opened.
pub(crate) fn place_beneath<'a>(
    folders: impl Iterator<Item = &'a Folder> + Clone,
    path: &Path,
) -> Result<Option<Place>> {
    let mut left = super::TRIES;
    loop {
        left -= 1;
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => new_file(path)?,
            Err(error) => return Err(error.into()),
        };
        let Some(folder) = folders.clone().find(|folder| folder.holds(&real)) else { return Ok(None) };
        match folder.folder_of(&real) {
            // What leads there was changed meanwhile.
            Err(Unread::System(_)) if left > 0 => {}
            result => return result.map(|(folder, name)| Some(Place { folder, name })),
        }
    }
}

impl Place {
    /// Writes a file, and waits until it is on the disk.
    ///
    /// # Errors
    /// What the system says; what is there is no regular file. A file that was there is as it was, unless the text
    /// was to go to its end.
    pub(crate) fn write(&self, bytes: &[u8], how: How) -> Result<()> {
        let before = self.before()?;
        match (how, &before) {
            (How::Append, _) => self.append(bytes)?,
            (How::New, Some(_)) => return Err(Errno::EXIST.into()),
            (How::New | How::Replace, _) => {
                let aside = self.write_aside(bytes, before.as_ref())?;
                let placed = if how == How::New {
                    self.place_new(&aside)
                } else {
                    renameat(&self.folder, &aside, &self.folder, &self.name)
                };
                placed.inspect_err(|_| self.remove(&aside))?;
            }
        }
        self.settle();
        Ok(())
    }

    /// What is there, if anything is: a regular file.
    fn before(&self) -> Result<Option<Stat>> {
        match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => regular(&stat).map(|()| Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn append(&self, bytes: &[u8]) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE | OFlags::NOFOLLOW;
        let flags = flags | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let file = openat(&self.folder, &self.name, flags, USUAL)?;
        regular(&rustix::fs::fstat(&file)?)?;
        let mut file = File::from(file);
        file.write_all(bytes)?;
        Ok(file.sync_all()?)
    }

    /// Writes a new file beside the place, as usable as the one that it will replace, and gives its name.
    fn write_aside(&self, bytes: &[u8], before: Option<&Stat>) -> Result<String> {
        let (aside, file) = self.create_aside()?;
        let write = || -> io::Result<()> {
            if let Some(before) = before {
                // Only who may give files away can keep another's his.
                let _ = fchown(&file, Some(Uid::from_raw(before.st_uid)), Some(Gid::from_raw(before.st_gid)));
                fchmod(&file, Mode::from_raw_mode(before.st_mode & 0o777))?;
            }
            (&file).write_all(bytes)?;
            file.sync_all()
        };
        write().inspect_err(|_| self.remove(&aside))?;
        Ok(aside)
    }

    fn create_aside(&self) -> Result<(String, File)> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        loop {
            let name = format!("{ASIDE}{:016x}", fastrand::u64(..));
            match openat(&self.folder, &name, flags, USUAL) {
                Ok(file) => return Ok((name, file.into())),
                Err(Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Gives what was written aside its name, if nothing else has it by now.
    fn place_new(&self, aside: &str) -> rustix::io::Result<()> {
        match renameat_with(&self.folder, aside, &self.folder, &self.name, RenameFlags::NOREPLACE) {
            // Not every file system can.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                linkat(&self.folder, aside, &self.folder, &self.name, AtFlags::empty())?;
                self.remove(aside);
                Ok(())
            }
            result => result,
        }
    }

    fn remove(&self, aside: &str) {
        let _ = unlinkat(&self.folder, aside, AtFlags::empty());
    }

    /// Has the name on the disk, too, where the folder may be read for it.
    fn settle(&self) {
        if let Ok(folder) = openat(&self.folder, ".", READABLE, Mode::empty()) {
            let _ = rustix::fs::fsync(folder);
        }
    }
}

/// How folders are opened to be read.
const READABLE: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The files in a folder that lies in one of these, by their paths below it, sorted; those in folders within it,
/// too, if `deep`. Links to folders are not followed. `None` for a folder outside.
///
/// # Errors
/// It is not there, or is no folder, or cannot be read.
pub(crate) fn list_beneath<'a>(
    mut folders: impl Iterator<Item = &'a Folder>,
    path: &Path,
    deep: bool,
    wanted: &mut dyn FnMut(&Path) -> Result<()>,
) -> Result<Option<()>> {
    let real = path.canonicalize()?;
    let Some(folder) = folders.find(|folder| folder.holds(&real)) else { return Ok(None) };
    let opened = if real == folder.real {
        openat(&folder.handle, ".", READABLE, Mode::empty())?
    } else {
        let (parent, name) = folder.folder_of(&real)?;
        openat(parent, name, READABLE | OFlags::NOFOLLOW, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR => Unread::NoFile("no folder"),
            other => other.into(),
        })?
    };
    list(&opened, Path::new(""), deep, wanted).map(Some)
}

fn list(folder: &OwnedFd, below: &Path, deep: bool, wanted: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = Path::new(<OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(entry.file_name().to_bytes()));
        if name == Path::new(".") || name == Path::new("..") || name.to_string_lossy().starts_with(ASIDE) {
            continue;
        }
        let at = below.join(name);
        // One that is gone by now is none.
        let Ok(stat) = statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => wanted(&at)?,
            FileType::Symlink => {
                let target = statat(folder, name, AtFlags::empty());
                if target.is_ok_and(|target| regular(&target).is_ok()) {
                    wanted(&at)?;
                }
            }
            FileType::Directory if deep => {
                let inner = openat(folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())
                    .and_then(|inner| openat(inner, ".", READABLE, Mode::empty()))?;
                list(&inner, &at, deep, wanted)?;
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
