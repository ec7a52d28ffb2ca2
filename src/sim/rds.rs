//! Chapter 6 simulated: databases, accounts, grants and backups of RDS instances.

use serde::{Deserialize, Serialize};

use super::call::Handler;

/// Database instances.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Rds {}

pub(super) const HANDLERS: &[(&str, Handler)] = &[];
