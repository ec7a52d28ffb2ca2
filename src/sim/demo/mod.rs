//! The demo account: the same on every start, made by the simulator's own operations over the two weeks
//! before it starts, which is at [`START`] unless another time is asked for.

pub(crate) mod fleet;
mod infrastructure;
mod shops;

use jiff::Timestamp;

pub(in crate::sim) use shops::{manifest, number};

use crate::sim::engine::call::Refusal;
use crate::sim::engine::cluster::JOINED_AFTER;
use crate::sim::engine::state::State;
use crate::sim::options::Fleet;

/// When the demo account's day begins: a fixed moment, so that every start shows the same account.
pub(crate) const START: Timestamp = Timestamp::constant(1_767_578_400, 0);

/// The demo account at [`START`].
///
/// # Errors
/// None that a test would not have caught: every step is one of the simulator's own operations.
#[cfg(test)]
pub(crate) fn account() -> Result<State, Refusal> {
    account_with(START, Fleet::default(), 0)
}

/// The demo account as it starts at a time, with a generated fleet beside it. By the seed, steps take a little
/// longer or shorter.
///
/// # Errors
/// As [`account`].
pub(crate) fn account_with(start: Timestamp, fleet: Fleet, seed: u64) -> Result<State, Refusal> {
    let mut state = State::empty(start - jiff::SignedDuration::from_hours(14 * 24) - JOINED_AFTER);
    state.seed = seed;
    infrastructure::build(&mut state, start)?;
    shops::build(&mut state, start)?;
    infrastructure::expose(&mut state)?;
    shops::prepare(&mut state)?;
    if fleet != Fleet::default() {
        fleet::build(&mut state, fleet, seed)?;
    }
    state.advance(start);
    Ok(state)
}
