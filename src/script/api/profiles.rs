//! `with_profile`: a part of a script that works on the account of another profile.

use std::sync::Arc;

use rhai::{Dynamic, Module};

use super::steps::closure;
use crate::call::account::Account;
use crate::error::{Error, Kind, Result};
use crate::script::value::throw;
use crate::script::words::shown;

pub(super) fn register(module: &mut Module, account: &Arc<Account>) {
    const HELP: &str = "Does something on the account of another profile and gives its value: every call in the closure \
                        goes there, signed by that profile and under its policy. On the simulator, each profile is an \
                        account of its own, which begins as the run's does.";
    let account = Arc::clone(account);
    let signature = ["profile: string", "action: Fn", "any"];
    super::register(module, "with_profile", &signature, HELP, move |context, args| {
        let [profile, action] = args else {
            return Ok(Dynamic::UNIT);
        };
        let action = closure(action, "with_profile does a closure").map_err(throw)?;
        let of = name_of(profile).and_then(|name| account.of_profile(Some(&name))).map_err(throw)?;
        of.within(|| action.call_within_context(context, ()))
    });
}

fn name_of(profile: &Dynamic) -> Result<String> {
    let wrong = |why: String| Error::new(Kind::Invalid, why).hint("write with_profile(\"shop-b\", || list_app())");
    let text = profile.clone().into_string().ok().map(|text| text.trim().to_owned());
    let text = text.ok_or_else(|| wrong(format!("a profile is named by text, not {}", shown(profile))))?;
    let is_name = !text.is_empty() && !text.chars().any(char::is_control);
    is_name.then_some(text).ok_or_else(|| wrong("with_profile needs the name of a profile".to_owned()))
}
