//! A block in the editor of the person's choice: what is too tall for the screen is edited there.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Kind, Result};

/// The key that opens it, as people know it from their shell.
pub(super) const KEY: &str = "Ctrl-X Ctrl-E";

/// The text as it was left in the editor. `command` is the editor, with words for it perhaps.
///
/// # Errors
/// `io` when the editor does not start or fails, or what it left cannot be read; the text is lost then.
pub(super) fn edit(command: &str, text: &str) -> Result<String> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(Kind::Io, format!("cannot edit with `{command}`: {error}")).hint("VISUAL or EDITOR names the editor")
    };
    let draft = Draft::new(text).map_err(|error| failed(&error))?;
    let mut words = command.split_whitespace();
    let ended = Command::new(words.next().unwrap_or("vi")).args(words).arg(draft.path()).status();
    let ended = ended.map_err(|error| failed(&error))?;
    if !ended.success() {
        return Err(failed(&ended));
    }
    let edited = std::fs::read_to_string(draft.path()).map_err(|error| failed(&error))?;
    Ok(edited.trim_end().to_owned())
}

/// A file that only its owner reads, and that is gone when it is edited.
struct Draft(PathBuf);

impl Draft {
    fn new(text: &str) -> std::io::Result<Self> {
        let name = format!("jst-{}-{:x}.rhai", std::process::id(), fastrand::u64(..));
        let draft = Self(std::env::temp_dir().join(name));
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(draft.path())?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        Ok(draft)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // What the editor took away is gone already.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_the_editor_leaves_is_taken() {
        assert_eq!(edit("sed -i s/1/2/", "let x = 1;\nx").unwrap(), "let x = 2;\nx");
        assert_eq!(edit("true", "").unwrap(), "");
        for (command, says) in
            [("false", "exit status: 1"), ("/no/such/editor", "No such file"), ("rm", "No such file")]
        {
            let error = edit(command, "x").unwrap_err();
            assert!(error.message.starts_with(&format!("cannot edit with `{command}`: ")), "{error:?}");
            assert!(error.message.contains(says), "{error:?}");
        }
    }
}
