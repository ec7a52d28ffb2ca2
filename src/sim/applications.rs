//! Chapter 1 simulated: applications, environments, deploy configs, instances and volume claims.

use serde::{Deserialize, Serialize};

use super::call::Handler;
use super::state::State;

/// What chapter 1 is about.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Applications {}

/// Tries again to bind every claim that waits for a volume, after volumes came free.
pub fn bind_waiting_claims(_state: &mut State) {}

pub(super) const HANDLERS: &[(&str, Handler)] = &[];
