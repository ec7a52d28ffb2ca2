//! What gives a new text or array where the engine only has functions that change one in place.

use rhai::{Array, Dynamic, ImmutableString, Module, NativeCallContext};

use super::{function, register as register_any};
use crate::error::{Error, Kind};
use crate::script::value::throw;
use crate::script::words::{a, kind_of};
use crate::suggest;

/// Name, function that changes in place, signature behind the value, what it does.
const FORMS: &[(&str, &str, &[&str], &str)] = &[
    ("trimmed", "trim", &["text: string", "string"], "The text without the blanks around it."),
    (
        "replaced",
        "replace",
        &["text: string", "find: string", "with: string", "string"],
        "The text with every `find` replaced by `with`.",
    ),
    (
        "padded",
        "pad",
        &["value: any", "length: int", "with: any", "any"],
        "The text or array, made as long as `length` by `with`.",
    ),
];

pub(super) fn register(module: &mut Module) {
    const NEAREST: &str = "The text of a list that was most likely meant by another, or () when none is near.";
    function("nearest", &["text: string", "known: array", "any"], NEAREST).set_into_module(
        module,
        |text: &str, known: Array| {
            let known: Vec<ImmutableString> =
                known.into_iter().filter_map(|name| name.into_immutable_string().ok()).collect();
            suggest::nearest(text, known.iter().map(ImmutableString::as_str))
                .map_or(Dynamic::UNIT, |near| near.to_owned().into())
        },
    );
    for &(name, in_place, signature, help) in FORMS {
        register_any(module, name, signature, help, move |context: &NativeCallContext<'_>, args| {
            let mut args: Vec<Dynamic> = args.iter().map(|arg| Dynamic::clone(arg).flatten()).collect();
            let fits = args.first().is_some_and(|value| value.is_string() || (name == "padded" && value.is_array()));
            if !fits {
                let given = args.first().map(|value| a(&kind_of(value))).unwrap_or_default();
                return Err(throw(Error::new(Kind::Script, format!("`{name}` takes a text, not {given}"))));
            }
            let mut references: Vec<&mut Dynamic> = args.iter_mut().collect();
            let _ = context.call_native_fn_raw(in_place, true, &mut references)?;
            Ok(args.into_iter().next().unwrap_or_default())
        });
    }
}
