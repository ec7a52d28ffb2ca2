//! `jst ops`: the operations for people and, as JSON, for other tools.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Map, Value, json};

use super::{screen, write_out};
use crate::catalogue::{
    self, Effect, Field, Operation, Param, Position, Read, Rule, Scalar, Shape, Subject, Thing, Type,
};
use crate::error::{Error, Kind, Result};
use crate::run::Run;
use crate::run::exit::Exit;
use crate::script::functions::Function;
use crate::settings::Settings;
use crate::show::data::{self, Format};
use crate::wire::request::Target;
use crate::wire::validate::says;

/// Arguments of `jst ops`.
#[derive(Debug, Args)]
pub(super) struct OpsArgs {
    /// The operation: ScaleApp or scale_app
    name: Option<String>,
    /// Print JSON for other tools
    #[arg(long)]
    json: bool,
    /// List only operations with this effect, and of writes how to see that they took effect
    #[arg(long, value_name = "read|write|destructive", value_parser = ["read", "write", "destructive"], conflicts_with = "name")]
    effect: Option<String>,
    /// List the functions that a script can call beside the operations
    #[arg(long, conflicts_with = "name")]
    functions: bool,
}

/// Lists the operations, or explains one.
pub(super) fn ops(settings: &Arc<Settings>, exit: &Exit, args: &OpsArgs) -> Result<u8> {
    if args.functions {
        let host = Run::new(settings, exit, false)?.host(PathBuf::new(), Vec::new());
        let format = if args.json { Format::Json } else { settings.output() };
        return write_out(&data::render(functions(&host.functions()), format, screen(settings, "--output json"))?);
    }
    let Some(name) = &args.name else {
        let format = if args.json { Format::Json } else { settings.output() };
        let rows = args.effect.as_ref().map_or_else(list, |effect| with_effect(effect));
        return write_out(&data::render(rows, format, screen(settings, "--output json"))?);
    };
    let target = Target::named(name)?;
    let operation = target.operation().ok_or_else(|| {
        Error::new(Kind::Invalid, format!("{name} is not in the catalogue")).hint(format!(
            "`jst ops` lists the {} operations of the catalogue; `jst call {name}` sends it unchecked",
            catalogue::operations().count()
        ))
    })?;
    match (args.json, settings.output()) {
        (false, Format::Table) => write_out(&explain(operation)),
        _ => write_out(&format!("{:#}", describe(operation))),
    }
}

/// Every function that is no operation, one row each.
fn functions(known: &[Function]) -> Value {
    let others = known.iter().filter(|function| catalogue::find(&function.name).is_none());
    others
        .map(|function| {
            let help = function.help.split_whitespace().collect::<Vec<_>>().join(" ");
            json!({"Function": function.name, "Help": help, "Forms": function.forms.join("; ")})
        })
        .collect()
}

/// Every operation, one row each.
pub(super) fn list() -> Value {
    catalogue::operations()
        .map(|op| {
            json!({
                "Action": op.action,
                "Function": op.function,
                "Effect": op.effect.name(),
                "Chapter": op.chapter(),
                "Help": op.help,
            })
        })
        .collect()
}

/// Operations of an effect; `write` takes the destructive ones in, which change as much.
fn with_effect(effect: &str) -> Value {
    let wanted = |op: &&Operation| match effect {
        "write" => op.effect != Effect::Read,
        _ => op.effect.name() == effect,
    };
    let row = |op: &'static Operation| {
        let mut row = Map::new();
        for (name, value) in [("Action", op.action), ("Function", op.function), ("Effect", op.effect.name())] {
            row.insert(name.to_owned(), value.into());
        }
        if op.effect != Effect::Read {
            row.insert("SeenBy".to_owned(), seen_by(op.action).into());
        }
        Value::Object(row)
    };
    catalogue::operations().filter(wanted).map(row).collect()
}

/// How to see that a write took effect, in words.
fn seen_by(action: &str) -> String {
    match catalogue::look_for(action) {
        Err(why) => format!("nothing: {why}"),
        Ok(sight) => {
            let reads: Vec<&str> = sight.reads.iter().map(|read| read.action).collect();
            let before = if sight.before { ", with a look before it" } else { "" };
            format!("{}{before}", reads.join(", "))
        }
    }
}

/// Whether a row of the list tells of a word, in whatever case.
pub(super) fn tells_of(row: &Value, word: &str) -> bool {
    let word = word.to_lowercase();
    let mut texts = row.as_object().into_iter().flat_map(Map::values).filter_map(Value::as_str);
    texts.any(|text| text.to_lowercase().contains(&word))
}

/// One operation in full, for other tools.
fn describe(op: &Operation) -> Value {
    json!({
        "action": op.action,
        "function": op.function,
        "section": op.section,
        "chapter": op.chapter(),
        "effect": op.effect.name(),
        "method": op.method.name(),
        "help": op.help,
        "subject": subject(op.subject),
        "positional": op.positional().map(|param| param.name).collect::<Vec<_>>(),
        "parameters": op.params.iter().map(parameter).collect::<Vec<_>>(),
        "rules": op.rules.iter().map(|rule| rule_text(*rule)).collect::<Vec<_>>(),
        "pages": op.paging.is_some(),
        "reply": tree(op.reply),
        "meanings": meanings(op.reply),
        "example": serde_json::from_str::<Value>(op.example).unwrap_or_default(),
    })
}

fn parameter(param: &Param) -> Value {
    let mut map = Map::new();
    map.insert("name".into(), param.name.into());
    map.insert("type".into(), type_name(param.ty).into());
    map.insert("required".into(), param.required.into());
    map.insert("sent_in".into(), sent_in(param.position).into());
    if let Some(default) = param.default {
        map.insert("default".into(), default.into());
    }
    let checks: Vec<String> = param.checks.iter().map(|check| says(*check)).collect();
    map.insert("checks".into(), checks.into());
    map.insert("later".into(), param.later.into());
    map.insert("secret".into(), param.secret.into());
    map.insert("help".into(), param.help.into());
    if let Type::Maps(fields) = param.ty {
        map.insert("fields".into(), fields.iter().map(parameter).collect());
    }
    Value::Object(map)
}

fn sent_in(position: Position) -> &'static str {
    match position {
        Position::Query => "query",
        Position::Body => "body",
    }
}

fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "string",
        Scalar::Integer | Scalar::Long => "int",
        Scalar::Boolean => "bool",
    }
}

fn type_name(ty: Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar_name(scalar).to_owned(),
        Type::List(scalar) => format!("array of {}", scalar_name(scalar)),
        Type::Maps(_) => "array of maps".to_owned(),
    }
}

fn rule_text(rule: Rule) -> String {
    match rule {
        Rule::OnlyWith { param, with, values } => {
            format!("{param} is taken only when {with} is {}", values.join(" or "))
        }
        Rule::NeededWith { param, with, values } => {
            format!("{param} is required when {with} is {}", values.join(" or "))
        }
        Rule::NotBoth(one, other) => format!("{one} and {other} cannot be given together"),
        Rule::OneOrBoth(one, other) => format!("{one} or {other} is required"),
        Rule::Apart(one, other) => format!("{one} and {other} have no address in common"),
    }
}

fn tree(fields: &[Field]) -> Value {
    let shape = |field: &Field| match field.shape {
        Shape::String => "string".into(),
        Shape::Int => "int".into(),
        Shape::Bool => "bool".into(),
        Shape::Strings => json!(["string"]),
        Shape::Object(fields) => tree(fields),
        Shape::Objects(fields) => json!([tree(fields)]),
    };
    fields.iter().map(|field| (field.name.to_owned(), shape(field))).collect::<Map<_, _>>().into()
}

/// What calls of an operation are about, for other tools.
fn subject(subject: Subject) -> Value {
    fn of(thing: &Thing) -> Value {
        let read = |read: &Read| {
            let params: Map<_, _> =
                read.params.iter().map(|(name, from)| ((*name).to_owned(), (*from).into())).collect();
            json!({"action": read.action, "parameters": params, "record": read.at, "key": read.key, "name": read.name})
        };
        json!({
            "kind": thing.kind.name,
            "parameter": thing.param,
            "reads": thing.kind.reads.iter().map(read).collect::<Vec<_>>(),
            "of": thing.of.map(of),
        })
    }
    match subject {
        Subject::Thing(thing) => of(thing),
        Subject::Nothing(reason) => json!({"kind": null, "reason": reason}),
    }
}

/// The same for people: `environment (EnvId), shown by DescribeAppResourceAlloc, …`.
fn subject_text(subject: Subject) -> String {
    let thing = match subject {
        Subject::Thing(thing) => thing,
        Subject::Nothing(reason) => return format!("no one thing: {reason}"),
    };
    let wholes: String = std::iter::successors(thing.of, |thing| thing.of)
        .map(|whole| format!(" of the {} ({})", whole.kind.name, whole.param))
        .collect();
    let reads: Vec<&str> = thing.kind.reads.iter().map(|read| read.action).collect();
    format!("the {} ({}){wholes}, shown by {}", thing.kind.name, thing.param, reads.join(", "))
}

/// What values in a reply mean, by the path of their field: `Data.Status`.
fn meanings(fields: &[Field]) -> Map<String, Value> {
    fn walk(fields: &[Field], prefix: &str, found: &mut Map<String, Value>) {
        for field in fields {
            let path = format!("{prefix}{}", field.name);
            if !field.means.is_empty() {
                found.insert(path.clone(), field.means.into());
            }
            if let Shape::Object(inner) | Shape::Objects(inner) = field.shape {
                walk(inner, &format!("{path}."), found);
            }
        }
    }
    let mut found = Map::new();
    walk(fields, "", &mut found);
    found
}

/// One operation in full, for people.
pub(super) fn explain(op: &Operation) -> String {
    let mut text =
        format!("{} ({}), {}, {}\n{}\n", op.action, op.function, op.effect.name(), op.method.name(), op.help);
    let _ = writeln!(text, "About: {}.", subject_text(op.subject));
    text.push_str("\nParameters, those with * required:\n");
    write_params(&mut text, op, op.params, "  ");
    if op.params.is_empty() {
        text.push_str("  none\n");
    }
    for rule in op.rules {
        let _ = writeln!(text, "  {}.", rule_text(*rule));
    }
    text.push_str("\nReply:\n");
    write_fields(&mut text, op.reply, "  ");
    let mut names: Vec<String> = op.positional().map(|param| param.name.to_owned()).collect();
    text.push_str("\nIn a script:\n");
    let lists: Vec<String> =
        op.params.iter().filter(|p| p.required && !p.is_scalar()).map(|p| format!("{}: […]", p.name)).collect();
    if !names.is_empty() && !lists.is_empty() {
        names.push(format!("#{{{}}}", lists.join(", ")));
    }
    if !names.is_empty() {
        let _ = writeln!(text, "  {}({})", op.function, names.join(", "));
    }
    let _ = writeln!(text, "  {}({})", op.function, script_map(op.example));
    if op.paging.is_some() {
        let _ = writeln!(text, "  for record in paginate(\"{}\", {}) {{ … }}", op.action, script_map(op.example));
    }
    let _ = writeln!(text, "At a shell:\n  jst call {} --json '{}'", op.action, op.example);
    text
}

/// A JSON object as a script writes it.
fn script_map(json: &str) -> String {
    fn write(value: &Value) -> String {
        match value {
            Value::Object(map) => {
                let fields: Vec<String> = map.iter().map(|(key, value)| format!("{key}: {}", write(value))).collect();
                format!("#{{{}}}", fields.join(", "))
            }
            Value::Array(list) => format!("[{}]", list.iter().map(write).collect::<Vec<_>>().join(", ")),
            plain => plain.to_string(),
        }
    }
    serde_json::from_str(json).map_or_else(|_| "#{}".to_owned(), |value| write(&value))
}

fn write_params(text: &mut String, op: &Operation, params: &[Param], indent: &str) {
    for param in params {
        let star = if op.needs(param) { "*" } else { "" };
        let mut notes: Vec<String> = param.checks.iter().map(|check| says(*check)).collect();
        notes.extend(param.default.map(|default| format!("default {default}")));
        notes.extend(param.later.then(|| "only in later SDKs".to_owned()));
        notes.extend(param.secret.then(|| "never shown".to_owned()));
        let notes = if notes.is_empty() { String::new() } else { format!(" [{}]", notes.join("; ")) };
        let _ = writeln!(
            text,
            "{indent}{}{star}: {}, {}{notes} {}",
            param.name,
            type_name(param.ty),
            sent_in(param.position),
            param.help
        );
        if let Type::Maps(fields) = param.ty {
            write_params(text, op, fields, &format!("{indent}  "));
        }
    }
}

fn write_fields(text: &mut String, fields: &[Field], indent: &str) {
    for field in fields {
        let (ty, inner): (&str, &[Field]) = match field.shape {
            Shape::String => ("string", &[]),
            Shape::Int => ("int", &[]),
            Shape::Bool => ("bool", &[]),
            Shape::Strings => ("array of string", &[]),
            Shape::Object(fields) => ("map", fields),
            Shape::Objects(fields) => ("array of maps", fields),
        };
        let note = if field.secret { ", masked" } else { "" };
        let means = if field.means.is_empty() { String::new() } else { format!(" ({})", field.means) };
        let _ = writeln!(text, "{indent}{}: {ty}{note}{means}", field.name);
        write_fields(text, inner, &format!("{indent}  "));
    }
}
