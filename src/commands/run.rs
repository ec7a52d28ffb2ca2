//! `jst run`, `jst eval` and `jst repl`: code from a file, from the command line, or line by line.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::session::Work;
use super::show;
use crate::config::folder_of;
use crate::error::{Error, Kind, Result};
use crate::script::{Ended, read_script};

/// Runs a script file, or standard input.
pub fn file(work: &Work, path: &Path, args: Vec<String>) -> Result<u8> {
    let (name, text, root) = if path == Path::new("-") {
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Error::new(Kind::Io, format!("cannot read the script from stdin: {error}")))?;
        ("stdin".to_owned(), text, PathBuf::new())
    } else {
        (path.display().to_string(), read_script(path)?, folder_of(path))
    };
    match work.host(root, args).run(&name, &text)? {
        Ended::Value(_) => Ok(0),
        Ended::Exit(code) => Ok(code),
    }
}

/// Runs code from the command line and prints its last value.
pub fn code(work: &Work, code: &str, args: Vec<String>) -> Result<u8> {
    match work.host(PathBuf::new(), args).run("eval", code)? {
        Ended::Value(value) => show(work.config(), &value),
        Ended::Exit(code) => Ok(code),
    }
}
