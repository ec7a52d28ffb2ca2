//! `~/.aliyun/config.json`: the vendor command line's own file.

use std::path::Path;

use serde_json::Value;

use super::source::{Held, Profile, half, held, meant, read, unsupported};
use crate::error::{Error, Kind, Result};

/// What the chosen profile of the file holds; its name is added to the source's.
pub(super) fn file(path: &Path, chosen: Option<&str>, source: &mut String) -> Result<Held> {
    let Some(text) = read(path)? else {
        return Held::nothing("no such file");
    };
    let malformed = |why: String| {
        Error::new(Kind::Config, format!("{}: {why}", path.display())).hint("mend the file, or move it away")
    };
    let json: Value = serde_json::from_str(&text).map_err(|error| malformed(format!("not JSON: {error}")))?;
    let current = match json.get("current") {
        None | Some(Value::Null) => None,
        Some(Value::String(name)) => meant(name),
        Some(_) => return Err(malformed("`current` is no text".to_owned())),
    };
    let name = chosen.or(current).unwrap_or("default");
    let profiles = json.get("profiles").and_then(Value::as_array);
    let profiles = profiles.ok_or_else(|| malformed("there is no list `profiles`".to_owned()))?;
    source.push_str(&format!(" profile {name}"));
    match profiles.iter().find(|p| p.get("name").and_then(Value::as_str) == Some(name)) {
        Some(profile) => Ok(match in_profile(profile, name)? {
            Held::Credentials(credentials, beside) => {
                Held::Credentials(credentials, Profile { file: Some(path.to_owned()), ..beside })
            }
            other => other,
        }),
        None if chosen.is_none() && current.is_some() => {
            Err(malformed(format!("`current` names the profile `{name}`, which is not there")))
        }
        None => Held::nothing("no such profile"),
    }
}

pub(super) fn in_profile(profile: &Value, name: &str) -> Result<Held> {
    if let Some(key) = ["access_key_id", "access_key_secret", "sts_token"]
        .into_iter()
        .find(|key| profile.get(*key).is_some_and(|value| !value.is_string() && !value.is_null()))
    {
        let message = format!("profile {name}: {key} is no text");
        return Err(Error::new(Kind::Config, message).hint("write it in quotes"));
    }
    let text = |key: &str| profile.get(key).and_then(Value::as_str).and_then(meant);
    let beside = Profile {
        name: Some(name.to_owned()),
        region: text("region_id").map(str::to_owned),
        endpoint: text("endpoint").map(str::to_owned),
        file: None,
    };
    match text("mode").unwrap_or("AK") {
        mode @ ("AK" | "StsToken") => {
            let names = ["access_key_id", "access_key_secret"];
            let token = text("sts_token").filter(|_| mode == "StsToken");
            if mode == "StsToken" && token.is_none() {
                return Err(half("access_key_id", "sts_token"));
            }
            let [id, secret] = names.map(text);
            Ok(match held(id, secret, token, names, "the profile is empty")? {
                Held::Credentials(credentials, _) => Held::Credentials(credentials, beside),
                other => other,
            })
        }
        mode => Err(unsupported(mode)),
    }
}
