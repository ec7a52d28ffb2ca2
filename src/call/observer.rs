//! Whoever has to know of every call: what counts them, what limits them, what shows them. [`super::record`] tells them.

use std::time::Instant;

use crate::catalogue::Effect;
use crate::error::{Error, Outcome, Result};

/// Whoever has to know of every call: what counts them, what limits them, what shows them.
pub(crate) trait Observer: std::fmt::Debug + Send + Sync {
    /// A call is about to begin; it is asked once for each, before its first attempt.
    ///
    /// # Errors
    /// Why it must not. Whoever says so is not told again that it was left.
    fn begins(&self, _action: &str, _effect: Effect) -> Result<()> {
        Ok(())
    }

    /// A call was not begun, as the run is to end or another observer refused it, be it after this one let it begin.
    fn left(&self, _effect: Effect) {}

    /// A call that began came to its end, or was given up.
    fn ended(&self, call: &Ended<'_>);
}

/// A call at its end.
pub(crate) struct Ended<'a> {
    /// The action.
    pub action: &'a str,
    /// What it does.
    pub effect: Effect,
    /// The call in words, without secrets.
    pub words: &'a dyn Fn() -> String,
    /// When it began.
    pub begun: Instant,
    /// HTTP exchanges.
    pub attempts: u32,
    /// Those that were answered with throttling.
    pub throttled: u32,
    /// Why there is no reply; `None` where there is one.
    pub error: Option<&'a Error>,
    /// What is known of a call without a reply.
    pub outcome: Option<Outcome>,
    /// The service's id of the request, where it is known.
    pub request_id: Option<&'a str>,
}
