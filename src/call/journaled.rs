//! Writes and the journal: each is written down before it is sent, and one that an earlier part of the run made is not
//! made again.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::account::{Account, Params};
use super::look::{self, Seen};
use super::record::Call;
use crate::catalogue::{self, Effect, Says};
use crate::error::{Error, Kind, Outcome, Result};
use crate::journal::Known;
use crate::journal::keeper::{Keeper, Next, PERSON, PastWrite};
use crate::journal::place::{self, Place};
use crate::secret::{self, MASK};
use crate::show::redaction::REDACTOR;
use crate::wire::reply::Tree;
use crate::wire::request::Target;

impl Account {
    /// What a write was answered with that an earlier part of the run made here already, with the same parameters.
    ///
    /// # Errors
    /// `policy` when the script is no longer what the earlier part ran, and `unknown_outcome` when nothing tells whether
    /// the earlier write took effect: it must not be made then.
    pub(super) async fn made_before(&self, here: &Place, call: &Call<'_>) -> Result<Option<Value>> {
        let Some(journal) = written_in(call).filter(|journal| journal.goes_on()) else { return Ok(None) };
        let operation = call.target.action();
        let params = masked(call.target, call.request.params(call.target));
        let (profile, undoes) = (self.profile(), look::undoes);
        let next = Next { here: here.text(), profile, operation, params: &params, undoes };
        let mut tried = None;
        while let Some(earlier) = journal.same(&next) {
            tried = Some(earlier.number);
            let settled = match earlier.known {
                Known::Unknown => {
                    self.settle(journal, &earlier).await.inspect_err(|error| self.stop().set(error.clone()))?
                }
                _ => Some(earlier.reply),
            };
            if let Some(reply) = settled {
                tracing::debug!("{} was done already by the earlier part of this run", call.words());
                // Whoever says that it took effect has no reply to give.
                return Ok(Some(if reply.is_null() { look::untold(operation) } else { reply }));
            }
        }
        journal.may_write(&next, tried, || call.words()).inspect_err(|error| self.stop().set(error.clone()))?;
        Ok(None)
    }

    /// Has a write written down that is about to be made.
    ///
    /// # Errors
    /// `config` when it cannot be written down: it must not be made then.
    pub(super) async fn intend(&self, here: &Place, call: &Call<'_>) -> Result<()> {
        let Some(journal) = written_in(call) else { return Ok(()) };
        let params = masked(call.target, call.request.params(call.target));
        let before = self.before(here, call).await;
        let entry = journal.intend(here, self.profile(), call.target.action(), params, before).await?;
        let _ = call.entry.set(entry);
        Ok(())
    }

    /// What the account shows before a write that only a change proves: in a step, and everywhere where nothing else
    /// shows that it did not take effect.
    async fn before(&self, here: &Place, call: &Call<'_>) -> Option<Value> {
        let sight = catalogue::look_for(call.target.action()).ok().filter(|sight| sight.before)?;
        if !here.is_in_step() && !matches!(sight.says, Says::Has(_)) {
            return None;
        }
        look::facts(self, sight, &call.request.params(call.target)).await.ok()
    }

    /// Finds out what became of an unknown write of an earlier part: its reply if it took effect, nothing if it did not.
    ///
    /// # Errors
    /// `unknown_outcome` when nothing tells.
    pub(crate) async fn settle(&self, journal: &Keeper, earlier: &PastWrite) -> Result<Option<Value>> {
        let (known, reply, by) = match journal.assumed(earlier) {
            Some(known) => (known, Value::Null, PERSON),
            None => match self.look_again(earlier).await {
                Seen::Applied(reply) => (Known::Applied, reply, "a look at the account"),
                Seen::NotApplied => (Known::NotApplied, Value::Null, "a look at the account"),
                Seen::CannotTell(why) => return Err(cannot_tell(earlier, &why)),
            },
        };
        journal.settle(earlier, known, &reply, by);
        tracing::info!("write {}, {}, is {}: {by} says so", earlier.number, earlier.operation, known.word());
        Ok((known == Known::Applied).then_some(reply))
    }

    /// Looks at the account for the effect of a write. That there is none is believed only at the second look, and only
    /// when an attempt that was under way when its process ended cannot arrive any more. How long ago that was no clock
    /// tells that may have been set: it is counted from when this process read of it.
    pub(crate) async fn look_again(&self, write: &PastWrite) -> Seen {
        let sight = match catalogue::look_for(&write.operation) {
            Ok(sight) => sight,
            Err(why) => return Seen::CannotTell(why.to_owned()),
        };
        let first = look::look(self, sight, write).await;
        if !matches!(first, Seen::NotApplied) {
            return first;
        }
        let patience = self.patience().max(write.attempt);
        tokio::time::sleep(patience.saturating_sub(write.read.elapsed())).await;
        look::look(self, sight, write).await
    }
}

/// The journal that a call is written down in, if it is.
fn written_in<'a>(call: &Call<'a>) -> Option<&'a Arc<Keeper>> {
    call.shared.journal().filter(|_| call.target.effect() != Effect::Read)
}

impl Call<'_> {
    /// Writes down that it did not happen, if it was written down before: it was given up between two attempts.
    pub(super) fn note_not_sent(&self, why: &Error) {
        self.note::<Value>(&Err(why.clone().outcome(Outcome::NotSent)));
    }

    /// Writes down what became of it, if it was written down before.
    pub(super) fn note<T: Tree>(&self, result: &Result<T>) {
        let (Some(journal), Some(entry)) = (self.shared.journal(), self.entry.get()) else { return };
        match result {
            Ok(reply) => {
                let reply = kept(reply.to_json());
                let request_id = reply.get("RequestId").and_then(Value::as_str).map(str::to_owned);
                journal.outcome(entry, Known::Applied, 0, request_id, reply);
            }
            Err(error) => {
                let known = match error.outcome {
                    Some(Outcome::Unknown) => Known::Unknown,
                    Some(Outcome::NotSent) => Known::NotSent,
                    Some(Outcome::Refused) | None => Known::Refused,
                };
                let why = json!({"error": REDACTOR.text(&error.message), "code": error.code});
                journal.outcome(entry, known, error.attempts, error.request_id.clone(), why);
            }
        }
    }
}

/// Parameters as they may be kept.
fn masked(target: &Target, params: Params) -> Params {
    let masked = params.into_iter().map(|(name, value)| {
        let value = if target.is_secret(&name) { MASK.into() } else { value };
        (name, value)
    });
    match kept(masked.collect::<Map<_, _>>().into()) {
        Value::Object(params) => params,
        _ => Map::new(),
    }
}

/// A value as it may be kept: without what is secret by its name, or known to be.
fn kept(value: Value) -> Value {
    let value = match value {
        Value::Object(map) => secret::mask(map).into(),
        other => other,
    };
    REDACTOR.value(value)
}

fn cannot_tell(write: &PastWrite, why: &str) -> Error {
    // A step that is more than this write is not to be decided by it.
    let is_step = place::is_in_step(&write.place) && place::step_of(&write.place) == write.place;
    let key = if is_step { write.place.clone() } else { write.number.to_string() };
    Error::new(
        Kind::UnknownOutcome,
        format!(
            "it is not known whether {} took effect (write {} of the earlier part of this run): {why}",
            write.words(),
            write.number
        ),
    )
    .operation(&write.operation)
    .outcome(Outcome::Unknown)
    .hint("look at the account, in the console or with `jst call`")
    .hint(format!("then add --assume-done '{key}' if it took effect, or --assume-not-done '{key}' if it did not"))
}
