//! Who signs. [`Provider`] is asked at each attempt; [`chain`] looks for who it is in flags, environment
//! and the vendor's files, in the contract's order. A file for each kind of source.
//!
//! Nothing here touches the network; `jst whoami` prints the [`Found::trace`].

mod aliyun_cli;
mod chain;
mod in_file;
mod ini;
mod source;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub(crate) use chain::{Configured, Found, Sources, chosen_by, is_variable};
pub(crate) use in_file::in_file;

use serde_json::{Map, Value};

use crate::error::Result;
use crate::secret::{Secret, is_secret_name};

/// Who is meant to sign, as a file of settings says it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Meant {
    /// The profile of this name in the vendor's files.
    Profile(String),
    /// What such a profile would hold, by the names of the vendor's command line.
    Given(Map<String, Value>),
}

impl Meant {
    /// Every secret that it gives.
    pub(crate) fn secrets(&self) -> Vec<&str> {
        let Self::Given(map) = self else { return Vec::new() };
        map.iter().filter(|(name, _)| is_secret_name(name)).filter_map(|(_, value)| value.as_str()).collect()
    }
}

/// What signs a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The access key's id.
    pub access_key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// The token of temporary credentials.
    pub security_token: Option<Secret>,
}

/// Gives credentials to whoever signs, anew for each attempt: they may have been replaced since the last.
#[derive(Clone, Debug)]
pub(crate) struct Provider(Arc<Credentials>);

impl Provider {
    /// These, for as long as the process lives.
    pub(crate) fn fixed(credentials: Credentials) -> Self {
        Self(Arc::new(credentials))
    }

    /// A key of this id and secret.
    pub(crate) fn of(access_key_id: &str, secret: &str) -> Self {
        let (access_key_id, secret) = (access_key_id.to_owned(), Secret::new(secret));
        Self::fixed(Credentials { access_key_id, secret, security_token: None })
    }

    /// The credentials to sign with now.
    ///
    /// # Errors
    /// `credentials` when there are none any more.
    pub(crate) async fn credentials(&self) -> Result<Arc<Credentials>> {
        Ok(Arc::clone(&self.0))
    }
}
