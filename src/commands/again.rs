//! `jst run --resume` and `--run-key`: the earlier run, and whether it may go on.

use std::path::Path;

use serde_json::Value;

use crate::error::{Error, Interrupt, Kind, Result};
use crate::job::shard::Shard;
use crate::journal::keeper::{Before, lives};
use crate::run::kept;
use crate::settings::Settings;
use crate::show::redaction::REDACTOR;

/// What is to be done about an earlier run.
pub(super) enum Found {
    /// Nothing is left to do.
    Done(Box<Before>),
    /// It goes on.
    GoesOn(Box<Before>),
}

/// A key, and what it is given for.
pub(super) struct Key<'a> {
    /// As it was given.
    pub given: &'a str,
    /// With what is filled in.
    pub filled: String,
    /// The script, as it was named.
    pub file: &'a Path,
    /// What the script is given.
    pub words: Vec<String>,
    /// The part that it is to do.
    pub shard: Shard,
}

/// The run of this id, which is to go on. `may_live` says that it is looked for again before anything is done.
///
/// # Errors
/// `usage` for a run that is done, that is none, or that is not one of these settings; `locked` for one that lives;
/// `config`.
pub(super) fn of_id(settings: &Settings, id: &str, may_live: bool) -> Result<Option<Before>> {
    let Some(before) = kept::earlier(settings, Some(id), None)? else { return Ok(None) };
    match found(settings, before, may_live)? {
        Found::GoesOn(before) => Ok(Some(*before)),
        Found::Done(before) => {
            Err(Error::new(Kind::Usage, format!("the run {} is done: nothing is left to resume", before.id))
                .hint(format!("`jst runs {}` shows what it did", before.id)))
        }
    }
}

/// The earlier run of this key, if there is one. `may_live` as for [`of_id`].
///
/// # Errors
/// `usage` for one that is not what this one would be; `locked` for one that lives; `config`.
pub(super) fn of_key(settings: &Settings, key: &Key<'_>, may_live: bool) -> Result<Option<Found>> {
    let Some(before) = kept::earlier(settings, None, Some(&key.filled))? else { return Ok(None) };
    same(&before, key)?;
    found(settings, before, may_live).map(Some)
}

fn found(settings: &Settings, before: Before, may_live: bool) -> Result<Found> {
    kept::may_go_on(settings, &before)?;
    if before.lives && !may_live {
        return Err(lives(&before.id));
    }
    let is_done = before.ended == Some(0);
    let before = Box::new(before);
    Ok(if is_done { Found::Done(before) } else { Found::GoesOn(before) })
}

/// What a script sees as `args`: what it saw when the run began.
///
/// # Errors
/// `usage` for others than those, and when those held a secret, which is not kept.
pub(super) fn args(before: Option<&Before>, given: Vec<String>) -> Result<Vec<String>> {
    let Some(before) = before else { return Ok(given) };
    let list = before.facts.get("args").and_then(Value::as_array);
    let then: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    let shown: Vec<String> = given.iter().map(|word| REDACTOR.text(word).into_owned()).collect();
    if shown == then && !given.is_empty() {
        return Ok(given);
    }
    if !given.is_empty() {
        let message =
            format!("the run {} was given {}, and this one is given {}", before.id, words(&then), words(&shown));
        return Err(Error::new(Kind::Usage, message).hint("leave the script's arguments out, or give the same"));
    }
    if then.iter().any(|word| word.contains(crate::secret::MASK)) {
        let message = format!("the run {} was given a secret, which is not kept", before.id);
        return Err(Error::new(Kind::Usage, message).hint("give the script and its arguments again"));
    }
    Ok(then.into_iter().map(str::to_owned).collect())
}

/// Whether the earlier run of a key is what this one would do: of the same script, by its path or as it was named, with
/// the same arguments, and the same part.
///
/// # Errors
/// `usage`, naming both.
fn same(before: &Before, key: &Key<'_>) -> Result<()> {
    let Key { given, filled, file, words: args, shard } = key;
    let fact = |name: &str| before.facts.get(name).and_then(Value::as_str).unwrap_or_default();
    let differs = |was: String, is: String| {
        let message = format!("the run {} of the key {filled} {was}, and this one {is}", before.id);
        Error::new(Kind::Usage, message)
    };
    let wrong = |was: String, is: String| {
        Err(differs(was, is).hint("give each job a key of its own, such as --run-key '{script}-{date}'"))
    };
    let named = if *file == Path::new("-") { "stdin".to_owned() } else { file.display().to_string() };
    let real = file.canonicalize().map(|real| real.display().to_string()).unwrap_or_default();
    // What a link leads to may have changed its place since.
    if named != fact("script") && (real.is_empty() || real != fact("file")) {
        return wrong(format!("ran {}", fact("script")), format!("is to run {named}"));
    }
    let list = before.facts.get("args").and_then(Value::as_array);
    let then: Vec<&str> = list.into_iter().flatten().filter_map(Value::as_str).collect();
    let shown: Vec<String> = args.iter().map(|word| REDACTOR.text(word).into_owned()).collect();
    if shown != then {
        return wrong(format!("was given {}", words(&then)), format!("is given {}", words(&shown)));
    }
    match kept::shard(before).filter(|then| then != shard) {
        None => Ok(()),
        Some(then) => Err(differs(format!("did {}", then.words()), format!("would do {}", shard.words()))
            .hint(format!("give each part a key of its own, such as --run-key '{given}-{{shard}}'"))),
    }
}

fn words<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.is_empty() { "no arguments".to_owned() } else { format!("`{}`", words.join(" ")) }
}

/// Says that a run goes on, and where, if that is elsewhere.
pub(super) fn tell(settings: &Settings, before: &Before) {
    match kept::moved(settings, before) {
        Some(moved) => tracing::warn!("{moved}"),
        None => tracing::info!("the run {} goes on", before.id),
    }
}

/// Tells the first difference of a run that only looked for one.
///
/// # Errors
/// What ended the script for another reason.
pub(super) fn difference(ended: Result<u8>) -> Result<u8> {
    match ended {
        Err(error) if error.kind == Kind::Interrupted(Interrupt::Looked) => {
            super::write_out(&format!("no difference: {}", error.message))
        }
        Err(error) if error.kind == Kind::Policy => {
            super::write_out(&error.message)?;
            Ok(4)
        }
        Err(error) => Err(error),
        Ok(_) => super::write_out("no difference: nothing is left to be written"),
    }
}
