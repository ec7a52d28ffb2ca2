//! What a run may do to the account.
//!
//! `--deny` wins over everything; reads run; `--read-only` refuses the rest; writes run; a
//! destructive operation needs `--allow-destructive`, a matching `--allow`, or a yes at a terminal.
//!
//! Rules come from several levels: variables, and flags before and behind the command. What forbids adds up.
//! What is granted is granted by every level that says anything of it, so that each can only narrow another.

#[cfg(test)]
mod tests;

use glob::Pattern;

use crate::catalogue::Effect;
use crate::error::{Error, Kind, Outcome, Result};
use crate::pattern::{self, Unfit, fits, known};

/// The rules of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    read_only: bool,
    grants: Vec<Patterns>,
    deny: Vec<Pattern>,
}

/// Destructive operations that one level allows, as it was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grant {
    /// All of them, none of them, or nothing was said.
    pub destructive: Option<bool>,
    /// Those that match.
    pub allow: Vec<String>,
}

/// A grant that was read.
#[derive(Clone, Debug)]
struct Patterns {
    all: bool,
    patterns: Vec<Pattern>,
}

/// What the rules say of a call.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// It may go ahead.
    Allowed,
    /// A person may allow it; otherwise it is refused with this error.
    Ask(Error),
    /// It is refused.
    Refused(Error),
}

impl Policy {
    /// Rules of all levels. Patterns match actions and functions: `DeleteNodeLabel`, `Delete*`, `delete_*`.
    ///
    /// # Errors
    /// `config` for a pattern that does not parse, or that matches no known operation.
    pub(crate) fn new(read_only: bool, grants: &[Grant], deny: &[String]) -> Result<Self> {
        let patterns =
            |flag: &str, texts: &[String]| texts.iter().map(|text| pattern(flag, text)).collect::<Result<_>>();
        // A level that says nothing of destructive operations grants none and takes none away.
        let says = |grant: &&Grant| grant.destructive.is_some() || !grant.allow.is_empty();
        let grants = grants.iter().filter(says).map(|grant| {
            Ok(Patterns { all: grant.destructive == Some(true), patterns: patterns("--allow", &grant.allow)? })
        });
        Ok(Self { read_only, grants: grants.collect::<Result<_>>()?, deny: patterns("--deny", deny)? })
    }

    /// What the rules say of an action.
    pub(crate) fn check(&self, action: &str, effect: Effect) -> Verdict {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|pattern| fits(pattern, action));
        if matches(&self.deny) {
            return Verdict::Refused(refused(action, "--deny forbids it"));
        }
        let granted =
            || !self.grants.is_empty() && self.grants.iter().all(|level| level.all || matches(&level.patterns));
        match effect {
            Effect::Read => Verdict::Allowed,
            _ if self.read_only => Verdict::Refused(refused(action, "--read-only allows reads only")),
            Effect::Write => Verdict::Allowed,
            Effect::Destructive if granted() => Verdict::Allowed,
            Effect::Destructive => Verdict::Ask(self.ask(action)),
        }
    }

    /// Why a destructive operation is not sent, and the way out.
    fn ask(&self, action: &str) -> Error {
        let error = refused(action, "it is destructive");
        if self.grants.len() == 1 && known().any(|name| name == action) {
            return error.hint(format!("add --allow {action} at the very place where others are allowed already"));
        }
        if !self.grants.is_empty() {
            return error.hint(
                "every level that allows anything must allow it: JST_ALLOW and JST_ALLOW_DESTRUCTIVE, \
                 the flags before the command, and those behind it",
            );
        }
        error.hint(if known().any(|name| name == action) {
            format!("add --allow {action}, or --allow-destructive for all of them")
        } else {
            "add --allow-destructive: no pattern can name it, as it is in no catalogue".to_owned()
        })
    }
}

/// Reads the pattern of a flag, which matches a known operation.
fn pattern(flag: &str, text: &str) -> Result<Pattern> {
    let read = pattern::parse(text).and_then(|pattern| pattern::check(&pattern, []).map(|()| pattern));
    read.map_err(|Unfit { why, hint }| {
        let error = Error::new(Kind::Config, format!("{flag} {why}"));
        hint.into_iter().fold(error, Error::hint)
    })
}

fn refused(action: &str, why: &str) -> Error {
    Error::new(Kind::Policy, format!("{action} was not sent: {why}")).operation(action).outcome(Outcome::NotSent)
}
