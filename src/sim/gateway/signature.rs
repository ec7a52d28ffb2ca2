//! Who signed a request and with what: both signature versions brought to one form and verified.
//!
//! Version 1 travels in parameters and signs every parameter. Version 3 travels in headers
//! (`Authorization: ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…` and `x-acs-*`) and
//! signs the method, the path, the query, the headers it names and a hash of the body.

use std::fmt::Write as _;

use hyper::body::Bytes;
use hyper::{HeaderMap, Request};
use sha2::{Digest as _, Sha256};

use super::Rejection;
use super::params::Pairs;
use crate::wire::sign;
use crate::wire::sign::v3::{ALGORITHM, hex, hmac_sha256};

/// Headers that version 3 gives a meaning, so that they must be signed.
const MEANINGFUL: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

/// The common parameters of a request, wherever its signature version puts them.
#[derive(Debug)]
pub(super) struct Common<'a> {
    /// What is called; empty when it is not said.
    pub action: &'a str,
    /// The API's version; empty when it is not said.
    pub version: &'a str,
    scheme: Scheme<'a>,
}

/// How a request is signed.
#[derive(Debug)]
enum Scheme<'a> {
    /// Version 1: everything is a parameter.
    Parameters,
    /// Version 3, with what follows the algorithm's name.
    Headers(&'a str),
}

/// Everything that a request says of who sent it and when.
#[derive(Debug)]
pub(super) struct Signed<'a> {
    /// The access key's id.
    pub key: &'a str,
    /// The time as it was written.
    pub time: &'a str,
    /// The nonce.
    pub nonce: &'a str,
    /// The token of temporary credentials.
    pub token: Option<&'a str>,
    signature: &'a str,
    /// Names of the signed headers: version 3.
    headers: Option<&'a str>,
}

fn parameter<'a>(pairs: &'a Pairs<'_>, name: &str) -> Option<&'a str> {
    pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

impl<'a> Common<'a> {
    /// Reads what is called and how it is signed.
    pub(super) fn of(headers: &'a HeaderMap, pairs: &'a Pairs<'_>) -> Self {
        let scheme = header(headers, "authorization")
            .and_then(|value| value.trim_start().strip_prefix(ALGORITHM))
            .map_or(Scheme::Parameters, Scheme::Headers);
        let named = |parameter_name, header_name| match scheme {
            Scheme::Parameters => parameter(pairs, parameter_name),
            Scheme::Headers(_) => header(headers, header_name),
        };
        Self {
            action: named("Action", "x-acs-action").unwrap_or_default(),
            version: named("Version", "x-acs-version").unwrap_or_default(),
            scheme,
        }
    }

    /// Reads who signed.
    ///
    /// # Errors
    /// What is missing, or an algorithm that is not known.
    pub(super) fn signed(&self, headers: &'a HeaderMap, pairs: &'a Pairs<'_>) -> Result<Signed<'a>, Rejection> {
        match self.scheme {
            Scheme::Parameters => {
                let needed = |name| parameter(pairs, name).ok_or_else(|| Rejection::missing(name));
                for (name, value) in [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")] {
                    if needed(name)? != value {
                        return Err(Rejection::invalid(name, &format!("must be {value}")));
                    }
                }
                Ok(Signed {
                    key: needed("AccessKeyId")?,
                    time: needed("Timestamp")?,
                    nonce: needed("SignatureNonce")?,
                    signature: needed("Signature")?,
                    token: parameter(pairs, "SecurityToken"),
                    headers: None,
                })
            }
            Scheme::Headers(fields) => {
                let field = |name| {
                    let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
                    fields.find(|(known, _)| *known == name).map(|(_, value)| value)
                };
                let needed = |name| field(name).ok_or_else(|| Rejection::missing(name));
                let sent = |name, header_name| header(headers, header_name).ok_or_else(|| Rejection::missing(name));
                Ok(Signed {
                    key: needed("Credential")?,
                    headers: Some(needed("SignedHeaders")?),
                    signature: needed("Signature")?,
                    time: sent("Timestamp", "x-acs-date")?,
                    nonce: sent("SignatureNonce", "x-acs-signature-nonce")?,
                    token: header(headers, "x-acs-security-token"),
                })
            }
        }
    }
}

impl Signed<'_> {
    /// Checks the signature against the secret of the key that the request names.
    ///
    /// # Errors
    /// `SignatureDoesNotMatch`, with the text that should have been signed.
    pub(super) fn verify(
        &self,
        secret: &str,
        request: &Request<Bytes>,
        pairs: &Pairs<'_>,
        in_query: usize,
    ) -> Result<(), Rejection> {
        let (string_to_sign, signature) = match self.headers {
            None => {
                let signed = pairs.iter().filter(|(name, _)| name != "Signature");
                let signed = signed.map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
                let string_to_sign = sign::string_to_sign(request.method().as_str(), signed);
                let signature = sign::signature(secret, &string_to_sign);
                (string_to_sign, signature)
            }
            Some(headers) => {
                let query = pairs.iter().take(in_query).map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
                let string_to_sign = string_to_sign_v3(request, query, headers)?;
                let signature = hmac_sha256(secret, &string_to_sign);
                (string_to_sign, signature)
            }
        };
        if signature == self.signature {
            return Ok(());
        }
        let message = format!("the signature does not match; server string to sign is:{string_to_sign}");
        Err(Rejection::new(400, "SignatureDoesNotMatch", message))
    }
}

/// What version 3 signs: the hash of the canonical request.
fn string_to_sign_v3(request: &Request<Bytes>, query: Vec<(&str, &str)>, headers: &str) -> Result<String, Rejection> {
    let incomplete = |text: String| Rejection::new(400, "IncompleteSignature", text);
    let signed = |name: &str| headers.split(';').any(|known| known == name);
    if let Some(name) = MEANINGFUL.iter().find(|name| !signed(name)) {
        return Err(incomplete(format!("the header {name} must be signed")));
    }
    let body = hex(&Sha256::digest(request.body()));
    if header(request.headers(), "x-acs-content-sha256") != Some(body.as_str()) {
        return Err(incomplete("x-acs-content-sha256 is not the hash of the body".into()));
    }
    let mut canonical = format!("{}\n{}\n{}\n", request.method(), request.uri().path(), sign::canonical(query));
    for name in headers.split(';') {
        let mut values: Vec<&str> =
            request.headers().get_all(name).iter().filter_map(|value| value.to_str().ok()).map(str::trim).collect();
        values.sort_unstable();
        let _ = writeln!(canonical, "{name}:{}", values.join(","));
    }
    let _ = write!(canonical, "\n{headers}\n{body}");
    Ok(format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical.as_bytes()))))
}
