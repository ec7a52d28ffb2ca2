//! What scripts of jobs call: checks, messages to people, and the part of a fleet that is theirs.

use std::sync::Arc;

use rhai::{Dynamic, ImmutableString, Map, Module};

use super::function;
use super::options::Options;
use crate::call::account::Account;
use crate::error::{Error, Kind, Result};
use crate::job::checks::{self, Check, Checks};
use crate::job::notify::Target;
use crate::script::host::HostConfig;
use crate::script::value::{ScriptResult, throw, written};
use crate::script::words::{a, kind_of};
use crate::secret::{Class, Secret};
use crate::show::redaction::REDACTOR;

/// Registers them.
pub(super) fn register(module: &mut Module, config: &HostConfig, account: &Arc<Account>) {
    register_checks(module, &config.checks);
    register_notify(module, config, account);
    let share = Arc::clone(&config.share);
    function(
        "in_shard",
        &["id: any", "bool"],
        "Whether what has this id is in the part that --shard says this run does.",
    )
    .set_into_module(module, move |id: Dynamic| share.has(&id.to_string()));
}

fn register_checks(module: &mut Module, checks: &Arc<Checks>) {
    const CHECK: &str = "Counts and reports whether something is as it should be; a run with a failed check ends with 4. #{quiet: true} logs nothing of one that failed. Gives the condition.";
    let all = Arc::clone(checks);
    let check = move |name: &str,
                      condition: &Dynamic,
                      detail: Option<&Dynamic>,
                      options: Option<&Dynamic>|
          -> ScriptResult<bool> {
        let is_quiet = Options::of("check", options, &["quiet"])?.flag("quiet")?;
        let passed = condition.as_bool().map_err(|_| {
            let given = a(&kind_of(condition));
            throw(Error::new(Kind::Invalid, format!("check({name:?}) takes true or false, not {given}")))
        })?;
        let detail = detail.and_then(written).filter(|detail| !detail.is_empty());
        all.add(Check { name: name.to_owned(), passed, detail }, is_quiet).map_err(throw)
    };
    let (with_detail, with_options) = (check.clone(), check.clone());
    function("check", &["name: string", "condition: bool", "bool"], CHECK)
        .set_into_module(module, move |name: ImmutableString, condition: Dynamic| check(&name, &condition, None, None));
    function("check", &["name: string", "condition: bool", "detail: any", "bool"], CHECK).set_into_module(
        module,
        move |name: ImmutableString, condition: Dynamic, detail: Dynamic| {
            with_detail(&name, &condition, Some(&detail), None)
        },
    );
    function("check", &["name: string", "condition: bool", "detail: any", "options: map", "bool"], CHECK)
        .set_into_module(
            module,
            move |name: ImmutableString, condition: Dynamic, detail: Dynamic, options: Dynamic| {
                with_options(&name, &condition, Some(&detail), Some(&options))
            },
        );
    const THRESHOLD: &str = "A check that a number is within a bound such as \"< 0.05\"; it fails when there is no value. Gives whether it is.";
    let all = Arc::clone(checks);
    function("threshold", &["name: string", "value: float", "bound: string", "bool"], THRESHOLD).set_into_module(
        module,
        move |name: ImmutableString, value: Dynamic, bound: ImmutableString| -> ScriptResult<bool> {
            let (passed, found) = within(&value, &bound).map_err(throw)?;
            let detail = Some(format!("{found}, wanted {bound}"));
            all.add(Check { name: name.to_string(), passed, detail }, false).map_err(throw)
        },
    );
}

/// Whether a value is within a bound, and the value in words.
fn within(value: &Dynamic, bound: &str) -> Result<(bool, String)> {
    let number = value.as_float().ok().or_else(|| value.as_int().ok().map(|whole| whole as f64));
    match number {
        Some(number) => Ok((checks::is_within(number, bound)?, value.to_string())),
        // A wrong bound is wrong without a value, too.
        None if value.is_unit() => checks::is_within(0.0, bound).map(|_| (false, "there is no value".to_owned())),
        None => Err(Error::new(Kind::Invalid, format!("threshold takes a number or (), not {}", a(&kind_of(value))))),
    }
}

fn register_notify(module: &mut Module, config: &HostConfig, account: &Arc<Account>) {
    const NOTIFY: &str = "Sends a text to a webhook's URL as JSON, or to DingTalk's robot as #{dingtalk: URL, secret: SECRET}; only to hosts of --allow-net.";
    let (outside, account) = (Arc::clone(&config.net), Arc::clone(account));
    function("notify", &["target: any", "text: string", "()"], NOTIFY).set_into_module(
        module,
        move |target: Dynamic, text: Dynamic| -> ScriptResult<()> {
            let target = target_of(&target).map_err(throw)?;
            let text = written(&text).unwrap_or_default();
            let text = REDACTOR.talk(&text);
            // Real time: who checks the signature compares it with theirs.
            let now = jiff::Timestamp::now().as_millisecond();
            account.shared().may_do(|| format!("notify to {}", target.host())).map_err(throw)?;
            account.wait(target.send(&outside, &text, now)).map_err(throw)
        },
    );
}

/// Who a message goes to.
fn target_of(target: &Dynamic) -> Result<Target> {
    let wrong = || {
        Error::new(
            Kind::Invalid,
            format!("notify takes a URL or #{{dingtalk: URL, secret: SECRET}}, not {}", a(&kind_of(target))),
        )
    };
    if let Ok(url) = target.clone().into_immutable_string() {
        return Target::of(&url);
    }
    let map = target.read_lock::<Map>().ok_or_else(wrong)?;
    let text = |key: &str| map.get(key).and_then(|value| value.clone().into_immutable_string().ok());
    if let Some(stray) = map.keys().find(|key| !["dingtalk", "secret"].contains(&key.as_str())) {
        return Err(Error::new(Kind::Invalid, format!("notify knows `dingtalk` and `secret`, not `{stray}`")));
    }
    let url = text("dingtalk").ok_or_else(wrong)?;
    let secret = text("secret").map(|secret| Secret::new(secret.as_str()));
    secret.iter().for_each(|secret| REDACTOR.add(secret, Class::Credential));
    Target::robot(&url, secret)
}
