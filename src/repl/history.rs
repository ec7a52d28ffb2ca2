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
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn held(bytes: &[u8]) -> Held {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("history");
        fs::write(&path, bytes).unwrap();
        HistoryFile::new(&path).load().unwrap()
    }

    #[test]
    fn entries_come_back_as_they_were() {
        let folder = tempfile::TempDir::new().unwrap();
        let file = HistoryFile::new(&folder.path().join("state/jst/history"));
        assert_eq!(file.load().unwrap(), Held::default());
        let entries = ["let x = 1;", "fn f() {\n    2\n}", r#"print("a\n\\b")"#, "商城\\", "\\n"];
        entries.iter().for_each(|entry| file.append(entry).unwrap());
        assert_eq!(file.load().unwrap().entries, entries);
    }

    #[test]
    fn what_is_no_text_costs_its_own_line_only() {
        for (bytes, entries, damaged) in [
            (&b"#V2\na\n\xff\xfe\nb\n"[..], &["a", "b"][..], 1),
            (b"#V2\n\xc3\n\xff\n\nb", &["b"], 2),
            (b"old\nb\\n\n", &["old", "b\\n"], 0),
            (b"", &[], 0),
            (b"#V2\nprint(\"\x1b]0;x\x07\")\n", &["print(\"\\u{1b}]0;x\\u{7}\")"], 0),
            ("#V2\na\u{9b}1m\u{202e}\r\n".as_bytes(), &["a\\u{9b}1m\\u{202e}\\r"], 0),
        ] {
            let entries = entries.iter().map(|entry| (*entry).to_owned()).collect();
            assert_eq!(held(bytes), Held { entries, damaged });
        }
    }

    #[test]
    fn the_newest_are_kept() {
        let many: String = (0..KEPT + KEPT / 5).map(|n| format!("{n}\n")).collect();
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("history");
        fs::write(&path, format!("#V2\n{many}")).unwrap();
        let file = HistoryFile::new(&path);
        for _ in 0..2 {
            let entries = file.load().unwrap().entries;
            assert_eq!(entries.len(), KEPT);
            assert_eq!(entries.last(), Some(&(KEPT + KEPT / 5 - 1).to_string()));
        }
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), KEPT + 1);
    }

    #[test]
    fn what_is_no_file_is_said_and_not_waited_for() {
        let folder = tempfile::TempDir::new().unwrap();
        assert_eq!(HistoryFile::new(folder.path()).load().unwrap_err().to_string(), "it is no file");
        assert!(HistoryFile::new(&folder.path().join("a/b")).load().is_ok());
    }
}
