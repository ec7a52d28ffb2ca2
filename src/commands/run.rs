//! `jst run`, `jst eval` and `jst repl`: code from a file, from the command line, or line by line.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::session::Work;
use super::{ops, show};
use crate::catalogue;
use crate::config::folder_of;
use crate::error::{Error, Kind, Result};
use crate::repl;
use crate::script::{Ended, Session, read_script};

/// Runs a script file, or standard input.
pub fn file(work: &Work, path: &Path, args: Vec<String>) -> Result<u8> {
    let (name, text, root) = if path == Path::new("-") {
        let mut text = String::new();
        work.stop()
            .while_reading(|| std::io::stdin().read_to_string(&mut text))?
            .map_err(|error| Error::new(Kind::Io, format!("cannot read the script from stdin: {error}")))?;
        ("stdin".to_owned(), text, PathBuf::new())
    } else {
        (path.display().to_string(), read_script(path)?, folder_of(path))
    };
    work.host(root, args).run(&name, &text)
}

/// Runs code from the command line and prints its last value.
pub fn code(work: &Work, code: &str, args: Vec<String>) -> Result<u8> {
    match work.host(PathBuf::new(), args).eval("eval", code)? {
        Ended::Value(value) => show(work.config(), &value),
        Ended::Exit(code) => Ok(code),
    }
}

/// Talks line by line.
pub fn repl(work: &Work) -> Result<u8> {
    let config = work.config();
    let session = Session::new(work.host(PathBuf::new(), Vec::new()));
    let printing = Arc::clone(config);
    let settings = repl::Settings {
        name: work.account_name()?,
        history: config.around.state_dir().map(|dir| dir.join("history")),
        interactive: config.around.terminal[0] && config.around.terminal[1],
        colour: config.around.colour(),
        stop: Arc::clone(work.stop()),
        print: Box::new(move |value| show(&printing, value).map(drop)),
        help: Box::new(|name| catalogue::find(name).map(ops::explain)),
        operations: Box::new(ops::list),
    };
    repl::run(session, &settings)
}
