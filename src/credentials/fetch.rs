//! Goes a way of signing in, all of it anew each time: of a chain of roles each link.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::way::{Metadata, Way};
use super::{Credentials, Lease, external, handed, metadata, sts};
use crate::error::{Error, Kind, Result};
use crate::net::trust::Authorities;
use crate::secret::Class;
use crate::show::redaction::REDACTOR;

/// What somebody who signs in reaches, and how.
#[derive(Clone, Debug)]
pub(crate) struct Reach {
    /// The environment, whose variables may name proxies, and which commands get.
    pub env: BTreeMap<String, String>,
    /// The token service, where it is not the region's.
    pub sts: Option<String>,
    /// Who is trusted instead of the system's authorities.
    pub authorities: Option<Authorities>,
    /// The region whose private network is meant.
    pub vpc: Option<String>,
    /// The metadata host, where it is not the usual one.
    pub metadata: Option<String>,
    /// Whether the metadata host may only be asked by the newer protocol.
    pub only_v2: bool,
    /// The longest that one exchange, or a command, may take, and connecting alone.
    pub patience: [Duration; 2],
}

/// Fetches credentials.
///
/// # Errors
/// `credentials` for whoever refuses them, `network` where nobody answers, `config` for what cannot be.
pub(crate) async fn fetch(way: &Way, reach: &Reach) -> Result<Lease> {
    let lease = link(way, reach).await.map_err(|error| error.hint("`jst whoami` shows who is meant to sign"))?;
    Ok(lease)
}

/// One link of the chain.
fn link<'a>(way: &'a Way, reach: &'a Reach) -> Pin<Box<dyn Future<Output = Result<Lease>> + Send + 'a>> {
    Box::pin(async move {
        let lease = match way {
            Way::Static(held) => Lease { credentials: Arc::new(held.clone()), lifetime: None },
            Way::Role(base, role) => {
                let base = link(base, reach).await?;
                sts::assume(role, &base.credentials, reach).await?
            }
            Way::Oidc { role, provider_arn, token_file } => {
                sts::assume_with_token(role, provider_arn, token_file, reach).await?
            }
            Way::Metadata(wanted) => metadata::fetch(wanted, reach).await?,
            Way::IfOnEcs(wanted, otherwise) => if_on_ecs(wanted, otherwise.as_deref(), reach).await?,
            Way::Uri(uri) => handed::from_uri(uri, reach).await?,
            Way::External(command) => external::fetch(command, reach).await?,
        };
        know(&lease.credentials);
        Ok(lease)
    })
}

async fn if_on_ecs(wanted: &Metadata, otherwise: Option<&Way>, reach: &Reach) -> Result<Lease> {
    // Nobody meant the machine's role: whatever keeps it from being used, it is merely not there.
    match (metadata::fetch(wanted, reach).await, otherwise) {
        (Ok(lease), _) => Ok(lease),
        (Err(_), Some(way)) => link(way, reach).await,
        (Err(error), None) => {
            Err(super::chain::nobody().hint(format!("the machine's own role cannot be used either: {error}")))
        }
    }
}

/// Secrets are known before anybody can show them.
pub(crate) fn know(credentials: &Credentials) {
    let secrets = [Some(&credentials.secret), credentials.security_token.as_ref()];
    secrets.into_iter().flatten().for_each(|secret| REDACTOR.add(secret, Class::Credential));
}

/// How long something lasts that ends at a time, by the clock of whoever said so or by ours.
///
/// # Errors
/// `credentials` for what is no time, or has ended.
pub(super) fn lifetime(expiration: &str, their_clock: Option<Timestamp>) -> Result<Duration> {
    let wrong = |why: String| Error::new(Kind::Credentials, why);
    let ends: Timestamp = expiration.parse().map_err(|_| wrong(format!("`{expiration}` is no time to expire at")))?;
    let left: SignedDuration = ends.duration_since(their_clock.unwrap_or_else(Timestamp::now));
    match Duration::try_from(left) {
        Ok(left) if !left.is_zero() => Ok(left),
        _ => Err(wrong(format!("the credentials that were given have expired already, at {expiration}"))
            .hint("whoever gives them gives old ones, or this machine's clock is off")),
    }
}
