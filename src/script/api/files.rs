//! The files that a script may read: those granted with `--allow-read`, and what lies in granted folders.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use rhai::{EvalAltResult, ImmutableString, Module};

use super::function;
use crate::credentials;
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::script::host::HostConfig;
use crate::script::value::throw;
use crate::show::redaction::REDACTOR;

/// The largest file that is read.
const LARGEST: usize = 64 << 20;

pub(super) fn register(module: &mut Module, config: &HostConfig) {
    let granted = config.allow_read.clone();
    const READ_FILE: &str = "The text of a file granted with --allow-read, itself or with its folder.";
    function("read_file", &["path: string", "string"], READ_FILE).set_into_module(
        module,
        move |path: ImmutableString| -> std::result::Result<String, Box<EvalAltResult>> {
            read(&granted, Path::new(path.as_str())).map_err(throw)
        },
    );
}

/// The text of a file that lies in what is granted once every link is followed.
fn read(granted: &[PathBuf], path: &Path) -> Result<String> {
    let shown = path.display();
    let cannot = |why: &dyn std::fmt::Display| Error::new(Kind::Io, format!("cannot read {shown}: {why}"));
    let real = match path.canonicalize() {
        Ok(real) if granted.iter().any(|granted| granted.canonicalize().is_ok_and(|g| real.starts_with(g))) => real,
        Err(error) if granted.iter().any(|granted| names_in(granted, path)) => return Err(cannot(&error)),
        // Whether anything is there is not told either.
        _ => {
            let error = Error::new(Kind::Policy, format!("the script may not read the file {shown}"));
            return Err(error.hint(format!("add --allow-read {shown}")));
        }
    };
    let most = LARGEST.min(memory::left());
    let too_large = || match most {
        LARGEST => Error::new(Kind::Limit, format!("{shown} is larger than the {} MB that are read", LARGEST >> 20)),
        _ => memory::no_room(),
    };
    // Looked at before it is opened: opening a pipe waits for its other end.
    let about = real.metadata().map_err(|error| cannot(&error))?;
    if !about.is_file() {
        return Err(cannot(if about.is_dir() { &"it is a folder" } else { &"it is not a regular file" }));
    }
    let size = usize::try_from(about.len()).ok().filter(|size| *size <= most).ok_or_else(too_large)?;
    let mut bytes = Vec::with_capacity(size + 1);
    // A file may grow, and some do not tell their size.
    let read = File::open(&real).and_then(|file| file.take(most as u64 + 1).read_to_end(&mut bytes));
    if read.map_err(|error| cannot(&error))? > most {
        return Err(too_large());
    }
    let text = String::from_utf8(bytes).map_err(|_| cannot(&"it is not UTF-8 text"))?;
    // Before the script can show any of it.
    credentials::in_file(&real, &text, |secret, class| REDACTOR.add(&secret, class));
    Ok(text)
}

/// Whether a path names something in a granted one, as far as the words alone tell.
fn names_in(granted: &Path, path: &Path) -> bool {
    let up = path.components().any(|part| part == Component::ParentDir);
    let absolute = |path| std::path::absolute(path).ok();
    !up && absolute(granted).zip(absolute(path)).is_some_and(|(granted, path)| path.starts_with(granted))
}
