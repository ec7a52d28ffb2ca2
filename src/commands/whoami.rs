//! `jst whoami`: which credentials are used and where they come from, without the network.

use serde_json::{Value, json};

use super::{screen, show, write_out};
use crate::error::Result;
use crate::secret::shortened;
use crate::settings::Settings;
use crate::show::data::{self, Format};
use crate::sim::ACCESS_KEY_ID;

/// Prints every source tried, in order, then what is used.
///
/// # Errors
/// `credentials` when there are none, after the sources have been printed.
pub(super) fn whoami(settings: &Settings) -> Result<u8> {
    if settings.sim() {
        return simulator(settings);
    }
    if let Some(problem) = settings.problem() {
        return Err(problem.clone());
    }
    let found = settings.found();
    let endpoint = settings.endpoint()?.to_string();
    let sources: Vec<_> = found
        .trace
        .iter()
        .map(|tried| json!({"Source": tried.source, "Result": tried.result, "Used": tried.used}))
        .collect();
    let used = json!({
        "AccessKeyId": found.credentials.as_ref().map(|c| shortened(&c.access_key_id)),
        "Profile": found.profile,
        "Endpoint": endpoint,
        "Region": settings.region(),
    });
    tell(settings, sources, used)?;
    found.require().map(|_| 0)
}

/// The simulator inside the process signs with its own key: no source is looked at.
fn simulator(settings: &Settings) -> Result<u8> {
    let source = json!({"Source": "the simulator", "Result": "has a key of its own", "Used": true});
    let used = json!({
        "AccessKeyId": shortened(ACCESS_KEY_ID),
        "Profile": null,
        "Endpoint": "the simulator inside the process",
        "Region": null,
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
