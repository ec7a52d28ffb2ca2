//! Chapter 2 simulated: the users of the account.

use serde::{Deserialize, Serialize};

use super::call::Handler;

/// The users of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Users {}

pub(super) const HANDLERS: &[(&str, Handler)] = &[];
