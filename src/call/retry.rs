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
                Reason::Nonce => (true, self.attempts),
                Reason::Signature => (!tried.signature, self.attempts),
                Reason::Clock => (!tried.clock, self.attempts),
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
                if matches!(fault.reason, Reason::Clock | Reason::Signature | Reason::Nonce) =>
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
                    Reason::Unavailable | Reason::Broken => (fault.error, None),
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
mod tests {
    use super::*;

    fn answered(reason: Reason, wait: Option<u64>) -> Failure {
        Failure::Answered {
            fault: Box::new(Fault { reason, error: Error::new(Kind::Api, "said so") }),
            wait: wait.map(Duration::from_millis),
        }
    }

    #[test]
    fn reads_are_sent_again_writes_only_when_they_did_not_happen() {
        use Reason::*;
        let lost = || Error::new(Kind::Network, "gone");
        let once = Tried { clock: true, signature: true };
        // failure, already tried, read again?, write again?, kind of a write's final error
        let table = [
            (Failure::NotConnected(lost()), Tried::default(), true, true, Kind::Network),
            (Failure::Impossible(lost()), Tried::default(), false, false, Kind::Network),
            (Failure::Unanswered(lost()), Tried::default(), true, false, Kind::UnknownOutcome),
            (Failure::TooLarge(lost()), Tried::default(), false, false, Kind::UnknownOutcome),
            (answered(Throttled, None), Tried::default(), true, true, Kind::Api),
            (answered(Nonce, None), Tried::default(), true, true, Kind::Api),
            (answered(Signature, None), Tried::default(), true, true, Kind::Api),
            (answered(Signature, None), once, false, false, Kind::Api),
            (answered(Clock, None), Tried::default(), true, true, Kind::Api),
            (answered(Clock, None), once, false, false, Kind::Api),
            (answered(Unavailable, None), Tried::default(), true, false, Kind::UnknownOutcome),
            (answered(Broken, None), Tried::default(), true, false, Kind::UnknownOutcome),
            (answered(Refused, None), Tried::default(), false, false, Kind::Api),
        ];
        let rule = Rule::default();
        for (failure, tried, read, write, kind) in table {
            let again = |effect| rule.wait(effect, &failure, 1, tried, 0.5).is_some();
            assert_eq!(again(Effect::Read), read, "read after {failure:?}");
            assert_eq!(again(Effect::Write), write, "write after {failure:?}");
            assert_eq!(again(Effect::Destructive), write, "destructive after {failure:?}");
            let error = failure.clone().into_error("ScaleApp", Effect::Write, 1);
            assert_eq!(error.kind, kind, "{failure:?}");
            let unknown = error.outcome == Some(Outcome::Unknown);
            assert_eq!(unknown, kind == Kind::UnknownOutcome, "{failure:?}");
        }
    }

    #[test]
    fn waits_double_up_to_the_cap_and_honour_what_the_service_asks() {
        let rule = Rule::default();
        let wait =
            |failure: &Failure, attempt, jitter| rule.wait(Effect::Read, failure, attempt, Tried::default(), jitter);
        let throttled = answered(Reason::Throttled, None);
        let ms = |n| Some(Duration::from_millis(n));
        assert_eq!(wait(&throttled, 1, 1.0), ms(200));
        assert_eq!(wait(&throttled, 3, 1.0), ms(800));
        assert_eq!(wait(&throttled, 3, 0.0), ms(0));
        assert_eq!(wait(&throttled, 14, 1.0), ms(10_000));
        assert_eq!(wait(&throttled, 15, 1.0), None);
        assert_eq!(wait(&answered(Reason::Throttled, Some(700)), 1, 0.5), ms(800));
        assert_eq!(wait(&answered(Reason::Throttled, Some(300_000)), 1, 0.0), ms(300_000));
        assert_eq!(wait(&answered(Reason::Throttled, Some(300_001)), 1, 0.0), None);
        assert_eq!(wait(&answered(Reason::Unavailable, None), 4, 1.0), ms(1600));
        assert_eq!(wait(&answered(Reason::Unavailable, None), 5, 1.0), None);
    }

    #[test]
    fn the_budget_ends_and_refills() {
        let budget = Budget::default();
        let fault = answered(Reason::Unavailable, None);
        assert_eq!((0..1000).filter(|_| budget.spend(&fault)).count(), 100);
        assert!(!budget.spend(&answered(Reason::Throttled, None)));
        budget.earn();
        assert!(budget.spend(&answered(Reason::Throttled, None)));
        assert!(!budget.spend(&fault));
    }
}
