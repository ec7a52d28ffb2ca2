//! The 66 operations as script functions, all registered by one loop over the catalogue, and `call`
//! for every other action.

use std::any::TypeId;
use std::sync::Arc;

use rhai::{Dynamic, FuncRegistration, Map as RhaiMap, Module, NativeCallContext, RhaiFunc};
use serde_json::{Map, Value};

use super::threads::Threads;
use super::value::{from_dynamic, named_from_dynamic, throw};
use super::{batch, pages};
use crate::account::Account;
use crate::catalogue::{self, Operation, Param, Scalar, Type};
use crate::error::{Error, Kind, Outcome, Result};
use crate::wire::request::Target;

/// What a script function gives back to the engine.
pub(super) type ScriptResult = std::result::Result<Dynamic, Box<rhai::EvalAltResult>>;

/// Every function that needs the account.
pub fn module(account: &Arc<Account>, threads: &Arc<Threads>) -> Module {
    let mut module = Module::new();
    for operation in catalogue::operations() {
        register_operation(&mut module, account, operation);
    }
    register_call(&mut module, account);
    pages::register(&mut module, account);
    batch::register(&mut module, account, threads);
    module
}

/// What a script function is called, what it takes, and what it says of itself. `signature` is
/// `name: type` of each argument, then the type of the result.
pub(super) fn function(name: &str, signature: &[impl AsRef<str>], help: &str) -> FuncRegistration {
    let comments: Vec<String> = help.lines().map(|line| format!("/// {line}")).collect();
    FuncRegistration::new(name).in_global_namespace().with_params_info(signature).with_comments(&comments)
}

/// Registers a function that takes any values, so that it can say itself what is wrong with them.
pub(super) fn register(
    module: &mut Module,
    name: &str,
    signature: &[impl AsRef<str>],
    help: &str,
    body: impl Fn(&NativeCallContext<'_>, &[&mut Dynamic]) -> ScriptResult + Send + Sync + 'static,
) {
    let arity = signature.len().saturating_sub(1);
    function(name, signature, help).set_into_module_raw(
        module,
        vec![TypeId::of::<Dynamic>(); arity],
        RhaiFunc::Pure {
            func: rhai::Shared::new(move |context, args: &mut [&mut Dynamic]| {
                let context = context.ok_or("a function was called without its context")?;
                body(&context, args)
            }),
            has_context: true,
            is_pure: true,
            // The optimiser must never run it.
            is_volatile: true,
        },
    );
}

fn register_operation(module: &mut Module, account: &Arc<Account>, operation: &'static Operation) {
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
        register(module, operation.function, &signature, &help, move |_, args| {
            let params = arguments(operation, args).map_err(throw)?;
            account.call(&Target::Listed(operation), params).map_err(throw)
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
        let given: Vec<&str> = args.iter().map(|arg| arg.type_name()).collect();
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

/// A call with the wrong number of values. `given` are their types.
pub(super) fn misused(operation: &Operation, given: &str) -> Error {
    let names: Vec<&str> = operation.positional().map(|param| param.name).collect();
    let form = if names.is_empty() {
        "a map of parameters".to_owned()
    } else {
        format!("a map, or ({}) and perhaps a map with the rest", names.join(", "))
    };
    let message = format!("{} takes {form}; it was given ({given})", operation.function);
    not_sent(operation.action, message).hint(format!("`jst ops {}` shows its parameters", operation.action))
}

pub(super) fn not_sent(action: &str, message: String) -> Error {
    Error::new(Kind::Invalid, message).operation(action).outcome(Outcome::NotSent)
}

/// A script's map as parameters.
pub(super) fn map_of(value: &Dynamic) -> Result<Map<String, Value>> {
    match from_dynamic(value)? {
        Value::Object(map) => Ok(map),
        _ => Err(Error::new(
            Kind::Invalid,
            format!("parameters are a map such as #{{EnvId: 1}}, not {}", value.type_name()),
        )),
    }
}

/// The operation that a script names: the first argument of `call` and its kin.
pub(super) fn target_of(value: &Dynamic) -> Result<Target> {
    match value.clone().into_immutable_string() {
        Ok(name) => Target::named(&name),
        Err(ty) => {
            Err(Error::new(Kind::Invalid, format!("an operation is named by text such as \"ScaleApp\", not {ty}"))
                .outcome(Outcome::NotSent))
        }
    }
}

/// What the engine sees of `call`: it keeps that name for calling functions by their pointers.
pub(super) const CALL: &str = "call$";

fn register_call(module: &mut Module, account: &Arc<Account>) {
    const HELP: &str =
        "Calls any operation by its action. Actions beyond the catalogue are signed and retried, not validated.";
    const TRY_HELP: &str = "Calls an operation and returns #{ok, value, error, item} instead of throwing.";
    for (name, help, tries) in [("call", HELP, false), (CALL, HELP, false), ("try_call", TRY_HELP, true)] {
        for signature in [&["action: string", "map"][..], &["action: string", "params: map", "map"]] {
            let account = Arc::clone(account);
            register(module, name, signature, help, move |context, args| {
                let [action, params @ ..] = args else {
                    return Ok(Dynamic::UNIT);
                };
                let none = Dynamic::from_map(RhaiMap::new());
                let params = params.first().map_or(&none, |params| &**params);
                let result = target_of(action).and_then(|target| account.call(&target, map_of(params)?));
                let result = result.map_err(throw);
                if tries { batch::outcome(context, params.clone(), result) } else { result }
            });
        }
    }
}
