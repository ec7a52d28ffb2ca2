//! What is sent to others than the service: a heartbeat, a message to people. One request, one answer; no redirect
//! is followed, and nothing of the URL is told but its host: the rest may be a secret.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderValue};

use super::endpoint::Endpoint;
use super::proxy::Proxy;
use crate::error::{Error, Kind, Result};

/// A URL that something is sent to.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    url: reqwest::Url,
    origin: Endpoint,
    proxy: Option<Proxy>,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The beginning of the text.
    pub body: String,
}

/// What connecting may take.
const CONNECT: Duration = Duration::from_secs(5);

/// As much of an answer as is read, in bytes.
const LARGEST: usize = 64 << 10;

impl Place {
    /// Reads a URL, with the proxy on the way there.
    ///
    /// # Errors
    /// `config` for what is none, or has a user in it.
    pub(crate) fn parse(text: &str, env: &BTreeMap<String, String>) -> Result<Self> {
        let wrong = |why: &str| Error::new(Kind::Config, format!("{why}: write it as https://HOST/PATH"));
        let url = reqwest::Url::parse(text).map_err(|error| wrong(&format!("the URL is wrong ({error})")))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong("the URL must begin with http:// or https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("the URL must not contain credentials"));
        }
        let origin = Endpoint::parse(&url.origin().ascii_serialization())?;
        Ok(Self { proxy: Proxy::for_endpoint(env, &origin)?, origin, url })
    }

    /// Its host.
    pub(crate) fn host(&self) -> &str {
        self.url.host_str().unwrap_or_default()
    }

    /// Its port.
    pub(crate) fn port(&self) -> u16 {
        self.url.port_or_known_default().unwrap_or_default()
    }

    /// Its path.
    pub(crate) fn path(&self) -> &str {
        self.url.path()
    }

    /// The place below it with this last part.
    pub(crate) fn below(&self, part: &str) -> Self {
        let mut place = self.clone();
        let path = format!("{}/{part}", self.url.path().trim_end_matches('/'));
        place.url.set_path(&path);
        place
    }

    /// The same place with more of a query.
    pub(crate) fn with(&self, query: &[(&str, &str)]) -> Self {
        let mut place = self.clone();
        place.url.query_pairs_mut().extend_pairs(query);
        place
    }

    /// Sends a text there, and waits for the answer no longer than that.
    ///
    /// # Errors
    /// `network`.
    pub(crate) async fn post(&self, content_type: &'static str, body: String, longest: Duration) -> Result<Answer> {
        let exchange = async {
            let failed = |error: reqwest::Error| self.failed(&error);
            let mut request = reqwest::Request::new(reqwest::Method::POST, self.url.clone());
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            *request.body_mut() = Some(body.into());
            let mut response = self.client().map_err(failed)?.execute(request).await.map_err(failed)?;
            let (status, mut body) = (response.status().as_u16(), Vec::new());
            while let Some(chunk) = response.chunk().await.map_err(failed)? {
                body.extend(chunk.iter().take(LARGEST.saturating_sub(body.len())));
                if body.len() >= LARGEST {
                    break;
                }
            }
            Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
        };
        let late = |_| Error::new(Kind::Network, format!("{} did not answer within {longest:?}", self.host()));
        tokio::time::timeout(longest, exchange).await.map_err(late)?
    }

    fn client(&self) -> reqwest::Result<reqwest::Client> {
        super::builder(&self.origin, self.proxy.as_ref(), CONNECT)?.build()
    }

    fn failed(&self, error: &reqwest::Error) -> Error {
        let why = if error.is_connect() { "cannot be reached" } else { "did not answer properly" };
        Error::new(Kind::Network, format!("{} {why}", self.host()))
    }
}
