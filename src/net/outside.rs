//! Requests of scripts to hosts that the run grants with `--allow-net`. Nothing of the account goes there, and no
//! secret of the run; nothing is sent twice, and no redirect leads to another host.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Method, Url};

use super::endpoint::Endpoint;
use super::proxy::Proxy;
use super::retryable;
use super::trust::{self, Authorities};
use crate::error::{Error, Kind, Outcome, Result};
use crate::memory;
use crate::show::redaction::REDACTOR;

/// A host that is granted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GrantedHost {
    host: String,
    /// `None` for every port.
    port: Option<u16>,
    /// Whether it may be spoken to without encryption, though it is another machine.
    plain: bool,
}

impl GrantedHost {
    /// Reads HOST or HOST:PORT; with `http://` in front it may be without encryption.
    ///
    /// # Errors
    /// It is something else, in words.
    pub(crate) fn parse(text: &str) -> std::result::Result<Self, String> {
        let wrong = || format!("`{text}` is no host: write HOST, HOST:PORT, or http://HOST for one without encryption");
        let (plain, rest) = match text.split_once("://") {
            Some(("http", rest)) => (true, rest),
            Some(("https", rest)) => (false, rest),
            Some(_) => return Err(wrong()),
            None => (false, text),
        };
        let rest = rest.trim_end_matches('/');
        // A scheme whose usual port nobody names, so that none is taken for it.
        let url = Url::parse(&format!("ws://{rest}")).map_err(|_| wrong())?;
        let is_only_host =
            url.path() == "/" && url.query().is_none() && url.fragment().is_none() && !rest.contains('@');
        let named = rest.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        match url.host_str().filter(|host| is_only_host && !host.contains('*')) {
            Some(host) => Ok(Self { host: host.to_owned(), port: url.port().or(named), plain }),
            None => Err(wrong()),
        }
    }

    /// Whether another grants all that this does.
    pub(crate) fn is_within(&self, other: &Self) -> bool {
        self.host == other.host && (other.port.is_none() || self.port == other.port) && (!self.plain || other.plain)
    }
}

/// As it is read.
impl std::fmt::Display for GrantedHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.plain { "http://" } else { "" };
        write!(f, "{scheme}{}", self.host)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// What scripts may reach.
#[derive(Debug, Default)]
pub(crate) struct Outside {
    granted: Vec<GrantedHost>,
    env: BTreeMap<String, String>,
    /// The file that names who is trusted instead of the system's authorities.
    ca_file: Option<PathBuf>,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Asked {
    /// The function that asks.
    pub function: &'static str,
    /// Where.
    pub url: String,
    /// What is sent; a request without it is a GET.
    pub body: Option<String>,
    /// Headers by their names.
    pub headers: Vec<(String, String)>,
    /// The longest that it may take.
    pub timeout: Duration,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status of HTTP.
    pub status: u16,
    /// Headers by their names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// The largest answer that is read.
const LARGEST: usize = 16 << 20;

/// The most redirects that are followed.
const REDIRECTS: usize = 5;

impl Outside {
    /// What these grants reach, through the proxies of this environment.
    pub(crate) fn new(granted: Vec<GrantedHost>, env: BTreeMap<String, String>) -> Self {
        Self { granted, env, ca_file: None }
    }

    /// The same, trusting the authorities of this file instead of the system's.
    pub(crate) fn trusting(self, ca_file: Option<PathBuf>) -> Self {
        Self { ca_file, ..self }
    }

    /// Sends a request without any secret of the run, and gives whatever answer comes.
    ///
    /// # Errors
    /// `invalid`, `policy`, `network`, or `unknown_outcome` when the answer to what was sent is lost.
    pub(crate) async fn ask(&self, asked: &Asked) -> Result<Answer> {
        self.permit(asked)?;
        keep_secrets(asked)?;
        self.send(asked).await
    }

    /// Sends a request as it is: its URL may be what lets it in.
    ///
    /// # Errors
    /// As [`Outside::ask`].
    pub(crate) async fn send(&self, asked: &Asked) -> Result<Answer> {
        let url = self.permit(asked)?;
        let endpoint = Endpoint::parse(&url.origin().ascii_serialization())?;
        let proxy = Proxy::for_endpoint(&self.env, &endpoint)?;
        let authorities = self.ca_file.as_deref().map(Authorities::read).transpose()?;
        let client = client(&endpoint, proxy.as_ref(), asked.timeout, authorities.as_ref())
            .map_err(|error| broken(asked, &url, &error))?;
        let mut request = reqwest::Request::new(asked.body.as_ref().map_or(Method::GET, |_| Method::POST), url.clone());
        for (name, value) in &asked.headers {
            let wrong = || {
                Error::new(Kind::Invalid, format!("{}: `{name}` is no header with a value of one line", asked.function))
            };
            let name = HeaderName::try_from(name.as_str()).map_err(|_| wrong())?;
            request.headers_mut().insert(name, HeaderValue::from_str(value).map_err(|_| wrong())?);
        }
        *request.body_mut() = asked.body.clone().map(Into::into);
        let failed = |error: &reqwest::Error| broken(asked, &url, error);
        let mut response = client.execute(request).await.map_err(|error| failed(&error))?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
        let (status, mut body) = (response.status().as_u16(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(|error| failed(&error))? {
            memory::room_for((body.len() + chunk.len()) * 3)?;
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                let message =
                    format!("{}: the answer of {endpoint} is larger than {} MB", asked.function, LARGEST >> 20);
                return Err(Error::new(Kind::Network, message).with(|error| error.http_status = Some(status)));
            }
        }
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
    }

    /// The URL, if it may be reached.
    fn permit(&self, asked: &Asked) -> Result<Url> {
        let function = asked.function;
        let wrong = |why: &str| Error::new(Kind::Invalid, format!("{function}: the URL {why}"));
        let url = Url::parse(&asked.url).map_err(|error| wrong(&format!("is none: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("must begin with https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(wrong("must not contain credentials"));
        }
        let host = url.host_str().unwrap_or_default();
        let fits = |grant: &&GrantedHost| {
            grant.host == host && grant.port.is_none_or(|port| Some(port) == url.port_or_known_default())
        };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let is_plain = url.scheme() == "http" && !Endpoint::parse(&url.origin().ascii_serialization())?.is_loopback();
        let granted: Vec<&GrantedHost> = self.granted.iter().filter(fits).collect();
        if granted.is_empty() {
            let scheme = if is_plain { "http://" } else { "" };
            let error = Error::new(Kind::Policy, format!("the script may not reach {host}{port}"));
            return Err(error.outcome(Outcome::NotSent).hint(format!("add --allow-net {scheme}{host}{port}")));
        }
        if is_plain && !granted.iter().any(|grant| grant.plain) {
            let error = Error::new(Kind::Policy, format!("the script may not reach {host}{port} without encryption"));
            let error = error.outcome(Outcome::NotSent);
            return Err(error.hint(format!("use https://, or add --allow-net http://{host}{port}")));
        }
        Ok(url)
    }
}

fn client(
    endpoint: &Endpoint,
    proxy: Option<&Proxy>,
    timeout: Duration,
    authorities: Option<&Authorities>,
) -> reqwest::Result<reqwest::Client> {
    super::builder(endpoint, proxy, timeout, authorities)?.timeout(timeout).redirect(Policy::custom(stay)).build()
}

/// Follows a redirect that stays with the host.
fn stay(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let from = attempt.previous().first().map(Url::origin);
    if attempt.previous().len() > REDIRECTS {
        return attempt.error(format!("more than {REDIRECTS} redirects"));
    }
    if from != Some(attempt.url().origin()) {
        let to = attempt.url().origin().ascii_serialization();
        return attempt.error(format!("a redirect to {to}, and redirects to another host are not followed"));
    }
    attempt.follow()
}

/// Refuses what holds a secret of the run.
fn keep_secrets(asked: &Asked) -> Result<()> {
    let holds = |text: &str| matches!(REDACTOR.talk(text), Cow::Owned(_));
    let header = asked.headers.iter().find(|(name, value)| holds(name) || holds(value));
    let part = match header {
        _ if holds(&asked.url) => "the URL".to_owned(),
        _ if asked.body.as_deref().is_some_and(holds) => "the body".to_owned(),
        Some((name, _)) => format!("the header {name}"),
        None => return Ok(()),
    };
    let message = format!("{} was not sent: {part} holds a secret of this run", asked.function);
    Err(Error::new(Kind::Policy, message).outcome(Outcome::NotSent).hint("leave out credentials and passwords"))
}

/// What a broken exchange means.
fn broken(asked: &Asked, url: &Url, error: &reqwest::Error) -> Error {
    let (function, at) = (asked.function, url.origin().ascii_serialization());
    let why = trust::cause(error);
    if error.is_redirect() {
        return Error::new(Kind::Policy, format!("{function}: {at} answered with {why}"));
    }
    if let Some(tls) = trust::tls_error(error).filter(|_| error.is_connect() || error.is_builder()) {
        return trust::distrusted(tls, &at).outcome(Outcome::NotSent);
    }
    if error.is_connect() || error.is_builder() {
        return retryable(format!("{function}: cannot connect to {at}: {why}")).outcome(Outcome::NotSent);
    }
    let message = match error.is_timeout() {
        true => format!("{function}: {at} did not answer within {:.1?}", asked.timeout),
        false => format!("{function}: the exchange with {at} broke off: {why}"),
    };
    match asked.body {
        None => retryable(message),
        Some(_) => Error::new(Kind::UnknownOutcome, message).outcome(Outcome::Unknown),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn grants_are_read_and_compared() {
        for (text, expected) in [
            ("a.example", Ok(("a.example", None, false))),
            ("A.example:443", Ok(("a.example", Some(443), false))),
            ("a.example:80", Ok(("a.example", Some(80), false))),
            ("http://a.example/", Ok(("a.example", None, true))),
            ("https://a.example:8443", Ok(("a.example", Some(8443), false))),
            ("127.0.0.1:9", Ok(("127.0.0.1", Some(9), false))),
            ("[::1]", Ok(("[::1]", None, false))),
            ("ftp://a", Err(())),
            ("a/b", Err(())),
            ("u@a", Err(())),
            ("*.example", Err(())),
            ("", Err(())),
        ] {
            let grant = GrantedHost::parse(text).map_err(drop);
            let read =
                grant.as_ref().map(|grant| (grant.host.as_str(), grant.port, grant.plain)).map_err(|error| *error);
            assert_eq!(read, expected, "{text}");
            if let Ok(grant) = grant {
                assert_eq!(GrantedHost::parse(&grant.to_string()), Ok(grant), "{text}");
            }
        }
        let grant = |text| GrantedHost::parse(text).unwrap();
        for (one, other, expected) in [
            ("a:1", "a", true),
            ("a", "a:1", false),
            ("a", "b", false),
            ("http://a", "a", false),
            ("a", "http://a", true),
        ] {
            assert_eq!(grant(one).is_within(&grant(other)), expected, "{one} {other}");
        }
    }
}
