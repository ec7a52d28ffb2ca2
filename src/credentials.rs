//! Stand-in until the settings branch is merged.
use crate::secret::Secret;
/// Credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Id.
    pub access_key_id: String,
    /// Secret.
    pub secret: Secret,
    /// Token.
    pub security_token: Option<Secret>,
}
