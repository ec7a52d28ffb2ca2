//! Two lists beside each other, matched by a key of their elements: what differs, and the rows of both together.

use std::collections::{BTreeSet, HashMap};

use rhai::{Array, Dynamic, Identifier, Map, Module, NativeCallContext};

use super::keys::{Distinct, KeyOf, copy, of_list};
use super::lists::same;
use super::options::Options;
use super::register as register_any;
use crate::error::{Error, Kind};
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;

pub(super) fn register(module: &mut Module) {
    const DIFF: &str = "How a list became another, by the key of its elements: #{added, removed, changed}, and of each that changed #{key, before, after, fields}.";
    const OF_TWO: &[&str] = &["old: array", "new: array", "key: any", "map"];
    register_any(module, "diff", OF_TWO, DIFF, |context, args| match args {
        [old, new, key] => {
            let key = KeyOf::of(context, "diff", key)?;
            of_list("diff", old, |old| of_list("diff", new, |new| diff(context, &key, old, new)))
        }
        _ => Ok(Dynamic::UNIT),
    });
    const JOINED: &str = "The maps of a list, each with the fields of those of another that have its key; fields that both have are NAME_2. Option `all` keeps those without another.";
    const KEY: &[&str] = &["list: array", "other: array", "key: any", "array"];
    const OPTIONS: &[&str] = &["list: array", "other: array", "key: any", "options: map", "array"];
    for signature in [KEY, OPTIONS] {
        register_any(module, "joined", signature, JOINED, |context, args| match args {
            [list, other, key, options @ ..] => {
                let all = Options::of("joined", options.first().map(|options| &**options), &["all"])?.flag("all")?;
                let key = KeyOf::of(context, "joined", key)?;
                of_list("joined", list, |list| of_list("joined", other, |other| joined(&key, all, list, other)))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
}

/// Elements by their one key, each with its key as it was.
fn by_key<'a>(
    key: &KeyOf<'_>,
    list: &'a [Dynamic],
    which: &str,
) -> ScriptResult<Vec<(Distinct, Dynamic, &'a Dynamic)>> {
    let mut seen = HashMap::new();
    let mut found = Vec::with_capacity(list.len());
    for (n, element) in list.iter().enumerate() {
        let value = key.key((n, element))?;
        let distinct = Distinct::of("diff", &value)?;
        if let Some(before) = seen.insert(distinct.clone(), n) {
            let message =
                format!("diff: elements {before} and {n} of the {which} list have the same key {}", shown(&value));
            return Err(throw(Error::new(Kind::Script, message)));
        }
        found.push((distinct, value, element));
    }
    Ok(found)
}

fn diff(context: &NativeCallContext<'_>, key: &KeyOf<'_>, old: &[Dynamic], new: &[Dynamic]) -> ScriptResult {
    let (old, new) = (by_key(key, old, "old")?, by_key(key, new, "new")?);
    let mut before: HashMap<&Distinct, &Dynamic> = old.iter().map(|(key, _, element)| (key, *element)).collect();
    let (mut added, mut changed) = (Array::new(), Array::new());
    for (key, value, after) in &new {
        match before.remove(key) {
            None => added.push(copy(after)?),
            Some(before) => changed.extend(change(context, value, before, after)?),
        }
    }
    let removed = old.iter().filter(|(key, ..)| before.contains_key(key)).map(|(.., element)| copy(element));
    let removed = removed.collect::<ScriptResult<Array>>()?;
    Ok(map([("added", added), ("removed", removed), ("changed", changed)]
        .map(|(name, list)| (name, Dynamic::from_array(list)))))
}

/// What became of one element; `None` when it stayed as it was.
fn change(
    context: &NativeCallContext<'_>,
    key: &Dynamic,
    before: &Dynamic,
    after: &Dynamic,
) -> ScriptResult<Option<Dynamic>> {
    let fields = match (before.as_map_ref(), after.as_map_ref()) {
        (Ok(before), Ok(after)) => Some(differing(context, &before, &after)?),
        _ => None,
    };
    let is_same = match &fields {
        Some(fields) => fields.is_empty(),
        None => same(context, &mut before.flatten_clone(), after)?,
    };
    if is_same {
        return Ok(None);
    }
    let fields = Dynamic::from_array(fields.unwrap_or_default());
    let parts = [("key", key.clone()), ("before", copy(before)?), ("after", copy(after)?), ("fields", fields)];
    Ok(Some(map(parts)))
}

/// The names of the fields that differ, or that only one has.
fn differing(context: &NativeCallContext<'_>, before: &Map, after: &Map) -> ScriptResult<Array> {
    let mut names = Array::new();
    for (name, value) in before {
        let is_same = match after.get(name) {
            Some(after) => same(context, &mut value.flatten_clone(), after)?,
            None => false,
        };
        if !is_same {
            names.push(name.as_str().into());
        }
    }
    names.extend(after.keys().filter(|name| !before.contains_key(*name)).map(|name| name.as_str().into()));
    Ok(names)
}

fn map<const N: usize>(fields: [(&str, Dynamic); N]) -> Dynamic {
    Dynamic::from_map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect())
}

fn joined(key: &KeyOf<'_>, all: bool, list: &[Dynamic], other: &[Dynamic]) -> ScriptResult {
    let field = if let KeyOf::Field(_, name) = key { Some(name.as_str()) } else { None };
    let mut partners: HashMap<Distinct, Vec<Map>> = HashMap::new();
    for (n, element) in other.iter().enumerate() {
        partners.entry(Distinct::of("joined", &key.key((n, element))?)?).or_default().push(row(n, element)?);
    }
    let names = partners.values().flatten().flat_map(Map::keys).filter(|name| Some(name.as_str()) != field);
    let names: BTreeSet<Identifier> = names.cloned().collect();
    // The partner of a row that has none.
    let none: Vec<Map> = all.then(Map::new).into_iter().collect();
    let mut rows = Array::new();
    for (n, element) in list.iter().enumerate() {
        let key = Distinct::of("joined", &key.key((n, element))?)?;
        // Nothing has no partner, not even another nothing.
        let found = partners.get(&key).filter(|_| key != Distinct::Nothing).unwrap_or(&none);
        for partner in found {
            let mut both = row(n, element)?;
            for name in &names {
                let value = partner.get(name).map_or(Ok(Dynamic::UNIT), copy)?;
                let name = if both.contains_key(name) { format!("{name}_2").into() } else { name.clone() };
                both.insert(name, value);
            }
            rows.push(Dynamic::from_map(both));
        }
    }
    Ok(Dynamic::from_array(rows))
}

fn row(n: usize, element: &Dynamic) -> ScriptResult<Map> {
    copy(element)?.try_cast::<Map>().ok_or_else(|| {
        let message = format!("joined takes lists of maps, and element {n} is {}", shown(element));
        throw(Error::new(Kind::Invalid, message))
    })
}
