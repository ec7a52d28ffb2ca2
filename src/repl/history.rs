//! What was entered in earlier sessions, in a file: an entry a line, line breaks written as `\n` and backslashes
//! as `\\` below a first line that says so. A line that is no text is passed over.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::show::visible;

/// Entries that are kept.
pub(super) const KEPT: usize = 100_000;

/// The first line of a file whose entries are written so.
const HEADER: &str = "#V2";

/// A history's file.
#[derive(Debug)]
pub(super) struct HistoryFile(PathBuf);

/// What a file held.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Held {
    /// The newest entries, the latest last.
    pub entries: Vec<String>,
    /// Lines that were passed over.
    pub damaged: usize,
}

impl HistoryFile {
    /// A history in this file, which need not be there yet.
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The entries so far. A file that has grown far beyond what is kept, or is written another way, is written
    /// anew.
    ///
    /// # Errors
    /// What the system says; a file that is not there is an empty one.
    pub(super) fn load(&self) -> io::Result<Held> {
        match fs::metadata(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Held::default()),
            Ok(found) if !found.is_file() => return Err(io::Error::other("it is no file")),
            found => found?,
        };
        let bytes = fs::read(&self.0)?;
        let is_escaped = bytes.starts_with(HEADER.as_bytes());
        let (entries, damaged) = entries(&bytes, is_escaped);
        let surplus = entries.len().saturating_sub(KEPT);
        let kept: Vec<String> = entries.into_iter().skip(surplus).collect();
        if surplus > KEPT / 10 || !(is_escaped || kept.is_empty()) {
            self.rewrite(&kept)?;
        }
        Ok(Held { entries: kept, damaged })
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn append(&self, entry: &str) -> io::Result<()> {
        if let Some(folder) = self.0.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = File::options().append(true).create(true).mode(0o600).open(&self.0)?;
        let header = if file.metadata()?.len() == 0 { format!("{HEADER}\n") } else { String::new() };
        // At once, so that sessions side by side do not mix theirs.
        file.write_all(format!("{header}{}\n", escaped(entry)).as_bytes())
    }

    fn rewrite(&self, entries: &[String]) -> io::Result<()> {
        let mut anew = self.0.clone().into_os_string();
        anew.push(format!(".{}", std::process::id()));
        let mut text = format!("{HEADER}\n");
        entries.iter().for_each(|entry| {
            text.push_str(&escaped(entry));
            text.push('\n');
        });
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&anew)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&anew, &self.0)
    }
}

/// The entries of a file's bytes, and how many lines are damaged.
fn entries(bytes: &[u8], is_escaped: bool) -> (Vec<String>, usize) {
    let lines = bytes.split(|byte| *byte == b'\n').skip(usize::from(is_escaped)).filter(|line| !line.is_empty());
    let mut damaged = 0;
    let mut entries = Vec::new();
    for line in lines {
        match std::str::from_utf8(line) {
            Ok(line) => {
                let entry = if is_escaped { unescaped(line) } else { Cow::Borrowed(line) };
                // Nothing in it may steer the terminal that shows it.
                entries.push(visible::block(&entry).into_owned());
            }
            Err(_) => damaged += 1,
        }
    }
    (entries, damaged)
}

fn escaped(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace('\n', "\\n")
}

fn unescaped(line: &str) -> Cow<'_, str> {
    if !line.contains('\\') {
        return Cow::Borrowed(line);
    }
    let mut text = String::with_capacity(line.len());
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, chars.as_str().chars().next()) {
            ('\\', Some(next @ ('n' | '\\'))) => {
                chars.next();
                text.push(if next == 'n' { '\n' } else { '\\' });
            }
            _ => text.push(c),
        }
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests;
