//! Order between values that have none, and arithmetic with nothing: errors in words. The engine takes
//! the first for false, and explains the second by all its overloads.

use std::any::TypeId;
use std::cmp::Ordering;

use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, Module, NativeCallContext, RhaiFunc, Shared};

use crate::error::{Error, Kind};
use crate::script::value::{ScriptError, throw};
use crate::script::words::{a, kind_of};

/// An operator, what the engine reads for it, and whether it holds for an order.
type Operator = (&'static str, &'static str, fn(Ordering) -> bool);

/// The engine decides on its own operators before it looks for functions, so these have other names.
const OPERATORS: [Operator; 4] = [
    ("<", "lt$", Ordering::is_lt),
    ("<=", "le$", Ordering::is_le),
    (">", "gt$", Ordering::is_gt),
    (">=", "ge$", Ordering::is_ge),
];

/// How tightly the engine's own operators of this kind bind.
const PRECEDENCE: u8 = 110;

/// What the engine reads for an operator.
pub(in crate::script) fn name_of(operator: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(own, ..)| *own == operator).map(|(_, name, _)| *name)
}

/// The operator that the engine reads so.
pub(in crate::script) fn operator_of(name: &str) -> Option<&'static str> {
    OPERATORS.iter().find(|(_, other, _)| *other == name).map(|(operator, ..)| *operator)
}

/// Lets the engine read them as operators.
pub(super) fn announce(engine: &mut Engine) {
    for (_, name, _) in OPERATORS {
        // The names are none that the engine could refuse.
        let _ = engine.register_custom_operator(name, PRECEDENCE);
    }
}

pub(super) fn register(module: &mut Module) {
    for (operator, name, holds) in OPERATORS {
        let func = Shared::new(move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| match args {
            [one, other] => decide(context, operator, holds, one, other).map(Dynamic::from),
            _ => Ok(Dynamic::UNIT),
        });
        let func = RhaiFunc::Pure { func, has_context: true, is_pure: true, is_volatile: true };
        FuncRegistration::new(name).in_global_namespace().set_into_module_raw(
            module,
            [TypeId::of::<Dynamic>(); 2],
            func,
        );
    }
}

fn decide(
    context: Option<NativeCallContext<'_>>,
    operator: &str,
    holds: fn(Ordering) -> bool,
    one: &mut Dynamic,
    other: &mut Dynamic,
) -> Result<bool, ScriptError> {
    if let Some(order) = order(one, other) {
        return Ok(order.is_some_and(holds));
    }
    // Times, say, have an order of their own.
    if let Some(context) = context.filter(|_| one.is_variant() && other.is_variant()) {
        match context.call_native_fn_raw(operator, false, &mut [&mut one.clone(), &mut other.clone()]) {
            Ok(said) if said.is_bool() => return Ok(said.as_bool().unwrap_or(false)),
            Err(error) if !matches!(*error, EvalAltResult::ErrorFunctionNotFound(..)) => return Err(error),
            _ => {}
        }
    }
    Err(no_order(operator, one, other))
}

/// The order of two values that have one; within, `None` for a number that is none.
pub(super) fn order(one: &Dynamic, other: &Dynamic) -> Option<Option<Ordering>> {
    if let (Ok(one), Ok(other)) = (one.as_int(), other.as_int()) {
        return Some(Some(one.cmp(&other)));
    }
    let number = |value: &Dynamic| value.as_float().or_else(|_| value.as_int().map(|n| n as f64)).ok();
    if let (Some(one), Some(other)) = (number(one), number(other)) {
        return Some(one.partial_cmp(&other));
    }
    if let (Ok(one), Ok(other)) = (one.as_immutable_string_ref(), other.as_immutable_string_ref()) {
        return Some(Some(one.as_str().cmp(other.as_str())));
    }
    let text = |value: &Dynamic| match value.as_char() {
        Ok(char) => Some(char.to_string()),
        Err(_) => value.as_immutable_string_ref().ok().map(|text| text.to_string()),
    };
    if let (Some(one), Some(other)) = (text(one), text(other)) {
        return Some(Some(one.cmp(&other)));
    }
    match (one.as_bool(), other.as_bool()) {
        (Ok(one), Ok(other)) => Some(Some(one.cmp(&other))),
        _ => None,
    }
}

fn no_order(operator: &str, one: &Dynamic, other: &Dynamic) -> ScriptError {
    let message = format!("`{operator}` cannot compare {} with {}", a(&kind_of(one)), a(&kind_of(other)));
    let error = Error::new(Kind::Script, message);
    throw(if one.is_unit() || other.is_unit() { error.hint(NOTHING) } else { error })
}

/// What to do about a value that is none.
pub(in crate::script) const NOTHING: &str =
    "() is what a field without a value gives: `x ?? 0` says what to take instead";
