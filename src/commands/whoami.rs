//! `jst whoami`: who signs, where that comes from, and why not from elsewhere. Without `--check` it takes no
//! network.

use clap::Args;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::{screen, show, write_out};
use crate::error::{Error, Kind, Result};
use crate::run::identity::identify;
use crate::secret::shortened;
use crate::settings::Settings;
use crate::show::data::{self, Format};
use crate::sim::ACCESS_KEY_ID;

/// Arguments of `jst whoami`.
#[derive(Debug, Args)]
pub(super) struct WhoamiArgs {
    /// Sign in, and ask the token service which account, user or role that is
    #[arg(long)]
    check: bool,
}

/// Prints every source tried, in order, then what is used.
///
/// # Errors
/// `credentials` when there are none, `config` for a broken file, after the sources have been printed.
pub(super) fn whoami(settings: &Settings, args: &WhoamiArgs) -> Result<u8> {
    if settings.sim() {
        return simulator(settings, args);
    }
    let found = settings.found();
    let broken =
        settings.problem().map(|error| json!({"Source": "config.toml", "Result": error.message, "Used": false}));
    let tried =
        found.trace.iter().map(|tried| json!({"Source": tried.source, "Result": tried.result, "Used": tried.used}));
    let sources: Vec<_> = broken.into_iter().chain(tried).collect();
    let endpoint = settings.endpoint();
    let mut used = json!({
        "AccessKeyId": found.key().map(|key| shortened(&key.access_key_id)),
        "Identity": found.known().ok().map(crate::credentials::Way::describe),
        "Profile": found.profile,
        "Production": settings.is_production(),
        "Endpoint": endpoint.as_ref().ok().map(ToString::to_string),
        "Region": settings.region(),
        "Expires": null,
    });
    let checked = match (args.check, &mut used) {
        (true, Value::Object(used)) => check(settings, used),
        _ => found.known().map(drop),
    };
    tell(settings, sources, used)?;
    settings.problem().map_or(Ok(()), |problem| Err(problem.clone()))?;
    settings.exposed()?.into_iter().for_each(|said| tracing::warn!("{said}"));
    checked?;
    endpoint.map(|_| 0)
}

/// Adds what signing in shows.
fn check(settings: &Settings, used: &mut Map<String, Value>) -> Result<()> {
    let (lease, caller) = identify(settings, settings.found().require()?)?;
    let expires =
        lease.lifetime.and_then(|left| Timestamp::now().checked_add(SignedDuration::try_from(left).ok()?).ok());
    let expires = expires.and_then(|time| Timestamp::from_second(time.as_second()).ok()).map(|time| time.to_string());
    used.insert("AccessKeyId".to_owned(), shortened(&lease.credentials.access_key_id).into());
    used.insert("Expires".to_owned(), expires.into());
    let caller = caller?;
    used.insert("Account".to_owned(), caller.account.into());
    used.insert("Type".to_owned(), caller.kind.into());
    used.insert("Arn".to_owned(), caller.arn.into());
    Ok(())
}

/// The simulator inside the process signs with its own key: no source is looked at.
fn simulator(settings: &Settings, args: &WhoamiArgs) -> Result<u8> {
    if args.check {
        return Err(Error::new(Kind::Usage, "--check asks the token service, and the simulator has none")
            .hint("leave out --check or --sim"));
    }
    let source = json!({"Source": "the simulator", "Result": "has a key of its own", "Used": true});
    let used = json!({
        "AccessKeyId": shortened(ACCESS_KEY_ID),
        "Identity": "the simulator's own",
        "Profile": null,
        "Production": false,
        "Endpoint": "the simulator inside the process",
        "Region": null,
        "Expires": null,
    });
    tell(settings, vec![source], used).map(|()| 0)
}

/// Prints sources, and what is used.
fn tell(settings: &Settings, sources: Vec<Value>, used: Value) -> Result<()> {
    if settings.output() == Format::Table {
        write_out(&data::render(sources.into(), Format::Table, screen(settings, "--output json"))?)?;
        write_out("")?;
        show(settings, &used)?;
    } else {
        let mut all = used;
        if let Some(all) = all.as_object_mut() {
            all.insert("Sources".to_owned(), sources.into());
        }
        show(settings, &all)?;
    }
    Ok(())
}
