//! Chapter 3 simulated: SLB access points and Kubernetes services.

use serde::{Deserialize, Serialize};

use super::call::Handler;
use super::state::State;

/// SLB access points and services.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Access {}

/// What in this chapter hangs on an environment, in words: it stands in the way of deleting it.
pub fn uses_of_env(_state: &State, _env_id: i64) -> Vec<String> {
    Vec::new()
}

/// Takes along what hangs on an environment that is being deleted by force.
pub fn remove_env(_state: &mut State, _env_id: i64) {}

pub(super) const HANDLERS: &[(&str, Handler)] = &[];
