//! The token service: who assumes a role, and who somebody is. It takes signature version 1, as product `Sts`.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::fetch::Reach;
use super::handed;
use super::source::{meant, read};
use super::way::Role;
use super::{Credentials, Lease};
use crate::error::{Error, Kind, Result};
use crate::net::ask::{Answer, Ask, ask};
use crate::net::endpoint::Endpoint;
use crate::wire::sign::{Stamp, canonical, signature, string_to_sign};

const VERSION: &str = "2015-04-01";

/// Who the token service says somebody is.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Caller {
    /// The account's number.
    pub account: String,
    /// What it is: `Account`, `RAMUser` or `AssumedRoleUser`.
    pub kind: String,
    /// Its full name.
    pub arn: String,
}

/// Assumes a role.
pub(super) async fn assume(role: &Role, base: &Credentials, reach: &Reach) -> Result<Lease> {
    let said = ask_as("AssumeRole", parameters(role), Some(base), &host(role, reach)?, reach).await?;
    granted(&said, "AssumeRole")
}

/// Assumes a role with the token of an identity provider.
pub(super) async fn assume_with_token(role: &Role, provider: &str, file: &Path, reach: &Reach) -> Result<Lease> {
    let text = read(file)?.ok_or_else(|| {
        Error::new(Kind::Credentials, format!("there is no token file {}", file.display()))
            .hint("the cluster mounts it where a service account with a role is used")
    })?;
    let token = meant(&text)
        .ok_or_else(|| Error::new(Kind::Credentials, format!("the token file {} is empty", file.display())))?;
    let mut params = parameters(role);
    params.push(("OIDCProviderArn", provider.to_owned()));
    params.push(("OIDCToken", token.to_owned()));
    let said = ask_as("AssumeRoleWithOIDC", params, None, &host(role, reach)?, reach).await?;
    granted(&said, "AssumeRoleWithOIDC")
}

/// Asks who these credentials belong to.
///
/// # Errors
/// As for every exchange with the token service.
pub(crate) async fn caller(credentials: &Credentials, region: Option<&str>, reach: &Reach) -> Result<Caller> {
    let role = Role { region: region.map(str::to_owned), ..Role::default() };
    let (map, _) = ask_as("GetCallerIdentity", Vec::new(), Some(credentials), &host(&role, reach)?, reach).await?;
    let text = |name: &str| map.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok(Caller { account: text("AccountId"), kind: text("IdentityType"), arn: text("Arn") })
}

fn parameters(role: &Role) -> Vec<(&'static str, String)> {
    let all = [
        ("RoleArn", Some(role.arn.clone())),
        ("RoleSessionName", Some(role.session.clone().unwrap_or_else(|| "jst".to_owned()))),
        ("DurationSeconds", Some(role.duration.unwrap_or(3600).to_string())),
        ("ExternalId", role.external_id.clone()),
        ("Policy", role.policy.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Where the token service is.
fn host(role: &Role, reach: &Reach) -> Result<String> {
    if let Some(named) = &reach.sts {
        let endpoint = Endpoint::parse(named)?;
        return match endpoint.is_private() {
            true => Ok(endpoint.to_string()),
            false => Err(Error::new(Kind::Config, format!("{endpoint} is reached without encryption"))
                .hint("credentials are given over https:// only, or on this machine")),
        };
    }
    let var = |name: &str| reach.env.get(name).and_then(|value| meant(value));
    let region = role.region.as_deref().or_else(|| var("ALIBABA_CLOUD_STS_REGION")).or(reach.vpc.as_deref());
    let in_vpc = role.vpc
        || reach.vpc.is_some()
        || var("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED").is_some_and(|v| v.eq_ignore_ascii_case("true"));
    Ok(match region {
        Some(region) if in_vpc => format!("https://sts-vpc.{region}.aliyuncs.com"),
        Some(region) => format!("https://sts.{region}.aliyuncs.com"),
        None => "https://sts.aliyuncs.com".to_owned(),
    })
}

/// What the token service answers, and its clock.
type Said = (Map<String, Value>, Option<Timestamp>);

/// One call of the token service, signed if somebody signs. A clock that is off is corrected once.
async fn ask_as(
    action: &str,
    params: Vec<(&str, String)>,
    signer: Option<&Credentials>,
    host: &str,
    reach: &Reach,
) -> Result<Said> {
    let mut skew = SignedDuration::ZERO;
    loop {
        let form = signed(action, &params, signer, &Stamp::now(skew));
        let (url, body) = (format!("{host}/"), Some(("application/x-www-form-urlencoded", form)));
        let asked = Ask {
            method: "POST",
            url,
            headers: &[],
            body,
            patience: reach.patience,
            proxies: Some(&reach.env),
            authorities: reach.authorities.as_ref(),
        };
        let answer = ask(asked).await?;
        let map: Map<String, Value> = serde_json::from_str(&answer.body).unwrap_or_default();
        let code = map.get("Code").and_then(Value::as_str).unwrap_or_default();
        let is_clock = code.starts_with("InvalidTimeStamp") || code.starts_with("IllegalTimestamp");
        match answer.date {
            Some(date) if is_clock && skew.is_zero() => skew = date.duration_since(Timestamp::now()),
            _ => return answered(action, host, &answer, map).map(|map| (map, answer.date)),
        }
    }
}

fn answered(action: &str, host: &str, answer: &Answer, map: Map<String, Value>) -> Result<Map<String, Value>> {
    let text = |name: &str| map.get(name).and_then(Value::as_str);
    match (answer.status, text("Code")) {
        (200, _) if !map.is_empty() => Ok(map),
        (200, _) => {
            Err(Error::new(Kind::Credentials, format!("{host} answered {action} with something else than JSON")))
        }
        (status, Some(code)) => {
            // What was signed, tokens included, stands in the message of a rejected signature.
            let said = if code.starts_with("Signature") || code.starts_with("IncompleteSignature") {
                "the signature was rejected: the secret is wrong"
            } else {
                text("Message").unwrap_or("no message given")
            };
            let is_passing = status >= 500 || code.contains("Throttling");
            let kind = if is_passing { Kind::Network } else { Kind::Credentials };
            let error = Error::new(kind, format!("{action} was refused: {code}: {said}")).with(|error| {
                error.code = Some(code.into());
                error.request_id = text("RequestId").map(str::to_owned);
                error.http_status = Some(status);
                error.retryable = is_passing;
            });
            Err(match code {
                "NoPermission" | "EntityNotExist.Role" => {
                    error.hint("the role must exist, and its trust policy must name whoever assumes it")
                }
                _ => error,
            })
        }
        (status, None) => {
            let error = Error::new(
                Kind::Network,
                format!("{host} answered {action} with HTTP {status} and no error of its own"),
            );
            Err(error.with(|error| error.retryable = status >= 500))
        }
    }
}

/// The form of a call; everything travels in it.
fn signed(action: &str, params: &[(&str, String)], signer: Option<&Credentials>, stamp: &Stamp) -> String {
    let time = Timestamp::from_second(stamp.time.as_second()).unwrap_or(stamp.time).to_string();
    let mut all: Vec<(&str, &str)> = params.iter().map(|(name, value)| (*name, value.as_str())).collect();
    all.extend([
        ("Action", action),
        ("Format", "JSON"),
        ("SignatureNonce", stamp.nonce.as_str()),
        ("Timestamp", time.as_str()),
        ("Version", VERSION),
    ]);
    let Some(signer) = signer else { return canonical(all) };
    all.extend([
        ("AccessKeyId", signer.access_key_id.as_str()),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureVersion", "1.0"),
    ]);
    all.extend(signer.security_token.as_ref().map(|token| ("SecurityToken", token.expose())));
    let signature = signature(signer.secret.expose(), &string_to_sign("POST", all.clone()));
    all.push(("Signature", &signature));
    canonical(all)
}

/// The credentials in a grant.
fn granted((map, their_clock): &Said, action: &str) -> Result<Lease> {
    let wrong = |why: &str| Error::new(Kind::Credentials, format!("{action} {why}"));
    let given = map.get("Credentials").and_then(Value::as_object).ok_or_else(|| wrong("gave no Credentials"))?;
    let text = |name: &str| given.get(name).and_then(Value::as_str).and_then(meant);
    let expires = text("Expiration").ok_or_else(|| wrong("gave no Expiration"))?;
    let token = text("SecurityToken").ok_or_else(|| wrong("gave no SecurityToken"))?;
    let parts = [
        ("AccessKeyId", text("AccessKeyId")),
        ("AccessKeySecret", text("AccessKeySecret")),
        ("SecurityToken", Some(token)),
    ];
    handed::lease(parts, Some(expires), *their_clock).map_err(|why| wrong(&why.message))
}
