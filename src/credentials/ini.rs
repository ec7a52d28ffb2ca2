//! `~/.alibabacloud/credentials` and `credentials.ini`: the vendor SDKs' files.

use std::collections::HashMap;
use std::path::Path;

use configparser::ini::{Ini, IniDefault};

use super::Credentials;
use super::source::{Held, Profile, half, held, meant, read, unsupported};
use super::way::{Metadata, Role, Way};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;

/// What the chosen profile of a file holds; its name is added to the source's.
pub(super) fn file(path: &Path, chosen: &str, source: &mut String) -> Result<Held> {
    let Some(ini) = sections(path)? else {
        return Held::nothing("no such file");
    };
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
    let beside = Profile { name: Some(chosen.to_owned()), file: Some(path.to_owned()), ..Profile::default() };
    let kind = text("type");
    match kind {
        None | Some("access_key" | "sts") => Ok(match key(section, kind, chosen, path)? {
            Held::Way(way, _) => Held::Way(way, beside),
            other => other,
        }),
        Some(kind) => Ok(Held::Way(role(section, kind, chosen)?, beside)),
    }
}

/// What the profiles of a file are called, as far as it can be read.
pub(super) fn profiles(path: &Path) -> Vec<String> {
    sections(path).ok().flatten().map(|ini| ini.sections()).unwrap_or_default()
}

fn sections(path: &Path) -> Result<Option<Ini>> {
    let Some(text) = read(path)? else { return Ok(None) };
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
    Ok(Some(ini))
}

type Section = HashMap<String, Option<String>>;

/// An access key.
fn key(section: &Section, kind: Option<&str>, chosen: &str, path: &Path) -> Result<Held> {
    let text = |key: &str| value(section, key);
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
    held(id, secret, token, ["access_key_id", "access_key_secret"], "the profile is empty")
}

/// A role, by the names of the vendor's SDKs.
fn role(section: &Section, kind: &str, chosen: &str) -> Result<Way> {
    let text = |key: &str| value(section, key);
    let needed = |key: &str| {
        let missing =
            || Error::new(Kind::Credentials, format!("profile {chosen}: type {kind} needs {key}, which is missing"));
        text(key).map(str::to_owned).ok_or_else(|| missing().hint("mend the profile"))
    };
    let role = || {
        Ok::<_, Error>(Role {
            arn: needed("role_arn")?,
            session: text("role_session_name").map(str::to_owned),
            policy: text("policy").map(str::to_owned),
            external_id: text("external_id").map(str::to_owned),
            ..Role::default()
        })
    };
    match kind {
        "ecs_ram_role" => Ok(Way::Metadata(Metadata { role: text("role_name").map(str::to_owned) })),
        "oidc_role_arn" => Ok(Way::Oidc {
            role: role()?,
            provider_arn: needed("oidc_provider_arn")?,
            token_file: needed("oidc_token_file_path")?.into(),
        }),
        "ram_role_arn" => {
            let key = Credentials {
                access_key_id: needed("access_key_id")?,
                secret: Secret::new(needed("access_key_secret")?),
                security_token: text("security_token").map(Secret::new),
            };
            Ok(Way::Role(Box::new(Way::Static(key)), role()?))
        }
        kind => Err(unsupported(kind)),
    }
}

/// The value of a key, whose case does not matter. As for the vendor's readers, what follows a `#` is a
/// comment wherever it stands: the service gives no key, secret or token that holds one.
fn value<'a>(section: &'a Section, key: &str) -> Option<&'a str> {
    let (_, value) = section.iter().find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    meant(value.as_deref()?.split('#').next()?)
}
