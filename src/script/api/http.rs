//! `http_get` and `http_post`: requests to hosts granted with `--allow-net`.

use std::sync::Arc;
use std::time::Duration;

use rhai::{Dynamic, Map, Module};

use super::csv::text_of;
use super::json_of;
use super::options::Options;
use super::register as register_any;
use super::times::seconds_of;
use crate::call::account::Account;
use crate::error::{Error, Kind, Outcome};
use crate::net::Url;
use crate::net::outside::{Answer, Asked, Outside};
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;

/// The longest that a request takes where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) fn register(module: &mut Module, outside: &Arc<Outside>, account: &Arc<Account>) {
    const GET: &str = "What a host granted with --allow-net answers: #{status, headers, body}. Options: `headers`, `timeout`, `any_status`; else a status from 300 on throws.";
    for signature in [&["url: string", "map"][..], &["url: string", "options: map", "map"]] {
        let (outside, account) = (Arc::clone(outside), Arc::clone(account));
        register_any(module, "http_get", signature, GET, move |_, args| match args {
            [url, options @ ..] => {
                ask(&outside, &account, "http_get", url, None, options.first().map(|options| &**options))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const POST: &str =
        "Sends a text, or a map or list as JSON, to a host granted with --allow-net, once; the rest as for http_get.";
    const BODY: &[&str] = &["url: string", "body: any", "map"];
    const OPTIONS: &[&str] = &["url: string", "body: any", "options: map", "map"];
    for signature in [BODY, OPTIONS] {
        let (outside, account) = (Arc::clone(outside), Arc::clone(account));
        register_any(module, "http_post", signature, POST, move |_, args| match args {
            [url, body, options @ ..] => {
                ask(&outside, &account, "http_post", url, Some(body), options.first().map(|options| &**options))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
}

fn ask(
    outside: &Outside,
    account: &Account,
    function: &'static str,
    url: &Dynamic,
    body: Option<&Dynamic>,
    options: Option<&Dynamic>,
) -> ScriptResult {
    let options = Options::of(function, options, &["headers", "timeout", "any_status"])?;
    let mut headers = headers(function, &options)?;
    let body = match body.map(|body| (body, body.as_immutable_string_ref().map(|text| text.to_string()))) {
        None => None,
        Some((_, Ok(text))) => Some(text),
        Some((value, Err(_))) => {
            if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
            }
            Some(json_of(value, false)?)
        }
    };
    let timeout = options.get("timeout").map_or(Ok(PATIENCE), |span| {
        let span = Duration::try_from_secs_f64(seconds_of(span)?).ok().filter(|span| !span.is_zero());
        span.ok_or_else(|| throw(Error::new(Kind::Invalid, format!("{function}: the time-out is more than nothing"))))
    })?;
    let asked = Asked { function, url: text_of(function, url)?.to_string(), body, headers, timeout };
    if asked.body.is_some() {
        let host = Url::parse(&asked.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        account.shared().may_do(|| format!("{function} to {host}")).map_err(throw)?;
    }
    let answer = account.wait(outside.ask(&asked)).map_err(throw)?;
    if answer.status >= 300 && !options.flag("any_status")? {
        return Err(throw(refused(&asked, &answer)));
    }
    Ok(Dynamic::from_map(map_of(answer)))
}

fn headers(function: &str, options: &Options) -> ScriptResult<Vec<(String, String)>> {
    let text = |(name, value): (rhai::Identifier, Dynamic)| match value.clone().into_string() {
        Ok(text) => Ok((name.to_string(), text)),
        Err(_) => {
            let message = format!("{function}: the header {name} is a text, not {}", shown(&value));
            Err(throw(Error::new(Kind::Invalid, message)))
        }
    };
    options.map("headers")?.into_iter().map(text).collect()
}

/// An answer that is no success.
fn refused(asked: &Asked, answer: &Answer) -> Error {
    let begins: String = answer.body.chars().take(200).collect();
    let said = if begins.is_empty() { String::new() } else { format!(": {begins}") };
    let lost = asked.body.is_some() && answer.status >= 500;
    Error::new(Kind::Api, format!("{} was answered with status {}{said}", asked.function, answer.status))
        .outcome(if lost { Outcome::Unknown } else { Outcome::Refused })
        .hint("#{ any_status: true } gives every answer")
        .with(|error| error.http_status = Some(answer.status))
}

fn map_of(answer: Answer) -> Map {
    let headers: Map = answer.headers.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let status = i64::from(answer.status);
    [("status", status.into()), ("headers", Dynamic::from_map(headers)), ("body", answer.body.into())]
        .into_iter()
        .map(|(name, value)| (name.into(), value))
        .collect()
}
