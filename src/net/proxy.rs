//! The proxy on the way to an endpoint, as the environment says: the variables that curl reads, taken as
//! curl takes them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use reqwest::Url;

use super::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};

/// A proxy, and the variable that names it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Proxy {
    variable: &'static str,
    url: Url,
}

impl Proxy {
    /// The proxy on the way to this endpoint, if one is. None stands before this machine itself.
    ///
    /// # Errors
    /// `config` when the variable that counts names no proxy: to go without one may be forbidden, or lead
    /// somewhere else.
    pub(crate) fn for_endpoint(env: &BTreeMap<String, String>, endpoint: &Endpoint) -> Result<Option<Self>> {
        let set = |name: &&str| env.get(*name).is_some_and(|value| !value.trim().is_empty());
        let first = |names: &[&'static str]| names.iter().copied().find(set);
        // A program behind a web server gets the header `Proxy` of a request as `HTTP_PROXY`.
        let is_cgi = env.contains_key("REQUEST_METHOD");
        let names: &[&'static str] = match endpoint.url().scheme() {
            "https" => &["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            _ if is_cgi => &["http_proxy", "all_proxy", "ALL_PROXY"],
            _ => &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"],
        };
        let text = |name: &str| env.get(name).map_or("", |value| value.trim());
        let passed_by = first(&["no_proxy", "NO_PROXY"]);
        match first(names) {
            Some(variable) if !endpoint.is_loopback() => {
                let host = endpoint.url().host_str().unwrap_or_default();
                if passed_by.is_some_and(|name| is_passed_by(name, text(name), host)) {
                    return Ok(None);
                }
                Ok(Some(Self { variable, url: parse(variable, text(variable))? }))
            }
            _ => Ok(None),
        }
    }

    /// What the client is told.
    ///
    /// # Errors
    /// The client does not take it.
    pub(crate) fn for_all(&self) -> reqwest::Result<reqwest::Proxy> {
        reqwest::Proxy::all(self.url.clone())
    }
}

/// Without what may be a password.
impl std::fmt::Display for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut url = self.url.clone();
        // They can be set for every URL with a host.
        let _ = url.set_password(None).and_then(|()| url.set_username(""));
        write!(f, "the proxy {} of {}", url.as_str().trim_end_matches('/'), self.variable)
    }
}

fn parse(variable: &str, text: &str) -> Result<Url> {
    let wrong = |why: &str| {
        // What stands before an `@` may be a password.
        let shown = match (text.rsplit_once('@'), text.split_once("://")) {
            (Some((_, host)), Some((scheme, _))) => format!("{scheme}://…@{host}"),
            (Some((_, host)), None) => format!("…@{host}"),
            (None, _) => text.to_owned(),
        };
        Error::new(Kind::Config, format!("{variable} names no proxy: `{shown}` {why}"))
            .hint("write it as http://HOST:PORT, or http://USER:PASSWORD@HOST:PORT with %23 for # and the like")
            .hint(format!("or leave {variable} empty, or name the endpoint's host in NO_PROXY"))
    };
    let full = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let url = Url::parse(&full).map_err(|error| wrong(&format!("is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(wrong("must begin with http:// or https://"));
    }
    // A `#`, `?` or `/` in a password ends the host early.
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("must have nothing behind its host and port"));
    }
    Ok(url)
}

/// Whether a list of hosts, domains, addresses and networks names this host. What can match nothing is
/// said: whoever wrote it believes that it does.
fn is_passed_by(variable: &str, list: &str, host: &str) -> bool {
    if list == "*" {
        return true;
    }
    let host = host.trim_matches(['[', ']']).trim_end_matches('.');
    let address: Option<IpAddr> = host.parse().ok();
    let entries = list.split([',', ' ', '\t', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
    entries.fold(false, |is_named, entry| is_named | names(variable, entry, host, address))
}

fn names(variable: &str, entry: &str, host: &str, address: Option<IpAddr>) -> bool {
    let bare = entry.trim_matches(['[', ']']);
    let network = bare.parse::<IpNet>().ok().or_else(|| bare.parse::<IpAddr>().ok().map(IpNet::from));
    match (network, address) {
        (Some(network), Some(address)) => return network.contains(&address),
        (Some(_), None) => return false,
        _ => {}
    }
    let domain = entry.trim_start_matches('.').trim_end_matches('.');
    if domain.is_empty() || domain.contains(['*', ':', '/']) {
        tracing::warn!(
            "{variable}: `{entry}` matches nothing; write a host, .domain, an address or a network, or * alone"
        );
        return false;
    }
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    address.is_none() && host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

#[cfg(test)]
mod tests;
