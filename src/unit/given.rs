//! Flags that were given for the run of a unit, and how they stand there.

use std::path::{Path, PathBuf};

use super::Scheduler;
use super::kubernetes::STATE;
use crate::error::{Error, Kind, Result};
use crate::show::redaction::REDACTOR;

/// A flag as it was given.
#[derive(Clone, Debug)]
pub(crate) struct Flag {
    /// Its name, without dashes.
    pub long: String,
    /// Its value.
    pub value: String,
    /// The words that say the same on a command line.
    pub words: Vec<String>,
}

/// What a flag is to a unit.
enum Is {
    /// The same there as here.
    Same,
    /// A file or folder that the run reads, or writes.
    Read,
    Written,
    /// What the unit says in its own way.
    Own,
    /// A part of credentials.
    Credential,
}

fn is(flag: &Flag) -> Is {
    match flag.long.as_str() {
        "access-key-id" | "access-key-secret" | "security-token" => Is::Credential,
        "deadline" | "grace" | "metrics-file" | "report" | "shards" => Is::Own,
        "sim" if matches!(flag.value.as_str(), "true" | "yes" | "1" | "false" | "no" | "0") => Is::Same,
        "sim" | "config" | "ca-file" | "allow-read" => Is::Read,
        "state-dir" | "journal" | "allow-write" | "lock-dir" => Is::Written,
        _ => Is::Same,
    }
}

/// The words of a unit for flags that were given; those that it says in its own way are not among them.
///
/// # Errors
/// `usage`, naming a flag that does not fit.
pub(crate) fn words(flags: &[Flag], scheduler: Scheduler) -> Result<Vec<String>> {
    let mut words = Vec::new();
    for flag in flags {
        let long = &flag.long;
        if has_credentials(&flag.value) {
            let why = format!("--{long}: the URL has credentials in it, and a unit can be read by others");
            return Err(Error::new(Kind::Usage, why).hint("leave them out of the URL"));
        }
        match is(flag) {
            Is::Same => words.extend(flag.words.iter().cloned()),
            Is::Own => {}
            Is::Read => words.push(format!("--{long}={}", read(long, &flag.value, scheduler)?)),
            Is::Written => words.push(format!("--{long}={}", written(long, &flag.value, scheduler)?)),
            Is::Credential => {
                return Err(Error::new(
                    Kind::Usage,
                    format!("--{long} does not go into a unit, which others can read"),
                )
                .hint("leave it out: the unit says where its credentials are put"));
            }
        }
    }
    Ok(words)
}

/// Whether a URL in this text names a user.
fn has_credentials(text: &str) -> bool {
    let hosts = text.split("://").skip(1).map(|rest| rest.split(['/', '?', '#', ' ']).next().unwrap_or_default());
    hosts.into_iter().any(|host| host.contains('@'))
}

/// Looks whether the script's words can go into a unit.
///
/// # Errors
/// `usage`, naming by its number a word that holds what others must not read.
pub(crate) fn check(args: &[String]) -> Result<()> {
    let is_secret = |word: &&String| has_credentials(word) || REDACTOR.text(word) != word.as_str();
    match args.iter().zip(1..).find(|(word, _)| is_secret(word)) {
        None => Ok(()),
        Some((_, number)) => {
            let why = format!("word {number} of the script has credentials in it, and a unit can be read by others");
            Err(Error::new(Kind::Usage, why)
                .hint("let the script read them: a file that --allow-read names, or a variable that --allow-env does"))
        }
    }
}

/// A path that a run reads, as it is where the run is.
fn read(long: &str, path: &str, scheduler: Scheduler) -> Result<String> {
    if scheduler == Scheduler::Kubernetes && !path.starts_with('/') {
        let why = format!("--{long} {path}: a container does not have the folders of this machine");
        return Err(Error::new(Kind::Usage, why).hint("name the whole path that the file has in the container"));
    }
    Ok(std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path)).display().to_string())
}

/// A path that a run writes, as it is where the run is.
///
/// # Errors
/// `usage` where the run could not write there.
pub(crate) fn written(long: &str, path: &str, scheduler: Scheduler) -> Result<String> {
    let path = read(long, path, scheduler)?;
    let is_there = |folder: &str| Path::new(&path).starts_with(folder);
    if scheduler == Scheduler::Kubernetes && !(is_there(STATE) || is_there("/tmp")) {
        let why = format!("--{long} {path}: the container can write below {STATE} only, which outlives it");
        return Err(Error::new(Kind::Usage, why).hint("name a path there, or leave it out"));
    }
    Ok(path)
}

/// Folders outside its own that a run writes to, as its words say.
pub(super) fn folders(words: &[String]) -> Vec<String> {
    const FOLDERS: [&str; 3] = ["--state-dir=", "--lock-dir=", "--allow-write="];
    let of_file = |path: &str| Path::new(path).parent().map(|folder| folder.display().to_string());
    let mut folders: Vec<String> = Vec::new();
    for (n, word) in words.iter().enumerate() {
        let is_behind = |flag: &str| n.checked_sub(1).and_then(|n| words.get(n)).is_some_and(|word| word == flag);
        let folder = match word.strip_prefix("--journal=") {
            Some(path) => of_file(path),
            None if is_behind("--metrics-file") || is_behind("--report") => of_file(word),
            None => FOLDERS.iter().find_map(|flag| word.strip_prefix(flag)).map(str::to_owned),
        };
        folders.extend(folder.filter(|folder| folder.starts_with('/') && !folders.contains(folder)));
    }
    folders
}
