//! Lists by a key of their elements: sorted, grouped, counted, told apart, the least and the greatest. None changes
//! the list that it is given.

use std::collections::{BTreeMap, HashSet};

use rhai::{Array, Dynamic, Identifier, Map, Module, NativeCallContext};

use super::keys::{Distinct, KeyOf, copy, name, of_list, order};
use super::lists::merged;
use super::options::Options;
use super::register as register_any;
use crate::error::{Error, Kind};
use crate::script::value::{ScriptResult, throw};

/// What a function of a list and a key does: given the key, and the elements.
type ByKey = fn(&'static str, &KeyOf<'_>, &[Dynamic]) -> ScriptResult;

const FUNCTIONS: &[(&str, &str, &str, ByKey)] = &[
    (
        "group_by",
        "map",
        "The elements by their key, a field or a closure: a map from each key, as text, to an array.",
        group_by,
    ),
    ("index_by", "map", "A map from each key, as text, to the one element that has it; a key of two throws.", index_by),
    ("count_by", "map", "A map from each key, as text, to the number of elements that have it.", count_by),
    ("unique_by", "array", "The first element of each key, in their order.", unique_by),
    ("min_by", "any", "The first element with the least key; () when no element has one.", |name, key, list| {
        best(name, key, list, std::cmp::Ordering::is_lt)
    }),
    ("max_by", "any", "The first element with the greatest key; () when no element has one.", |name, key, list| {
        best(name, key, list, std::cmp::Ordering::is_gt)
    }),
];

pub(super) fn register(module: &mut Module) {
    for &(function, result, help, body) in FUNCTIONS {
        register_any(module, function, &["list: array", "key: any", result], help, move |context, args| match args {
            [list, key] => {
                let key = KeyOf::of(context, function, key)?;
                of_list(function, list, |list| body(function, &key, list))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const SORTED: &str = "The elements by their key, a field or a closure, those with () last; option `descending`. Equals stay in their order.";
    const KEY: &[&str] = &["list: array", "key: any", "array"];
    const OPTIONS: &[&str] = &["list: array", "key: any", "options: map", "array"];
    for signature in [KEY, OPTIONS] {
        register_any(module, "sorted_by", signature, SORTED, |context, args| match args {
            [list, key, options @ ..] => sorted_by(context, list, key, options.first().map(|options| &**options)),
            _ => Ok(Dynamic::UNIT),
        });
    }
}

fn sorted_by(
    context: &NativeCallContext<'_>,
    list: &Dynamic,
    key: &Dynamic,
    options: Option<&Dynamic>,
) -> ScriptResult {
    const NAME: &str = "sorted_by";
    let descending = Options::of(NAME, options, &["descending"])?.flag("descending")?;
    let key = KeyOf::of(context, NAME, key)?;
    of_list(NAME, list, |list| {
        let keys = key.keys(list)?;
        let sorted = merged((0..list.len()).collect(), &mut |one, other| match (keys.get(one), keys.get(other)) {
            // Nothing is last in both directions.
            (Some(one), Some(other)) if descending && !one.is_unit() && !other.is_unit() => {
                order(NAME, one, other).map(std::cmp::Ordering::is_gt)
            }
            (Some(one), Some(other)) => order(NAME, one, other).map(std::cmp::Ordering::is_lt),
            _ => Ok(false),
        })?;
        let elements = sorted.into_iter().filter_map(|n| list.get(n));
        elements.map(copy).collect::<ScriptResult<Array>>().map(Dynamic::from_array)
    })
}

fn group_by(function: &'static str, key: &KeyOf<'_>, list: &[Dynamic]) -> ScriptResult {
    let mut groups: BTreeMap<Identifier, Array> = BTreeMap::new();
    for at in list.iter().enumerate() {
        groups.entry(name(function, &key.key(at)?)?).or_default().push(copy(at.1)?);
    }
    Ok(Dynamic::from_map(groups.into_iter().map(|(name, group)| (name, Dynamic::from_array(group))).collect()))
}

fn index_by(function: &'static str, key: &KeyOf<'_>, list: &[Dynamic]) -> ScriptResult {
    let mut index = Map::new();
    for (n, element) in list.iter().enumerate() {
        let name = name(function, &key.key((n, element))?)?;
        if index.contains_key(&name) {
            let message = format!("{function} found the key {name:?} a second time, at element {n}");
            return Err(throw(Error::new(Kind::Script, message).hint("group_by gives all elements of each key")));
        }
        index.insert(name, copy(element)?);
    }
    Ok(Dynamic::from_map(index))
}

fn count_by(function: &'static str, key: &KeyOf<'_>, list: &[Dynamic]) -> ScriptResult {
    let mut counts: BTreeMap<Identifier, i64> = BTreeMap::new();
    for at in list.iter().enumerate() {
        *counts.entry(name(function, &key.key(at)?)?).or_default() += 1;
    }
    Ok(Dynamic::from_map(counts.into_iter().map(|(name, count)| (name, count.into())).collect()))
}

fn unique_by(function: &'static str, key: &KeyOf<'_>, list: &[Dynamic]) -> ScriptResult {
    let (mut seen, mut first) = (HashSet::new(), Array::new());
    for at in list.iter().enumerate() {
        if seen.insert(Distinct::of(function, &key.key(at)?)?) {
            first.push(copy(at.1)?);
        }
    }
    Ok(Dynamic::from_array(first))
}

fn best(
    function: &'static str,
    key: &KeyOf<'_>,
    list: &[Dynamic],
    is_better: fn(std::cmp::Ordering) -> bool,
) -> ScriptResult {
    let mut best: Option<(Dynamic, &Dynamic)> = None;
    for (n, element) in list.iter().enumerate() {
        let key = key.key((n, element))?;
        let is_best = match &best {
            _ if key.is_unit() => false,
            None => true,
            Some((so_far, _)) => is_better(order(function, &key, so_far)?),
        };
        if is_best {
            best = Some((key, element));
        }
    }
    best.map_or(Ok(Dynamic::UNIT), |(_, element)| copy(element))
}
