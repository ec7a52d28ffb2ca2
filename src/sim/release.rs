//! Chapter 4 simulated: deploy orders, and the pods that they bring up.

use serde::{Deserialize, Serialize};

use super::call::Handler;
use super::state::State;

/// Deploy orders and pods.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Release {}

/// A step that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Event {}

/// Lets a step happen.
pub fn happen(_state: &mut State, event: Event) {
    match event {}
}

/// Moves the pods off a node that leaves its cluster: each is placed anew, or stays unscheduled.
pub fn evict(_state: &mut State, _node: &str) {}

pub(super) const HANDLERS: &[(&str, Handler)] = &[];
