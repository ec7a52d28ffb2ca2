//! The role of an ECS instance, from its metadata host: the newer protocol with a token; the older without one
//! only where that is not forbidden.

use std::time::Duration;

use super::Lease;
use super::fetch::Reach;
use super::handed;
use super::way::Metadata;
use crate::error::{Error, Kind, Result};
use crate::net::ask::{Answer, Ask, ask};

/// The host of every instance.
const HOST: &str = "http://100.100.100.200";

/// An exchange within the machine takes no time; where there is no such host, nobody waits longer.
const PATIENCE: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(1)];

const ROLES: &str = "/latest/meta-data/ram/security-credentials/";

/// Fetches the role's credentials.
///
/// # Errors
/// `network` where there is no such host; `credentials` where it has none to give.
pub(super) async fn fetch(wanted: &Metadata, reach: &Reach) -> Result<Lease> {
    let whole = async {
        let token = token(reach).await?;
        let role = match &wanted.role {
            Some(role) => role.clone(),
            None => role(token.as_deref(), reach).await?,
        };
        let answer = get(&format!("{ROLES}{role}"), token.as_deref(), reach).await?;
        if answer.status == 404 {
            let why = format!("the machine has no role `{role}`");
            return Err(Error::new(Kind::Credentials, why).hint("attach the role to the instance, or name another"));
        }
        handed::read(&answer, "the metadata host")
    };
    // Three exchanges, each of which may be slow.
    let too_long = || unreachable_host("it did not answer in time".to_owned());
    tokio::time::timeout(PATIENCE[0] * 3, whole).await.unwrap_or_else(|_| Err(too_long()))
}

/// A token of the newer protocol; `None` where only the older one is spoken, and may be.
async fn token(reach: &Reach) -> Result<Option<String>> {
    let headers = [("x-aliyun-ecs-metadata-token-ttl-seconds", "21600")];
    let answer = exchange("PUT", "/latest/api/token", &headers, reach).await?;
    match answer.status {
        200 => Ok(Some(answer.body.trim().to_owned())),
        _ if !reach.only_v2 => Ok(None),
        status => Err(Error::new(Kind::Credentials, format!("the metadata host gave no token: HTTP {status}"))
            .hint("the older protocol is forbidden by ALIBABA_CLOUD_IMDSV1_DISABLED")),
    }
}

/// The name of the machine's role.
async fn role(token: Option<&str>, reach: &Reach) -> Result<String> {
    let answer = get(ROLES, token, reach).await?;
    let name = answer.body.trim();
    match answer.status {
        200 if !name.is_empty() && !name.contains(char::is_whitespace) => Ok(name.to_owned()),
        200 | 404 => Err(Error::new(Kind::Credentials, "the machine has no role").hint("attach one to the instance")),
        status => Err(unreachable_host(format!("HTTP {status}"))),
    }
}

async fn get(path: &str, token: Option<&str>, reach: &Reach) -> Result<Answer> {
    let header = token.map(|token| ("x-aliyun-ecs-metadata-token", token));
    exchange("GET", path, header.as_slice(), reach).await
}

/// No proxy belongs between a machine and itself.
async fn exchange(method: &'static str, path: &str, headers: &[(&'static str, &str)], reach: &Reach) -> Result<Answer> {
    let host = reach.metadata.as_deref().unwrap_or(HOST).trim_end_matches('/');
    let url = format!("{host}{path}");
    ask(Ask { method, url, headers, body: None, patience: PATIENCE, proxies: None, authorities: None }).await
}

fn unreachable_host(why: String) -> Error {
    Error::new(Kind::Network, format!("the metadata host cannot be used: {why}")).with(|error| error.retryable = true)
}
