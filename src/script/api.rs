//! The 66 operations as script functions, all registered by one loop over the catalogue, and `call`
//! for every other action.

use std::any::TypeId;
use std::sync::Arc;

use rhai::{Dynamic, FuncRegistration, Map as RhaiMap, Module, NativeCallContext, RhaiFunc};
use serde_json::{Map, Value};

use super::value::{from_dynamic, throw, to_dynamic};
use super::{batch, limits, pages};
use crate::account::Account;
use crate::catalogue::{self, Operation, Param, Scalar, Type};
use crate::error::{Error, Kind, Outcome, Result};
use crate::wire::request::Target;

/// What a script function gives back to the engine.
pub(super) type ScriptResult = std::result::Result<Dynamic, Box<rhai::EvalAltResult>>;

/// Every function that needs the account.
///
/// `stack` is the stack that threads of `parallel` get.
pub fn module(account: &Arc<Account>, stack: usize) -> Module {
    let mut module = Module::new();
    for operation in catalogue::operations() {
        register_operation(&mut module, account, operation);
    }
    register_call(&mut module, account);
    pages::register(&mut module, account);
    batch::register(&mut module, account, stack);
    module
}

/// A script function: what it is called, what it takes, what it says of itself.
pub(super) struct Function<'a> {
    pub(super) name: &'a str,
    /// `name: type` of each argument, then the type of the result.
    pub(super) signature: Vec<String>,
    pub(super) help: &'a str,
}

/// Registers a function that takes any values, so that it can say itself what is wrong with them.
pub(super) fn register(
    module: &mut Module,
    function: Function<'_>,
    body: impl Fn(&NativeCallContext<'_>, &[&mut Dynamic]) -> ScriptResult + Send + Sync + 'static,
) {
    let arity = function.signature.len().saturating_sub(1);
    let comments: Vec<String> = function.help.lines().map(|line| format!("/// {line}")).collect();
    FuncRegistration::new(function.name)
        .in_global_namespace()
        .with_params_info(&function.signature)
        .with_comments(&comments)
        .set_into_module_raw(
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
    let by_position: Vec<&Param> = operation.positional().collect();
    let named = |params: &[&Param]| params.iter().map(|p| signature(p)).collect::<Vec<_>>();
    let mut overloads = vec![vec![], vec!["params: map".to_owned()]];
    if !by_position.is_empty() {
        let plain = named(&by_position);
        let with_rest = [plain.clone(), vec!["rest: map".to_owned()]].concat();
        // One argument may be the only required value or a map: one function serves both.
        overloads.retain(|o| o.len() != plain.len() && o.len() != with_rest.len());
        overloads.extend([plain, with_rest]);
        // Fewer values than required: registered so that the error can say what is missing.
        for arity in 0..by_position.len() {
            if overloads.iter().all(|o| o.len() != arity) {
                overloads.push(named(by_position.get(..arity).unwrap_or_default()));
            }
        }
    }
    let help = format!("{}\nParameters: {}", operation.help, parameters(operation));
    for mut signature in overloads {
        signature.push("map".to_owned());
        let account = Arc::clone(account);
        let function = Function { name: operation.function, signature, help: &help };
        register(module, function, move |_, args| {
            let params = arguments(operation, args).map_err(throw)?;
            account.call(&Target::Listed(operation), params).map(to_dynamic).map_err(throw)
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
        return Err(misused(operation, &by_position, args));
    }
    let mut params = match rest {
        Some(map) => map_of(map).map_err(|e| e.operation(operation.action).outcome(Outcome::NotSent))?,
        None => Map::new(),
    };
    for (param, value) in by_position.iter().zip(values) {
        if params.contains_key(param.name) {
            let message = format!("{} is given twice: by position and in the map", param.name);
            return Err(not_sent(operation.action, message));
        }
        params.insert(param.name.to_owned(), from_dynamic(value)?);
    }
    Ok(params)
}

fn misused(operation: &Operation, by_position: &[&Param], args: &[&mut Dynamic]) -> Error {
    let names: Vec<&str> = by_position.iter().map(|param| param.name).collect();
    let given: Vec<&str> = args.iter().map(|arg| arg.type_name()).collect();
    let form = if names.is_empty() {
        "a map of parameters".to_owned()
    } else {
        format!("a map, or ({}) and perhaps a map with the rest", names.join(", "))
    };
    let message = format!("{} takes {form}; it was given ({})", operation.function, given.join(", "));
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
            Err(Error::new(Kind::Invalid, format!("an operation is named by text such as \"ScaleApp\", not {ty}")))
        }
    }
}

fn register_call(module: &mut Module, account: &Arc<Account>) {
    type Finish = fn(&Dynamic, Result<Value>) -> ScriptResult;
    let forms: [(&str, &str, Finish); 2] = [
        (
            "call",
            "Calls any operation by its action. Actions beyond the catalogue are signed and retried, not validated.",
            |_, result| result.map(to_dynamic).map_err(throw),
        ),
        (
            "try_call",
            "Calls an operation and returns #{ok, value, error, item} instead of throwing.",
            |item, result| Ok(batch::outcome(item.clone(), result.map(to_dynamic).map_err(throw))),
        ),
    ];
    for (name, help, finish) in forms {
        for arguments in [vec!["action: string"], vec!["action: string", "params: map"]] {
            let account = Arc::clone(account);
            let signature = arguments.into_iter().chain(["map"]).map(str::to_owned).collect();
            register(module, Function { name, signature, help }, move |_, args| {
                let none = Dynamic::from_map(RhaiMap::new());
                let params = args.get(1).map_or(&none, |params| &**params);
                let result = match args.first() {
                    Some(action) => target_of(action).and_then(|target| account.call(&target, map_of(params)?)),
                    None => return Ok(Dynamic::UNIT),
                };
                limits::check(account.stop())?;
                finish(params, result)
            });
        }
    }
}
