//! Looks at the account for the effect of a write, as the catalogue says.

use std::cmp::Ordering;
use std::pin::Pin;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::account::{Account, Params};
use crate::catalogue::{self, Field, Like, Read, Says, Shape, Sight};
use crate::error::{Error, Kind, Result};
use crate::journal::Known;
use crate::journal::keeper::{Later, Made, PastWrite};
use crate::wire::request::text;

/// What a look shows of a write.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    /// It took effect; this is a reply as far as the account tells it.
    Applied(Value),
    /// It did not.
    NotApplied,
    /// Nothing tells, for this reason.
    CannotTell(String),
}

/// What a look found.
struct Found {
    /// Whether the account is as the write asks; `None` where that is no question of the account alone.
    as_asked: Option<bool>,
    /// The newest record that the write may have made, by its number.
    newest: Option<i64>,
    /// What may change.
    state: Value,
    /// The record that shows it.
    record: Value,
    /// Records of which each write makes one, by their numbers.
    made: Vec<(i64, Value)>,
}

/// What is kept of a look before a write.
///
/// # Errors
/// What kept it from being made.
pub(super) async fn facts(account: &Account, sight: &'static Sight, params: &Params) -> Result<Value> {
    let Found { as_asked, newest, state, .. } = find(account, sight, params).await?;
    Ok(json!({"as_asked": as_asked, "newest": newest, "state": state}))
}

/// Looks once.
pub(super) async fn look(account: &Account, sight: &'static Sight, write: &PastWrite) -> Seen {
    let found = match find(account, sight, &write.params).await {
        Ok(found) => found,
        Err(error) => return Seen::CannotTell(format!("the look at the account failed: {}", error.message)),
    };
    let later: Vec<&Later> = write.later().filter(|later| undoes(&later.made(), &write.made())).collect();
    match judge(sight, &found, write.before.as_ref()) {
        Ok(_) if !later.is_empty() && sight.makes_more() => among(&found, write, &later),
        Ok(true) => match write.later().find(|later| later.made() == write.made()) {
            // A second one would have been refused, or changed nothing, behind a first.
            Some(twin) if twin.known == Known::Applied && !sight.before => Seen::NotApplied,
            Some(twin) => undone(twin),
            None => Seen::Applied(reply(&write.operation, sight, &found.record)),
        },
        Ok(false) if sight.late => Seen::CannotTell("it shows only some time after, and does not show yet".to_owned()),
        Ok(false) => later.first().map_or(Seen::NotApplied, |later| undone(later)),
        Err(why) => later.first().map_or_else(|| Seen::CannotTell(why.to_owned()), |later| undone(later)),
    }
}

fn undone(later: &Later) -> Seen {
    Seen::CannotTell(format!("the run's write {}, {}, may have undone it, or done it", later.number, later.operation))
}

/// What is seen of a write that makes a record of its own, where later ones of the run made some as well.
fn among(found: &Found, write: &PastWrite, later: &[&Later]) -> Seen {
    let before = write.before.as_ref().and_then(|before| before.get("newest")).and_then(Value::as_i64);
    let made = found.made.iter().filter(|(number, _)| before.is_some_and(|before| before < *number));
    let first = made.clone().next();
    let is_known = before.is_some() && later.iter().all(|later| later.known == Known::Applied);
    match (made.count().cmp(&later.len()), first, catalogue::look_for(&write.operation)) {
        (Ordering::Greater, Some((_, record)), Ok(sight)) if is_known => {
            Seen::Applied(reply(&write.operation, sight, record))
        }
        (Ordering::Equal, ..) if is_known => Seen::NotApplied,
        _ => later.first().map_or(Seen::NotApplied, |later| undone(later)),
    }
}

/// Whether a write may change again what an earlier one did: sets the same to something else, takes away what was made,
/// or makes what was taken away.
pub(super) fn undoes(later: &Made<'_>, earlier: &Made<'_>) -> bool {
    let ((action, params), (first, first_params)) = (later, earlier);
    let is_of = |verbs: &[&str]| verbs.iter().any(|verb| action.starts_with(verb));
    let is_same_thing = || noun(action) == noun(first) && !are_apart(noun(first), params, first_params);
    match catalogue::look_for(first).map(|sight| (sight, &sight.says)) {
        Ok((_, Says::Listed(_))) => is_of(&["Delete", "Remove", "Unbind"]) && is_same_thing(),
        Ok((_, Says::Gone(_))) => is_of(&["Create", "Add", "Bind"]) && is_same_thing(),
        Ok((_, Says::Has(_))) if is_of(&["Delete", "Remove"]) => {
            !are_apart(noun(first), params, first_params) && share_an_id(params, first_params)
        }
        Ok((sight, _)) => {
            let ids = sight.reads.iter().flat_map(|read| read.params.iter().map(|(_, from)| *from));
            let mut ids = ids.filter(|name| first_params.contains_key(*name)).peekable();
            action == first && ids.peek().is_some() && ids.all(|name| params.get(name) == first_params.get(name))
        }
        Err(_) => is_same_thing(),
    }
}

/// What kind of thing an operation is about, by its name: `DeleteAppEnvironment` is about an `Environment`.
fn noun(action: &str) -> &str {
    let verb = action.char_indices().skip(1).find(|(_, c)| c.is_ascii_uppercase());
    match verb.and_then(|(at, _)| action.get(at..)).unwrap_or(action) {
        "AppDetail" => "App",
        "AppEnvironment" => "Environment",
        "Database" => "Db",
        noun => noun,
    }
}

/// Whether parameters of two writes are of different things of a kind: one that both name differs.
fn are_apart(noun: &str, one: &Params, other: &Params) -> bool {
    let key = |name: &str| {
        let kind = name.get(..noun.len()).filter(|kind| kind.eq_ignore_ascii_case(noun)).map_or(0, str::len);
        name.get(kind..).unwrap_or(name).to_ascii_lowercase()
    };
    let differ = |one: &Value, other: &Value| match (one.as_array(), other.as_array()) {
        (Some(one), Some(other)) => !one.iter().any(|value| other.contains(value)),
        _ => text(one) != text(other),
    };
    let names = |name: &str| key(name).ends_with("id") || NAMES.contains(&key(name).as_str());
    one.iter().filter(|(name, _)| names(name)).any(|(name, value)| {
        let same = other.iter().find(|(other, _)| key(other) == key(name));
        same.is_some_and(|(_, other)| differ(value, other))
    })
}

/// Whether one id is a parameter of both.
fn share_an_id(one: &Params, other: &Params) -> bool {
    let is_same = |name: &str, value: &Value| {
        other.iter().any(|(other, same)| other.eq_ignore_ascii_case(name) && text(same) == text(value))
    };
    one.iter().any(|(name, value)| name.to_ascii_lowercase().ends_with("id") && is_same(name, value))
}

/// Parameters that name a thing beside ids, in small letters and without its kind.
const NAMES: [&str; 8] =
    ["name", "title", "envname", "labelkey", "labelvalue", "listenerport", "accountname", "ecsinstanceidlist"];

/// Whether what was found proves that the write took effect, or that it did not.
fn judge(sight: &Sight, now: &Found, before: Option<&Value>) -> std::result::Result<bool, &'static str> {
    const NO_LOOK: &str = "the account is as the write asks, and nobody looked whether it was so before";
    const SAME: &str = "the account was as the write asks before it, too";
    const NO_LOOK_OTHERWISE: &str = "the account is not as the write asks, and nobody looked how it was before";
    const OTHERWISE: &str = "the account is neither as it was before nor as the write asks: something else changed it";
    let was = |name: &str| before.and_then(|before| before.get(name));
    if matches!(sight.says, Says::Changed(_)) {
        return match was("state") {
            Some(state) => Ok(*state != now.state),
            None => Err("nobody looked how it was before"),
        };
    }
    if matches!(sight.says, Says::Newer(..)) {
        match (now.newest, was("newest")) {
            (Some(newest), Some(before)) if before.as_i64().is_none_or(|before| before < newest) => return Ok(true),
            (_, Some(_)) if now.as_asked.is_none() => return Ok(false),
            (None, None) if now.as_asked.is_none() => return Ok(false),
            (Some(_), None) if now.as_asked.is_none() => {
                return Err("one of this name is there, which may be an older one");
            }
            _ => {}
        }
    }
    if matches!(sight.says, Says::Has(_)) && now.as_asked == Some(false) {
        return match was("state") {
            Some(state) if *state == now.state => Ok(false),
            Some(_) => Err(OTHERWISE),
            None => Err(NO_LOOK_OTHERWISE),
        };
    }
    match (now.as_asked, sight.before, was("as_asked").and_then(Value::as_bool)) {
        (None, ..) => Err("the write names nothing that a look can compare"),
        (Some(false), ..) => Ok(false),
        (Some(true), false, _) | (Some(true), true, Some(false)) => Ok(true),
        // Each such write makes a record of its own, and there is no new one.
        (Some(true), true, Some(true)) if matches!(sight.says, Says::Newer(..)) => Ok(false),
        (Some(true), true, Some(true)) => Err(SAME),
        (Some(true), true, None) => Err(NO_LOOK),
    }
}

async fn find(account: &Account, sight: &'static Sight, params: &Params) -> Result<Found> {
    let mut known = params.clone();
    let (mut records, mut first) = (Vec::new(), Value::Null);
    for read in sight.reads {
        let asked = asked(read, &known)?;
        records = match shown(account, read, asked).await {
            Ok(Value::Array(list)) => list,
            Ok(Value::Null) => Vec::new(),
            Ok(record) => vec![record],
            // What is in nothing is gone, too.
            Err(error) if is_missing(&error) => Vec::new(),
            Err(error) => return Err(error),
        };
        if let (Some(_), Some(record)) = (read.finds, records.first()) {
            first = record.clone();
            for (field, value) in record.as_object().into_iter().flatten() {
                known.entry(field.clone()).or_insert_with(|| value.clone());
            }
        }
    }
    Ok(compare(&sight.says, &records, &first, params))
}

/// A read that may itself be a part of a call: its type ends here.
fn shown<'a>(
    account: &'a Account,
    read: &'static Read,
    params: Params,
) -> Pin<Box<dyn Future<Output = Result<Value>> + Send + 'a>> {
    Box::pin(account.shown(read, params))
}

/// The parameters of a read, from what is known.
fn asked(read: &Read, known: &Params) -> Result<Params> {
    let value = |name: &str| match name.strip_prefix('=') {
        Some(text) => Some(Value::from(text)),
        None => known.get(name).filter(|value| !value.is_null()).cloned(),
    };
    let of = |(name, from): &(&str, &str)| Some(((*name).to_owned(), value(from)?));
    let params: Option<Params> = read.params.iter().map(of).collect();
    params.ok_or_else(|| {
        let missing: Vec<&str> =
            read.params.iter().map(|(_, from)| *from).filter(|name| value(name).is_none()).collect();
        Error::new(Kind::Invalid, format!("{} needs {}, which nothing tells", read.action, missing.join(" and ")))
    })
}

/// Whether a read was refused because there is nothing of that id.
fn is_missing(error: &Error) -> bool {
    let code = error.code.as_ref().map(text).unwrap_or_default();
    let says = ["not exist", "not found", "notfound", "不存在"];
    let said = format!("{code} {}", error.message).to_lowercase();
    matches!(error.kind, Kind::Api) && (code == "10404" || says.iter().any(|words| said.contains(words)))
}

fn compare(says: &Says, records: &[Value], first: &Value, params: &Params) -> Found {
    let none = Found { as_asked: None, newest: None, state: Value::Null, record: Value::Null, made: Vec::new() };
    match says {
        Says::Listed(likes) => {
            let wanted = each(likes, params);
            let found = |params: &Params| records.iter().find(|record| is_like(record, likes, params) == Some(true));
            let record = wanted.first().and_then(found).cloned().unwrap_or_default();
            Found { as_asked: Some(wanted.iter().all(|params| found(params).is_some())), record, ..none }
        }
        Says::Gone(likes) => {
            let is_this =
                |record: &Value, params: &Params| is_like(record, likes, params) == Some(true) && !is_going(record);
            let there = |params: &Params| records.iter().any(|record| is_this(record, params));
            Found { as_asked: Some(!each(likes, params).iter().any(there)), ..none }
        }
        Says::Has(likes) => {
            let record = records.first().cloned().unwrap_or_default();
            Found { as_asked: is_like(&record, likes, params), state: digest(&record, likes, params), ..none }
        }
        Says::Newer(number, likes) => {
            // Where another read shows what is asked for, its record is the one to compare.
            let is_beside = first.get("Replicas").is_some();
            let fits = |record: &&Value| is_beside || is_like(record, likes, params) == Some(true);
            let key = |record: &&Value| record.get(number).and_then(Value::as_i64);
            // Those of one kind; among others nobody can count.
            let alike = records.iter().filter(|_| is_beside);
            let mut made: Vec<(i64, Value)> =
                alike.filter_map(|record| Some((key(&record)?, record.clone()))).collect();
            made.sort_by_key(|(number, _)| *number);
            let record = records.iter().filter(fits).max_by_key(key);
            let as_asked = if is_beside { is_like(first, likes, params) } else { None };
            Found {
                as_asked,
                newest: record.as_ref().and_then(key),
                record: record.cloned().unwrap_or_default(),
                made,
                ..none
            }
        }
        Says::Changed(fields) => {
            let record = records.first().cloned().unwrap_or_default();
            let state =
                fields.iter().map(|field| ((*field).to_owned(), record.get(field).cloned().unwrap_or_default()));
            Found { state: state.collect::<Map<_, _>>().into(), ..none }
        }
    }
}

/// What tells the values that a write changes from others: not these, which may be long, and secret.
fn digest(record: &Value, likes: &[Like], params: &Params) -> Value {
    let mut hasher = Sha256::new();
    for like in likes {
        if let Like::Param(field, name) = like
            && params.contains_key(*name)
        {
            hasher.update(at(record, field).unwrap_or(&Value::Null).to_string());
            hasher.update([0]);
        }
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

/// Whether a thing is on its way out: what goes at its own time is shown until then.
fn is_going(record: &Value) -> bool {
    let states = ["Status", "DBStatus"].map(|field| record.get(field).and_then(Value::as_str));
    states.into_iter().flatten().any(|state| state.eq_ignore_ascii_case("deleting"))
}

/// The write's parameters, once for each element of a list that records are compared with.
fn each(likes: &[Like], params: &Params) -> Vec<Params> {
    let list = likes.iter().find_map(|like| match like {
        Like::Param(_, name) => Some((*name, params.get(*name)?.as_array()?)),
        Like::Text(..) => None,
    });
    let Some((name, list)) = list else { return vec![params.clone()] };
    let one = |element: &Value| {
        let mut params = params.clone();
        params.insert(name.to_owned(), element.clone());
        params
    };
    list.iter().map(one).collect()
}

/// Whether a record is as the write asks; `None` where the write names nothing of it.
fn is_like(record: &Value, likes: &[Like], params: &Params) -> Option<bool> {
    let mut compared = likes.iter().filter_map(|like| match like {
        Like::Text(field, text_wanted) => Some(at(record, field).is_some_and(|value| text(value) == *text_wanted)),
        Like::Param(field, names) if names.contains('=') => {
            // One in a list inside the record.
            let likes: Vec<(&str, &str)> = names.split(',').filter_map(|pair| pair.split_once('=')).collect();
            let fits = |inner: &Value| likes.iter().all(|(name, field)| same(inner.get(field), params.get(*name)));
            Some(at(record, field).and_then(Value::as_array).is_some_and(|list| list.iter().any(fits)))
        }
        Like::Param(field, name) => {
            let wanted = params.get(*name).filter(|wanted| !wanted.is_null())?;
            Some(same(at(record, field), Some(wanted)))
        }
    });
    let first = compared.next()?;
    Some(compared.fold(first, |all, one| all && one))
}

/// The field at this way: `ContainerCodePath.CodePath`.
fn at<'a>(record: &'a Value, way: &str) -> Option<&'a Value> {
    way.split('.').try_fold(record, |value, key| value.get(key))
}

/// Whether a value is the one that was asked for: as they are written; of maps what is asked for; of lists each.
fn same(found: Option<&Value>, wanted: Option<&Value>) -> bool {
    match (found, wanted) {
        (Some(Value::Object(found)), Some(Value::Object(wanted))) => {
            wanted.iter().all(|(name, wanted)| same(found.get(name), Some(wanted)))
        }
        (Some(Value::Array(found)), Some(Value::Array(wanted))) => {
            wanted.iter().all(|wanted| found.iter().any(|found| same(Some(found), Some(wanted))))
        }
        (Some(found), Some(wanted)) => text(found) == text(wanted) || decoded(wanted).is_some_and(|w| w == text(found)),
        _ => false,
    }
}

/// What a text says that is written in base64, as configurations are sent.
fn decoded(value: &Value) -> Option<String> {
    use base64::Engine as _;
    let bytes = base64::prelude::BASE64_STANDARD.decode(value.as_str()?).ok()?;
    String::from_utf8(bytes).ok()
}

/// A reply with the documented fields, as far as the account tells their values.
fn reply(action: &str, sight: &Sight, record: &Value) -> Value {
    let mut reply = untold(action);
    if let Some(Value::Object(result)) = reply.get_mut("Result") {
        for (field, from) in sight.gives {
            result.insert((*field).to_owned(), record.get(from).cloned().unwrap_or_default());
        }
        result.entry("Admitted").and_modify(|admitted| *admitted = true.into());
    }
    reply
}

/// The reply to a write that took effect of which nothing more is known: the documented fields, without values.
pub(super) fn untold(action: &str) -> Value {
    fn blank(fields: &[Field]) -> Map<String, Value> {
        let value = |field: &Field| match field.shape {
            Shape::Object(fields) => blank(fields).into(),
            _ => Value::Null,
        };
        fields.iter().map(|field| (field.name.to_owned(), value(field))).collect()
    }
    let Some(operation) = catalogue::find(action) else { return Map::new().into() };
    let mut reply = blank(operation.reply);
    reply.entry("Code").and_modify(|code| *code = operation.success.into());
    reply.entry("Success").and_modify(|success| *success = true.into());
    reply.into()
}

#[cfg(test)]
mod tests;
