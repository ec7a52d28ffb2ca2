//! The files that a script may read and write: those granted with `--allow-read` and `--allow-write`, and what lies
//! in granted folders.

use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, OnceLock};

use rhai::{Array, ImmutableString, Module};

use super::function;
use crate::call::account::Account;
use crate::credentials;
use crate::error::{Error, Kind, Result};
use crate::files::{self, Folder, Found, How, Place, Unread, list_beneath, place_beneath};
use crate::memory;
use crate::script::host::{HostConfig, script_text};
use crate::script::value::{ScriptResult, throw};
use crate::show::redaction::REDACTOR;

/// The largest file that is read.
const LARGEST: usize = 64 << 20;

pub(super) fn register(module: &mut Module, config: &HostConfig, account: &Arc<Account>) {
    let grants = Arc::new(Grants::new(config));
    let given = Arc::clone(&grants);
    const READ_FILE: &str = "The text of a file granted with --allow-read, itself or with its folder.";
    function("read_file", &["path: string", "string"], READ_FILE).set_into_module(
        module,
        move |path: ImmutableString| -> ScriptResult<String> {
            read(&given.read, Path::new(path.as_str())).map_err(throw)
        },
    );
    for (name, how, help) in [
        (
            "write_file",
            How::Replace,
            "Writes a file granted with --allow-write, in one step; one that is there is replaced.",
        ),
        ("write_new", How::New, "Writes a file granted with --allow-write that must not be there yet."),
        ("append_file", How::Append, "Writes a text at the end of a file granted with --allow-write."),
    ] {
        let (given, account) = (Arc::clone(&grants), Arc::clone(account));
        function(name, &["path: string", "text: string", "()"], help).set_into_module(
            module,
            move |path: ImmutableString, text: ImmutableString| -> ScriptResult<()> {
                let place = place(&given.write, Path::new(path.as_str()), &text).map_err(throw)?;
                account.shared().may_do(|| format!("{name} {path}")).map_err(throw)?;
                place.write(text.as_bytes(), how).map_err(|why| throw(not_written(Path::new(path.as_str()), &why)))
            },
        );
    }
    const FILES: &str = "The paths of the files in a granted folder, sorted: all of it, or those that match a glob; one with a / looks into folders, too.";
    let given = Arc::clone(&grants);
    function("files", &["folder: string", "array"], FILES)
        .set_into_module(module, move |folder: ImmutableString| list(&given, &folder, None).map_err(throw));
    let given = Arc::clone(&grants);
    function("files", &["folder: string", "glob: string", "array"], FILES)
        .set_into_module(module, move |folder: ImmutableString, glob: ImmutableString| {
            list(&given, &folder, Some(&glob)).map_err(throw)
        });
    const EXISTS: &str = "Whether a file or folder is there, where reading or writing it is granted.";
    function("exists", &["path: string", "bool"], EXISTS)
        .set_into_module(module, move |path: ImmutableString| -> ScriptResult<bool> {
            exists(&grants, Path::new(path.as_str())).map_err(throw)
        });
}

/// What is granted.
struct Grants {
    read: Vec<Grant>,
    write: Vec<Grant>,
}

impl Grants {
    fn new(config: &HostConfig) -> Self {
        let all = |paths: &[PathBuf], open: Open| paths.iter().cloned().map(|path| Grant::new(path, open)).collect();
        Self { read: all(&config.allow_read, Folder::open), write: all(&config.allow_write, Folder::for_writing) }
    }

    /// What may be looked at: either grant tells.
    fn all(&self) -> impl Iterator<Item = &Grant> + Clone {
        self.read.iter().chain(&self.write)
    }
}

type Open = fn(&Path) -> std::io::Result<Folder>;

/// A file or folder that is granted.
struct Grant {
    path: PathBuf,
    open: Open,
    /// Held open from the beginning, or since it is there: what its name leads to later is not granted.
    opened: OnceLock<Folder>,
}

impl Grant {
    fn new(path: PathBuf, open: Open) -> Self {
        let grant = Self { path, open, opened: OnceLock::new() };
        grant.folder();
        grant
    }

    fn folder(&self) -> Option<&Folder> {
        match self.opened.get() {
            Some(folder) => Some(folder),
            None => (self.open)(&self.path).ok().map(|folder| self.opened.get_or_init(|| folder)),
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
        Found::Outside | Found::Nothing(_) => Err(refused("read the file", path, "--allow-read")),
    }
}

/// The text of a file, for which there must be room.
fn text(file: File, shown: &impl std::fmt::Display) -> Result<String> {
    match files::read_file(file, LARGEST.min(memory::left())) {
        Err(Unread::TooLarge(most)) if most < LARGEST => Err(memory::no_room()),
        result => result.and_then(files::text).map_err(|why| why.error(Kind::Io, shown)),
    }
}

/// Where a file is written that lies in what is granted once every link is followed.
fn place(granted: &[Grant], path: &Path, text: &str) -> Result<Place> {
    let refused = || refused("write the file", path, "--allow-write");
    let place = match place_beneath(granted.iter().filter_map(Grant::folder), path) {
        Ok(Some(place)) => place,
        Err(why) if granted.iter().any(|granted| granted.names(path)) => return Err(not_written(path, &why)),
        // Whether anything is there is not told either.
        Ok(None) | Err(_) => return Err(refused()),
    };
    // Masking it would put stars where a restored file needs the value.
    if matches!(REDACTOR.data(text), std::borrow::Cow::Owned(_)) {
        let message = format!("{} was not written: the text holds a secret of this run", path.display());
        return Err(Error::new(Kind::Policy, message).hint("leave the field with the secret out of what is written"));
    }
    Ok(place)
}

fn not_written(path: &Path, why: &Unread) -> Error {
    let error = Error::new(Kind::Io, format!("cannot write {}: {why}", path.display()));
    match why {
        Unread::System(system) if system.kind() == std::io::ErrorKind::AlreadyExists => {
            error.hint("write_file replaces a file that is there")
        }
        _ => error,
    }
}

/// The paths of the files in a granted folder.
fn list(grants: &Grants, folder: &str, glob: Option<&str>) -> Result<Array> {
    let path = Path::new(folder);
    let pattern = glob.map(super::patterns::glob).transpose()?;
    let deep = glob.is_some_and(|glob| glob.contains('/'));
    let mut found = Vec::new();
    let mut wanted = |below: &Path| {
        let below = below.to_string_lossy();
        if pattern.as_ref().is_none_or(|pattern| super::patterns::fits_path(pattern, &below)) {
            memory::room_for(folder.len() + below.len() + 64).map_err(|_| Unread::TooLarge(0))?;
            found.push(path.join(&*below).display().to_string());
        }
        Ok(())
    };
    match list_beneath(grants.all().filter_map(Grant::folder), path, deep, &mut wanted) {
        Ok(Some(())) => {}
        Err(Unread::TooLarge(_)) => return Err(memory::no_room()),
        Err(why) if grants.all().any(|granted| granted.names(path)) => return Err(why.error(Kind::Io, path.display())),
        Ok(None) | Err(_) => return Err(refused("look into the folder", path, "--allow-read")),
    }
    found.sort_unstable();
    Ok(found.into_iter().map(Into::into).collect())
}

/// Whether something is there, once every link is followed.
fn exists(grants: &Grants, path: &Path) -> Result<bool> {
    match path.canonicalize() {
        Ok(real) if grants.all().filter_map(Grant::folder).any(|folder| folder.holds(&real)) => Ok(true),
        Err(_) if grants.all().any(|granted| granted.names(path)) => Ok(false),
        // A file that may be written and is not there yet, by another way.
        Err(_) if matches!(place_beneath(grants.all().filter_map(Grant::folder), path), Ok(Some(_))) => Ok(false),
        _ => Err(refused("look for", path, "--allow-read")),
    }
}

fn refused(what: &str, path: &Path, flag: &str) -> Error {
    let shown = path.display();
    Error::new(Kind::Policy, format!("the script may not {what} {shown}")).hint(format!("add {flag} {shown}"))
}
