//! What a script looked at, and whether it was as it should be.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Kind, Result};

/// Exit code of a run whose checks did not all pass.
pub(crate) const NOT_AS_IT_SHOULD_BE: u8 = 4;

/// The checks of a run, in their order.
#[derive(Debug, Default)]
pub(crate) struct Checks(Mutex<Vec<Check>>);

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Check {
    /// What was looked at.
    pub name: String,
    /// Whether it is as it should be.
    pub passed: bool,
    /// What was found.
    pub detail: Option<String>,
}

/// The most checks that are kept one by one.
const KEPT: usize = 100_000;

impl Checks {
    /// Counts one more, and says when it failed, unless that is said otherwise. Gives whether it passed.
    ///
    /// # Errors
    /// `invalid` without a name; `limit` for far too many.
    pub(crate) fn add(&self, check: Check, is_quiet: bool) -> Result<bool> {
        if check.name.trim().is_empty() {
            return Err(Error::new(Kind::Invalid, "a check needs a name: say what is looked at"));
        }
        if self.locked().len() >= KEPT {
            return Err(Error::new(Kind::Limit, format!("a run makes at most {KEPT} checks")));
        }
        let passed = check.passed;
        if !passed && !is_quiet {
            let detail = check.detail.as_ref().map(|detail| format!(": {detail}")).unwrap_or_default();
            tracing::error!("check failed: {}{detail}", check.name);
        }
        self.locked().push(check);
        Ok(passed)
    }

    /// Those so far.
    pub(crate) fn all(&self) -> Vec<Check> {
        self.locked().clone()
    }

    /// How many failed, and of how many.
    pub(crate) fn failed(&self) -> (usize, usize) {
        let checks = self.locked();
        (checks.iter().filter(|check| !check.passed).count(), checks.len())
    }

    fn locked(&self) -> MutexGuard<'_, Vec<Check>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a value is within a bound such as `< 0.05`.
///
/// # Errors
/// `invalid` for what is no bound.
pub(crate) fn is_within(value: f64, bound: &str) -> Result<bool> {
    let wrong = || {
        Error::new(Kind::Invalid, format!("`{bound}` is no bound: write one such as \"< 0.05\", \">= 3\" or \"== 0\""))
    };
    let text = bound.trim();
    let operators = ["<=", ">=", "==", "!=", "<", ">"];
    let found = operators.iter().find_map(|operator| Some((*operator, text.strip_prefix(operator)?.trim())));
    let (operator, limit) = found.ok_or_else(wrong)?;
    let limit: f64 = limit.parse().ok().filter(|limit: &f64| !limit.is_nan()).ok_or_else(wrong)?;
    Ok(match operator {
        "<" => value < limit,
        "<=" => value <= limit,
        ">" => value > limit,
        ">=" => value >= limit,
        "==" => value == limit,
        _ => value != limit,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_bound_is_an_operator_and_a_number() {
        for (value, bound, wanted) in [
            (0.01, "< 0.05", true),
            (0.05, "<0.05", false),
            (0.05, " <= 0.05 ", true),
            (3.0, ">= 3", true),
            (3.0, "> 3", false),
            (0.0, "== 0", true),
            (0.0, "!= 0", false),
            (f64::NAN, "< 1", false),
            (-1.0, "> -1e3", true),
        ] {
            assert_eq!(is_within(value, bound).unwrap(), wanted, "{value} {bound}");
        }
        for bound in ["", "0.05", "< five", "=< 3", "<", "~ 1", "< NaN"] {
            assert!(is_within(0.0, bound).is_err(), "{bound}");
        }
    }

    #[test]
    fn checks_are_counted_and_need_a_name() {
        let checks = Checks::default();
        let check = |name: &str, passed| Check { name: name.to_owned(), passed, detail: None };
        assert!(checks.add(check("a", true), false).unwrap() && !checks.add(check("b", false), true).unwrap());
        assert!(checks.add(check(" ", true), false).is_err());
        assert_eq!(checks.failed(), (1, 2));
    }
}
