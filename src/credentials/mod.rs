//! Who signs. [`Provider`] is asked at each attempt; [`chain`] looks for who it is in flags, environment
//! and the vendor's files, in the contract's order, and `jst whoami` prints its [`Found::trace`]: a file for
//! each kind of source. What it finds is a [`Way`] of signing in, which [`fetch`] goes: by the token service
//! ([`sts`]), a [`metadata`] host, a URI or an [`external`] command.
//!
//! The crate that was looked at, reqsign, reads only `AK` and `StsToken` of the vendor's file and skips the rest in
//! silence.

mod aliyun_cli;
mod chain;
mod external;
mod fetch;
mod handed;
mod in_file;
mod ini;
mod metadata;
mod provider;
mod source;
mod sts;
mod way;

#[cfg(test)]
mod tests;

pub(crate) use chain::{Configured, Found, Sources, chosen_by, is_variable};
pub(crate) use fetch::{Reach, fetch, know};
pub(crate) use in_file::in_file;
pub(crate) use provider::{Lease, Provider};
pub(crate) use sts::{Caller, caller};
pub(crate) use way::Way;

use serde_json::{Map, Value};

use crate::error::Result;
pub(crate) use crate::secret::Credentials;
use crate::secret::is_secret_name;

/// Who is meant to sign, as a file of settings says it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meant {
    /// The profile of this name in the vendor's files.
    Profile(String),
    /// What such a profile would hold, by the names of the vendor's command line.
    Given(Map<String, Value>),
}

impl Meant {
    /// Looks at what shows without the files that it may refer to.
    ///
    /// # Errors
    /// `config` or `credentials`.
    pub(crate) fn check(&self, name: &str) -> Result<()> {
        match self {
            Self::Profile(_) => Ok(()),
            Self::Given(map) => aliyun_cli::check(map, name),
        }
    }

    /// Every secret that it gives.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let Self::Given(map) = self else { return Vec::new() };
        map.iter().filter(|(name, _)| is_secret_name(name)).filter_map(|(_, value)| value.as_str()).collect()
    }
}
