//! How much a run may change before it is stopped.

use crate::error::{Error, Kind};

/// Most of each; `None` is as many as it likes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Limits {
    /// The profile whose calls alone they hold for; `None` for the whole run.
    pub profile: Option<String>,
    /// Writes.
    pub writes: Option<u64>,
    /// Destructive ones.
    pub destructive: Option<u64>,
    /// Writes of which nobody knows whether they happened.
    pub unknown: Option<u64>,
    /// Writes that failed.
    pub failures: Option<Failures>,
}

/// How many failures are too many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Failures {
    /// More than so many.
    Count(u64),
    /// More than this share, 0 to 100.
    Percent(f64),
}

impl std::fmt::Display for Failures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(most) => write!(f, "{most}"),
            Self::Percent(share) => write!(f, "{share}%"),
        }
    }
}

/// How many writes there were of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Writes {
    /// Those that began.
    pub begun: u64,
    /// Those of them that destroy.
    pub destructive: u64,
    /// That were answered as done.
    pub done: u64,
    /// That failed, and certainly did not happen.
    pub failed: u64,
    /// That may have happened.
    pub unknown: u64,
    /// That were not made, as the run was stopped.
    pub left: u64,
}

/// Of how many writes a share is taken at least: one failure of two is no half of all.
const FEW: u64 = 20;

impl Limits {
    /// Why the next write is one too many.
    pub(crate) fn crossed(&self, writes: &Writes, action: &str, destroys: bool) -> Option<Error> {
        let beyond = |most: Option<u64>, count: u64| most.filter(|most| count > *most);
        let Writes { begun, destructive, unknown, .. } = *writes;
        let of = self.profile.as_ref().map(|name| format!(" in the profile {name}")).unwrap_or_default();
        let why = if let Some(most) = beyond(self.writes, begun + 1) {
            format!("the run may make {most} writes{of} (--max-writes)")
        } else if let Some(most) = beyond(self.destructive, destructive + 1).filter(|_| destroys) {
            format!("the run may make {most} destructive calls{of} (--max-destructive)")
        // How many there are in the end is not known yet, as others are under way.
        } else if let Some(most) = beyond(self.unknown, unknown) {
            format!("more writes{of} have an unknown outcome than --max-unknown {most} lets pass")
        } else if let Some(most) = self.failures.filter(|most| most.is_crossed(writes)) {
            format!("more writes{of} failed than --max-failures {most} lets pass")
        } else {
            return None;
        };
        Some(Error::new(Kind::Limit, format!("{why}: {action} was not called")))
    }
}

impl Failures {
    fn is_crossed(self, writes: &Writes) -> bool {
        match self {
            Self::Count(most) => writes.failed > most,
            Self::Percent(share) => writes.failed as f64 * 100.0 > share * writes.ended().max(FEW) as f64,
        }
    }
}

impl Writes {
    /// Those that came to an end.
    fn ended(&self) -> u64 {
        self.done + self.failed + self.unknown
    }

    /// In words: what a person has to know of a run that was stopped.
    pub(crate) fn words(&self) -> String {
        let Self { done, failed, unknown, left, .. } = self;
        format!(
            "of its writes {done} were done, {failed} failed, {unknown} have an unknown outcome, {left} were not made"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_write_beyond_a_limit_is_the_one_that_is_not_made() {
        let none = Limits::default();
        let writes = Writes { begun: 3, destructive: 1, done: 1, failed: 1, unknown: 1, left: 0 };
        let of = |limits: Limits, destroys| limits.crossed(&writes, "X", destroys).map(|error| error.message.clone());
        let cases = [
            (none.clone(), None),
            (Limits { writes: Some(4), ..none.clone() }, None),
            (Limits { writes: Some(3), ..none.clone() }, Some("the run may make 3 writes (--max-writes)")),
            (Limits { destructive: Some(2), ..none.clone() }, None),
            (
                Limits { destructive: Some(1), ..none.clone() },
                Some("the run may make 1 destructive calls (--max-destructive)"),
            ),
            (Limits { unknown: Some(1), ..none.clone() }, None),
            (
                Limits { unknown: Some(0), ..none.clone() },
                Some("more writes have an unknown outcome than --max-unknown 0 lets pass"),
            ),
            (Limits { failures: Some(Failures::Percent(5.0)), ..none.clone() }, None),
            (
                Limits { failures: Some(Failures::Percent(4.9)), ..none.clone() },
                Some("more writes failed than --max-failures 4.9% lets pass"),
            ),
            (Limits { failures: Some(Failures::Count(1)), ..none.clone() }, None),
            (
                Limits { failures: Some(Failures::Count(0)), ..none },
                Some("more writes failed than --max-failures 0 lets pass"),
            ),
        ];
        for (limits, wanted) in cases {
            let wanted = wanted.map(|why| format!("{why}: X was not called"));
            assert_eq!(of(limits.clone(), true), wanted, "{limits:?}");
        }
        assert_eq!(of(Limits { destructive: Some(1), ..Limits::default() }, false), None);
    }
}
