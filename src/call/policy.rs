//! What a run may do to the account.
//!
//! `--deny` wins over everything; reads run; `--read-only` refuses the rest; writes run; a
//! destructive operation needs `--allow-destructive`, a matching `--allow`, or a yes at a terminal.

use glob::{MatchOptions, Pattern};

use crate::catalogue::{self, Effect};
use crate::error::{Error, Kind, Outcome, Result};
use crate::suggest;

/// The rules of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    read_only: bool,
    allow_destructive: bool,
    allow: Vec<Pattern>,
    deny: Vec<Pattern>,
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
    /// Rules from flags. Patterns match actions: `DeleteNodeLabel`, `Delete*`.
    ///
    /// # Errors
    /// `config` for a pattern that does not parse, or that can only be a slip of an operation's name.
    pub(crate) fn new(read_only: bool, allow_destructive: bool, allow: &[String], deny: &[String]) -> Result<Self> {
        let patterns =
            |flag: &str, texts: &[String]| texts.iter().map(|text| pattern(flag, text)).collect::<Result<_>>();
        Ok(Self { read_only, allow_destructive, allow: patterns("--allow", allow)?, deny: patterns("--deny", deny)? })
    }

    /// What the rules say of an action.
    pub(crate) fn check(&self, action: &str, effect: Effect) -> Verdict {
        let matches = |patterns: &[Pattern]| patterns.iter().any(|p| p.matches_with(action, ANY_CASE));
        if matches(&self.deny) {
            return Verdict::Refused(refused(action, "--deny forbids it"));
        }
        match effect {
            Effect::Read => Verdict::Allowed,
            _ if self.read_only => Verdict::Refused(refused(action, "--read-only allows reads only")),
            Effect::Write => Verdict::Allowed,
            Effect::Destructive if self.allow_destructive || matches(&self.allow) => Verdict::Allowed,
            Effect::Destructive => Verdict::Ask(
                refused(action, "it is destructive")
                    .hint(format!("add --allow {action}, or --allow-destructive for all of them")),
            ),
        }
    }
}

const ANY_CASE: MatchOptions =
    MatchOptions { case_sensitive: false, require_literal_separator: false, require_literal_leading_dot: false };

fn refused(action: &str, why: &str) -> Error {
    Error::new(Kind::Policy, format!("{action} was not sent: {why}")).operation(action).outcome(Outcome::NotSent)
}

fn pattern(flag: &str, text: &str) -> Result<Pattern> {
    let wrong = |why: &str| Error::new(Kind::Config, format!("{flag} {text}: {why}"));
    let pattern = Pattern::new(text).map_err(|error| wrong(&format!("the pattern does not parse: {error}")))?;
    let actions = || catalogue::operations().map(|operation| operation.action);
    if actions().any(|action| pattern.matches_with(action, ANY_CASE)) {
        return Ok(pattern);
    }
    // It may be about an action that the catalogue does not list, but hardly about one that is nearly
    // spelt like a listed one. Of a wildcard, what stands before it is compared.
    let (begins, rest) = text.split_at(text.find(['*', '?', '[']).unwrap_or(text.len()));
    let near = match rest {
        "" => suggest::nearest(text, actions()).map(str::to_owned),
        _ => {
            let length = begins.len();
            let heads = |action: &'static str| (length - 1..=length + 1).filter_map(|end| action.get(..end));
            let is_slip = |head: &&str| strsim::osa_distance(head, begins) == 1;
            let slip = (length > 3).then(|| actions().flat_map(heads).find(is_slip)).flatten();
            slip.map(|head| format!("{head}{rest}"))
        }
    };
    match near {
        Some(near) => Err(wrong("there is no such operation").hint(format!("did you mean `{near}`?"))),
        None => Ok(pattern),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn policy(read_only: bool, destructive: bool, allow: &[&str], deny: &[&str]) -> Policy {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Policy::new(read_only, destructive, &owned(allow), &owned(deny)).unwrap()
    }

    #[test]
    fn the_rules_decide() {
        let destroy = Effect::Destructive;
        let table = [
            (policy(false, false, &[], &[]), "ListApp", Effect::Read, "allowed"),
            (policy(false, false, &[], &[]), "ScaleApp", Effect::Write, "allowed"),
            (policy(false, false, &[], &[]), "DeleteNodeLabel", destroy, "ask"),
            (policy(true, true, &["*"], &[]), "ListApp", Effect::Read, "allowed"),
            (policy(true, true, &["*"], &[]), "ScaleApp", Effect::Write, "refused"),
            (policy(true, true, &["*"], &[]), "DeleteNodeLabel", destroy, "refused"),
            (policy(false, true, &[], &[]), "DeleteNodeLabel", destroy, "allowed"),
            (policy(false, false, &["Delete*"], &[]), "DeleteNodeLabel", destroy, "allowed"),
            (policy(false, false, &["deletenodelabel"], &[]), "DeleteNodeLabel", destroy, "allowed"),
            (policy(false, false, &["Delete*"], &[]), "RemoveClusterNode", destroy, "ask"),
            (policy(false, true, &["*"], &["List*"]), "ListApp", Effect::Read, "refused"),
            (policy(false, true, &["*"], &["Delete*"]), "DeleteNodeLabel", destroy, "refused"),
        ];
        for (policy, action, effect, expected) in table {
            let verdict = match policy.check(action, effect) {
                Verdict::Allowed => "allowed",
                Verdict::Ask(_) => "ask",
                Verdict::Refused(_) => "refused",
            };
            assert_eq!(verdict, expected, "{action} under {policy:?}");
        }
    }

    #[test]
    fn a_refusal_names_the_flag_to_add() {
        let Verdict::Ask(error) = policy(false, false, &[], &[]).check("DeleteApp", Effect::Destructive) else {
            unreachable!()
        };
        assert_eq!(error.message, "DeleteApp was not sent: it is destructive");
        assert_eq!(error.hints, ["add --allow DeleteApp, or --allow-destructive for all of them"]);
    }

    #[test]
    fn patterns_that_cannot_be_meant_stop_the_run() {
        for (text, message) in [
            (
                "Delete[",
                "--allow Delete[: the pattern does not parse: Pattern syntax error near position 6: invalid range pattern",
            ),
            ("DeleteNodeLable", "--allow DeleteNodeLable: there is no such operation"),
        ] {
            let error = Policy::new(false, false, &[text.to_owned()], &[]).unwrap_err();
            assert_eq!((error.kind, error.message.as_str()), (Kind::Config, message));
        }
    }
}
