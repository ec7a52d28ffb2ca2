//! Takes known secrets out of whatever leaves the process.

use std::sync::{PoisonError, RwLock};

use base64::Engine as _;

use crate::encoding::percent;
use crate::secret::{MASK, Secret};

/// Takes known secrets out of text, in every encoding that jst itself produces.
#[derive(Debug, Default)]
pub(crate) struct Redactor(RwLock<Vec<Secret>>);

impl Redactor {
    /// Secrets shorter than this would take ordinary words apart; they are masked by name only.
    const SHORTEST: usize = 6;

    /// Knows one more secret.
    pub(crate) fn add(&self, secret: &Secret) {
        let plain = secret.expose();
        if plain.chars().count() < Self::SHORTEST {
            return;
        }
        let encoded = percent(plain).to_string();
        let twice = percent(&encoded).to_string();
        let json = serde_json::Value::from(plain).to_string();
        let forms = [
            plain.to_owned(),
            twice,
            encoded,
            base64::prelude::BASE64_STANDARD.encode(plain),
            json.trim_matches('"').to_owned(),
        ];
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms {
            if !known.iter().any(|secret| secret.expose() == form) {
                known.push(Secret::new(form));
            }
        }
        // The longest first: one may contain another.
        known.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
    }

    /// A text without the secrets.
    pub(crate) fn redact(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.iter().fold(text.to_owned(), |text, secret| {
            if text.contains(secret.expose()) { text.replace(secret.expose(), MASK) } else { text }
        })
    }
}

/// The secrets of this process: whatever is written to stderr passes through it.
pub(crate) static REDACTOR: Redactor = Redactor(RwLock::new(Vec::new()));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_taken_out_in_every_encoding() {
        let redactor = Redactor::default();
        redactor.add(&Secret::new("fake+secret/ä\"="));
        redactor.add(&Secret::new("abc"));
        for (text, expected) in [
            ("plain fake+secret/ä\"= here", "plain **** here"),
            ("fake%2Bsecret%2F%C3%A4%22%3D", "****"),
            ("fake%252Bsecret%252F%25C3%25A4%2522%253D", "****"),
            ("ZmFrZStzZWNyZXQvw6QiPQ==", "****"),
            (r#"{"S":"fake+secret/ä\"="}"#, r#"{"S":"****"}"#),
            ("abc is too short to be taken out", "abc is too short to be taken out"),
        ] {
            assert_eq!(redactor.redact(text), expected);
        }
    }
}
