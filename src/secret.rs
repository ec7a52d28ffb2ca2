//! Secrets: what is one, by type and by name, and what stands in its place. How they are taken out of
//! whatever leaves the process is for [`crate::show::redaction`].

use std::fmt;

use serde_json::{Map, Value};

/// What stands in place of a secret.
pub(crate) const MASK: &str = "****";

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq)]
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

/// Whether a field of this name holds a secret: `Password`, `AccessKeySecret`, `Passwords.1`. Tokens
/// that only lead to a next page, or tell calls apart, are none.
pub(crate) fn is_secret_name(name: &str) -> bool {
    const SECRET: [&str; 4] = ["password", "passwd", "secret", "token"];
    const HARMLESS: [&str; 3] = ["nexttoken", "pagetoken", "clienttoken"];
    name.split('.').any(|part| {
        let part = part.to_ascii_lowercase();
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('s');
        let ends = |endings: &[&str]| endings.iter().any(|ending| part.ends_with(ending));
        ends(&SECRET) && !ends(&HARMLESS)
    })
}

/// Masks what is a secret by its name, at any depth.
pub(crate) fn mask(map: Map<String, Value>) -> Map<String, Value> {
    fn walk(value: Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(mask(map)),
            Value::Array(list) => list.into_iter().map(walk).collect(),
            plain => plain,
        }
    }
    let masked = map.into_iter().map(|(key, value)| {
        let value = if is_secret_name(&key) { masked(value) } else { walk(value) };
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
    fn secrets_are_known_by_their_names() {
        let table = [
            ("Password", true),
            ("AccessKeySecret", true),
            ("Passwords.1", true),
            ("Accounts.2.Password", true),
            ("Token", true),
            ("SecurityToken", true),
            ("NextToken", false),
            ("ClientToken", false),
            ("SecretName", false),
            ("TokenCount", false),
        ];
        for (name, expected) in table {
            assert_eq!(is_secret_name(name), expected, "{name}");
        }
    }

    #[test]
    fn secrets_do_not_show() {
        assert_eq!(format!("{:?}", Secret::new("fake")), "****");
        assert_eq!(shortened("LTAI0123456789wxyz"), "LTAI****wxyz");
        assert_eq!(shortened("short"), "****");
    }
}
