//! Parts of lists and maps that may not be there: what the forms of [`crate::script::forms`] stand for.

use rhai::{Array, Dynamic, Map, Module};

use super::{Pages, register as register_any};
use crate::error::{Error, Kind};
use crate::script::value::{ScriptResult, throw};
use crate::script::words::{a, kind_of};

/// `list[1..3]`: what [`crate::script::forms`] writes for it.
pub(in crate::script) const PART: &str = "part__";
/// `map[key] ?? 0` and `map?.key`: the same.
pub(in crate::script) const IF_THERE: &str = "if_there__";

pub(super) fn register(module: &mut Module) {
    register_any(module, PART, &["list: any", "range: range", "any"], "", |context, args| match args {
        // The bits of a number are the engine's.
        [number, range] if number.is_int() => {
            context.call_native_fn_raw("get_bits", false, &mut [&mut (**number).clone(), &mut (**range).clone()])
        }
        [list, range] => at(list, range),
        _ => Ok(Dynamic::UNIT),
    });
    register_any(module, IF_THERE, &["of: any", "key: any", "any"], "", |_, args| match args {
        [of, key] => if_there(of, key),
        _ => Ok(Dynamic::UNIT),
    });
}

fn if_there(of: &Dynamic, key: &Dynamic) -> ScriptResult {
    if let (Ok(map), Ok(key)) = (of.as_map_ref(), key.as_immutable_string_ref()) {
        return Ok(map.get(key.as_str()).cloned().unwrap_or(Dynamic::UNIT));
    }
    if let (Ok(list), Ok(index)) = (of.as_array_ref(), key.as_int()) {
        return Ok(element(&list, index).cloned().unwrap_or(Dynamic::UNIT));
    }
    if let (Ok(text), Ok(index)) = (of.as_immutable_string_ref(), key.as_int()) {
        let chars: Vec<Dynamic> = text.chars().map(Dynamic::from_char).collect();
        return Ok(element(&chars, index).cloned().unwrap_or(Dynamic::UNIT));
    }
    at(of, key)
}

fn element(list: &[Dynamic], index: i64) -> Option<&Dynamic> {
    let index = if index < 0 { index.checked_add(list.len() as i64)? } else { index };
    list.get(usize::try_from(index).ok()?)
}

/// What stands at an index or in a range of a list or text. A range that goes beyond gives what there is.
pub(super) fn at(of: &Dynamic, at: &Dynamic) -> ScriptResult {
    let fetched = of.read_lock::<Pages>().map(|pages| pages.fetch()).transpose()?;
    if let Some(records) = fetched {
        return self::at(&Dynamic::from_array(records), at);
    }
    if let Ok(list) = of.as_array_ref() {
        if let Ok(index) = at.as_int() {
            return element(&list, index).cloned().ok_or_else(|| no_element(index, list.len()));
        }
        if let Some(range) = range(at, list.len()) {
            return Ok(Dynamic::from_array(list.get(range).map(Array::from).unwrap_or_default()));
        }
    }
    if let (Ok(text), Ok(chars)) =
        (of.as_immutable_string_ref(), of.as_immutable_string_ref().map(|t| t.chars().count()))
        && let Some(range) = range(at, chars)
    {
        return Ok(text.chars().skip(range.start).take(range.len()).collect::<String>().into());
    }
    let key = if at.is::<Map>() || at.is_unit() { "that".to_owned() } else { a(&kind_of(at)) };
    let message = format!("{} has nothing at {key}", a(&kind_of(of)));
    Err(throw(Error::new(Kind::Script, message)))
}

fn no_element(index: i64, len: usize) -> Box<rhai::EvalAltResult> {
    let message = format!("there is no element {index} among {len}");
    throw(Error::new(Kind::Script, message))
}

/// A script's range within a list of this length: ends below 0 count from the list's end.
fn range(value: &Dynamic, len: usize) -> Option<std::ops::Range<usize>> {
    let (start, end) = if let Some(range) = value.read_lock::<std::ops::Range<i64>>() {
        (range.start, range.end)
    } else {
        let range = value.read_lock::<std::ops::RangeInclusive<i64>>()?;
        // The last element is -1, and what is behind it is the list's end.
        let end = *range.end();
        (*range.start(), if end == -1 { i64::MAX } else { end.saturating_add(1) })
    };
    let within = |at: i64| {
        let at = if at < 0 { at.saturating_add(len as i64).max(0) } else { at };
        usize::try_from(at).unwrap_or(len).min(len)
    };
    let (start, end) = (within(start), within(end));
    Some(start..end.max(start))
}
