//! An exchange that broke: whether anything was sent, what happened in words, and the way out.

use std::error::Error as StdError;

use rustls::CertificateError;

use super::client::ClientConfig;
use super::retry::Failure;
use crate::error::{Error, Kind};

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

/// Why a secure connection is not made, which trying again does not change.
fn distrusted(tls: &rustls::Error, endpoint: &str) -> Error {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    const OWN_CA: &str = "if it is to be trusted, SSL_CERT_FILE names a file with the CA certificates to use";
    const CLOCK: &str = "check this machine's clock; if it is right, whoever runs the endpoint has to renew it";
    let certificate = |what: &str| format!("the certificate of {endpoint} {what}");
    let (message, hint) = match tls {
        rustls::Error::InvalidCertificate(why) => match why {
            UnknownIssuer | BadSignature => {
                (certificate("is signed by none that this machine trusts, or by itself"), OWN_CA.to_owned())
            }
            NotValidForName => (certificate("is for another host"), "check --endpoint".to_owned()),
            NotValidForNameContext { presented, .. } => {
                (certificate(&format!("is for another host: {}", hosts(presented))), "check --endpoint".to_owned())
            }
            Expired | ExpiredContext { .. } => (certificate("has expired"), CLOCK.to_owned()),
            NotValidYet | NotValidYetContext { .. } => (certificate("is not valid yet"), CLOCK.to_owned()),
            // The checker's own error, which is no type of this library.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                (certificate("is signed by itself, as a CA's is"), {
                    "give the endpoint a certificate that a CA has signed; SSL_CERT_FILE names a file with that CA's"
                        .to_owned()
                })
            }
            // In words of its own, which no user knows.
            CertificateError::Other(_) => (
                certificate("is of a kind that cannot be checked"),
                "give the endpoint a certificate of X.509 version 3, as every CA signs".to_owned(),
            ),
            other => (certificate(&format!("is not accepted: {other}")), OWN_CA.to_owned()),
        },
        rustls::Error::InvalidMessage(_) => (
            format!("what answers at {endpoint} does not speak TLS"),
            "check --endpoint; one without TLS begins with http://".to_owned(),
        ),
        // The only general one: there is nothing to check certificates with.
        rustls::Error::General(_) => (
            format!("there are no CA certificates on this machine to check {endpoint} with"),
            "install them (the package is called ca-certificates), or name a file with some in SSL_CERT_FILE"
                .to_owned(),
        ),
        other => (format!("no secure connection to {endpoint} is possible: {other}"), "check --endpoint".to_owned()),
    };
    Error::new(Kind::Network, message).hint(hint)
}

/// The hosts that a certificate is for, which the library gives as it holds them: `DnsName("a.example")`.
fn hosts(presented: &[String]) -> String {
    let host = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
        inner.trim_matches('"').to_owned()
    };
    let hosts: Vec<String> = presented.iter().map(host).collect();
    if hosts.is_empty() { "it names none".to_owned() } else { hosts.join(", ") }
}

/// The error of TLS within another.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// An error and its reasons, the innermost last.
fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| {
        // What such an error is made of is no source of it, only the source of that.
        let made_of = error.downcast_ref::<std::io::Error>().and_then(|error| error.get_ref());
        made_of.map(|inner| inner as &(dyn StdError + 'static)).or_else(|| error.source())
    })
}

/// The innermost reason of an error: what a person can act on.
fn cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

/// An error of the network after which the same call may succeed.
pub(super) fn retryable(message: String) -> Error {
    Error::new(Kind::Network, message).with(|error| error.retryable = true)
}
