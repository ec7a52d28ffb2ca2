//! `step`: a named part of a run whose value is kept, so that a run that goes on does not do it again.

use std::sync::Arc;

use rhai::{Dynamic, FnPtr, Map as RhaiMap, Module, NativeCallContext};
use serde_json::Value;

use crate::call::account::Account;
use crate::error::{Error, Kind, Result};
use crate::journal::keeper::{Came, Keeper, Step};
use crate::script::report::Sources;
use crate::script::value::{ScriptResult, named_from_dynamic, throw, to_dynamic};
use crate::script::words::shown;
use crate::show::redaction::REDACTOR;

/// The longest name of a step, in characters.
const LONGEST: usize = 200;

/// The most bytes of a value that is kept.
const LARGEST: usize = 1 << 20;

pub(super) fn register(module: &mut Module, account: &Arc<Account>) {
    const HELP: &str = "Does a named part of a run and gives its value, which must be data; when the run is resumed, that \
                        value is given again without doing it again. #{done: || …} is asked first about a part that was \
                        begun and not finished: false or () says no, true yes, any other value is the part's. #{again: true} \
                        is of a part that looks for itself what is left to do: it is done again, but for its writes that \
                        took effect and that nothing changed since.";
    for signature in
        [&["name: string", "action: Fn", "any"][..], &["name: string", "action: Fn", "options: map", "any"]]
    {
        let account = Arc::clone(account);
        super::register(module, "step", signature, HELP, move |context, args| {
            let [name, action, options @ ..] = args else {
                return Ok(Dynamic::UNIT);
            };
            let name = name_of(name).map_err(throw)?;
            let action = closure(action, "step does a closure").map_err(throw)?;
            let options =
                options.first().map_or(Ok(Options::default()), |options| Options::of(options)).map_err(throw)?;
            match account.shared().journal() {
                None => action.call_within_context(context, ()),
                Some(journal) => kept(context, &account, journal, &on_account(name, &account), &action, &options),
            }
        });
    }
}

/// A step of a run with a journal.
fn kept(
    context: &NativeCallContext<'_>,
    account: &Arc<Account>,
    journal: &Keeper,
    name: &str,
    action: &FnPtr,
    options: &Options,
) -> ScriptResult {
    let came = journal.step(name, options.again).inspect_err(|error| {
        if error.kind == Kind::Policy {
            account.stop().set(error.clone());
        }
    });
    let step = match came.map_err(throw)? {
        Came::Done(value, secret) => {
            warn_of(context, name, secret);
            return Ok(to_dynamic(value));
        }
        Came::Do(step) => step,
    };
    let value = step.place.within(|| match before(context, account, journal, &step, options.done.as_ref())? {
        Some(value) => Ok(value),
        None => action.call_within_context::<Dynamic>(context, ()),
    })?;
    let data = data_of(&value, step.place.text()).map_err(throw)?;
    journal.finished(&step, data).map_err(throw)?;
    Ok(value)
}

/// Says of a step that is not done again which secrets of its this run does not know, each once.
fn warn_of(context: &NativeCallContext<'_>, step: &str, secret: Vec<String>) {
    let Some(sources) = Sources::of(context) else { return };
    for name in secret.into_iter().filter(|name| sources.is_new_secret(name)) {
        tracing::warn!(
            "the step `{step}` is done, and its {name} does not stand in the script: where it is used again, this run \
             does not know it for a secret"
        );
    }
}

/// What is found out about a step that was begun and not finished: its value, if it is done.
fn before(
    context: &NativeCallContext<'_>,
    account: &Arc<Account>,
    journal: &Keeper,
    step: &Step,
    done: Option<&FnPtr>,
) -> ScriptResult<Option<Dynamic>> {
    if !step.was_begun {
        return Ok(None);
    }
    if let Some(done) = done {
        let answer: Dynamic = done.call_within_context(context, ())?;
        let known = answer.as_bool().unwrap_or(!answer.is_unit());
        journal.settle_step(&step.place, known);
        return Ok(known.then(|| if answer.is_bool() { Dynamic::UNIT } else { answer }));
    }
    for write in journal.unknown_in(&step.place) {
        let of = account.of_profile(write.profile.as_deref()).map_err(throw)?;
        let settle = async { of.settle(journal, &write).await };
        account.wait(settle).inspect_err(|error| account.stop().set(error.clone())).map_err(throw)?;
    }
    Ok(None)
}

/// The name of a step that is done on the account here, as it may be kept: the same step on another is another.
fn on_account(name: String, account: &Arc<Account>) -> String {
    let name = REDACTOR.text(&name);
    match account.here().profile() {
        Some(profile) => format!("{name} @{profile}"),
        None => name.into_owned(),
    }
}

fn name_of(name: &Dynamic) -> Result<String> {
    let wrong = |why: String| Error::new(Kind::Invalid, why).hint("write step(\"scale 42\", || scale_app(42, 3))");
    let Ok(text) = name.clone().into_string() else {
        return Err(wrong(format!("a step is named by text, not {}", shown(name))));
    };
    if text.trim().is_empty() {
        return Err(wrong("a step needs a name".to_owned()));
    }
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        return Err(wrong(format!("a step's name is one line of at most {LONGEST} characters")));
    }
    Ok(text)
}

/// A closure that takes nothing; `expected` says who wants one, in case it is something else.
pub(super) fn closure(value: &Dynamic, expected: &str) -> Result<FnPtr> {
    let wrong = || Error::new(Kind::Invalid, format!("{expected}, not {}", shown(value)));
    value.clone().try_cast::<FnPtr>().ok_or_else(|| wrong().hint("write it as || scale_app(42, 3)"))
}

/// What is said of a step beside its name and its action.
#[derive(Default)]
struct Options {
    /// A script's own way of looking whether it is done.
    done: Option<FnPtr>,
    /// Whether it is done again though it is finished.
    again: bool,
}

impl Options {
    fn of(options: &Dynamic) -> Result<Self> {
        let wrong = |why: String| Error::new(Kind::Invalid, why);
        let Ok(map) = options.as_map_ref() else {
            let message = format!("the options of a step are a map such as #{{done: || true}}, not {}", shown(options));
            return Err(wrong(message));
        };
        let map: &RhaiMap = &map;
        if let Some(name) = map.keys().find(|name| !["done", "again"].contains(&name.as_str())) {
            return Err(wrong(format!("step has no option `{name}`")).hint("its options are `done` and `again`"));
        }
        let done = map.get("done").map(|done| closure(done, "`done` is a closure")).transpose()?;
        let again = map.get("again").map_or(Ok(false), |again| {
            again.as_bool().map_err(|_| wrong(format!("`again` is true or false, not {}", shown(again))))
        })?;
        Ok(Self { done, again })
    }
}

/// Whether there are bytes in a value, which data has no form for.
fn holds_bytes(value: &Dynamic) -> bool {
    if let Ok(list) = value.as_array_ref() {
        return list.iter().any(holds_bytes);
    }
    value.is_blob() || value.as_map_ref().is_ok_and(|map| map.values().any(holds_bytes))
}

/// A step's value as it is kept; `None` where it holds a secret.
fn data_of(value: &Dynamic, step: &str) -> Result<Option<Value>> {
    let no_data = |why: &str| {
        Error::new(Kind::Invalid, format!("the step `{step}` gave no data: {why}"))
            .hint("a step gives text, numbers, true or false, arrays and maps of these, or nothing")
    };
    if holds_bytes(value) {
        return Err(no_data("bytes would come back as text").hint("base64(bytes) is text that says the same"));
    }
    let data = named_from_dynamic("value", value).map_err(|error| no_data(&error.message))?;
    let text = data.to_string();
    if text.len() > LARGEST {
        let message = format!("the step `{step}` gave {} bytes, and at most {LARGEST} are kept", text.len());
        return Err(Error::new(Kind::Invalid, message).hint("have it give only what comes after it needs"));
    }
    let shown = REDACTOR.value(data.clone());
    if shown != data {
        tracing::warn!("the step `{step}` gave a value with a secret in it, which is not kept: it cannot be resumed");
        return Ok(None);
    }
    Ok(Some(data))
}
