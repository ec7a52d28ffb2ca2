//! What scripts can call, registered from data: [`operations`] are the catalogue's and `call`,
//! [`pages`] and [`batch`] many calls; the others need no account.

mod as_array;
mod batch;
mod builtins;
mod by_key;
mod captured;
mod closures;
mod compared;
mod csv;
mod figures;
mod files;
mod formats;
mod http;
mod jobs;
mod json;
mod keys;
mod lists;
mod numbers;
mod operations;
mod options;
mod ordering;
mod output;
mod pages;
pub(super) mod parts;
mod patterns;
mod profiles;
mod steps;
mod testing;
mod texts;
mod times;

use std::any::TypeId;
use std::sync::Arc;

use rhai::{Dynamic, FuncRegistration, Module, NativeCallContext, RhaiFunc};
use serde_json::{Map, Value};

use super::forms;
use super::threads::Threads;
use super::value::{ScriptResult, from_dynamic};
use super::words::shown;
use crate::call::account::Account;
use crate::catalogue::Operation;
use crate::error::{Error, Kind, Outcome, Result};
use crate::wire::request::Target;
pub(super) use builtins::{json_of, register as register_builtins};
pub(super) use closures::{CHANGES_BY_CLOSURE, TAKE_CLOSURES};
pub(super) use operations::CALL;
pub(super) use ordering::{NOTHING, name_of as operator_name, operator_of};
pub(super) use pages::Pages;
pub(crate) use testing::lines as differing_lines;
pub(super) use testing::register as register_testing;

/// Every function that needs the account.
pub(super) fn module(account: &Arc<Account>, threads: &Arc<Threads>) -> Module {
    let mut module = Module::new();
    for operation in crate::catalogue::operations() {
        operations::register(&mut module, account, operation);
    }
    operations::register_call(&mut module, account);
    pages::register(&mut module, account);
    as_array::register(&mut module);
    forms::register_itself(&mut module);
    batch::register(&mut module, account, threads);
    steps::register(&mut module, account);
    profiles::register(&mut module, account);
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
        RhaiFunc::Method {
            // What stands before the dot is not copied for it: it may be a long list.
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
        _ => {
            Err(Error::new(Kind::Invalid, format!("parameters are a map such as #{{EnvId: 1}}, not {}", shown(value))))
        }
    }
}

/// The operation that a script names: the first argument of `call` and its kin.
pub(super) fn target_of(value: &Dynamic) -> Result<Target> {
    match value.clone().into_immutable_string() {
        Ok(name) => Target::named(&name),
        Err(_) => {
            let given = shown(value);
            Err(Error::new(Kind::Invalid, format!("an operation is named by text such as \"ScaleApp\", not {given}"))
                .outcome(Outcome::NotSent))
        }
    }
}
