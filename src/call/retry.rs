//! When a call is sent again: the retry rule as pure functions, and the budget that all workers share.
//!
//! A read may be sent again after any fault. A write only when it certainly did not happen: the
//! connection was never made, or the service rejected the attempt before looking at it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::catalogue::Effect;
use crate::error::{Error, Kind, Outcome};
use crate::wire::reply::{Fault, Reason};

/// Why an attempt brought no reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Failure {
    /// No connection was made: nothing was sent.
    NotConnected(Error),
    /// No connection can be made, now or again: nothing was sent.
    Impossible(Error),
    /// Sent, or partly sent, and no whole answer came back.
    Unanswered(Error),
    /// Answered with more than the run may hold.
    TooLarge(Error),
    /// Answered with a fault.
    Answered {
        /// What the answer says.
        fault: Box<Fault>,
        /// How long the service asks to wait.
        wait: Option<Duration>,
    },
}

/// How often and how patiently a call is sent again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    /// Attempts of a call that meets faults.
    pub attempts: u32,
    /// Attempts of a call that is throttled: a throttled call did no harm and took no part in the load.
    throttled_attempts: u32,
    /// The longest first wait; it doubles with each attempt.
    pub base: Duration,
    /// The longest wait that is not asked for by the service.
    cap: Duration,
}

impl Default for Rule {
    fn default() -> Self {
        Self { attempts: 5, throttled_attempts: 15, base: Duration::from_millis(200), cap: Duration::from_secs(10) }
    }
}

/// The longest wait asked for by the service that is waited for: a run that hangs for a day is worse
/// than one that fails.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// What was already tried for one call and helps only once.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tried {
    /// The clock was corrected.
    pub clock: bool,
    /// Other temporary credentials were asked for.
    pub token: bool,
    /// The call was signed anew after a rejected signature.
    pub signature: bool,
}

impl Rule {
    /// How long to wait before the call is sent again; `None` when it must not be.
    /// `jitter` is drawn from `0.0..1.0`; `attempt` counts from 1.
    pub(crate) fn wait(
        &self,
        effect: Effect,
        failure: &Failure,
        attempt: u32,
        tried: Tried,
        jitter: f64,
    ) -> Option<Duration> {
        let (allowed, attempts) = match failure {
            Failure::NotConnected(_) => (true, self.attempts),
            Failure::Impossible(_) => (false, 0),
            Failure::Unanswered(_) => (effect == Effect::Read, self.attempts),
            // The next answer would be as large.
            Failure::TooLarge(_) => (false, 0),
            Failure::Answered { fault, .. } => match fault.reason {
                Reason::Throttled => (true, self.throttled_attempts),
                // Each attempt has a nonce of its own: one that was seen came from a copy of this very request.
                Reason::Nonce => (effect == Effect::Read, self.attempts),
                Reason::Signature => (!tried.signature, self.attempts),
                Reason::Clock => (!tried.clock, self.attempts),
                Reason::Token => (!tried.token, self.attempts),
                Reason::Unavailable | Reason::Broken => (effect == Effect::Read, self.attempts),
                Reason::Refused => (false, 0),
            },
        };
        let too_long = matches!(failure, Failure::Answered { wait: Some(asked), .. } if *asked > PATIENCE);
        if !allowed || attempt >= attempts || too_long {
            return None;
        }
        let doubled = self.base.saturating_mul(1 << (attempt - 1).min(16));
        let backoff = doubled.min(self.cap).mul_f64(jitter);
        Some(match failure {
            Failure::Answered { wait: Some(asked), .. } => asked.saturating_add(backoff),
            Failure::Answered { fault, .. }
                if matches!(fault.reason, Reason::Clock | Reason::Token | Reason::Signature | Reason::Nonce) =>
            {
                Duration::ZERO
            }
            _ => backoff,
        })
    }
}

impl Failure {
    /// What went wrong, for the log.
    pub(crate) fn message(&self) -> &str {
        match self {
            Self::NotConnected(error) | Self::Impossible(error) => &error.message,
            Self::Unanswered(error) | Self::TooLarge(error) => &error.message,
            Self::Answered { fault, .. } => &fault.error.message,
        }
    }

    /// What sending again takes from the budget.
    fn cost(&self) -> u32 {
        match self {
            Self::Answered { fault, .. } if fault.reason == Reason::Throttled => 1,
            _ => 10,
        }
    }

    /// The error of a call that ends with this failure.
    pub(crate) fn into_error(self, action: &str, effect: Effect, attempts: u32) -> Error {
        let (mut error, happened) = match self {
            Self::NotConnected(error) | Self::Impossible(error) => (error.outcome(Outcome::NotSent), Some(false)),
            Self::Unanswered(error) | Self::TooLarge(error) => (error, None),
            Self::Answered { mut fault, wait } => {
                if let Some(wait) = wait {
                    fault.error.hints.push(format!("the service asks to wait {wait:.0?}"));
                }
                match fault.reason {
                    Reason::Unavailable | Reason::Broken | Reason::Nonce => (fault.error, None),
                    _ => (fault.error, Some(false)),
                }
            }
        };
        if happened.is_none() {
            error.outcome = Some(Outcome::Unknown);
            if effect != Effect::Read {
                error.kind = Kind::UnknownOutcome;
                error.retryable = false;
                error.message = format!("it is not known whether {action} happened: {}", error.message);
                error.hints.push("look at the account before sending it again".to_owned());
            }
        }
        error.operation = Some(action.to_owned());
        error.attempts = attempts;
        error
    }
}

/// What all workers together may spend on sending again, so that a failing service is not
/// hammered by retries: a fault costs ten, a throttling one, a success gives one back.
#[derive(Debug)]
pub(super) struct Budget(AtomicU32);

impl Budget {
    /// Enough for a hundred faults in a row.
    const FULL: u32 = 1_000;

    /// Takes the price of sending again; `false` when it cannot be paid.
    pub(super) fn spend(&self, failure: &Failure) -> bool {
        let cost = failure.cost();
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(cost)).is_ok()
    }

    /// Gives back for a success.
    pub(super) fn earn(&self) {
        let _ =
            self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| (left < Self::FULL).then_some(left + 1));
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self(AtomicU32::new(Self::FULL))
    }
}

#[cfg(test)]
mod tests;
