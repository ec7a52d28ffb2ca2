//! The 66 operations as script functions, all registered by one loop over the catalogue, and `call`
//! for every other action.

use std::sync::Arc;

use rhai::{Dynamic, Map as RhaiMap, Module};
use serde_json::{Map, Value};

use super::{batch, map_of, misused, not_sent, target_of};
use crate::call::account::Account;
use crate::catalogue::{Operation, Param, Scalar, Type};
use crate::error::{Error, Outcome, Result};
use crate::script::value::{named_from_dynamic, throw};
use crate::script::words::kind_of;
use crate::wire::request::Target;

pub(super) fn register(module: &mut Module, account: &Arc<Account>, operation: &'static Operation) {
    let by_position: Vec<String> = operation.positional().map(signature).collect();
    let mut overloads = vec![by_position.clone(), [by_position, vec!["rest: map".to_owned()]].concat()];
    // A single argument may be the one required value or a map: one function serves both.
    if overloads.iter().all(|arguments| arguments.len() != 1) {
        overloads.push(vec!["params: map".to_owned()]);
    }
    let help = format!("{}\nParameters: {}", operation.help, parameters(operation));
    for mut signature in overloads {
        signature.push("map".to_owned());
        let account = Arc::clone(account);
        super::register(module, operation.function, &signature, &help, move |_, args| {
            let params = arguments(operation, args).map_err(throw)?;
            account.here().call(&Target::Listed(operation), params).map_err(throw)
        });
    }
}

fn signature(param: &Param) -> String {
    let ty = match param.ty {
        Type::Scalar(Scalar::String) => "string",
        Type::Scalar(Scalar::Integer | Scalar::Long) => "int",
        Type::Scalar(Scalar::Boolean) => "bool",
        Type::List(_) | Type::Maps(_) => "array",
    };
    format!("{}: {ty}", param.name)
}

/// The names of an operation's parameters, the required ones marked.
fn parameters(operation: &Operation) -> String {
    let names: Vec<String> =
        operation.params.iter().map(|p| format!("{}{}", p.name, if p.required { "*" } else { "" })).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The parameters of a call from a function's arguments: a map, or the required plain values by
/// position, perhaps followed by a map with the rest.
fn arguments(operation: &'static Operation, args: &[&mut Dynamic]) -> Result<Map<String, Value>> {
    let by_position: Vec<&Param> = operation.positional().collect();
    let (values, rest) = match args.split_last() {
        Some((last, values)) if last.is_map() => (values, Some(&**last)),
        _ => (args, None),
    };
    if !values.is_empty() && values.len() != by_position.len() {
        let given: Vec<String> = args.iter().map(|arg| kind_of(arg)).collect();
        return Err(misused(operation, &given.join(", ")));
    }
    let of_call = |error: Error| error.operation(operation.action).outcome(Outcome::NotSent);
    let mut params = match rest {
        Some(map) => map_of(map).map_err(of_call)?,
        None => Map::new(),
    };
    for (param, value) in by_position.iter().zip(values) {
        if params.contains_key(param.name) {
            let message = format!("{} is given twice: by position and in the map", param.name);
            return Err(not_sent(operation.action, message));
        }
        let value = named_from_dynamic(param.name, value).map_err(of_call)?;
        params.insert(param.name.to_owned(), value);
    }
    Ok(params)
}

/// What the engine sees of `call`: it keeps that name for calling functions by their pointers.
pub(in crate::script) const CALL: &str = "call$";

pub(super) fn register_call(module: &mut Module, account: &Arc<Account>) {
    const HELP: &str =
        "Calls any operation by its action. Actions beyond the catalogue are signed and retried, not validated.";
    const TRY_HELP: &str = "Calls an operation and returns #{ok, value, error, item} instead of throwing.";
    for (name, help, tries) in [("call", HELP, false), (CALL, HELP, false), ("try_call", TRY_HELP, true)] {
        for signature in [&["action: string", "map"][..], &["action: string", "params: map", "map"]] {
            let account = Arc::clone(account);
            super::register(module, name, signature, help, move |context, args| {
                let [action, params @ ..] = args else {
                    return Ok(Dynamic::UNIT);
                };
                let none = Dynamic::from_map(RhaiMap::new());
                let params = params.first().map_or(&none, |params| &**params);
                let result = target_of(action).and_then(|target| account.here().call(&target, map_of(params)?));
                let result = result.map_err(throw);
                if tries { batch::outcome(context, params.clone(), result) } else { result }
            });
        }
    }
    const TIMEOUT: &str = "The seconds that one attempt of a call may take: --timeout. What was sent longer ago is not on its way any more.";
    let account = Arc::clone(account);
    super::register(module, "attempt_timeout", &["float"], TIMEOUT, move |_, _| {
        Ok(account.patience().as_secs_f64().into())
    });
}
