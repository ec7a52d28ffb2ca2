//! The gateway: from a request's bytes to a verified and decoded [`Call`], or the error that the
//! service's gateway would answer with.
//!
//! Pure but for the memory of nonces. The steps, in the order the service takes them: parameters
//! are decoded ([`receive`]); version, action, time, access key, signature, token, nonce and
//! permission are checked ([`verify`]); the parameters are typed by the catalogue ([`decode`]).

pub(crate) mod keys;
mod nonces;
mod params;
mod rejection;
pub(crate) mod reply;
mod signature;

#[cfg(test)]
mod tests;

use std::sync::{Mutex, PoisonError};

use hyper::body::Bytes;
use hyper::{Method, Request};
use jiff::Timestamp;
use serde_json::Value;

use self::keys::Key;
pub(crate) use self::nonces::Nonces;
use self::params::Pairs;
pub(crate) use self::rejection::Rejection;
use self::reply::Format;
use self::signature::Common;
use crate::catalogue::{self, Operation, Param, Scalar, Type};
use crate::sim::engine::call::Call;
use crate::wire::request;

/// Seconds that a request's time may be away from the gateway's, either way.
pub(crate) const WINDOW: i64 = 15 * 60;

/// A request whose parameters are decoded. Nothing of it is verified yet.
#[derive(Debug)]
pub(crate) struct Received<'a> {
    request: &'a Request<Bytes>,
    /// Of the query, then of the form.
    pairs: Pairs<'a>,
    /// How many of the pairs are the query's.
    in_query: usize,
}

/// Decodes the parameters of a request, of query and form together.
///
/// # Errors
/// Another method or path than the service has, a body that is no form, names or values that are
/// not properly encoded.
pub(crate) fn receive(request: &Request<Bytes>) -> Result<Received<'_>, Rejection> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Rejection::new(405, "UnsupportedHTTPMethod", "only GET and POST are taken"));
    }
    if !matches!(request.uri().path(), "/" | "") {
        return Err(Rejection::new(404, "InvalidApi.NotFound", "every call goes to the path /"));
    }
    let mut pairs = Pairs::with_capacity(32);
    params::decode(request.uri().query().unwrap_or_default().as_bytes(), &mut pairs)?;
    let in_query = pairs.len();
    if !request.body().is_empty() {
        let content_type = request.headers().get("content-type").map_or(&b""[..], |value| value.as_bytes());
        let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if !essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            let why = "a body must be application/x-www-form-urlencoded";
            return Err(Rejection::new(415, "InvalidParameter.ContentType", why));
        }
        params::decode(request.body(), &mut pairs)?;
    }
    Ok(Received { request, pairs, in_query })
}

impl Received<'_> {
    fn common(&self) -> Common<'_> {
        Common::of(self.request.headers(), &self.pairs)
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }

    /// What is called; empty when it is not said.
    pub(crate) fn action(&self) -> &str {
        self.common().action
    }

    /// The form that the answer is asked for in. One that is not known is refused later.
    pub(crate) fn format(&self) -> Format {
        match self.parameter("Format") {
            Some(name) if name.eq_ignore_ascii_case("XML") => Format::Xml,
            _ => Format::Json,
        }
    }
}

/// Checks that a request is whole, fresh, signed by a known key, and allowed to that key.
///
/// # Errors
/// The first check that fails.
pub(crate) fn verify(
    received: &Received<'_>,
    is_known: impl Fn(&str) -> bool,
    keys: &[Key],
    nonces: &Mutex<Nonces>,
    now: Timestamp,
) -> Result<(), Rejection> {
    let common = received.common();
    params::distinct(&received.pairs)?;
    let format = received.parameter("Format").unwrap_or("JSON");
    if !["JSON", "XML"].iter().any(|known| known.eq_ignore_ascii_case(format)) {
        return Err(Rejection::invalid("Format", "must be JSON or XML"));
    }
    match (common.action, common.version) {
        ("", _) => return Err(Rejection::missing("Action")),
        (_, "") => return Err(Rejection::missing("Version")),
        (_, version) if version != catalogue::VERSION => {
            return Err(Rejection::new(404, "InvalidVersion", format!("the version is {}", catalogue::VERSION)));
        }
        (action, _) if !is_known(action) => return Err(Rejection::unknown_action(action)),
        _ => {}
    }
    let signed = common.signed(received.request.headers(), &received.pairs)?;
    let stamped = timestamp(signed.time)?;
    let age = now.as_second().saturating_sub(stamped);
    if age.abs() > WINDOW {
        let (way, off) = if age > 0 { ("old", age) } else { ("early", -age) };
        let why = format!("the request is {off} seconds too {way} for a window of {WINDOW}");
        return Err(Rejection::new(400, "InvalidTimeStamp.Expired", why));
    }
    let key = match keys.iter().find(|key| key.access_key_id == signed.key) {
        None => return Err(Rejection::new(404, "InvalidAccessKeyId.NotFound", "the access key does not exist")),
        Some(key) if key.inactive => {
            return Err(Rejection::new(400, "InvalidAccessKeyId.Inactive", "the access key is disabled"));
        }
        Some(key) => key,
    };
    signed.verify(key.secret.expose(), received.request, &received.pairs, received.in_query)?;
    token(signed.token, key, keys)?;
    if signed.nonce.is_empty() {
        return Err(Rejection::missing("SignatureNonce"));
    }
    let mut nonces = nonces.lock().unwrap_or_else(PoisonError::into_inner);
    if !nonces.is_new(now.as_second(), stamped, signed.key, signed.nonce) {
        return Err(Rejection::new(400, "SignatureNonceUsed", "the nonce was used before"));
    }
    drop(nonces);
    if !key.may(common.action) {
        let why = format!("the access key has no permission for {}", common.action);
        return Err(Rejection::new(403, "Forbidden.RAM", why));
    }
    Ok(())
}

/// `2026-01-01T00:00:00Z`, in seconds since 1970.
fn timestamp(text: &str) -> Result<i64, Rejection> {
    let shape = b"dddd-dd-ddTdd:dd:ddZ";
    let fits = text.len() == shape.len()
        && text
            .bytes()
            .zip(shape)
            .all(|(byte, wanted)| if *wanted == b'd' { byte.is_ascii_digit() } else { byte == *wanted });
    match text.parse::<Timestamp>() {
        Ok(time) if fits => Ok(time.as_second()),
        _ => {
            Err(Rejection::new(400, "InvalidTimeStamp.Format", "the time must look like 2026-01-01T00:00:00Z, in UTC"))
        }
    }
}

fn token(given: Option<&str>, key: &Key, keys: &[Key]) -> Result<(), Rejection> {
    let wrong = |how: &str, why: &str| Err(Rejection::new(400, format!("InvalidSecurityToken.{how}"), why));
    let Some(given) = given else {
        return if key.token.is_none() { Ok(()) } else { Err(Rejection::missing("SecurityToken")) };
    };
    let belongs_to = |key: &Key| key.token.as_ref().is_some_and(|token| token.expose() == given);
    if belongs_to(key) {
        Ok(())
    } else if keys.iter().any(belongs_to) {
        wrong("MismatchWithAccessKey", "the token belongs to another access key")
    } else {
        wrong("Malformed", "the token is not one that was given out")
    }
}

/// Types the parameters of a call. What a value may be is for the service to say, not for the gateway.
///
/// # Errors
/// The first parameter that is missing or of another type.
pub(crate) fn decode(operation: &'static Operation, received: &Received<'_>) -> Result<Call, Rejection> {
    let pairs = received.pairs.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let params = request::unflatten(operation, pairs);
    for param in operation.params {
        let given = params.get(param.name);
        let elements = given.and_then(Value::as_array).map_or(given.map(std::slice::from_ref), |list| Some(list));
        match elements {
            None if param.required => return Err(Rejection::missing(param.name)),
            Some([]) | None => {}
            Some(elements) => elements.iter().try_for_each(|element| fits(param, element))?,
        }
    }
    Ok(Call::new(operation, params))
}

/// Whether a value, or an element of a list, has the type of its parameter.
fn fits(param: &Param, value: &Value) -> Result<(), Rejection> {
    let scalar = match param.ty {
        Type::Scalar(scalar) | Type::List(scalar) => scalar,
        Type::Maps(fields) => {
            for field in fields {
                match value.get(field.name) {
                    Some(value) => plain(field, scalar_of(field), value, param.name)?,
                    None if field.required => {
                        let why = format!("{} needs {} in each element", param.name, field.name);
                        return Err(Rejection::new(400, "MissingParameter", why));
                    }
                    None => {}
                }
            }
            return Ok(());
        }
    };
    plain(param, scalar, value, param.name)
}

fn scalar_of(field: &Param) -> Scalar {
    match field.ty {
        Type::Scalar(scalar) | Type::List(scalar) => scalar,
        // No list of maps holds another.
        Type::Maps(_) => Scalar::String,
    }
}

/// Refuses a plain value of another type, in the name of the parameter that holds it.
fn plain(param: &Param, scalar: Scalar, value: &Value, head: &str) -> Result<(), Rejection> {
    let wanted = match scalar {
        Scalar::String if value.is_string() => return Ok(()),
        Scalar::Boolean if value.is_boolean() => return Ok(()),
        Scalar::Long if value.is_i64() => return Ok(()),
        Scalar::Integer if value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => return Ok(()),
        Scalar::String => "text",
        Scalar::Boolean => "true or false",
        Scalar::Long => "a whole number",
        Scalar::Integer => "a whole number of 32 bits",
    };
    let inner = if param.name == head { String::new() } else { format!(" has a {} that", param.name) };
    Err(Rejection::invalid(head, format!("{inner} must be {wanted}").trim_start()))
}
