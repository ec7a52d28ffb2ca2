//! The address that calls go to, checked once.

use crate::error::{Error, Kind, Result};

/// The checked URL of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Endpoint(reqwest::Url);

impl Endpoint {
    /// Reads an endpoint: a URL with scheme `http` or `https`, or a bare host, which means `https`.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong = |why: &str| {
            // What stands before an `@` may be a password.
            let host = text.rsplit_once('@').map(|(_, host)| format!("…@{host}"));
            Error::new(Kind::Config, format!("the endpoint `{}` {why}", host.as_deref().unwrap_or(text)))
                .hint("give a URL such as https://retailcloud.aliyuncs.com")
        };
        let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let url = reqwest::Url::parse(&full).map_err(|e| wrong(&format!("is not a URL: {e}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not contain credentials"));
        }
        if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("must have no path and no query"));
        }
        Ok(Self(url))
    }

    /// The endpoint that a URL leads to.
    ///
    /// # Errors
    /// `config` for a URL of another scheme, or with credentials.
    pub(crate) fn of(url: &reqwest::Url) -> Result<Self> {
        let mut bare = url.clone();
        bare.set_path("/");
        bare.set_query(None);
        bare.set_fragment(None);
        Self::parse(bare.as_str())
    }

    /// Its URL, without path and query.
    pub(crate) fn url(&self) -> &reqwest::Url {
        &self.0
    }

    /// Whether nobody on the way can read what goes there.
    pub(crate) fn is_private(&self) -> bool {
        self.0.scheme() == "https" || self.is_loopback()
    }

    /// Its host, as the header of that name has it: with the port, where it is not the scheme's own.
    pub(crate) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Whether it is on this machine, where no proxy belongs in between.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host_str() {
            Some("localhost") => true,
            Some(host) => host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback()),
            None => false,
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}
