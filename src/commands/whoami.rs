//! `jst whoami`: which credentials are used and where they come from, without the network.

use serde_json::json;

use super::{screen, show, write_out};
use crate::error::Result;
use crate::secret::shortened;
use crate::settings::Settings;
use crate::show::data::{self, Format};

/// Prints every source tried, in order, then what is used.
///
/// # Errors
/// `credentials` when there are none, after the sources have been printed.
pub(super) fn whoami(settings: &Settings) -> Result<u8> {
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
    found.require().map(|_| 0)
}
