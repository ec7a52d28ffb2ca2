//! What the journal says to a run that goes on: which writes and steps an earlier part did, which of them are open, and
//! where the script is no longer what that part ran.

use std::sync::atomic::Ordering;

use serde_json::Value;

use super::super::event::{Known, What};
use super::super::past::{Next, Past};
use super::super::place::{self, Place};
use super::super::writer;
use super::{Keeper, PastWrite, Plan};
use crate::error::{Error, Interrupt, Kind, Outcome, Result};

/// Who says so where a person decided.
pub(crate) const PERSON: &str = "a person";

/// A step that is to be done.
#[derive(Debug)]
pub(crate) struct Step {
    /// Where it is.
    pub place: Place,
    /// Whether an earlier part of the run began it.
    pub was_begun: bool,
    number: i64,
}

/// What becomes of a step that a script came by.
pub(crate) enum Came {
    /// It is to be done.
    Do(Step),
    /// It is done, and gave this; the parameters of its writes that held a secret.
    Done(Value, Vec<String>),
}

/// Looks whether what a person says of steps and writes means something.
///
/// # Errors
/// `usage` for what is assumed of no step and no write, or of one both ways.
pub(super) fn assumptions(past: &Past, plan: &Plan) -> Result<()> {
    for (flag, words, is_done) in
        [("--assume-done", &plan.assume_done, true), ("--assume-not-done", &plan.assume_not_done, false)]
    {
        if let Some(word) = words.iter().find(|word| !past.is_open(word, is_done)) {
            return Err(means_nothing(flag, word, &plan.id));
        }
    }
    if let Some(word) = plan.assume_done.iter().find(|word| plan.assume_not_done.contains(word)) {
        let why = format!("`{word}` cannot be done and not done: --assume-done and --assume-not-done both name it");
        return Err(Error::new(Kind::Usage, why).hint("leave one of them out"));
    }
    Ok(())
}

impl Keeper {
    /// Whether there is an earlier part.
    pub(crate) fn goes_on(&self) -> bool {
        self.past.is_some()
    }

    /// A write of an earlier part that is the same as one about to be made.
    pub(crate) fn same(&self, next: &Next<'_>) -> Option<PastWrite> {
        self.past()?.same(next)
    }

    /// Whether a write that no earlier part made may be made; `tried` is the number of the one that was tried then, to no
    /// effect, as far as that is known already.
    ///
    /// # Errors
    /// `policy`: an earlier part did something that this one passed over. Or nothing may be written at all.
    pub(crate) fn may_write(&self, next: &Next<'_>, tried: Option<i64>, words: impl Fn() -> String) -> Result<()> {
        if let (Some(mut past), false) = (self.past(), self.plan.unprotected) {
            let before = tried.or_else(|| past.tried(next)).unwrap_or(i64::MAX);
            if let Some(earlier) = past.left_out(next.here, before) {
                return Err(differs(earlier, &words()));
            }
            if self.is_changed(&past)
                && let Some(step) = past.passed_over(next.here, before)
            {
                return Err(other_step(step, &words()));
            }
        }
        if self.plan.check_only { Err(reached(&words(), "made")) } else { Ok(()) }
    }

    /// Whether something may be done that is not written down: a file written, somebody told.
    ///
    /// # Errors
    /// `interrupted`: nothing may be done at all, and the run ends here.
    pub(crate) fn may_do(&self, words: impl FnOnce() -> String) -> Result<()> {
        if self.plan.check_only { Err(reached(&words(), "done")) } else { Ok(()) }
    }

    /// Whether the run only looks for differences, and does nothing.
    pub(crate) fn only_looks(&self) -> bool {
        self.plan.check_only
    }

    /// Whether the script came to its end by all that an earlier part wrote outside steps.
    ///
    /// # Errors
    /// `policy` for the first write that it did not come by.
    pub(crate) fn came_by_all(&self) -> Result<()> {
        match self.past().as_ref().and_then(|past| past.left_out("", i64::MAX)) {
            Some(earlier) if !self.plan.unprotected => Err(differs(earlier, "nothing")),
            _ => Ok(()),
        }
    }

    /// Settles a write that was unknown.
    pub(crate) fn settle(&self, write: &PastWrite, known: Known, reply: &Value, by: &str) {
        if let Some(mut past) = self.past() {
            past.settle(write.number, known, reply.clone());
        }
        let settled = What::Settled { known, reply: reply.clone(), by: by.to_owned() };
        self.note(self.event(settled).of(write.number));
    }

    /// What a person says of a write: by its number, or by the step that it is in.
    pub(crate) fn assumed(&self, write: &PastWrite) -> Option<Known> {
        let number = write.number.to_string();
        let is_meant = |words: &[String]| {
            words.iter().any(|word| {
                *word == number || (!write.place.is_empty() && place::is_named(place::step_of(&write.place), word))
            })
        };
        match (is_meant(&self.plan.assume_done), is_meant(&self.plan.assume_not_done)) {
            (true, _) => Some(Known::Applied),
            (_, true) => Some(Known::NotApplied),
            _ => None,
        }
    }

    /// Settles all unknown writes of a step, as the script itself has looked.
    pub(crate) fn settle_step(&self, step: &Place, is_done: bool) {
        let known = if is_done { Known::Applied } else { Known::NotApplied };
        for write in self.unknown_in(step) {
            self.settle(&write, known, &Value::Null, "the script");
        }
        if is_done {
            self.past().into_iter().for_each(|mut past| past.come_by_step(step.text()));
        }
    }

    /// The writes of earlier parts that took effect, in their order; `None` of a run that does not go on.
    pub(crate) fn made_earlier(&self) -> Option<Vec<PastWrite>> {
        self.past().map(|past| past.made())
    }

    /// Writes of earlier parts in a step that are not settled.
    pub(crate) fn unknown_in(&self, step: &Place) -> Vec<PastWrite> {
        self.past().map(|past| past.unknown_in(step.text())).unwrap_or_default()
    }

    /// A script came by a step of this name.
    ///
    /// # Errors
    /// `policy` when earlier parts came by other steps here; `invalid` for a value that was not kept.
    pub(crate) fn step(&self, name: &str, is_again: bool) -> Result<Came> {
        let here = Place::here();
        let text = here.step_text(name);
        let turn = self.turn(&text);
        let text = if turn == 0 { text } else { format!("{text}#{}", turn + 1) };
        if let (Some(past), false) = (self.past(), self.plan.unprotected)
            && let Some(other) = past.other_item(&text, here.item_text())
        {
            return Err(other_item(&text, other, here.item_text()));
        }
        let earlier = self.past().and_then(|mut past| past.visit(&text, is_again));
        if let Some(Some(value)) = earlier.as_ref().and_then(|step| step.finished.as_ref()) {
            let secret = self.past().map(|past| past.secrets_in(&text)).unwrap_or_default();
            return Ok(Came::Done(value.clone(), secret));
        }
        if earlier.as_ref().is_some_and(|step| step.finished.is_some()) {
            return Err(not_kept(&text));
        }
        if let (None, Some(past), false) = (&earlier, self.past(), self.plan.unprotected)
            && self.is_changed(&past)
            && let Some(other) = past.passed_over(place::around(&text), i64::MAX)
        {
            return Err(other_step(other, &format!("the step `{text}`")));
        }
        let event = self.event(What::Step(here.item_text().to_owned())).at_place(&text);
        let step = Step { number: event.number, was_begun: earlier.is_some(), place: here.step(text) };
        self.note(event);
        let is_done = self.plan.assume_done.iter().any(|word| place::is_named(step.place.text(), word));
        if is_done && step.was_begun {
            for write in self.past().map(|past| past.unknown_within(step.place.text())).unwrap_or_default() {
                self.settle(&write, Known::Applied, &Value::Null, PERSON);
            }
            self.past().into_iter().for_each(|mut past| past.come_by_step(step.place.text()));
            return self.finished(&step, Some(Value::Null)).map(|()| Came::Done(Value::Null, Vec::new()));
        }
        Ok(Came::Do(step))
    }

    /// A step ended well, with this value or one that may not be kept. It is on the disk when this returns.
    ///
    /// # Errors
    /// `config`.
    pub(crate) fn finished(&self, step: &Step, value: Option<Value>) -> Result<()> {
        if self.plan.check_only {
            return Ok(());
        }
        let event = self.event(What::Finished(value)).at_place(step.place.text()).of(step.number);
        let writer = self.writer()?;
        writer::wait(writer, writer.commit(vec![event]))?;
        self.has_done.store(true, Ordering::Release);
        Ok(())
    }

    /// Whether the script is another than the one that the run began with.
    fn is_changed(&self, past: &Past) -> bool {
        past.facts.get("hash") != self.plan.facts.get("hash")
    }
}

/// What ends a run that only looks for differences: the first that it would do.
fn reached(words: &str, done: &str) -> Error {
    Error::new(Kind::Interrupted(Interrupt::Looked), format!("{words} would be {done} next"))
}

/// The error of words that name no step and no write of which something can be assumed.
fn means_nothing(flag: &str, word: &str, id: &str) -> Error {
    let why = format!("{flag} {word}: the run {id} has no step and no write of this name that is still open");
    Error::new(Kind::Usage, why).hint(format!("`jst runs {id}` shows its steps, and its writes with their numbers"))
}

/// A write that an earlier part made and this one does not.
fn differs(earlier: &PastWrite, now: &str) -> Error {
    let made = if earlier.known == Known::Applied { "made" } else { "may have made" };
    Error::new(
        Kind::Policy,
        format!(
            "the earlier part of this run {made} {} (write {}), which the script no longer makes; it makes {now} instead",
            earlier.words(),
            earlier.number
        ),
    )
    .outcome(Outcome::NotSent)
    .hint("run the script as it was, or with the data that it had")
    .hint("--unprotected goes on, and leaves the earlier write as it is")
}

fn other_step(earlier: &str, now: &str) -> Error {
    Error::new(
        Kind::Policy,
        format!(
            "the script has changed: the earlier part of this run had the step `{earlier}` here, and now comes {now}"
        ),
    )
    .outcome(Outcome::NotSent)
    .hint("run the script as it was, or give the step its name back")
    .hint("--unprotected goes on with the steps as they are now")
}

fn other_item(step: &str, earlier: &str, now: &str) -> Error {
    let message = format!("the step `{step}` was begun for {earlier}, and that place of the list is {now} now");
    Error::new(Kind::Policy, message)
        .outcome(Outcome::NotSent)
        .hint("run the script with the list that it had; steps whose names hold what they are about need none")
        .hint("--unprotected takes the one for the other")
}

fn not_kept(step: &str) -> Error {
    Error::new(Kind::Invalid, format!("the step `{step}` is done, and its value held a secret, which is not kept"))
        .hint("have the step give something else, and look the secret up where it is used")
}
