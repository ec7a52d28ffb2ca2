//! What a source holds, and what is wrong with one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Credentials;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::secret::Secret;

/// What a source holds.
pub(super) enum Held {
    /// Nothing, and why: it is merely not there.
    Nothing(Cow<'static, str>),
    /// It could not be looked at, for a reason that is none of its own.
    PassedOver(String),
    Credentials(Credentials, Profile),
}

impl Held {
    /// Nothing, for this reason.
    pub(super) fn nothing(why: impl Into<Cow<'static, str>>) -> Result<Self> {
        Ok(Self::Nothing(why.into()))
    }
}

/// What a profile says beside the credentials.
#[derive(Default)]
pub(super) struct Profile {
    pub name: Option<String>,
    pub region: Option<String>,
    pub endpoint: Option<String>,
    /// The vendor's file that it stands in.
    pub file: Option<PathBuf>,
}

/// A value as it is meant: the line break or blank that a shell or an editor left at its end is no part of it,
/// and an empty one is none. The service gives no key or secret with blanks.
pub(super) fn meant(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
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
    match (id.and_then(meant), secret.and_then(meant)) {
        (Some(id), Some(secret)) => Ok(Held::Credentials(
            Credentials {
                access_key_id: id.to_owned(),
                secret: Secret::new(secret),
                security_token: token.and_then(meant).map(Secret::new),
            },
            Profile::default(),
        )),
        (None, None) => Held::nothing(nothing),
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

/// The text of a file; `None` where there is none.
pub(super) fn read(path: &Path) -> Result<Option<String>> {
    match files::read_text(path, files::LARGEST) {
        Ok(text) => Ok(Some(text)),
        Err(why) if why.is_missing() => Ok(None),
        Err(why) => Err(Error::new(Kind::Config, format!("cannot read {}: {why}", path.display()))
            .hint("make it a readable file, or move it away")),
    }
}
