//! Secrets: what is one, by type and by name, and what stands in its place.
//!
//! There are two classes, and one rule for each, which [`crate::show::redaction`] keeps for whatever leaves the
//! process:
//!
//! - a [credential](Class::Credential) never appears anywhere, not even inside a longer text;
//! - a [password](Class::Password) does not appear as a whole value in data (stdout) nor as a word of its own in
//!   talk (stderr). Other data is never rewritten: a password `ContainerDeployment` leaves the field
//!   `"DeployType":"ContainerDeployment"` alone, and `100200` the number `1001002003`.

mod names;

use std::fmt;

use serde_json::{Map, Value};

pub(crate) use names::{is_secret_name, tells_of_secret};

/// What stands in place of a secret.
pub(crate) const MASK: &str = "****";

/// How far a secret reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// The secret of an access key, a token, whatever a file of credentials holds: random, and nothing else is
    /// the same by chance.
    Credential,
    /// What people chose, and what a call or a variable of the environment carries: it may be an ordinary word.
    Password,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
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

/// An access key's id, shortened: enough to recognise it.
pub(crate) fn shortened(id: &str) -> String {
    let characters: Vec<char> = id.chars().collect();
    match (characters.get(..4), characters.len().checked_sub(4).and_then(|at| characters.get(at..))) {
        (Some(head), Some(tail)) if characters.len() > 10 => {
            format!("{}{MASK}{}", String::from_iter(head), String::from_iter(tail))
        }
        _ => MASK.to_owned(),
    }
}

/// Masks what is a secret by its name, at any depth.
pub(crate) fn mask(map: Map<String, Value>) -> Map<String, Value> {
    mask_named(map, is_secret_name)
}

/// Masks what may be a secret by its name, at any depth: for people, who miss less by it than others may learn.
pub(crate) fn mask_for_people(map: Map<String, Value>) -> Map<String, Value> {
    mask_named(map, tells_of_secret)
}

fn mask_named(map: Map<String, Value>, is_secret: fn(&str) -> bool) -> Map<String, Value> {
    fn walk(value: Value, is_secret: fn(&str) -> bool) -> Value {
        match value {
            Value::Object(map) => mask_named(map, is_secret).into(),
            Value::Array(list) => list.into_iter().map(|value| walk(value, is_secret)).collect(),
            plain => plain,
        }
    }
    let masked = map.into_iter().map(|(key, value)| {
        let value = if is_secret(&key) { masked(value) } else { walk(value, is_secret) };
        (key, value)
    });
    masked.collect()
}

/// The mask in place of a value, where there is one.
pub(crate) fn masked(value: Value) -> Value {
    if value.is_null() { value } else { MASK.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("fake")), "****");
        assert_eq!(shortened("LTAI0123456789wxyz"), "LTAI****wxyz");
        assert_eq!(shortened("short"), "****");
    }
}
