//! `jst call`: one operation from the command line, or a look at what would be sent.

use serde_json::{Map, Value, json};

use crate::catalogue::{Operation, Type};
use crate::config::Config;
use crate::credentials::{Credentials, Found};
use crate::error::{Error, Kind, Result};
use crate::secret::{MASK, Secret};
use crate::wire::request::{self, Request, Target};
use crate::wire::sign::{self, Stamp};

/// The parameters of a call from `KEY=VALUE` words and a JSON object. Words may name a list's
/// element as the wire does (`EcsInstanceIdList.1=i-1`) or give a whole list as JSON.
///
/// # Errors
/// `usage` for what is not `KEY=VALUE` or not JSON. Whether values fit is for [`Request::build`] to say.
pub fn parameters(target: &Target, words: &[String], json: Option<&str>) -> Result<Map<String, Value>> {
    let mut params = match json {
        None => Map::new(),
        Some(text) => match serde_json::from_str(text) {
            Ok(Value::Object(map)) => map,
            Ok(_) => return Err(Error::new(Kind::Usage, "--json takes a JSON object such as {\"EnvId\": 3001}")),
            Err(error) => return Err(Error::new(Kind::Usage, format!("--json is not JSON: {error}"))),
        },
    };
    let mut pairs = Vec::new();
    for word in words {
        let Some((name, value)) = word.split_once('=') else {
            return Err(Error::new(Kind::Usage, format!("`{word}` is not a parameter"))
                .hint("write parameters as KEY=VALUE, such as EnvId=3001"));
        };
        pairs.push((name, value));
    }
    match target.operation() {
        Some(operation) => typed(operation, pairs, &mut params)?,
        None => params.extend(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into()))),
    }
    Ok(params)
}

fn typed(operation: &'static Operation, pairs: Vec<(&str, &str)>, params: &mut Map<String, Value>) -> Result<()> {
    let mut wire = Vec::new();
    for (name, text) in pairs {
        let head = name.split('.').next().unwrap_or_default();
        match operation.param(head).map(|param| param.ty) {
            // Not a parameter: kept, for validation to name it.
            None => drop(params.insert(name.to_owned(), text.into())),
            Some(Type::List(_) | Type::Maps(_)) if head == name => {
                let list = serde_json::from_str(text).map_err(|error| {
                    Error::new(Kind::Usage, format!("{name} takes a list as JSON, and `{text}` is not: {error}"))
                        .hint(format!("or give its elements one by one: {name}.1=…"))
                })?;
                params.insert(name.to_owned(), list);
            }
            Some(_) => wire.push((name, text)),
        }
    }
    params.extend(request::unflatten(operation, wire));
    Ok(())
}

/// What a call would send, without sending it: every secret masked, and, with no credentials at
/// hand, with the words `ACCESS_KEY_ID` and `SECRET` in their place.
///
/// # Errors
/// `invalid`; what is wrong with the settings that the call would use, but not that there are none.
pub fn dry_run(config: &Config, target: &Target, params: Map<String, Value>) -> Result<Value> {
    let nobody =
        Credentials { access_key_id: "ACCESS_KEY_ID".to_owned(), secret: Secret::new("SECRET"), security_token: None };
    let found = if config.sim() { Found::default() } else { config.find_credentials() };
    found.check()?;
    let region = config.region(Some(&found));
    // The simulator's port is known once it runs.
    let endpoint =
        if config.sim() { "http://127.0.0.1".to_owned() } else { config.endpoint(Some(&found))?.to_string() };
    let mut credentials = found.credentials.clone().unwrap_or(nobody);
    credentials.security_token = credentials.security_token.map(|_| Secret::new(MASK));
    let request = masked(target, Request::build(target, params)?);
    let stamp = Stamp::now(jiff::SignedDuration::ZERO);
    let signed = sign::sign(&request, &credentials, region, &stamp);
    Ok(json!({
        "Method": signed.method.name(),
        "Url": format!("{endpoint}/?{}", without_signature(&signed.query)),
        "Body": signed.body,
        "StringToSign": signed.string_to_sign,
        "Effect": target.effect().name(),
    }))
}

/// The signature of masked values would be worthless; that of others is as good as a request.
fn without_signature(query: &str) -> String {
    match query.rsplit_once("&Signature=") {
        Some((query, _)) => format!("{query}&Signature={MASK}"),
        None => query.to_owned(),
    }
}

fn masked(target: &Target, mut request: Request) -> Request {
    for (name, value) in request.query.iter_mut().chain(&mut request.body) {
        if target.is_secret(name) {
            MASK.clone_into(value);
        }
    }
    request
}
