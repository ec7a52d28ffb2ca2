//! What goes wrong, and when: rules that pick calls and say what happens to them.
//!
//! A rule is written `ACTION:KIND[:SETTING=VALUE]…`, for instance `ScaleApp:throttle:count=3`, or as a
//! JSON object with the same words: `{"action": "ScaleApp", "kind": "throttle", "count": 3}`. The
//! action is a pattern (`*`, `List*`, `ScaleApp`, `scale_app`) that matches one. Every rule takes these settings, and applies to
//! the calls that fit all it is given:
//!
//! | setting | the rule applies to |
//! |---|---|
//! | `count=N` | the N-th matching call only |
//! | `first=N` | the first N matching calls |
//! | `probability=P` | this share of the matching calls, picked by the simulator's seed |
//!
//! | kind | what happens | settings |
//! |---|---|---|
//! | `latency` | the answer waits | `ms`, `jitter` (up to so much more), `tail` (instead, for a share `share`=0.01) |
//! | `throttle` | refused as throttled | `rate` (so many calls a second pass), `retry-after` (ms) |
//! | `500`, `503` | an error of the gateway | `applied` |
//! | `502`, `504` | a proxy's HTML page | `applied` |
//! | `error` | any error of the gateway | `code`, `status`=400, `text` |
//! | `expired-token` | the security token has expired | |
//! | `refusal` | a business failure | `code`, `text` |
//! | `skew` | the gateway's clock is off | `seconds` |
//! | `refuse` | closed, and no connection is accepted for a while | `ms`=1000 |
//! | `close` | the connection closes without an answer, nothing applied | `applied` |
//! | `lost` | applied, then the connection closes without an answer | |
//! | `half` | half an answer, then the connection closes | `applied`=true |
//! | `garbage`, `html` | HTTP 200 with bytes, or a page, that are no reply | `applied`=true |
//! | `stall` | no answer, until the connection closes | `ms`=30000, `applied`=true |
//! | `slow` | the answer comes in drops | `rate`=1000 bytes a second, `applied`=true |
//! | `frozen` | a deploy is not admitted | `code`=102000 |
//! | `fail-at` | a deploy fails | `partition`=1 |
//! | `crash-loop` | a deploy's first pod exits again and again | |
//! | `fails` | a cluster or a volume cannot be made, a claim's volume cannot be reclaimed, an environment deleted by force leaves its access points | |
//!
//! The last four only count calls that they can befall ([`Trouble::operations`]).

mod rule;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use self::rule::{Kind, millis};
pub(crate) use self::rule::{Rule, Rules};
use crate::sim::engine::call::{Refusal, Trouble};
use crate::sim::gateway::Rejection;

/// How an answer is sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Delivery {
    /// Properly.
    #[default]
    Whole,
    /// Not at all: the connection closes.
    Closed,
    /// Not at all, and nothing is listened to for this long.
    Deaf(Duration),
    /// The first half, then the connection closes.
    Half,
    /// In its place, an error of the gateway.
    Error {
        /// HTTP status.
        status: u16,
        /// The error's code.
        code: &'static str,
    },
    /// In its place, something that is no answer of the service.
    Page {
        /// HTTP status.
        status: u16,
        /// What it says it is.
        content_type: &'static str,
        /// What it is.
        body: &'static [u8],
    },
    /// Not at all, after this long.
    Stalled(Duration),
    /// So many bytes a second.
    Slow(f64),
}

/// What happens to one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plan {
    /// How long the answer waits.
    pub delay: Duration,
    /// Seconds that the gateway's clock is off.
    pub skew: i64,
    /// The gateway refuses it.
    pub rejection: Option<Rejection>,
    /// The service refuses it.
    pub refusal: Option<Refusal>,
    /// What goes wrong with what it begins.
    pub trouble: Option<Trouble>,
    /// How the answer is sent.
    pub delivery: Delivery,
    /// Nothing of it happens.
    pub is_dropped: bool,
}

/// A rule at work.
#[derive(Debug)]
struct Active {
    rule: Rule,
    /// Matching calls.
    seen: u64,
    /// Calls that it applied to.
    applied: u64,
    /// Calls that a rate still lets through, and when that was so, on the simulator's clock.
    bucket: Option<(f64, Duration)>,
}

/// The rules at work.
#[derive(Debug)]
pub(crate) struct Faults {
    seed: u64,
    rules: Mutex<Vec<Active>>,
}

impl Faults {
    /// Rules, and the seed that decides by chance.
    pub(crate) fn new(rules: Vec<Rule>, seed: u64) -> Self {
        let faults = Self { seed, rules: Mutex::default() };
        faults.replace(rules);
        faults
    }

    /// Other rules from now on.
    pub(crate) fn replace(&self, rules: Vec<Rule>) {
        *self.rules() = rules.into_iter().map(|rule| Active { rule, seen: 0, applied: 0, bucket: None }).collect();
    }

    /// The rules, how many calls each has seen and applied to.
    pub(crate) fn list(&self) -> Value {
        let shown = |active: &Active| json!({"rule": active.rule.text, "seen": active.seen, "applied": active.applied});
        self.rules().iter().map(shown).collect()
    }

    /// What happens to a call of this action; `now` is what the simulator's clock had its callers wait so
    /// far: rates follow it, so that a back-off that only moves the clock helps.
    pub(crate) fn plan(&self, action: &str, now: Duration) -> Plan {
        let mut plan = Plan::default();
        for (active, n) in self.rules().iter_mut().zip(0..) {
            if active.applies(action, self.seed, n, now) {
                active.applied += 1;
                plan.add(&active.rule.kind, chance(self.seed, n, active.seen, 1));
            }
        }
        plan
    }

    fn rules(&self) -> MutexGuard<'_, Vec<Active>> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Active {
    /// Counts a call that the rule matches, and says whether the rule applies to it.
    fn applies(&mut self, action: &str, seed: u64, n: u64, now: Duration) -> bool {
        if !self.rule.is_for(action) {
            return false;
        }
        self.seen += 1;
        let picked = self.rule.count.is_none_or(|count| self.seen == count)
            && self.rule.first.is_none_or(|first| self.seen <= first)
            && self.rule.probability.is_none_or(|share| chance(seed, n, self.seen, 0) < share);
        match self.rule.kind {
            Kind::Throttle { rate: Some(rate), .. } if picked => !self.lets_through(rate, now),
            _ => picked,
        }
    }

    /// Whether a rate lets one more call through: a bucket that holds what a second brings.
    fn lets_through(&mut self, rate: f64, now: Duration) -> bool {
        let size = rate.max(1.0);
        let (left, since) = self.bucket.unwrap_or((size, now));
        let left = (left + now.saturating_sub(since).as_secs_f64() * rate).min(size);
        let passes = left >= 1.0;
        self.bucket = Some((if passes { left - 1.0 } else { left }, now));
        passes
    }
}

impl Plan {
    /// Adds what one rule does. Waits add up; of the rest the first rule of each sort counts.
    fn add(&mut self, kind: &Kind, chance: f64) {
        match kind {
            Kind::Latency { fixed, jitter, tail, share } => {
                // One number decides both: the share at its top, and the jitter below.
                self.delay += match tail {
                    Some(tail) if chance >= 1.0 - share => millis(*tail),
                    _ => millis(fixed + jitter * chance),
                };
            }
            Kind::Throttle { retry_after, .. } => {
                self.rejection.get_or_insert_with(|| Rejection {
                    retry_after: *retry_after,
                    ..Rejection::new(400, "Throttling.User", "too many calls: wait and try again")
                });
            }
            Kind::Reject(rejection) => drop(self.rejection.get_or_insert_with(|| rejection.clone())),
            Kind::Refuse(refusal) => drop(self.refusal.get_or_insert_with(|| refusal.clone())),
            Kind::Skew(seconds) => self.skew = self.skew.saturating_add(*seconds),
            Kind::Trouble(trouble) => drop(self.trouble.get_or_insert_with(|| trouble.clone())),
            Kind::Break { delivery, is_applied } => {
                if self.delivery == Delivery::Whole {
                    self.delivery = delivery.clone();
                    self.is_dropped = !is_applied;
                }
            }
        }
    }
}

/// A number from 0 up to 1 that only depends on what it is asked for.
fn chance(seed: u64, rule: u64, call: u64, salt: u64) -> f64 {
    let mixed = [rule, call, salt].into_iter().fold(seed, |state, next| mix(state ^ mix(next)));
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of splitmix64: every bit of the input reaches every bit of the output.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
