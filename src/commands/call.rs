//! `jst call`: one operation from the command line, or a look at what would be sent.

use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::show;
use crate::catalogue::{Operation, Type};
use crate::credentials::Credentials;
use crate::error::{Error, Kind, Result};
use crate::net::endpoint::Endpoint;
use crate::run::Run;
use crate::run::exit::Exit;
use crate::secret::{MASK, Secret};
use crate::settings::Settings;
use crate::wire::request::{self, Request, Target};
use crate::wire::sign::{self, Stamp};

/// Arguments of `jst call`.
#[derive(Debug, Args)]
pub(super) struct CallArgs {
    /// The operation: ScaleApp or scale_app
    action: String,
    /// Parameters: EnvId=3001; EcsInstanceIdList.1=i-1 or EcsInstanceIdList='["i-1"]' for lists
    #[arg(value_name = "KEY=VALUE")]
    params: Vec<String>,
    /// Parameters as a JSON object; those given as KEY=VALUE are added to it
    #[arg(long, value_name = "OBJECT")]
    json: Option<String>,
    /// Print what would be sent, and send nothing; needs no credentials
    #[arg(long)]
    dry_run: bool,
}

/// Calls the operation, or only looks, and prints what came of it.
pub(super) fn call(settings: &Arc<Settings>, exit: &Exit, args: &CallArgs) -> Result<u8> {
    let target = Target::named(&args.action)?;
    let params = parameters(&target, &args.params, args.json.as_deref())?;
    if args.dry_run {
        return show(settings, &dry_run(settings, &target, params)?);
    }
    let run = Run::new(settings, exit, false)?;
    let name = format!("call {}", target.action());
    run.alone(&name, None, || {
        run.keep(exit, &name)?;
        show(settings, &run.account().call(&target, params)?)
    })
}

/// The parameters of a call from `KEY=VALUE` words and a JSON object. Words may name a list's
/// element as the wire does (`EcsInstanceIdList.1=i-1`) or give a whole list as JSON.
///
/// # Errors
/// `usage` for what is not `KEY=VALUE` or not JSON. Whether values fit is for [`Request::build`] to say.
fn parameters(target: &Target, words: &[String], json: Option<&str>) -> Result<Map<String, Value>> {
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
            // It may be the value of a name before it.
            let tells = words.iter().take_while(|before| *before != word).any(|before| target.is_secret(before));
            let word = if tells { MASK } else { word };
            return Err(Error::new(Kind::Usage, format!("`{word}` is not a parameter"))
                .hint("write parameters as KEY=VALUE, such as EnvId=3001"));
        };
        if name.is_empty() || pairs.iter().any(|(other, _)| *other == name) {
            let message = format!("`{word}` {}", if name.is_empty() { "names no parameter" } else { "is given twice" });
            return Err(Error::new(
                Kind::Usage,
                if target.is_secret(name) { format!("{name} is given twice") } else { message },
            ));
        }
        pairs.push((name, value));
    }
    match target.operation() {
        Some(operation) => typed(target, operation, pairs, &mut params)?,
        None => params.extend(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into()))),
    }
    Ok(params)
}

fn typed(
    target: &Target,
    operation: &'static Operation,
    pairs: Vec<(&str, &str)>,
    params: &mut Map<String, Value>,
) -> Result<()> {
    let mut wire = Vec::new();
    for (name, text) in pairs {
        let head = name.split('.').next().unwrap_or_default();
        match operation.param(head).map(|param| param.ty) {
            // Not a parameter: kept, for validation to name it.
            None => drop(params.insert(name.to_owned(), text.into())),
            Some(Type::List(_) | Type::Maps(_)) if head == name => {
                let list = serde_json::from_str(text).map_err(|error| {
                    let shown = if target.is_secret(name) { MASK } else { text };
                    Error::new(Kind::Usage, format!("{name} takes a list as JSON, and `{shown}` is not: {error}"))
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
/// `invalid`, or `config` for an endpoint that is none. What is wrong with credentials is not asked for.
fn dry_run(settings: &Settings, target: &Target, params: Map<String, Value>) -> Result<Value> {
    let nobody =
        Credentials { access_key_id: "ACCESS_KEY_ID".to_owned(), secret: Secret::new("SECRET"), security_token: None };
    let (endpoint, region, found) = if settings.sim() {
        // The simulator's port is known once it runs.
        ("http://127.0.0.1".to_owned(), None, None)
    } else {
        (settings.endpoint()?.to_string(), settings.region(), settings.found().key().cloned())
    };
    let mut credentials = found.unwrap_or(nobody);
    credentials.security_token = credentials.security_token.map(|_| Secret::new(MASK));
    let request = masked(target, Request::build(target, params)?);
    let stamp = Stamp::now(jiff::SignedDuration::ZERO);
    let signed = match settings.signature() {
        sign::Version::V1 => sign::sign(&request, &credentials, region, &stamp),
        sign::Version::V3 => {
            sign::v3::sign(&request, &credentials, region, &stamp, &Endpoint::parse(&endpoint)?.host())
        }
    };
    let headers = signed.headers.iter().map(|(name, value)| {
        let shown = match value.split_once("Signature=") {
            Some((before, _)) => format!("{before}Signature={MASK}"),
            None => value.clone(),
        };
        ((*name).to_owned(), shown.into())
    });
    let headers: Map<String, Value> = headers.collect();
    let shown = json!({
        "Method": signed.method.name(),
        "Url": format!("{endpoint}/?{}", without_signature(&signed.query)),
        "Body": signed.body,
        "StringToSign": signed.string_to_sign,
        "Effect": target.effect().name(),
    });
    Ok(match (shown, headers.is_empty()) {
        (Value::Object(mut shown), false) => {
            shown.insert("Headers".to_owned(), headers.into());
            shown.into()
        }
        (shown, _) => shown,
    })
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
