//! Credentials as a metadata host or a credentials URI hands them out, in JSON.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::fetch::{Reach, lifetime};
use super::source::meant;
use super::{Credentials, Lease};
use crate::error::{Error, Kind, Result};
use crate::net::ask::{Answer, Ask, ask};
use crate::secret::Secret;

/// Asks a URI.
pub(super) async fn from_uri(uri: &str, reach: &Reach) -> Result<Lease> {
    let (proxies, authorities) = (Some(&reach.env), reach.authorities.as_ref());
    let answer = ask(Ask {
        method: "GET",
        url: uri.to_owned(),
        headers: &[],
        body: None,
        patience: reach.patience,
        proxies,
        authorities,
    });
    read(&answer.await?, "the credentials URI")
}

/// Reads what was handed out by `who`.
///
/// # Errors
/// `credentials` for an answer that holds none, `network` for a failure that may pass.
pub(super) fn read(answer: &Answer, who: &str) -> Result<Lease> {
    let wrong = |why: String| Error::new(Kind::Credentials, format!("{who} {why}"));
    if answer.status != 200 {
        let kind = if answer.status >= 500 { Kind::Network } else { Kind::Credentials };
        return Err(Error::new(kind, format!("{who} answered with HTTP {}", answer.status))
            .with(|error| error.retryable = answer.status >= 500));
    }
    let map: Map<String, Value> =
        serde_json::from_str(&answer.body).map_err(|_| wrong("answered with something else than JSON".to_owned()))?;
    let text = |name: &str| map.get(name).and_then(Value::as_str).and_then(meant);
    if let Some(code) = text("Code").filter(|code| *code != "Success") {
        return Err(wrong(format!("answered with the code {code}")));
    }
    let names = ["AccessKeyId", "AccessKeySecret", "SecurityToken"];
    lease(names.map(|name| (name, text(name))), text("Expiration"), answer.date)
        .map_err(|why| wrong(why.message.clone()))
}

/// Credentials from their parts, each with its name.
///
/// # Errors
/// `credentials` for a part that is missing, or for what has expired.
pub(super) fn lease(
    [id, secret, token]: [(&str, Option<&str>); 3],
    expires: Option<&str>,
    their_clock: Option<Timestamp>,
) -> Result<Lease> {
    let needed = |(name, value): (&str, Option<&str>)| {
        value.map(str::to_owned).ok_or_else(|| Error::new(Kind::Credentials, format!("gave no {name}")))
    };
    let credentials = Credentials {
        access_key_id: needed(id)?,
        secret: Secret::new(needed(secret)?),
        security_token: token.1.map(Secret::new),
    };
    let lifetime = expires.map(|expires| lifetime(expires, their_clock)).transpose()?;
    Ok(Lease { credentials: credentials.into(), lifetime })
}
