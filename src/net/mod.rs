//! The ground of all that goes over the network: the [`endpoint`] that it goes to, the [`proxy`] on the way, why
//! somebody is not [trusted](trust), [`ask`], one exchange with somebody who is not the service, and [`outside`], what
//! scripts ask of hosts that they are granted.

pub(crate) mod ask;
pub(crate) mod endpoint;
pub(crate) mod outside;
pub(crate) mod proxy;
pub(crate) mod trust;

use std::time::Duration;

use crate::error::{Error, Kind};
use endpoint::Endpoint;
use proxy::Proxy;
/// A URL, for rooms that do not know the library.
pub(crate) use reqwest::Url;
use trust::Authorities;

/// What every client is built from: no redirects, nothing sent again by itself, and no variable read but those
/// that [`Proxy`] knows.
///
/// # Errors
/// The library does not take the proxy.
pub(crate) fn builder(
    endpoint: &Endpoint,
    proxy: Option<&Proxy>,
    connect_timeout: Duration,
    authorities: Option<&Authorities>,
) -> reqwest::Result<reqwest::ClientBuilder> {
    // A provider that is installed already serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("jst/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(connect_timeout)
        .tcp_nodelay(true)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never());
    if endpoint.url().scheme() == "http" {
        // Reading the system's roots would take longer than the exchange.
        builder = builder.tls_certs_only([]);
    } else if let Some(authorities) = authorities {
        builder = builder.tls_certs_only(authorities.certificates());
    }
    Ok(match proxy {
        Some(proxy) => builder.proxy(proxy.for_all()?),
        None => builder.no_proxy(),
    })
}

/// An error of the network after which the same may succeed.
pub(crate) fn retryable(message: String) -> Error {
    Error::new(Kind::Network, message).with(|error| error.retryable = true)
}
