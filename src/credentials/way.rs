//! A way of signing in, as a source describes it; [`super::fetch`] goes it.

use std::path::PathBuf;

use super::Credentials;
use crate::secret::{MASK, shortened};

/// A way of signing in.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Way {
    /// With these.
    Static(Credentials),
    /// As a role, assumed by whoever the other way signs in.
    Role(Box<Way>, Role),
    /// As a role that the machine's own service account may assume.
    Oidc {
        /// The role.
        role: Role,
        /// Who vouches for the token.
        provider_arn: String,
        /// The file with the token, which is written anew now and then.
        token_file: PathBuf,
    },
    /// As the role of the machine, or this one of it.
    Metadata(Metadata),
    /// As whoever the machine is, if there is somebody to ask, and otherwise by the other way.
    IfOnEcs(Metadata, Option<Box<Way>>),
    /// With what this URI gives.
    Uri(String),
    /// With what this command prints.
    External(String),
}

/// A role, and how it is assumed.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Role {
    pub arn: String,
    /// What the session is called in the account's audit trail.
    pub session: Option<String>,
    pub external_id: Option<String>,
    /// A policy that narrows the session.
    pub policy: Option<String>,
    /// Seconds that the session lives.
    pub duration: Option<u32>,
    /// The region of the token service.
    pub region: Option<String>,
    /// Whether its address in the private network is meant.
    pub vpc: bool,
}

/// A role of the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metadata {
    /// Its name; the machine knows it as well.
    pub role: Option<String>,
}

impl Way {
    /// What people are told of it: nothing secret.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Static(held) => {
                let token = if held.security_token.is_some() { " with a security token" } else { "" };
                format!("access key {}{token}", shortened(&held.access_key_id))
            }
            Self::Role(base, role) => format!("role {}, assumed with {}", masked_arn(&role.arn), base.describe()),
            Self::Oidc { role, token_file, .. } => {
                format!("role {}, assumed with the token in {}", masked_arn(&role.arn), token_file.display())
            }
            Self::Metadata(Metadata { role: Some(role), .. }) => format!("the machine's role {role}"),
            Self::Metadata(_) => "the machine's role".to_owned(),
            Self::IfOnEcs(_, None) => "the machine's role, if it has one: that takes the network to know".to_owned(),
            Self::IfOnEcs(_, Some(way)) => {
                format!("the machine's role, if it has one, and otherwise {}", way.describe())
            }
            Self::Uri(_) => "what a URI gives".to_owned(),
            Self::External(command) => {
                format!("what {} prints", command.split_whitespace().next().unwrap_or_default())
            }
        }
    }

    /// Whether it begins with a secret that is known without the network.
    pub(crate) fn holds_secret(&self) -> bool {
        match self {
            Self::Static(_) => true,
            Self::Role(base, _) => base.holds_secret(),
            _ => false,
        }
    }

    /// The access key that is known without the network.
    pub(crate) fn key(&self) -> Option<&Credentials> {
        match self {
            Self::Static(held) => Some(held),
            _ => None,
        }
    }
}

/// A role's name, without all of the account's number.
fn masked_arn(arn: &str) -> String {
    let parts = arn.split(':').map(|part| match part.get(..4) {
        Some(head) if part.len() > 8 && part.chars().all(|c| c.is_ascii_digit()) => format!("{head}{MASK}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(":")
}
