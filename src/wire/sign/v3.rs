//! Signature version 3: who signs, and with what, travels in headers, and the body is signed by its hash.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::{Signed, Stamp, canonical, pairs};
use crate::catalogue::{self, Method};
use crate::secret::Credentials;
use crate::wire::request::Request;

/// The name of the algorithm, and the first word of `Authorization`.
pub(crate) const ALGORITHM: &str = "ACS3-HMAC-SHA256";

/// The type of a form.
const FORM: &str = "application/x-www-form-urlencoded";

/// Headers, in order.
pub(crate) type Headers = Vec<(&'static str, String)>;

/// Signs a request to this host: what is signed, and every header that goes with it.
pub(crate) fn sign(
    request: &Request,
    credentials: &Credentials,
    region: Option<&str>,
    stamp: &Stamp,
    host: &str,
) -> Signed {
    let region = region.filter(|_| !request.names("RegionId")).map(|region| ("RegionId", region));
    let query = canonical(pairs(&request.query).chain(region).collect());
    let body = canonical(pairs(&request.body).collect());
    let time = Timestamp::from_second(stamp.time.as_second()).unwrap_or(stamp.time).to_string();
    let mut headers: Headers = vec![
        ("accept", "application/json".to_owned()),
        ("host", host.to_owned()),
        ("x-acs-action", request.action.clone()),
        ("x-acs-content-sha256", hex(&Sha256::digest(body.as_bytes()))),
        ("x-acs-date", time),
        ("x-acs-signature-nonce", stamp.nonce.clone()),
        ("x-acs-version", catalogue::VERSION.to_owned()),
    ];
    if request.method == Method::Post {
        headers.push(("content-type", FORM.to_owned()));
    }
    if let Some(token) = &credentials.security_token {
        headers.push(("x-acs-security-token", token.expose().to_owned()));
    }
    let string_to_sign = authorise(request.method.name(), &query, &mut headers, credentials);
    Signed { method: request.method, query, body, headers, string_to_sign }
}

/// Adds `Authorization` to headers, and gives what was signed. Of the headers, `x-acs-content-sha256` is the
/// hash of the body.
fn authorise(method: &str, query: &str, headers: &mut Headers, credentials: &Credentials) -> String {
    headers.sort_unstable_by_key(|(name, _)| *name);
    let mut text = format!("{method}\n/\n{query}\n");
    for (name, value) in headers.iter() {
        let _ = writeln!(text, "{name}:{}", value.trim());
    }
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let body = headers.iter().find(|(name, _)| *name == "x-acs-content-sha256").map_or("", |(_, hash)| hash);
    let _ = write!(text, "\n{names}\n{body}");
    let string_to_sign = format!("{ALGORITHM}\n{}", hex(&Sha256::digest(text.as_bytes())));
    let signature = hmac_sha256(credentials.secret.expose(), &string_to_sign);
    let key = &credentials.access_key_id;
    let authorization = format!("{ALGORITHM} Credential={key},SignedHeaders={names},Signature={signature}");
    headers.push(("authorization", authorization));
    string_to_sign
}

/// The HMAC-SHA256 of a text in hexadecimal digits.
pub(crate) fn hmac_sha256(secret: &str, text: &str) -> String {
    // HMAC takes a key of any length; the error its type allows for does not occur.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(text.as_bytes());
    hex(&mac.finalize().into_bytes())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use super::*;
    use crate::secret::Secret;

    #[derive(serde::Deserialize)]
    struct Vector {
        method: String,
        query: BTreeMap<String, String>,
        headers: BTreeMap<String, String>,
    }

    #[test]
    fn the_vendors_vectors_are_signed_alike() {
        let text = include_str!("../../../tests/golden/signature-v3-vectors.json");
        let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
        assert_eq!(vectors.len(), 6);
        for vector in vectors {
            let secret = Secret::new("testsecret");
            let credentials = Credentials { access_key_id: "testid".into(), secret, security_token: None };
            let query = canonical(vector.query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect());
            let sent = vector.headers.iter().filter(|(name, _)| *name != "authorization");
            let mut headers: Headers =
                sent.map(|(name, value)| (&*Box::leak(name.clone().into_boxed_str()), value.clone())).collect();
            authorise(&vector.method, &query, &mut headers, &credentials);
            assert_eq!(headers.last().unwrap().1, vector.headers["authorization"]);
        }
    }
}
