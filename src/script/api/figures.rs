//! What a list comes to: its sum, a percentile, its elements as one text, or the elements of its lists.

use rhai::{Array, Dynamic, Module};

use super::Pages;
use super::keys::{KeyOf, copy, of_list, order};
use super::lists::merged;
use super::ordering::NOTHING;
use super::register as register_any;
use crate::error::{Error, Kind};
use crate::memory;
use crate::script::value::{ScriptResult, throw, written};
use crate::script::words::shown;

pub(super) fn register(module: &mut Module) {
    const SUM: &str = "The sum of the numbers in a list, or of a field or what a closure gives of each; 0 of none.";
    for signature in [&["list: array", "int"][..], &["list: array", "key: any", "int"]] {
        register_any(module, "sum", signature, SUM, |context, args| match args {
            [list, key @ ..] => {
                let key = KeyOf::or_itself(context, "sum", key.first().map(|key| &**key))?;
                of_list("sum", list, |list| sum(&key, list))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const PERCENTILE: &str = "The value that `percent` of 100 of the values do not exceed, one of the list, or of a field or closure; () of none.";
    const OF_VALUES: &[&str] = &["list: array", "percent: float", "any"];
    const OF_KEYS: &[&str] = &["list: array", "percent: float", "key: any", "any"];
    for signature in [OF_VALUES, OF_KEYS] {
        register_any(module, "percentile", signature, PERCENTILE, |context, args| match args {
            [list, percent, key @ ..] => {
                let key = KeyOf::or_itself(context, "percentile", key.first().map(|key| &**key))?;
                let share = share(percent)?;
                of_list("percentile", list, |list| percentile(&key, share, list))
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const FLAT: &str = "The elements of the lists in a list, in one; what is no list stays as it is.";
    register_any(module, "flat", &["list: array", "array"], FLAT, |_, args| match args {
        [list] => of_list("flat", list, flat),
        _ => Ok(Dynamic::UNIT),
    });
    const JOIN: &str = "The elements as one text, with a separator between them.";
    register_any(module, "join", &["list: array", "separator: string", "string"], JOIN, |_, args| match args {
        [list, separator] => match separator.as_immutable_string_ref() {
            Ok(separator) => of_list("join", list, |list| join(list, &separator)),
            Err(_) => {
                let message = format!("join takes a text to put between elements, not {}", shown(separator));
                Err(throw(Error::new(Kind::Invalid, message)))
            }
        },
        _ => Ok(Dynamic::UNIT),
    });
}

/// Integers as long as all are.
fn sum(key: &KeyOf<'_>, list: &[Dynamic]) -> ScriptResult {
    let (mut whole, mut broken) = (0_i64, None::<f64>);
    for at in list.iter().enumerate() {
        let value = key.key(at)?;
        match (value.as_int(), value.as_float(), &mut broken) {
            (Ok(int), _, Some(sum)) => *sum += int as f64,
            (Ok(int), _, None) => whole = whole.checked_add(int).ok_or_else(too_large)?,
            (_, Ok(float), Some(sum)) => *sum += float,
            (_, Ok(float), None) => broken = Some(whole as f64 + float),
            _ => {
                let message = format!("sum adds numbers, and that of element {} is {}", at.0, shown(&value));
                let error = Error::new(Kind::Script, message);
                return Err(throw(if value.is_unit() { error.hint(NOTHING) } else { error }));
            }
        }
    }
    Ok(broken.map_or_else(|| whole.into(), Dynamic::from_float))
}

fn too_large() -> Box<rhai::EvalAltResult> {
    throw(Error::new(Kind::Script, "the sum is larger than an integer can be"))
}

/// A share of 100 as one of 1.
fn share(percent: &Dynamic) -> ScriptResult<f64> {
    let number = percent.as_float().or_else(|_| percent.as_int().map(|n| n as f64)).ok();
    number.filter(|percent| (0.0..=100.0).contains(percent)).map(|percent| percent / 100.0).ok_or_else(|| {
        let message = format!("percentile takes a number from 0 to 100, not {}", shown(percent));
        throw(Error::new(Kind::Invalid, message))
    })
}

fn percentile(key: &KeyOf<'_>, share: f64, list: &[Dynamic]) -> ScriptResult {
    let mut values = key.keys(list)?;
    values.retain(|value| !value.is_unit());
    let sorted = merged((0..values.len()).collect(), &mut |one, other| match (values.get(one), values.get(other)) {
        (Some(one), Some(other)) => order("percentile", one, other).map(std::cmp::Ordering::is_lt),
        _ => Ok(false),
    })?;
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let at = sorted.get(rank.saturating_sub(1)).and_then(|n| values.get(*n));
    Ok(at.cloned().unwrap_or(Dynamic::UNIT))
}

fn flat(list: &[Dynamic]) -> ScriptResult {
    let mut all = Array::new();
    for element in list {
        if element.is_array() || element.is::<Pages>() {
            of_list("flat", element, |inner| {
                for element in inner {
                    all.push(copy(element)?);
                }
                Ok(())
            })?;
        } else {
            all.push(copy(element)?);
        }
    }
    Ok(Dynamic::from_array(all))
}

fn join(list: &[Dynamic], separator: &str) -> ScriptResult {
    let mut text = String::new();
    for (n, element) in list.iter().enumerate() {
        let piece = written(element).ok_or_else(|| throw(memory::no_room()))?;
        let length = text.len() + separator.len() + piece.len();
        if length > text.capacity() {
            // What it grows into.
            memory::room_for(length.saturating_mul(2)).map_err(throw)?;
        }
        if n > 0 {
            text.push_str(separator);
        }
        text.push_str(&piece);
    }
    Ok(text.into())
}
