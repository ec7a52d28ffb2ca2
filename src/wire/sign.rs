//! Signature version 1: from a validated request to the URL and form that go out. Version 3 is [`v3`].
//!
//! Facts: `gateway` section of the vendor's published clients; the vectors in
//! `tests/golden/signature-vectors.json` come from the vendor's own client.

use base64::Engine as _;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use sha1::Sha1;

use super::request::Request;
use crate::catalogue::{self, Method};
use crate::encoding::percent;
use crate::secret::Credentials;

pub(crate) mod v3;

/// Which signature a client sends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Version {
    /// In parameters, with SHA-1.
    #[default]
    V1,
    /// In headers, with SHA-256.
    V3,
}

/// What makes two attempts of one call different.
#[derive(Clone, Debug)]
pub(crate) struct Stamp {
    /// A value that no other attempt carries.
    pub nonce: String,
    /// The time the service would read on its own clock.
    pub time: Timestamp,
}

impl Stamp {
    /// A stamp for an attempt sent now, on a clock that the service's is `skew` ahead of.
    pub(crate) fn now(skew: jiff::SignedDuration) -> Self {
        Self {
            // It must not come twice; that it can be guessed does no harm, since it is signed.
            nonce: uuid::Builder::from_random_bytes(fastrand::u128(..).to_be_bytes()).into_uuid().to_string(),
            time: Timestamp::now().saturating_add(skew).unwrap_or(Timestamp::MAX),
        }
    }
}

/// A request ready to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Signed {
    /// `GET` or `POST`.
    pub method: Method,
    /// Everything behind the `?` of the URL.
    pub query: String,
    /// The form of a POST; empty when no parameter travels there.
    pub body: String,
    /// Headers beside the usual ones; secret where they hold a token.
    pub headers: v3::Headers,
    /// What was signed, to compare with what a gateway says it expected.
    pub string_to_sign: String,
}

/// Signs a request: common parameters are added, everything is canonicalised and signed.
pub(crate) fn sign(request: &Request, credentials: &Credentials, region: Option<&str>, stamp: &Stamp) -> Signed {
    // Without a fraction it is written as the service wants it: `2018-03-13T08:00:00Z`.
    let time = Timestamp::from_second(stamp.time.as_second()).unwrap_or(stamp.time).to_string();
    let common = [
        ("AccessKeyId", Some(credentials.access_key_id.as_str())),
        ("Action", Some(request.action.as_str())),
        ("Format", Some("JSON")),
        ("RegionId", region.filter(|_| !request.names("RegionId"))),
        ("SecurityToken", credentials.security_token.as_ref().map(|t| t.expose())),
        ("SignatureMethod", Some("HMAC-SHA1")),
        ("SignatureNonce", Some(stamp.nonce.as_str())),
        ("SignatureVersion", Some("1.0")),
        ("Timestamp", Some(time.as_str())),
        ("Version", Some(catalogue::VERSION)),
    ];
    let in_query: Vec<(&str, &str)> =
        common.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(pairs(&request.query)).collect();
    let in_body: Vec<(&str, &str)> = pairs(&request.body).collect();
    let method = request.method.name();
    // Encoding is most of the work: without a form, what is sent and what is signed are alike.
    let with_form = (!in_body.is_empty()).then(|| string_to_sign(method, [&in_query[..], &in_body].concat()));
    let mut query = canonical(in_query);
    let string_to_sign = with_form.unwrap_or_else(|| string_to_sign_of(method, &query));
    query.push_str("&Signature=");
    query.extend(percent(&signature(credentials.secret.expose(), &string_to_sign)));
    Signed { method: request.method, query, body: canonical(in_body), headers: Vec::new(), string_to_sign }
}

/// Whether a parameter of this name is the client's own to set: given by a caller, it would be sent
/// beside the real one, and a gateway may take either.
pub(crate) fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 6] = ["AccessKeyId", "Action", "Format", "SecurityToken", "Timestamp", "Version"];
    let begins = |text: &str| name.get(..text.len()).is_some_and(|head| head.eq_ignore_ascii_case(text));
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(name)) || begins("Signature")
}

fn pairs(list: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    list.iter().map(|(name, value)| (name.as_str(), value.as_str()))
}

/// `key=value&…`, encoded, sorted by the keys' bytes.
pub(crate) fn canonical(mut pairs: Vec<(&str, &str)>) -> String {
    pairs.sort_unstable();
    let mut text = String::with_capacity(pairs.len() * 32);
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(percent(name));
        text.push('=');
        text.extend(percent(value));
    }
    text
}

/// What version 1 signs: the method and every parameter but `Signature`, of query and form together.
pub(crate) fn string_to_sign(method: &str, pairs: Vec<(&str, &str)>) -> String {
    string_to_sign_of(method, &canonical(pairs))
}

fn string_to_sign_of(method: &str, canonical: &str) -> String {
    let mut text = String::with_capacity(canonical.len() * 3 / 2);
    text.push_str(method);
    text.push_str("&%2F&");
    text.extend(percent(canonical));
    text
}

/// The base64 HMAC-SHA1 of a string to sign, with the key that version 1 derives from the secret.
pub(crate) fn signature(secret: &str, string_to_sign: &str) -> String {
    let key = format!("{secret}&");
    // HMAC takes a key of any length; the error its type allows for does not occur.
    let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(key.as_bytes()) else {
        return String::new();
    };
    mac.update(string_to_sign.as_bytes());
    base64::prelude::BASE64_STANDARD.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests;
