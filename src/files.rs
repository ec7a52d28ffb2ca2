//! Files that are read: regular ones, of a bounded size, text without a byte-order mark. [`writing`] is how they are
//! written, and folders looked through; [`locked`] those that one process has at a time.
//!
//! What a name leads to can change between two looks. So a file is looked at through its open handle, and a
//! [`Folder`] that was named once is held open: what lies in it is opened from there, link by link refused.
//! Opening never waits, as it would for a pipe's other end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, open, openat, statat};

use crate::error::{Error, Kind};

pub(crate) mod locked;
mod writing;

pub(crate) use writing::{How, Place, list_beneath, place_beneath};

/// The largest script, module or file of settings that is read, in bytes.
pub(crate) const LARGEST: usize = 16 << 20;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The system says no.
    System(io::Error),
    /// It is something else: what it is.
    NoFile(&'static str),
    /// It holds more than this many bytes.
    TooLarge(usize),
    /// It is not UTF-8 text.
    NoText,
}

impl Unread {
    /// Whether nothing is there.
    pub(crate) fn is_missing(&self) -> bool {
        use io::ErrorKind::{NotADirectory, NotFound};
        matches!(self, Self::System(error) if matches!(error.kind(), NotFound | NotADirectory))
    }

    /// The error of this kind that names the file; `limit` where it is too large.
    pub(crate) fn error(&self, kind: Kind, shown: impl std::fmt::Display) -> Error {
        match self {
            Self::TooLarge(most) => {
                Error::new(Kind::Limit, format!("{shown} is larger than the {} MB that are read", most >> 20))
            }
            _ => Error::new(kind, format!("cannot read {shown}: {self}")),
        }
    }
}

impl std::fmt::Display for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::System(error) => error.fmt(f),
            Self::NoFile(what) => write!(f, "it is {what}"),
            Self::TooLarge(most) => write!(f, "it is larger than the {} MB that are read", most >> 20),
            Self::NoText => f.write_str("it is not UTF-8 text"),
        }
    }
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

impl From<rustix::io::Errno> for Unread {
    fn from(error: rustix::io::Errno) -> Self {
        Self::System(error.into())
    }
}

/// What is read here.
pub(crate) type Result<T> = std::result::Result<T, Unread>;

/// The text of a file of at most so many bytes.
pub(crate) fn read_text(path: &Path, most: usize) -> Result<String> {
    text(read_file(open_file(path)?, most)?)
}

/// The bytes of a file, if it holds at most so many. One that says it is larger is not read at all.
pub(crate) fn read_file(mut file: File, most: usize) -> Result<Vec<u8>> {
    let size = usize::try_from(file.metadata()?.len()).ok().filter(|size| *size <= most);
    let mut bytes = Vec::with_capacity(size.ok_or(Unread::TooLarge(most))?.saturating_add(1));
    read_into(&mut bytes, &mut file, most)?;
    Ok(bytes)
}

/// Everything that comes out of a stream, if it is at most so many bytes. No more than that is read.
pub(crate) fn read(mut from: impl Read, most: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, &mut from, most)?;
    Ok(bytes)
}

fn read_into(bytes: &mut Vec<u8>, from: &mut impl Read, most: usize) -> Result<()> {
    // A stream may be endless, and a file may grow or not tell its size.
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(bytes)?;
    if bytes.len() > most { Err(Unread::TooLarge(most)) } else { Ok(()) }
}

/// Bytes as text, without the byte-order mark that some editors put in front.
pub(crate) fn text(bytes: Vec<u8>) -> Result<String> {
    let mut text = String::from_utf8(bytes).map_err(|_| Unread::NoText)?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    Ok(text)
}

/// Whether everybody on the machine can read a file.
pub(crate) fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    path.metadata().is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

/// Opens a regular file, links followed.
pub(crate) fn open_file(path: &Path) -> Result<File> {
    opened(rustix::fs::stat(path)?, || open(path, FILE, Mode::empty()))
}

/// How files are opened: nothing waits, and nothing becomes the terminal of the process.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// How folders are opened, to open what is in them. It need not be possible to list them.
#[cfg(target_os = "linux")]
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// A regular file. Opening a device may do something, so that it is looked at before, too.
fn opened(before: rustix::fs::Stat, open: impl FnOnce() -> rustix::io::Result<OwnedFd>) -> Result<File> {
    regular(&before)?;
    let file = open()?;
    regular(&rustix::fs::fstat(&file)?)?;
    Ok(file.into())
}

fn regular(stat: &rustix::fs::Stat) -> Result<()> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(()),
        FileType::Directory => Err(Unread::NoFile("a folder")),
        FileType::Symlink => Err(rustix::io::Errno::LOOP.into()),
        FileType::Fifo => Err(Unread::NoFile("a pipe, not a regular file")),
        _ => Err(Unread::NoFile("not a regular file")),
    }
}

/// A folder that is held open, or one file of it: later changes of what its name leads to are none of its
/// concern.
#[derive(Debug)]
pub(crate) struct Folder {
    /// Where it was when it was opened, without links.
    real: PathBuf,
    handle: OwnedFd,
    /// The one file that is meant, where it is not all of the folder.
    only: Option<PathBuf>,
}

impl Folder {
    /// The folder that a path leads to, or the file, in its folder.
    ///
    /// # Errors
    /// Nothing is there, or it cannot be opened.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let real = path.canonicalize()?;
        let is_folder = real.metadata()?.is_dir();
        let (folder, only) = match real.parent() {
            Some(folder) if !is_folder => (folder.to_owned(), Some(real)),
            _ => (real, None),
        };
        let handle = open(&folder, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        Ok(Self { real: folder, handle, only })
    }

    /// Where the folder is, without links.
    pub(crate) fn real(&self) -> &Path {
        &self.real
    }

    /// Whether a path without links lies in it.
    pub(crate) fn holds(&self, real: &Path) -> bool {
        self.only.as_deref().map_or_else(|| real.starts_with(&self.real), |only| real == only)
    }

    /// Opens a regular file by its path without links. Where a link stands in the way by now, it is refused.
    ///
    /// # Errors
    /// It lies outside; and as for any file.
    pub(crate) fn open_file(&self, real: &Path) -> Result<File> {
        let (folder, name) = self.folder_of(real)?;
        let before = statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW)?;
        opened(before, || openat(&folder, &name, FILE | OFlags::NOFOLLOW, Mode::empty()))
    }

    /// Opens the folder that a path without links lies in, and gives the name that it has there.
    fn folder_of(&self, real: &Path) -> Result<(OwnedFd, OsString)> {
        let outside = || io::Error::from(io::ErrorKind::PermissionDenied);
        let below = real.strip_prefix(&self.real).ok().filter(|_| self.holds(real)).ok_or_else(outside)?;
        let mut folder = self.handle.try_clone()?;
        let mut parts = below.components().peekable();
        while let Some(Component::Normal(name)) = parts.next() {
            if parts.peek().is_none() {
                return Ok((folder, name.to_owned()));
            }
            folder = openat(&folder, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?;
        }
        Err(Unread::NoFile("a folder"))
    }
}

/// A path may be changed while it is followed, by those who replace what it leads to in one step. Then it is
/// followed again, so often.
const TRIES: usize = 8;

/// What a path leads to.
pub(crate) enum Found {
    /// A file of one of the folders, and its path without links.
    File(File, PathBuf),
    /// Something outside all of them.
    Outside,
    /// Nothing, as far as the system tells.
    Nothing(io::Error),
}

/// Opens a file of one of these folders. The path is followed by name to find out which; what is opened lies
/// there whatever becomes of the name meanwhile.
///
/// # Errors
/// It lies in one of them and cannot be opened, or is no regular file.
pub(crate) fn open_beneath<'a>(folders: impl Iterator<Item = &'a Folder> + Clone, path: &Path) -> Result<Found> {
    let mut left = TRIES;
    loop {
        left -= 1;
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => return Ok(Found::Nothing(error)),
        };
        let Some(folder) = folders.clone().find(|folder| folder.holds(&real)) else {
            return Ok(Found::Outside);
        };
        match folder.open_file(&real) {
            Err(Unread::System(_)) if left > 0 => {}
            result => return Ok(Found::File(result?, real)),
        }
    }
}

#[cfg(test)]
mod tests;
