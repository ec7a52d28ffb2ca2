//! What the gateway says no with.

use std::borrow::Cow;

/// An error of the gateway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rejection {
    /// HTTP status.
    pub status: u16,
    /// `SignatureDoesNotMatch`, `MissingEnvId`, …
    pub code: Cow<'static, str>,
    /// Why, in words.
    pub message: String,
    /// How many milliseconds a caller is asked to wait.
    pub retry_after: Option<u64>,
}

impl Rejection {
    /// An error of this status, code and text.
    pub(crate) fn new(status: u16, code: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self { status, code: code.into(), message: message.into(), retry_after: None }
    }

    pub(super) fn missing(name: &str) -> Self {
        Self::new(400, format!("Missing{name}"), format!("{name} is required"))
    }

    pub(super) fn invalid(name: &str, why: &str) -> Self {
        // A hostile name does not become a code.
        let well_formed = !name.is_empty() && name.len() <= 64 && name.bytes().all(|b| b.is_ascii_alphanumeric());
        let code = if well_formed { format!("InvalidParameter.{name}") } else { "InvalidParameter".into() };
        let shown: String = name.chars().take(64).collect();
        Self::new(400, code, format!("{shown} {why}"))
    }

    /// The action is not known.
    pub(crate) fn unknown_action(action: &str) -> Self {
        let shown: String = action.chars().take(64).collect();
        Self::new(404, "InvalidAction.NotFound", format!("there is no action {shown}"))
    }
}
