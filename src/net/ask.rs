//! One exchange with somebody who is not the service: a metadata host, the token service, whoever is told of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderValue};
use reqwest::{Method, Url};

use super::endpoint::Endpoint;
use super::proxy::Proxy;
use super::retryable;
use super::trust::{Authorities, cause, distrusted, tls_error};
use crate::error::{Error, Kind, Result};

/// The largest answer that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// What is asked.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    /// `GET`, `PUT` or `POST`.
    pub method: &'static str,
    /// The whole URL.
    pub url: String,
    /// Headers beside the usual ones.
    pub headers: &'a [(&'static str, &'a str)],
    /// A body and its type.
    pub body: Option<(&'static str, String)>,
    /// The longest that all of it may take, and connecting alone.
    pub patience: [Duration; 2],
    /// The variables that may name a proxy; `None` where none belongs in between.
    pub proxies: Option<&'a BTreeMap<String, String>>,
    /// Who is trusted instead of the system's authorities.
    pub authorities: Option<&'a Authorities>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body as text.
    pub body: String,
    /// The clock of whoever answered.
    pub date: Option<Timestamp>,
}

/// Asks once.
///
/// # Errors
/// `config` for what is no URL, or a proxy that is none; `network`, retryable if asking again may help.
pub(crate) async fn ask(asked: Ask<'_>) -> Result<Answer> {
    let [patience, connect] = asked.patience;
    let url = Url::parse(&asked.url).map_err(|error| {
        Error::new(Kind::Config, format!("`{}` is not a URL: {error}", asked.url.split('?').next().unwrap_or_default()))
    })?;
    let endpoint = Endpoint::of(&url)?;
    let proxy = match asked.proxies {
        Some(env) => Proxy::for_endpoint(env, &endpoint)?,
        None => None,
    };
    let way = proxy.as_ref().map(|proxy| format!("{endpoint} through {proxy}")).unwrap_or_else(|| endpoint.to_string());
    let failed = |error: reqwest::Error| match tls_error(&error) {
        Some(tls) => distrusted(tls, &way),
        None => retryable(format!(
            "{} {way}: {}",
            if error.is_connect() { "cannot connect to" } else { "no answer from" },
            cause(&error)
        )),
    };
    let exchange = async {
        let http = super::builder(&endpoint, proxy.as_ref(), connect, asked.authorities)
            .and_then(|builder| builder.build())
            .map_err(failed)?;
        let mut response = http.execute(request(&asked, url)).await.map_err(failed)?;
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok());
        let date = date.and_then(|text| jiff::fmt::rfc2822::parse(text).ok()).map(|date| date.timestamp());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                return Err(Error::new(
                    Kind::Network,
                    format!("{endpoint} answered with more than {} MB", LARGEST >> 20),
                ));
            }
        }
        Ok(Answer { status: response.status().as_u16(), body: String::from_utf8_lossy(&body).into_owned(), date })
    };
    match tokio::time::timeout(patience, exchange).await {
        Ok(answer) => answer,
        Err(_) => Err(retryable(format!("{way} did not answer within {patience:.1?}"))),
    }
}

fn request(asked: &Ask<'_>, url: Url) -> reqwest::Request {
    let method = match asked.method {
        "PUT" => Method::PUT,
        "POST" => Method::POST,
        _ => Method::GET,
    };
    let mut request = reqwest::Request::new(method, url);
    for (name, value) in asked.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            request.headers_mut().insert(*name, value);
        }
    }
    if let Some((kind, body)) = &asked.body {
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        *request.body_mut() = Some(body.clone().into());
    }
    request
}
