//! Everything wrong with a call's parameters, found before anything is sent.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::OnceLock;

use base64::Engine as _;
use regex_lite::Regex;
use serde_json::{Map, Value};

use super::request::text;
use crate::catalogue::{self, Check, Operation, Param, Rule, Scalar, Type};
use crate::clock;
use crate::error::Problem;
use crate::secret::MASK;
use crate::suggest;

/// Every problem of a map of parameters: unknown and missing names, types, values, and conditions
/// between parameters. Empty when the call can be sent.
pub(crate) fn validate(operation: &Operation, params: &Map<String, Value>) -> Vec<Problem> {
    let mut problems = Vec::new();
    map(operation.params, params, "", &mut problems);
    for rule in operation.rules {
        check_rule(operation, *rule, params, &mut problems);
    }
    problems
}

/// Checks the fields of one map: the parameters of a call, or an element of a list of maps.
fn map(params: &[Param], given: &Map<String, Value>, prefix: &str, problems: &mut Vec<Problem>) {
    let path = |name: &str| format!("{prefix}{name}");
    for (name, value) in given {
        match params.iter().find(|param| param.name == name) {
            Some(_) if value.is_null() => {}
            Some(param) => param_value(param, value, &path(name), problems),
            None => problems.push(Problem {
                path: path(name),
                given: None,
                message: "is not a parameter of this operation".into(),
                nearest: suggest::nearest(name, params.iter().map(|p| p.name)).map(str::to_owned),
            }),
        }
    }
    for param in params.iter().filter(|param| param.required) {
        if given.get(param.name).is_none_or(Value::is_null) {
            problems.push(Problem {
                path: path(param.name),
                given: None,
                message: format!("is required: {}", wanted(param)),
                nearest: None,
            });
        }
    }
}

fn param_value(param: &Param, value: &Value, path: &str, problems: &mut Vec<Problem>) {
    match (param.ty, value) {
        (Type::Scalar(scalar), value) => plain(param, scalar, value, path, problems),
        (Type::List(_) | Type::Maps(_), Value::Array(list)) if list.is_empty() => {
            if param.required {
                problems.push(problem(param, value, path, "needs at least one element".into()));
            }
        }
        (Type::List(scalar), Value::Array(list)) => {
            for (element, n) in list.iter().zip(0..) {
                plain(param, scalar, element, &format!("{path}[{n}]"), problems);
            }
        }
        (Type::Maps(fields), Value::Array(list)) => {
            for (element, n) in list.iter().zip(0..) {
                let path = format!("{path}[{n}]");
                match element {
                    Value::Object(element) => map(fields, element, &format!("{path}."), problems),
                    other => problems.push(problem(param, other, &path, "must be a map".into())),
                }
            }
        }
        _ => problems.push(problem(param, value, path, format!("must be {}", wanted(param)))),
    }
}

fn plain(param: &Param, scalar: Scalar, value: &Value, path: &str, problems: &mut Vec<Problem>) {
    let fits = match scalar {
        Scalar::String => value.is_string(),
        Scalar::Boolean => value.is_boolean(),
        Scalar::Long => value.is_i64(),
        Scalar::Integer => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
    };
    if !fits {
        let message = match (scalar, value.as_i64()) {
            (Scalar::Integer, Some(_)) => "must fit into 32 bits".into(),
            _ => format!("must be {}", kind(scalar)),
        };
        problems.push(problem(param, value, path, message));
        return;
    }
    // What is required and empty is not given: no check need say so.
    if param.required && value.as_str() == Some("") {
        problems.push(problem(param, value, path, "must not be empty".into()));
        return;
    }
    for check in param.checks {
        if let Some(message) = fails(*check, value) {
            let nearest = match check {
                // Numbers are not misspelt.
                Check::OneOf(values) if value.is_string() => suggest::nearest_value(&text(value), values),
                _ => None,
            };
            problems.push(Problem { nearest: nearest.map(str::to_owned), ..problem(param, value, path, message) });
        }
    }
}

fn problem(param: &Param, value: &Value, path: &str, message: String) -> Problem {
    Problem { path: path.to_owned(), given: Some(shown(param, value)), message, nearest: None }
}

/// A value as it may be shown: masked where it is secret.
pub(crate) fn shown(param: &Param, value: &Value) -> Value {
    if param.secret { MASK.into() } else { value.clone() }
}

fn kind(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "text",
        Scalar::Integer | Scalar::Long => "an integer",
        Scalar::Boolean => "true or false",
    }
}

/// What a parameter takes, in a few words.
fn wanted(param: &Param) -> String {
    match param.ty {
        Type::Scalar(scalar) => kind(scalar).to_owned(),
        Type::List(scalar) => format!("an array of {} values", kind(scalar)),
        Type::Maps(fields) => {
            format!("an array of maps with {}", fields.iter().map(|field| field.name).collect::<Vec<_>>().join(", "))
        }
    }
}

/// What a value of the right type must be, if it is not.
fn fails(check: Check, value: &Value) -> Option<String> {
    let as_text = text(value);
    let holds = match check {
        Check::Range(low, high) => value.as_i64().is_some_and(|n| (low..=high).contains(&n)),
        Check::OneOf(values) => values.contains(&as_text.as_str()),
        Check::Length(low, high) => (low..=high).contains(&as_text.chars().count()),
        Check::Pattern { regex, .. } => pattern(regex).is_some_and(|regex| regex.is_match(&as_text)),
        Check::Base64 => base64::prelude::BASE64_STANDARD.decode(&as_text).is_ok(),
        Check::Time => clock::parse_time(&as_text).is_ok(),
        Check::Cidr => range(&as_text).is_some(),
    };
    (!holds).then(|| says(check))
}

/// What a check demands, in words that follow "the value".
pub(crate) fn says(check: Check) -> String {
    match check {
        Check::Range(low, high) if high >= i64::from(i32::MAX) => format!("must be {low} or more"),
        Check::Range(low, high) => format!("must be between {low} and {high}"),
        Check::OneOf(values) => format!("must be one of {}", values.join(", ")),
        Check::Length(low, usize::MAX) => format!("must be at least {low} characters long"),
        Check::Length(low, high) => format!("must be {low} to {high} characters long"),
        Check::Pattern { says, .. } => format!("must be text that {says}"),
        Check::Base64 => "must be base64".to_owned(),
        Check::Time => "must be a time such as 2020-01-01 00:00:00".to_owned(),
        Check::Cidr => "must be a range of addresses such as 172.22.0.0/16".to_owned(),
    }
}

/// The compiled form of a pattern of the catalogue; each is compiled once.
fn pattern(regex: &str) -> Option<&'static Regex> {
    static COMPILED: OnceLock<HashMap<&'static str, Regex>> = OnceLock::new();
    COMPILED
        .get_or_init(|| {
            catalogue::operations()
                .flat_map(|operation| operation.params)
                .flat_map(|param| match param.ty {
                    Type::Maps(fields) => fields,
                    _ => std::slice::from_ref(param),
                })
                .flat_map(|param| param.checks)
                .filter_map(|check| match check {
                    Check::Pattern { regex, .. } => Some((*regex, Regex::new(regex).ok()?)),
                    _ => None,
                })
                .collect()
        })
        .get(regex)
}

fn check_rule(operation: &Operation, rule: Rule, params: &Map<String, Value>, problems: &mut Vec<Problem>) {
    match rule {
        Rule::OnlyWith { param, with, values } => {
            let decided = params.get(with).map(text);
            if decided.is_some_and(|value| !values.contains(&value.as_str())) {
                for (path, value) in given(param, params).into_iter().filter(|(_, value)| **value != Value::Bool(false))
                {
                    let message = format!("is taken only when {with} is {}", values.join(" or "));
                    let shown = secret_of(operation, param, value);
                    problems.push(Problem { path, given: Some(shown), message, nearest: None });
                }
            }
        }
        Rule::NeededWith { param, with, values } => {
            let decided = params.get(with).map(text);
            let needed = decided.is_some_and(|value| values.contains(&value.as_str()));
            if needed && given(param, params).is_empty() {
                problems.push(Problem {
                    path: param.to_owned(),
                    given: None,
                    message: format!("is required when {with} is {}", values.join(" or ")),
                    nearest: None,
                });
            }
        }
        Rule::OneOrBoth(one, other) => {
            let is_there = |name: &&str| given(name, params).iter().any(|(_, value)| value.as_str() != Some(""));
            if ![one, other].iter().any(is_there) {
                let message = format!("is required, or else {other}");
                problems.push(Problem { path: one.to_owned(), given: None, message, nearest: None });
            }
        }
        Rule::Apart(one, other) => {
            let of = |name: &str| params.get(name).and_then(Value::as_str).and_then(range);
            if let (Some(first), Some(second), Some(value)) = (of(one), of(other), params.get(other))
                && first.0 <= second.1
                && second.0 <= first.1
            {
                let message = format!("must have no address in common with {one}");
                problems.push(Problem { path: other.to_owned(), given: Some(value.clone()), message, nearest: None });
            }
        }
        Rule::NotBoth(one, other) => {
            if let (false, [(path, value), ..]) = (given(one, params).is_empty(), given(other, params).as_slice()) {
                problems.push(Problem {
                    path: path.clone(),
                    given: Some(secret_of(operation, other, value)),
                    message: format!("cannot be given together with {one}"),
                    nearest: None,
                });
            }
        }
    }
}

/// The first and the last address of a range: `172.22.0.0/16`. The address before the length may be any of it.
fn range(cidr: &str) -> Option<(u32, u32)> {
    let (address, length) = cidr.split_once('/')?;
    let address = u32::from(address.parse::<Ipv4Addr>().ok()?);
    // Neither a sign nor a leading zero, which the number itself would let through.
    let length: u32 = length.parse().ok().filter(|number: &u32| *number <= 32 && number.to_string() == length)?;
    let hosts = u32::MAX.checked_shr(length).unwrap_or(0);
    Some((address & !hosts, address | hosts))
}

fn secret_of(operation: &Operation, name: &str, value: &Value) -> Value {
    operation.param(name).map_or_else(|| value.clone(), |param| shown(param, value))
}

/// Where a parameter named by a rule was given, and its values: `Headless`, or `PortMappings.NodePort`
/// for a field of each element of a list.
fn given<'a>(name: &str, params: &'a Map<String, Value>) -> Vec<(String, &'a Value)> {
    let one =
        |path: String, value: Option<&'a Value>| value.filter(|value| !value.is_null()).map(|value| (path, value));
    match name.split_once('.') {
        None => one(name.to_owned(), params.get(name)).into_iter().collect(),
        Some((list, field)) => params
            .get(list)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .zip(0..)
            .filter_map(|(element, n)| one(format!("{list}[{n}].{field}"), element.get(field)))
            .collect(),
    }
}
