//! From a map of parameters to the flat names and texts of the wire, and back.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{sign, validate};
use crate::catalogue::{self, Effect, Method, Operation, PAGE_SIZE, Param, Position, Scalar, Type};
use crate::error::{Error, Kind, Outcome, Problem, Result};
use crate::secret::{self, Secret};
use crate::suggest;

/// What is called: an operation of the catalogue, or an action that it does not list.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    /// Validated and normalised by its record.
    Listed(&'static Operation),
    /// Signed and sent as given.
    Unlisted(String),
}

impl Target {
    /// The target of this action or function name. Names that could only be a slip of a listed
    /// operation's are refused, so that a typing error is not sent to the service.
    pub(crate) fn named(name: &str) -> Result<Self> {
        if let Some(operation) = catalogue::find(name) {
            return Ok(Self::Listed(operation));
        }
        let well_formed =
            name.starts_with(|c: char| c.is_ascii_uppercase()) && name.chars().all(|c| c.is_ascii_alphanumeric());
        let slip = catalogue::operations().find(|op| is_slip(name, op));
        match slip {
            None if well_formed => Ok(Self::Unlisted(name.to_owned())),
            _ => Err(unknown(name, slip.map(|op| op.action))),
        }
    }

    /// The wire name.
    pub(crate) fn action(&self) -> &str {
        match self {
            Self::Listed(operation) => operation.action,
            Self::Unlisted(action) => action,
        }
    }

    /// The record, where the catalogue has one.
    pub(crate) fn operation(&self) -> Option<&'static Operation> {
        match self {
            Self::Listed(operation) => Some(operation),
            Self::Unlisted(_) => None,
        }
    }

    /// Whether the value of this wire name must never be shown: `Password`, `SecretList.1`. Of a name that the
    /// catalogue does not know, a slip is enough: `Passwrod`.
    pub(crate) fn is_secret(&self, name: &str) -> bool {
        let own = name.rsplit('.').find(|part| !part.bytes().all(|byte| byte.is_ascii_digit())).unwrap_or(name);
        match self.operation().and_then(|operation| documented(operation, own)) {
            Some(param) => param.secret,
            None => secret::tells_of_secret(own),
        }
    }

    /// The values of a call that must never be shown, at any depth, whether or not the call is valid.
    pub(crate) fn secrets(&self, params: &Map<String, Value>) -> Vec<Secret> {
        fn walk(value: &Value, is_secret: bool, target: &Target, found: &mut Vec<Secret>) {
            match value {
                Value::String(text) if is_secret => found.push(Secret::new(text.as_str())),
                Value::Number(number) if is_secret => found.push(Secret::new(number.to_string())),
                Value::Array(list) => list.iter().for_each(|value| walk(value, is_secret, target, found)),
                Value::Object(map) => {
                    map.iter()
                        .for_each(|(name, value)| walk(value, is_secret || target.is_secret(name), target, found));
                }
                _ => {}
            }
        }
        let mut found = Vec::new();
        params.iter().for_each(|(name, value)| walk(value, self.is_secret(name), self, &mut found));
        found
    }

    /// Whether a call may hold what must never be shown.
    pub(crate) fn may_hold_secrets(&self) -> bool {
        self.operation().is_none_or(|operation| operation.params.iter().any(|param| param.secret))
    }

    /// What a call does to the account. For an unlisted action its words tell: in doubt it is a write.
    pub(crate) fn effect(&self) -> Effect {
        const READS: [&str; 4] = ["list", "describe", "get", "query"];
        /// Of deletes and deletion, removal, destruction, releases, resets, offline, termination.
        const DESTROYS: [&str; 7] = ["delet", "remov", "destr", "releas", "reset", "offline", "terminat"];
        let action = match self {
            Self::Listed(operation) => return operation.effect,
            Self::Unlisted(action) => action,
        };
        if let Some(later) = catalogue::find_later(action) {
            return later.effect;
        }
        // However it is written: who asks once too often does no harm.
        let lower = action.to_ascii_lowercase().replace("preset", "");
        if DESTROYS.iter().any(|destroys| lower.contains(destroys)) {
            Effect::Destructive
        } else if words(action).first().is_some_and(|first| READS.contains(&first.as_str())) {
            Effect::Read
        } else {
            Effect::Write
        }
    }
}

/// A parameter of an operation, or a field of one that is a list of maps.
fn documented(operation: &'static Operation, name: &str) -> Option<&'static Param> {
    let fields = || {
        let mut lists = operation.params.iter().filter_map(|param| match param.ty {
            Type::Maps(fields) => Some(fields),
            _ => None,
        });
        lists.find_map(|fields| fields.iter().find(|field| field.name == name))
    };
    operation.param(name).or_else(fields)
}

/// The words of a name in camel case, in lower case: `GetDBAndDELETEAll` is get, db, and, delete, all.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let characters: Vec<char> = name.chars().collect();
    for (at, c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| characters.get(before));
        let next_is_lower = characters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let begins = match before {
            None => true,
            Some(before) if c.is_uppercase() => !before.is_uppercase() || next_is_lower,
            Some(before) => c.is_alphabetic() != before.is_alphabetic(),
        };
        match words.last_mut() {
            Some(word) if !begins => word.extend(c.to_lowercase()),
            _ => words.push(c.to_lowercase().collect()),
        }
    }
    words
}

/// Whether a name is one keystroke away from an operation's, or the same in another case. Two would
/// take real actions along: `DescribeJobLog` beside `DescribePodLog`.
fn is_slip(name: &str, operation: &Operation) -> bool {
    [operation.action, operation.function].iter().any(|known| suggest::is_slip(name, known))
}

fn unknown(name: &str, slip: Option<&'static str>) -> Error {
    let actions = || catalogue::operations().map(|op| op.action);
    let error =
        Error::new(Kind::Invalid, format!("there is no operation `{name}`")).operation(name).outcome(Outcome::NotSent);
    match slip.or_else(|| suggest::nearest(name, actions())) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`jst ops` lists every operation"),
    }
}

/// A validated call, flattened and ready to be signed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// The wire name.
    pub action: String,
    /// How it is sent.
    pub method: Method,
    /// The parameters that travel in the query, common ones not included.
    pub query: Vec<(String, String)>,
    /// The parameters that travel in the form.
    pub body: Vec<(String, String)>,
}

impl Request {
    /// Validates and flattens the parameters of a call. Every problem is reported at once.
    /// Parameters with a null value count as not given; page parameters that the service
    /// insists on are filled in.
    pub(crate) fn build(target: &Target, mut params: Map<String, Value>) -> Result<Self> {
        params.retain(|_, value| !value.is_null());
        let Target::Listed(operation) = target else {
            return Self::unlisted(target, params);
        };
        fill_page(operation, &mut params);
        let problems = validate::validate(operation, &params);
        if !problems.is_empty() {
            return Err(invalid(operation.action, problems));
        }
        let (body, query) = flatten(operation, &params)
            .into_iter()
            .partition::<Vec<_>, _>(|(position, ..)| *position == Position::Body);
        let named =
            |list: Vec<(Position, String, String)>| list.into_iter().map(|(_, name, value)| (name, value)).collect();
        Ok(Self {
            action: operation.action.to_owned(),
            method: operation.method,
            query: named(query),
            body: named(body),
        })
    }

    /// The parameters again, as they were given.
    pub(crate) fn params(&self, target: &Target) -> Map<String, Value> {
        let pairs = self.query.iter().chain(&self.body).map(|(name, value)| (name.as_str(), value.as_str()));
        match target.operation() {
            Some(operation) => unflatten(operation, pairs),
            None => pairs.map(|(name, value)| (name.to_owned(), value.into())).collect(),
        }
    }

    /// A call of an action outside the catalogue: sent as the vendor's newest client does where that has it,
    /// else by POST in the query. A secret never is in a URL, which proxies and logs keep.
    fn unlisted(target: &Target, mut params: Map<String, Value>) -> Result<Self> {
        let later = catalogue::find_later(target.action());
        for name in later.map_or(&[][..], |later| later.as_json) {
            if let Some(value) = params.get_mut(*name).filter(|value| value.is_object()) {
                *value = value.to_string().into();
            }
        }
        let pairs = flatten_unlisted(&params)?;
        let reserved: Vec<Problem> = pairs.iter().filter(|(name, _)| sign::is_reserved(name)).map(reserved).collect();
        if !reserved.is_empty() {
            return Err(invalid(target.action(), reserved));
        }
        let method = later.map_or(Method::Post, |later| later.method);
        let in_body = |name: &str| {
            let mut parts = name.split('.');
            let head = name.split('.').next().unwrap_or_default();
            later.is_some_and(|later| later.body.contains(&head)) || parts.any(|part| target.is_secret(part))
        };
        let (body, query) = pairs.into_iter().partition(|(name, _)| method == Method::Post && in_body(name));
        Ok(Self { action: target.action().to_owned(), method, query, body })
    }

    /// Whether a parameter of this wire name is sent.
    pub(crate) fn names(&self, name: &str) -> bool {
        self.query.iter().chain(&self.body).any(|(n, _)| n == name)
    }
}

fn reserved((name, _): &(String, String)) -> Problem {
    Problem { path: name.clone(), given: None, message: "is set by jst itself".to_owned(), nearest: None }
}

/// The error of a request that was refused before sending.
pub(crate) fn invalid(action: &str, problems: Vec<Problem>) -> Error {
    let what = match problems.as_slice() {
        [_] => "a parameter is wrong".to_owned(),
        more => format!("{} parameters are wrong", more.len()),
    };
    let mut error =
        Error::new(Kind::Invalid, format!("{action} was not sent: {what}")).operation(action).outcome(Outcome::NotSent);
    error.problems = problems;
    error
}

fn fill_page(operation: &Operation, params: &mut Map<String, Value>) {
    let Some((paging, number)) = operation.paging.and_then(|p| Some((p, p.number?))) else {
        return;
    };
    for (name, value) in [(number, 1), (PAGE_SIZE, paging.size)] {
        let wanted = operation.param(name).is_some_and(|param| param.required);
        if wanted && !params.contains_key(name) {
            params.insert(name.to_owned(), value.into());
        }
    }
}

/// The wire names and texts of a validated map, in the catalogue's order.
pub(crate) fn flatten(operation: &Operation, params: &Map<String, Value>) -> Vec<(Position, String, String)> {
    let mut flat = Vec::new();
    for param in operation.params {
        let Some(value) = params.get(param.name) else {
            continue;
        };
        let mut push = |name: String, value: &Value| {
            if !value.is_null() {
                flat.push((param.position, name, text(value)));
            }
        };
        let elements = || value.as_array().into_iter().flatten().zip(1..);
        match param.ty {
            Type::Scalar(_) => push(param.name.to_owned(), value),
            Type::List(_) => elements().for_each(|(v, n)| push(format!("{}.{n}", param.name), v)),
            Type::Maps(fields) => {
                for (element, n) in elements() {
                    for field in fields {
                        if let Some(value) = element.get(field.name) {
                            push(format!("{}.{n}.{}", param.name, field.name), value);
                        }
                    }
                }
            }
        }
    }
    flat
}

/// A plain value as it is written on the wire.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// An unlisted action's parameters: lists and maps are flattened by their own structure.
fn flatten_unlisted(params: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    /// Deeper than any real request; keeps hostile nesting off the stack.
    const DEPTH: usize = 16;
    fn walk(name: String, value: &Value, depth: usize, flat: &mut Vec<(String, String)>) -> bool {
        match value {
            Value::Null => true,
            Value::Array(_) | Value::Object(_) if depth == DEPTH => false,
            Value::Array(list) => list.iter().zip(1..).all(|(v, n)| walk(format!("{name}.{n}"), v, depth + 1, flat)),
            Value::Object(map) => map.iter().all(|(key, v)| walk(format!("{name}.{key}"), v, depth + 1, flat)),
            plain => {
                flat.push((name, text(plain)));
                true
            }
        }
    }
    let mut flat = Vec::new();
    for (name, value) in params {
        if !walk(name.clone(), value, 0, &mut flat) {
            return Err(Error::new(Kind::Invalid, format!("`{name}` is nested more than {DEPTH} levels deep"))
                .outcome(Outcome::NotSent));
        }
    }
    Ok(flat)
}

/// The inverse of [`flatten`]: typed values from wire names and texts. Names that the operation
/// does not have are passed over, as the service does. A text that does not fit its type stays
/// text, for validation to name it beside whatever else is wrong. Indices only order a list: how
/// many there are is for the gateway to limit.
pub(crate) fn unflatten<'a>(
    operation: &Operation,
    pairs: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Map<String, Value> {
    let mut scalars = BTreeMap::new();
    let mut lists: BTreeMap<&str, BTreeMap<usize, Value>> = BTreeMap::new();
    for (name, text) in pairs {
        let mut parts = name.splitn(3, '.');
        let head = parts.next().unwrap_or_default();
        let Some(param) = operation.param(head) else {
            continue;
        };
        let index = parts.next().and_then(|n| n.parse().ok()).filter(|n| *n >= 1);
        match (param.ty, index, parts.next()) {
            (Type::Scalar(scalar), None, None) if head == name => {
                scalars.insert(param.name, parse(scalar, text));
            }
            (Type::List(scalar), Some(n), None) => {
                lists.entry(param.name).or_default().insert(n, parse(scalar, text));
            }
            (Type::Maps(fields), Some(n), Some(name)) => {
                let field = fields.iter().find(|field| field.name == name);
                if let Some((field, Type::Scalar(scalar))) = field.map(|field| (field, field.ty)) {
                    let list = lists.entry(param.name).or_default();
                    if let Value::Object(map) = list.entry(n).or_insert_with(|| Value::Object(Map::new())) {
                        map.insert(field.name.to_owned(), parse(scalar, text));
                    }
                }
            }
            _ => {}
        }
    }
    in_order(operation, scalars, lists)
}

fn in_order(
    operation: &Operation,
    mut scalars: BTreeMap<&str, Value>,
    mut lists: BTreeMap<&str, BTreeMap<usize, Value>>,
) -> Map<String, Value> {
    operation
        .params
        .iter()
        .filter_map(|param| {
            let list = |list: BTreeMap<_, _>| Value::Array(list.into_values().collect());
            let value = scalars.remove(param.name).or_else(|| lists.remove(param.name).map(list))?;
            Some((param.name.to_owned(), value))
        })
        .collect()
}

/// A plain value from its text, as people and the wire write it; the text itself where it does not
/// fit. Whether an integer fits into 32 bits is for validation to say.
pub(crate) fn parse(scalar: Scalar, text: &str) -> Value {
    let value = match (scalar, text) {
        (Scalar::String, _) => None,
        (Scalar::Integer | Scalar::Long, _) => text.parse::<i64>().ok().map(Value::from),
        // One vendor client writes Python's spelling.
        (Scalar::Boolean, "true" | "True") => Some(Value::from(true)),
        (Scalar::Boolean, "false" | "False") => Some(Value::from(false)),
        (Scalar::Boolean, _) => None,
    };
    value.unwrap_or_else(|| Value::from(text))
}
