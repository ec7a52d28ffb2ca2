//! `jst whoami`: which credentials are used and where they come from, without the network.

use serde_json::json;

use super::{show, write_out};
use crate::config::Config;
use crate::error::Result;
use crate::output::{self, Format};
use crate::secret::shortened;

/// Prints every source tried, in order, then what is used.
///
/// # Errors
/// `credentials` when there are none, after the sources have been printed.
pub fn whoami(config: &Config) -> Result<u8> {
    let found = config.find_credentials();
    let endpoint = config.endpoint(Some(&found))?.to_string();
    let sources: Vec<_> = found
        .trace
        .iter()
        .map(|tried| json!({"Source": tried.source, "Result": tried.result, "Used": tried.used}))
        .collect();
    let used = json!({
        "AccessKeyId": found.credentials.as_ref().map(|c| shortened(&c.access_key_id)),
        "Profile": found.profile,
        "Endpoint": endpoint,
        "Region": config.region(Some(&found)),
    });
    if config.output() == Format::Table {
        write_out(&output::render(&sources.into(), Format::Table, output::terminal_width())?)?;
        write_out("")?;
        show(config, &used)?;
    } else {
        let mut all = used;
        if let Some(all) = all.as_object_mut() {
            all.insert("Sources".to_owned(), sources.into());
        }
        show(config, &all)?;
    }
    found.require().map(|_| 0)
}
