//! Pages wherever the engine's own functions take an array: they are fetched, and the function gets the records.

use std::any::TypeId;

use rhai::{Array, Dynamic, FuncRegistration, Module, NativeCallContext, RhaiFunc};

use super::pages::Pages;
use super::parts;
use crate::error::{Error, Kind};
use crate::script::value::{ScriptResult, throw};

/// Functions of arrays that pages have too, with how many values they take.
pub(in crate::script) const READS: &[(&str, &[usize])] = &[
    ("all", &[2]),
    ("contains", &[2]),
    ("extract", &[2, 3]),
    ("filter", &[2]),
    ("find", &[2, 3]),
    ("find_map", &[2, 3]),
    ("for_each", &[2]),
    ("get", &[2]),
    ("index_of", &[2, 3]),
    ("is_empty", &[1]),
    ("len", &[1]),
    ("map", &[2]),
    ("order", &[1, 2]),
    ("order_by", &[2]),
    ("order_desc", &[1]),
    ("reduce", &[2, 3]),
    ("reduce_rev", &[2, 3]),
    ("some", &[2]),
    ("zip", &[2, 3]),
];

/// Functions that change an array, which pages are not.
pub(in crate::script) const CHANGES: &[(&str, &[usize])] = &[
    ("append", &[2]),
    ("chop", &[2]),
    ("clear", &[1]),
    ("dedup", &[1, 2]),
    ("drain", &[2, 3]),
    ("insert", &[3]),
    ("pad", &[3]),
    ("pop", &[1]),
    ("push", &[2]),
    ("remove", &[2]),
    ("retain", &[2, 3]),
    ("reverse", &[1]),
    ("set", &[3]),
    ("shift", &[1]),
    ("sort", &[1, 2]),
    ("sort_by", &[2]),
    ("sort_desc", &[1]),
    ("splice", &[3, 4]),
    ("split", &[2]),
    ("truncate", &[2]),
];

/// Functions that take an array behind another value.
const SECOND: [&str; 4] = ["+", "+=", "append", "zip"];

pub(super) fn register(module: &mut Module) {
    for &(name, arities) in READS {
        for &arity in arities {
            put(module, FuncRegistration::new(name), types(arity, 0), move |context, args| {
                forward(context, name, args)
            });
        }
    }
    for name in SECOND {
        put(module, FuncRegistration::new(name), types(2, 1), move |context, args| forward(context, name, args));
    }
    for (name, at) in [("+", 0), ("==", 0), ("==", 1), ("!=", 0), ("!=", 1)] {
        put(module, FuncRegistration::new(name), types(2, at), move |context, args| forward(context, name, args));
    }
    for &(name, arities) in CHANGES {
        for &arity in arities {
            put(module, FuncRegistration::new(name), types(arity, 0), move |_, _| {
                let message = format!("`{name}` changes a list, and pages cannot be changed");
                Err(throw(Error::new(Kind::Script, message).hint("`.to_array()` gives an array of them")))
            });
        }
    }
    for name in ["len", "is_empty"] {
        put(module, FuncRegistration::new_getter(name), types(1, 0), move |context, args| forward(context, name, args));
    }
    put(module, FuncRegistration::new_index_getter(), types(2, 0), |_, args| match args {
        [pages, at] => parts::at(pages, at),
        _ => Ok(Dynamic::UNIT),
    });
}

fn types(arity: usize, pages: usize) -> Vec<TypeId> {
    (0..arity).map(|n| if n == pages { TypeId::of::<Pages>() } else { TypeId::of::<Dynamic>() }).collect()
}

fn put(
    module: &mut Module,
    registration: FuncRegistration,
    types: Vec<TypeId>,
    body: impl Fn(&NativeCallContext<'_>, &mut [&mut Dynamic]) -> ScriptResult + Send + Sync + 'static,
) {
    let func = rhai::Shared::new(move |context: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| {
        let context = context.ok_or("a function was called without its context")?;
        body(&context, args)
    });
    let func = RhaiFunc::Method { func, has_context: true, is_pure: true, is_volatile: true };
    registration.in_global_namespace().set_into_module_raw(module, types, func);
}

/// Calls a function of arrays with the records of whatever pages it was given.
fn forward(context: &NativeCallContext<'_>, name: &str, args: &mut [&mut Dynamic]) -> ScriptResult {
    let mut own: Vec<Option<Dynamic>> = Vec::new();
    for arg in args.iter() {
        let fetched = arg.read_lock::<Pages>().map(|pages| pages.fetch()).transpose()?;
        own.push(fetched.map(Dynamic::from_array));
    }
    let mut values: Vec<&mut Dynamic> =
        args.iter_mut().zip(&mut own).map(|(arg, own)| own.as_mut().unwrap_or(arg)).collect();
    context.call_native_fn_raw(name, true, &mut values)
}

/// A list that a function was given: an array, or pages, which are fetched.
///
/// # Errors
/// What fetching them gave; the kind of what is no list.
pub(super) fn list_of(value: &Dynamic) -> ScriptResult<std::result::Result<Array, String>> {
    let fetched = value.read_lock::<Pages>().map(|pages| pages.fetch()).transpose()?;
    Ok(match fetched {
        Some(records) => Ok(records),
        None => value.clone().into_array().map_err(|_| crate::script::words::shown(value)),
    })
}
