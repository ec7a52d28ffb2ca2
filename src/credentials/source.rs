//! What a source holds, and what is wrong with one.

use std::path::Path;

use super::Credentials;
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// What a source holds.
pub(super) enum Held {
    Nothing(&'static str),
    Credentials(Credentials, Profile),
}

/// What a profile says beside the credentials.
#[derive(Default)]
pub(super) struct Profile {
    pub name: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
}

/// Credentials from their parts. Half of them is an error: to go on to the next source would use
/// another account than was meant.
pub(super) fn held(
    id: Option<&str>,
    secret: Option<&str>,
    token: Option<&str>,
    names: [&str; 2],
    nothing: &'static str,
) -> Result<Held> {
    match (id, secret) {
        (Some(id), Some(secret)) => Ok(Held::Credentials(
            Credentials {
                access_key_id: id.to_owned(),
                secret: Secret::new(secret),
                security_token: token.filter(|token| !token.is_empty()).map(Secret::new),
            },
            Profile::default(),
        )),
        (None, None) => Ok(Held::Nothing(nothing)),
        (Some(_), None) => Err(half(names[0], names[1])),
        (None, Some(_)) => Err(half(names[1], names[0])),
    }
}

pub(super) fn half(given: &str, missing: &str) -> Error {
    Error::new(Kind::Credentials, format!("half a credential: {given} is given, {missing} is missing"))
        .hint("give both, or neither")
}

pub(super) fn unsupported(kind: &str) -> Error {
    Error::new(Kind::Credentials, format!("{kind}: this kind of credentials is not supported"))
}

pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::new(Kind::Config, format!("cannot read {}: {error}", path.display()))
            .hint("make it readable, or move it away")),
    }
}
