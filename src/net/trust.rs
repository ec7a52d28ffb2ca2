//! Why a connection cannot be made or trusted, in words that a person can act on.

use std::error::Error as StdError;
use std::path::Path;

use rustls::CertificateError;

use crate::error::{Error, Kind, Result};
use crate::files;

/// The authorities that a file names, which are trusted instead of the system's.
#[derive(Clone, Debug)]
pub(crate) struct Authorities(Vec<reqwest::Certificate>);

impl Authorities {
    /// Reads a file of certificates in PEM.
    ///
    /// # Errors
    /// `config` for a file that cannot be read, or holds none.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let wrong = |why: &str| {
            Error::new(Kind::Config, format!("--ca-file {}: {why}", path.display()))
                .hint("name a file with the certificates of CAs in PEM, which begin with -----BEGIN CERTIFICATE-----")
        };
        let text = files::read_text(path, files::LARGEST).map_err(|why| wrong(&why.to_string()))?;
        match reqwest::Certificate::from_pem_bundle(text.as_bytes()).unwrap_or_default() {
            list if list.is_empty() => Err(wrong("it holds no certificate")),
            list => Ok(Self(list)),
        }
    }

    /// For the library.
    pub(super) fn certificates(&self) -> impl Iterator<Item = reqwest::Certificate> {
        self.0.iter().cloned()
    }
}

/// Why a secure connection is not made, which trying again does not change.
pub(crate) fn distrusted(tls: &rustls::Error, endpoint: &str) -> Error {
    use CertificateError::{
        BadSignature, Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet,
        NotValidYetContext, UnknownIssuer,
    };
    const OWN_CA: &str =
        "if it is to be trusted, --ca-file or SSL_CERT_FILE names a file with the CA certificates to use";
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
pub(crate) fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
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
pub(crate) fn cause(error: &(dyn StdError + 'static)) -> String {
    causes(error).last().unwrap_or(error).to_string()
}
