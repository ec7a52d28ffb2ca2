//! `~/.alibabacloud/credentials` and `credentials.ini`: the vendor SDKs' files.

use std::path::Path;

use configparser::ini::{Ini, IniDefault};

use super::source::{Held, Profile, held, read, unsupported};
use crate::error::{Error, Kind, Result};

/// What the chosen profile of a file holds; its name is added to the source's.
pub(super) fn file(path: &Path, chosen: &str, source: &mut String) -> Result<Held> {
    let Some(text) = read(path)? else {
        return Ok(Held::Nothing("no such file"));
    };
    let mut rules = IniDefault::default();
    // A `#` or `;` inside a secret is part of the secret.
    rules.inline_comment_symbols = Some(Vec::new());
    rules.comment_symbols = vec!['#', ';'];
    rules.delimiters = vec!['='];
    rules.case_sensitive = true;
    let mut ini = Ini::new_from_defaults(rules);
    ini.read(text).map_err(|why| {
        Error::new(Kind::Config, format!("{}: {why}", path.display())).hint("mend the file, or move it away")
    })?;
    source.push_str(&format!(" profile {chosen}"));
    if !ini.sections().iter().any(|section| section == chosen) {
        return Ok(Held::Nothing("no such profile"));
    }
    let text = |key: &str| ini.get(chosen, key).filter(|value| !value.is_empty());
    let kind = text("type").unwrap_or_else(|| "access_key".to_owned());
    if !matches!(kind.as_str(), "access_key" | "sts") {
        return Err(unsupported(&kind));
    }
    let [id, secret] = ["access_key_id", "access_key_secret"].map(text);
    let token = text("security_token").or_else(|| text("sts_token"));
    let names = ["access_key_id", "access_key_secret"];
    let held = held(id.as_deref(), secret.as_deref(), token.as_deref(), names, "the profile is empty")?;
    Ok(match held {
        Held::Credentials(credentials, _) => {
            Held::Credentials(credentials, Profile { name: Some(chosen.to_owned()), ..Profile::default() })
        }
        other => other,
    })
}
