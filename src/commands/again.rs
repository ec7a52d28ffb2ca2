//! `jst run --resume` and `--run-key`: the earlier run, and whether it may go on.

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::journal::keeper::{Before, Keeper, lives};
use crate::run::kept;
use crate::settings::Settings;
use crate::show::redaction::REDACTOR;

/// What is to be done about an earlier run.
pub(super) enum Found {
    /// Nothing is left to do.
    Done,
    /// It goes on.
    GoesOn(Box<Before>),
}

/// The earlier run of this id or key; `None` when there is none of this key yet.
///
/// # Errors
/// `usage` for a run that is done or that is none; `locked` for one that lives; `config`.
pub(super) fn before(settings: &Settings, id: Option<&str>, key: Option<&str>) -> Result<Option<Found>> {
    let Some(before) = kept::earlier(settings, id, key)? else { return Ok(None) };
    if before.lives {
        return Err(lives(&before.id));
    }
    match (before.ended, id) {
        (Some(0), Some(_)) => {
            Err(Error::new(Kind::Usage, format!("the run {} is done: nothing is left to resume", before.id))
                .hint(format!("`jst runs {}` shows what it did", before.id)))
        }
        (Some(0), None) => {
            tracing::info!("the run {} of the key {} is done", before.id, key.unwrap_or_default());
            Ok(Some(Found::Done))
        }
        _ => {
            kept::may_go_on(settings, &before)?;
            tracing::info!("the run {} goes on", before.id);
            Ok(Some(Found::GoesOn(Box::new(before))))
        }
    }
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

fn words<T: AsRef<str>>(words: &[T]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    if words.is_empty() { "no arguments".to_owned() } else { format!("`{}`", words.join(" ")) }
}

/// Tells the first difference of a run that only looked for one.
///
/// # Errors
/// What ended the script for another reason.
pub(super) fn difference(journal: &Keeper, ended: Result<u8>) -> Result<u8> {
    match (journal.reached(), ended) {
        (Some(next), _) => super::write_out(&format!("no difference: {next} would be made next")),
        (None, Err(error)) if error.kind == Kind::Policy => {
            super::write_out(&error.message)?;
            Ok(4)
        }
        (None, Err(error)) => Err(error),
        (None, Ok(_)) => super::write_out("no difference: nothing is left to be written"),
    }
}
