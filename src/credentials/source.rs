//! What a source holds, and what is wrong with one.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::Credentials;
use super::way::Way;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::secret::Secret;

/// What a source holds.
#[expect(clippy::large_enum_variant, reason = "there is one of each source, looked at once")]
pub(super) enum Held {
    /// Nothing, and why: it is merely not there.
    Nothing(Cow<'static, str>),
    /// It could not be looked at, for a reason that is none of its own.
    PassedOver(String),
    /// A way of signing in.
    Way(Way, Profile),
}

impl Held {
    /// The same, found by names that the vendor has given up.
    pub(super) fn by_older_names(self) -> Self {
        match self {
            Self::Way(way, profile) => Self::Way(way, Profile { is_older: true, ..profile }),
            other => other,
        }
    }

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
    /// Whether it goes by names that the vendor has given up.
    pub is_older: bool,
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
        (Some(id), Some(secret)) => Ok(Held::Way(
            Way::Static(Credentials {
                access_key_id: id.to_owned(),
                secret: Secret::new(secret),
                security_token: token.and_then(meant).map(Secret::new),
            }),
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

/// The error of a token without the key that it belongs to.
pub(super) fn token_alone(given: &str, missing: &str) -> Error {
    Error::new(Kind::Credentials, format!("half a credential: {given} is given, {missing} are missing"))
        .hint("give all three, or none")
}

/// A kind of credentials that cannot be used, and what can be instead.
pub(super) fn unsupported(kind: &str) -> Error {
    const ROLE: &str = "use the mode RamRoleArn, with a lasting key that may only assume the role, or EcsRamRole";
    let instead = match kind {
        "CloudSSO" | "OAuth" => {
            "it signs in with a browser; use the mode External with a command that prints temporary keys, as acs-sso does"
        }
        "RsaKeyPair" | "rsa_key_pair" => ROLE,
        "BearerToken" | "bearer" | "Anonymous" => {
            "calls of this service are signed: use the mode AK, StsToken or RamRoleArn"
        }
        _ => {
            "the modes are AK, StsToken, RamRoleArn, ChainableRamRoleArn, RamRoleArnWithRoleName, EcsRamRole, OIDC, \
             CredentialsURI and External"
        }
    };
    Error::new(Kind::Credentials, format!("{kind}: this kind of credentials is not supported")).hint(instead)
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
