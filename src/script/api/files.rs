//! The files that a script may read: those granted with `--allow-read`, and what lies in granted folders.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rhai::{EvalAltResult, ImmutableString, Module};

use super::function;
use crate::credentials;
use crate::error::{Error, Kind, Result};
use crate::files::{self, Folder, Found, Unread};
use crate::memory;
use crate::script::host::{HostConfig, script_text};
use crate::script::value::throw;
use crate::show::redaction::REDACTOR;

/// The largest file that is read.
const LARGEST: usize = 64 << 20;

pub(super) fn register(module: &mut Module, config: &HostConfig) {
    let granted: Vec<Grant> = config.allow_read.iter().cloned().map(Grant::new).collect();
    const READ_FILE: &str = "The text of a file granted with --allow-read, itself or with its folder.";
    function("read_file", &["path: string", "string"], READ_FILE).set_into_module(
        module,
        move |path: ImmutableString| -> std::result::Result<String, Box<EvalAltResult>> {
            read(&granted, Path::new(path.as_str())).map_err(throw)
        },
    );
}

/// A file or folder that is granted.
struct Grant {
    path: PathBuf,
    /// Held open from the beginning, or since it is there: what its name leads to later is not granted.
    opened: OnceLock<Folder>,
}

impl Grant {
    fn new(path: PathBuf) -> Self {
        let grant = Self { path, opened: OnceLock::new() };
        grant.folder();
        grant
    }

    fn folder(&self) -> Option<&Folder> {
        match self.opened.get() {
            Some(folder) => Some(folder),
            None => Folder::open(&self.path).ok().map(|folder| self.opened.get_or_init(|| folder)),
        }
    }

    /// Whether a path names something in it, as far as the words alone tell.
    fn names(&self, path: &Path) -> bool {
        let up = path.components().any(|part| part == Component::ParentDir);
        let absolute = |path: &Path| std::path::absolute(path).ok();
        !up && absolute(&self.path).zip(absolute(path)).is_some_and(|(granted, path)| path.starts_with(granted))
    }
}

/// The text of a file that lies in what is granted once every link is followed.
fn read(granted: &[Grant], path: &Path) -> Result<String> {
    let shown = path.display();
    let cannot = |why: Unread| why.error(Kind::Io, &shown);
    match files::open_beneath(granted.iter().filter_map(Grant::folder), path).map_err(cannot)? {
        Found::File(file, real) => {
            let text = text(file, &shown)?;
            // Before the script can show any of it.
            credentials::in_file(&real, &text, |secret, class| REDACTOR.add(&secret, class));
            Ok(script_text(text))
        }
        Found::Nothing(error) if granted.iter().any(|granted| granted.names(path)) => Err(cannot(error.into())),
        // Whether anything is there is not told either.
        Found::Outside | Found::Nothing(_) => {
            let error = Error::new(Kind::Policy, format!("the script may not read the file {shown}"));
            Err(error.hint(format!("add --allow-read {shown}")))
        }
    }
}

/// The text of a file, for which there must be room.
fn text(file: File, shown: &impl std::fmt::Display) -> Result<String> {
    match files::read_file(file, LARGEST.min(memory::left())) {
        Err(Unread::TooLarge(most)) if most < LARGEST => Err(memory::no_room()),
        result => result.and_then(files::text).map_err(|why| why.error(Kind::Io, shown)),
    }
}
