//! An exchange that broke: whether anything was sent, what happened in words, and the way out.

use super::client::ClientConfig;
use super::retry::Failure;
use crate::error::{Error, Kind};
use crate::net::retryable;
use crate::net::trust::{cause, distrusted, tls_error};

/// What a broken exchange means.
pub(super) fn failure(error: &reqwest::Error, config: &ClientConfig) -> Failure {
    let endpoint = &config.endpoint;
    let way = config.proxy.as_ref().map(|proxy| format!(" through {proxy}")).unwrap_or_default();
    let connecting = error.is_connect() || error.is_builder();
    if let Some(tls) = tls_error(error).filter(|_| connecting) {
        return Failure::Impossible(distrusted(tls, &format!("{endpoint}{way}")));
    }
    if error.is_builder() {
        return Failure::Impossible(Error::new(Kind::Network, format!("cannot make a request: {}", cause(error))));
    }
    if !error.is_connect() {
        let message = format!("the exchange with {endpoint}{way} broke off: {}", cause(error));
        return Failure::Unanswered(retryable(message));
    }
    Failure::NotConnected(if error.is_timeout() {
        let limit = config.connect_timeout();
        retryable(format!("cannot connect to {endpoint}{way}: the connect time-out of {limit:.1?} has passed"))
            .hint("check --endpoint, the network and the proxy variables; --connect-timeout allows more time")
    } else {
        retryable(format!("cannot connect to {endpoint}{way}: {}", cause(error)))
            .hint("check --endpoint, the network and the proxy variables")
    })
}
