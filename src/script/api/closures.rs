//! A closure that a function calls for elements: its errors are the script's, and it takes elements in whichever
//! way it is written.

use std::cell::Cell;

use rhai::{Dynamic, EvalAltResult, FnPtr, NativeCallContext};

use crate::error::{Error, Kind};
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;

/// Functions that may call a closure that they are given behind a dot.
pub(in crate::script) const TAKE_CLOSURES: &[&str] = &[
    "all",
    "count_by",
    "dedup",
    "diff",
    "drain",
    "filter",
    "find",
    "find_map",
    "for_each",
    "group_by",
    "index_by",
    "index_of",
    "joined",
    "map",
    "max_by",
    "min_by",
    "order",
    "order_by",
    "parallel",
    "percentile",
    "reduce",
    "reduce_rev",
    "retain",
    "some",
    "sort",
    "sort_by",
    "sorted_by",
    "sum",
    "try_parallel",
    "unique_by",
];

/// Of those, the ones that change what they work on.
pub(in crate::script) const CHANGES_BY_CLOSURE: &[&str] = &["dedup", "drain", "retain", "sort", "sort_by"];

/// How a closure takes an element.
#[derive(Clone, Copy)]
enum Form {
    /// As its first value.
    Value,
    /// As its first value, with the index or key as its second.
    WithPlace,
    /// As `this`, without values.
    This,
}

/// A closure that a function calls for elements.
pub(super) struct Closure<'a> {
    context: &'a NativeCallContext<'a>,
    body: FnPtr,
    called_by: &'static str,
    form: Cell<Option<Form>>,
}

impl<'a> Closure<'a> {
    pub(super) fn new(context: &'a NativeCallContext<'a>, body: FnPtr, called_by: &'static str) -> Self {
        Self { context, body, called_by, form: Cell::new(None) }
    }

    /// Calls it for an element; the first call finds out how it takes elements.
    pub(super) fn of_element(&self, element: &mut Dynamic, place: impl Into<Dynamic>) -> ScriptResult {
        let place = place.into();
        if let Some(form) = self.form.get() {
            return self.in_form(form, element, &place);
        }
        for form in [Form::Value, Form::WithPlace, Form::This] {
            match self.in_form(form, element, &place) {
                Err(error) if self.takes_otherwise(&error) => {}
                result => {
                    self.form.set(Some(form));
                    return result;
                }
            }
        }
        match self.body.is_anonymous() {
            true => Err(self.wrong_number("the element, or the element and its index")),
            // There may be no function of that name.
            false => self.in_form(Form::Value, element, &place),
        }
    }

    fn in_form(&self, form: Form, element: &mut Dynamic, place: &Dynamic) -> ScriptResult {
        match form {
            Form::Value => self.body.call_raw(self.context, None, [element.clone()]),
            Form::WithPlace => self.body.call_raw(self.context, None, [element.clone(), place.clone()]),
            Form::This => self.body.call_raw(self.context, Some(element), []),
        }
    }

    /// Calls it with these values, and with more when it takes more.
    pub(super) fn of_values<const N: usize>(&self, values: [Dynamic; N], more: &[Dynamic]) -> ScriptResult {
        if self.form.get().is_none() {
            match self.body.call_raw(self.context, None, values.clone()) {
                Err(error) if self.takes_otherwise(&error) => self.form.set(Some(Form::WithPlace)),
                result => return result,
            }
        }
        let all: Vec<Dynamic> = values.into_iter().chain(more.iter().cloned()).collect();
        match self.body.call_raw(self.context, None, all) {
            Err(error) if self.takes_otherwise(&error) => {
                self.form.set(None);
                Err(self.wrong_number(&format!("{N} values")))
            }
            result => result,
        }
    }

    /// Whether an element is meant.
    pub(super) fn holds(&self, element: &mut Dynamic, place: impl Into<Dynamic>) -> ScriptResult<bool> {
        self.is(&self.of_element(element, place)?)
    }

    /// What it said, which is true or false.
    pub(super) fn is(&self, said: &Dynamic) -> ScriptResult<bool> {
        said.as_bool().map_err(|_| {
            let message = format!("the closure of {} gives true or false, not {}", self.called_by, shown(said));
            throw(Error::new(Kind::Script, message))
        })
    }

    /// Whether `one` comes before `other`.
    pub(super) fn precedes(&self, one: &Dynamic, other: &Dynamic) -> ScriptResult<bool> {
        let said = self.of_values([one.clone(), other.clone()], &[])?;
        if let Ok(before) = said.as_bool() {
            return Ok(before);
        }
        let number = said.as_float().or_else(|_| said.as_int().map(|n| n as f64));
        number.ok().filter(|number| !number.is_nan()).map(|number| number < 0.0).ok_or_else(|| {
            let message =
                format!("the closure of {} gives a number or a Boolean, not {}", self.called_by, shown(&said));
            throw(Error::new(Kind::Script, message).hint("write |a, b| a - b for numbers, |a, b| a < b for texts"))
        })
    }

    /// Calls it for a field: with the key and the value, or with the key and the value as `this`.
    pub(super) fn of_field(&self, key: &str, value: &Dynamic) -> ScriptResult {
        match self.body.call_raw(self.context, None, [key.into(), value.clone()]) {
            Err(error) if self.takes_otherwise(&error) => {
                match self.body.call_raw(self.context, Some(&mut value.clone()), [key.into()]) {
                    Err(error) if self.takes_otherwise(&error) => Err(self.wrong_number("the key and the value")),
                    result => result,
                }
            }
            result => result,
        }
    }

    /// What it makes of an element that stays as it is.
    pub(super) fn of_copy(&self, element: &Dynamic, place: i64) -> ScriptResult {
        match self.form.get() {
            // Copied once.
            Some(Form::Value) => self.body.call_raw(self.context, None, [element.clone()]),
            _ => self.of_element(&mut element.clone(), place),
        }
    }

    /// Whether an error says only that it takes another number of values.
    fn takes_otherwise(&self, error: &EvalAltResult) -> bool {
        match error {
            EvalAltResult::ErrorFunctionNotFound(signature, _) => {
                signature.strip_prefix(self.body.fn_name()).is_some_and(|rest| rest.starts_with(" ("))
            }
            _ => false,
        }
    }

    fn wrong_number(&self, given: &str) -> Box<EvalAltResult> {
        let message = format!("the closure of {} takes another number of values: it is given {given}", self.called_by);
        throw(Error::new(Kind::Script, message))
    }
}
