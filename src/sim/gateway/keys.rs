//! The access keys that the gateway knows, and what each may call.

use glob::Pattern;
use serde::Deserialize;

use crate::catalogue::{self, Effect};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::wire::request::Target;

/// The id of the demo account's access key.
pub(crate) const ACCESS_KEY_ID: &str = "demo-access-key";
/// The secret of the demo account's access key.
pub(crate) const ACCESS_KEY_SECRET: &str = "demo-secret-key-not-real";
/// The id of a key of the demo account that may only read.
pub(crate) const READ_ONLY_KEY_ID: &str = "demo-read-only-key";
/// The secret of the key that may only read.
pub(crate) const READ_ONLY_KEY_SECRET: &str = "demo-read-only-secret-not-real";

/// An access key that the gateway knows.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// Its id.
    pub access_key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// The token that must come with it: temporary credentials.
    pub token: Option<Secret>,
    /// It exists, but is refused.
    pub inactive: bool,
    /// It may only read.
    pub read_only: bool,
    /// Patterns of the actions that it may call.
    pub allow: Vec<Pattern>,
}

impl Key {
    /// A key that may do everything.
    pub(crate) fn new(id: &str, secret: &str) -> Self {
        Self {
            access_key_id: id.to_owned(),
            secret: Secret::new(secret),
            token: None,
            inactive: false,
            read_only: false,
            allow: vec![],
        }
    }

    /// Whether it may call an action.
    pub(crate) fn may(&self, action: &str) -> bool {
        let effect = || match catalogue::find(action) {
            Some(operation) => operation.effect,
            None => Target::Unlisted(action.to_owned()).effect(),
        };
        (self.allow.is_empty() || self.allow.iter().any(|pattern| pattern.matches(action)))
            && (!self.read_only || effect() == Effect::Read)
    }

    /// Reads a JSON list of keys: `[{"access_key_id", "access_key_secret", "security_token",
    /// "inactive", "read_only", "allow": ["List*", …]}]`, the last four optional.
    ///
    /// # Errors
    /// `config`.
    pub(crate) fn list(json: &str) -> Result<Vec<Self>> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            access_key_id: String,
            access_key_secret: String,
            security_token: Option<String>,
            #[serde(default)]
            inactive: bool,
            #[serde(default)]
            read_only: bool,
            #[serde(default)]
            allow: Vec<String>,
        }
        let wrong = |why: String| Error::new(Kind::Config, format!("the access keys do not parse: {why}"));
        let keys: Vec<Written> = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        let key = |key: Written| {
            let patterns = key
                .allow
                .iter()
                .map(|text| Pattern::new(text).map_err(|error| wrong(format!("`{text}` is not a pattern: {error}"))));
            Ok(Self {
                access_key_id: key.access_key_id,
                secret: Secret::new(key.access_key_secret),
                token: key.security_token.map(Secret::new),
                inactive: key.inactive,
                read_only: key.read_only,
                allow: patterns.collect::<Result<_>>()?,
            })
        };
        keys.into_iter().map(key).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn keys_are_read_and_limit_what_may_be_called() {
        let keys = Key::list(
            r#"[{"access_key_id": "a", "access_key_secret": "s"},
                {"access_key_id": "b", "access_key_secret": "s", "read_only": true},
                {"access_key_id": "c", "access_key_secret": "s", "allow": ["List*", "ScaleApp"]}]"#,
        )
        .unwrap();
        for (action, may) in [
            ("ListApp", [true, true, true]),
            ("ScaleApp", [true, false, true]),
            ("DeleteAppDetail", [true, false, false]),
            ("DescribeJobLog", [true, true, false]),
            ("RebuildAppInstance", [true, false, false]),
        ] {
            assert_eq!(keys.iter().map(|key| key.may(action)).collect::<Vec<_>>(), may, "{action}");
        }
        for (json, part) in [
            ("{}", "do not parse"),
            (r#"[{"access_key_id": "a"}]"#, "access_key_secret"),
            (r#"[{"access_key_id": "a", "access_key_secret": "s", "readonly": true}]"#, "readonly"),
            (r#"[{"access_key_id": "a", "access_key_secret": "s", "allow": ["[a"]}]"#, "not a pattern"),
        ] {
            assert!(Key::list(json).unwrap_err().message.contains(part), "{json}");
        }
    }
}
