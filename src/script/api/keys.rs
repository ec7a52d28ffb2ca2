//! Keys of the elements of a list: what a closure makes of each, or a field of each. How keys are ordered, told
//! apart, and written as keys of a map.

use std::cmp::Ordering;

use rhai::{Dynamic, FnPtr, Identifier, ImmutableString, NativeCallContext};

use super::Pages;
use super::closures::Closure;
use super::ordering;
use crate::error::{Error, Kind};
use crate::memory;
use crate::script::said::did_you_mean;
use crate::script::value::{DEPTH, ScriptError, ScriptResult, throw};
use crate::script::words::{a, kind_of, shown};
use crate::suggest;

/// Works on the elements of a list that a function was given: an array, or pages, which are fetched.
///
/// # Errors
/// `invalid` for what is no list; what fetching and the work give.
pub(super) fn of_list<T>(
    function: &str,
    list: &Dynamic,
    work: impl FnOnce(&[Dynamic]) -> ScriptResult<T>,
) -> ScriptResult<T> {
    let fetched = list.read_lock::<Pages>().map(|pages| pages.fetch()).transpose()?;
    if let Some(records) = fetched {
        return work(&records);
    }
    match list.as_array_ref() {
        Ok(elements) => work(&elements),
        Err(_) => Err(throw(Error::new(Kind::Invalid, format!("{function} takes a list, not {}", shown(list))))),
    }
}

/// A copy of an element for a new list.
///
/// # Errors
/// `limit` when the script holds what it may.
pub(super) fn copy(element: &Dynamic) -> ScriptResult {
    memory::room_for(size_of::<Dynamic>()).map_err(throw)?;
    Ok(element.flatten_clone())
}

/// What gives the key of an element.
pub(super) enum KeyOf<'a> {
    /// The element itself.
    Itself,
    /// Its field of this name.
    Field(&'static str, ImmutableString),
    /// What a closure makes of it.
    Closure(Closure<'a>),
}

impl<'a> KeyOf<'a> {
    /// The key that a function was given: a closure, or the name of a field.
    ///
    /// # Errors
    /// `invalid` for anything else.
    pub(super) fn of(context: &'a NativeCallContext<'a>, function: &'static str, key: &Dynamic) -> ScriptResult<Self> {
        if let Ok(name) = key.as_immutable_string_ref() {
            return Ok(Self::Field(function, name.clone()));
        }
        match key.flatten_clone().try_cast::<FnPtr>() {
            Some(body) => Ok(Self::Closure(Closure::new(context, body, function))),
            None => {
                let message = format!("the key of {function} is the name of a field or a closure, not {}", shown(key));
                Err(throw(Error::new(Kind::Invalid, message).hint("write \"Name\", or |element| element.Name")))
            }
        }
    }

    /// The same where it may be left out.
    ///
    /// # Errors
    /// As [`KeyOf::of`].
    pub(super) fn or_itself(
        context: &'a NativeCallContext<'a>,
        function: &'static str,
        key: Option<&Dynamic>,
    ) -> ScriptResult<Self> {
        key.map_or(Ok(Self::Itself), |key| Self::of(context, function, key))
    }

    /// The key of an element at this place of its list.
    ///
    /// # Errors
    /// `script` for an element without the field; what the closure throws.
    pub(super) fn key(&self, (n, element): (usize, &Dynamic)) -> ScriptResult {
        match self {
            Self::Itself => Ok(element.flatten_clone()),
            Self::Field(function, name) => field(function, name, n, element),
            Self::Closure(closure) => closure.of_copy(element, i64::try_from(n).unwrap_or(i64::MAX)),
        }
    }

    /// The keys of all elements, in their order.
    ///
    /// # Errors
    /// As [`KeyOf::key`].
    pub(super) fn keys(&self, list: &[Dynamic]) -> ScriptResult<Vec<Dynamic>> {
        memory::room_for(std::mem::size_of_val(list)).map_err(throw)?;
        list.iter().enumerate().map(|at| self.key(at)).collect()
    }
}

fn field(function: &str, name: &str, n: usize, element: &Dynamic) -> ScriptResult {
    let Ok(map) = element.as_map_ref() else {
        let message = format!("{function} by the field `{name}` takes maps, and element {n} is {}", shown(element));
        return Err(throw(Error::new(Kind::Script, message)));
    };
    if let Some(value) = map.get(name) {
        return Ok(value.flatten_clone());
    }
    let error = Error::new(Kind::Script, format!("{function}: element {n} has no field `{name}`"));
    Err(throw(match suggest::nearest(name, map.keys().map(Identifier::as_str)) {
        Some(near) => error.hint(did_you_mean(near)),
        None => error.hint(format!("|element| element?.{name} gives () for those that have none")),
    }))
}

/// The order of two keys: nothing comes last, lists are compared element by element.
///
/// # Errors
/// `script` for keys that have none.
pub(super) fn order(function: &str, one: &Dynamic, other: &Dynamic) -> ScriptResult<Ordering> {
    order_below(function, one, other, 0)
}

fn order_below(function: &str, one: &Dynamic, other: &Dynamic, depth: usize) -> ScriptResult<Ordering> {
    if depth > DEPTH {
        return Err(too_deep(function));
    }
    if one.is_unit() || other.is_unit() {
        return Ok(one.is_unit().cmp(&other.is_unit()));
    }
    if let (Ok(one), Ok(other)) = (one.as_array_ref(), other.as_array_ref()) {
        for (one, other) in one.iter().zip(other.iter()) {
            let order = order_below(function, one, other, depth + 1)?;
            if order.is_ne() {
                return Ok(order);
            }
        }
        return Ok(one.len().cmp(&other.len()));
    }
    ordering::order(one, other).flatten().ok_or_else(|| {
        let message = format!("{function}: the keys {} and {} have no order", shown(one), shown(other));
        throw(Error::new(Kind::Script, message).hint("keys are numbers, texts, Booleans, or lists of such"))
    })
}

/// A key that tells elements apart: equal ones are the same key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Distinct {
    Nothing,
    Flag(bool),
    Int(i64),
    /// The bits of a number that is no integer.
    Float(u64),
    Text(ImmutableString),
    List(Vec<Self>),
}

impl Distinct {
    /// What tells this key from others.
    ///
    /// # Errors
    /// `script` for a map, a closure and the like.
    pub(super) fn of(function: &str, key: &Dynamic) -> ScriptResult<Self> {
        Self::below(function, key, 0)
    }

    fn below(function: &str, key: &Dynamic, depth: usize) -> ScriptResult<Self> {
        if depth > DEPTH {
            return Err(too_deep(function));
        }
        if key.is_unit() {
            return Ok(Self::Nothing);
        }
        if let Ok(flag) = key.as_bool() {
            return Ok(Self::Flag(flag));
        }
        if let Ok(int) = key.as_int() {
            return Ok(Self::Int(int));
        }
        if let Ok(float) = key.as_float() {
            // 2.0 is 2, as for `==`.
            let is_whole = float.fract() == 0.0 && float.abs() < 9.0e15;
            return Ok(if is_whole { Self::Int(float as i64) } else { Self::Float(float.to_bits()) });
        }
        if let Ok(text) = key.as_immutable_string_ref() {
            return Ok(Self::Text(text.clone()));
        }
        if let Ok(char) = key.as_char() {
            return Ok(Self::Text(char.to_string().into()));
        }
        match key.as_array_ref() {
            Ok(list) => Ok(Self::List(
                list.iter().map(|key| Self::below(function, key, depth + 1)).collect::<ScriptResult<_>>()?,
            )),
            Err(_) => Err(no_key(function, key)),
        }
    }
}

/// A key as the key of a map: as `to_string` writes it, nothing as the empty text.
///
/// # Errors
/// `script` for what is no text, number, char or Boolean.
pub(super) fn name(function: &str, key: &Dynamic) -> ScriptResult<Identifier> {
    if let Ok(text) = key.as_immutable_string_ref() {
        return Ok(text.as_str().into());
    }
    match key {
        _ if key.is_unit() => Ok(Identifier::new_const()),
        _ if key.is_int() || key.is_float() || key.is_bool() || key.is_char() => Ok(key.to_string().into()),
        _ => Err(no_key(function, key)),
    }
}

fn too_deep(function: &str) -> ScriptError {
    throw(Error::new(Kind::Script, format!("{function}: keys may not be nested more than {DEPTH} levels deep")))
}

fn no_key(function: &str, key: &Dynamic) -> ScriptError {
    let message = format!("{function} takes a text, a number or a Boolean for a key, not {}", a(&kind_of(key)));
    throw(Error::new(Kind::Script, message))
}
