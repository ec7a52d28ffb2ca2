//! `~/.alibabacloud/credentials` and `credentials.ini`: the vendor SDKs' files.

use std::collections::HashMap;
use std::path::Path;

use configparser::ini::{Ini, IniDefault};

use super::source::{Held, Profile, half, held, meant, read, unsupported};
use crate::error::{Error, Kind, Result};

/// What the chosen profile of a file holds; its name is added to the source's.
pub(super) fn file(path: &Path, chosen: &str, source: &mut String) -> Result<Held> {
    let Some(text) = read(path)? else {
        return Held::nothing("no such file");
    };
    let mut rules = IniDefault::default();
    // Where comments begin is decided below, as the vendor's readers do.
    rules.inline_comment_symbols = Some(Vec::new());
    rules.comment_symbols = vec!['#', ';'];
    rules.delimiters = vec!['=', ':'];
    rules.case_sensitive = true;
    let mut ini = Ini::new_from_defaults(rules);
    ini.read(text).map_err(|why| {
        Error::new(Kind::Config, format!("{}: {why}", path.display())).hint("mend the file, or move it away")
    })?;
    source.push_str(&format!(" profile {chosen}"));
    let Some(section) = ini.get_map_ref().get(chosen) else {
        return Held::nothing("no such profile");
    };
    let text = |key: &str| value(section, key);
    match text("enable").map(str::to_ascii_lowercase).as_deref() {
        None | Some("true" | "yes" | "on" | "1") => {}
        Some("false" | "no" | "off" | "0") => return Held::nothing("the profile says `enable = false`"),
        Some(_) => {
            let message = format!("{}: profile {chosen}: `enable` is true or false", path.display());
            return Err(Error::new(Kind::Config, message).hint("mend the file, or move it away"));
        }
    }
    let kind = text("type");
    if !matches!(kind, None | Some("access_key" | "sts")) {
        return Err(unsupported(kind.unwrap_or_default()));
    }
    let [id, secret] = ["access_key_id", "access_key_secret"].map(text);
    // A lasting key is sent without one.
    let token = text("security_token").or_else(|| text("sts_token")).filter(|_| kind != Some("access_key"));
    if kind == Some("sts") && token.is_none() {
        return Err(half("access_key_id", "security_token"));
    }
    let says_more = section.keys().any(|key| !matches!(key.to_ascii_lowercase().as_str(), "type" | "enable"));
    if id.is_none() && secret.is_none() && says_more {
        let message = format!("{}: profile {chosen} gives neither access_key_id nor access_key_secret", path.display());
        return Err(Error::new(Kind::Config, message).hint("mend the file, or move it away"));
    }
    let names = ["access_key_id", "access_key_secret"];
    let held = held(id, secret, token, names, "the profile is empty")?;
    Ok(match held {
        Held::Credentials(credentials, _) => {
            let (name, file) = (Some(chosen.to_owned()), Some(path.to_owned()));
            Held::Credentials(credentials, Profile { name, file, ..Profile::default() })
        }
        other => other,
    })
}

/// The value of a key, whose case does not matter. As for the vendor's readers, what follows a `#` is a
/// comment wherever it stands: the service gives no key, secret or token that holds one.
fn value<'a>(section: &'a HashMap<String, Option<String>>, key: &str) -> Option<&'a str> {
    let (_, value) = section.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    meant(value.as_deref()?.split('#').next()?)
}
