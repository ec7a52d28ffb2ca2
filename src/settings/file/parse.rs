//! From text to sections. All that is wrong is found at once, each with its line.

use std::borrow::Cow;
use std::path::Path;

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{File, Section};
use crate::credentials::Meant;
use crate::error::{Error, Kind, Result};
use crate::settings::given::{Given, Origin, arguments, is_list};
use crate::suggest::nearest;

/// Keys of a section that are no flags.
pub(super) const OWN: [&str; 2] = ["credentials", "production"];

/// A flag that says which file counts, so that no file can say it; and one that no profile can.
pub(super) const NOT_IN_FILE: &str = "config";
pub(super) const NOT_IN_PROFILE: &str = "profile";

/// A text and where it lies: what places in it are called by.
struct Text<'a> {
    path: &'a Path,
    text: &'a str,
    /// What is wrong, and the byte that it begins at.
    problems: Vec<(usize, Error)>,
}

/// Reads the text of a file.
///
/// # Errors
/// `config`: the first thing wrong, with the others beside it.
pub(super) fn parse(path: &Path, text: &str) -> Result<File> {
    let mut text = Text { path, text, problems: Vec::new() };
    let mut file = File { path: path.to_owned(), ..File::default() };
    match DeTable::parse(text.text) {
        Ok(table) => text.file(table.get_ref(), &mut file),
        Err(error) => {
            let why = error.message().lines().collect::<Vec<_>>().join(", ");
            text.wrong(error.span().map_or(0, |span| span.start), format!("not TOML: {why}"), Some("mend the line"));
        }
    }
    text.problems.sort_by_key(|(at, _)| *at);
    let mut problems = text.problems.into_iter().map(|(_, error)| error);
    match problems.next() {
        None => Ok(file),
        Some(first) => Err(first.with(|error| error.more.extend(problems))),
    }
}

impl Text<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn wrong(&mut self, at: usize, why: String, hint: Option<&str>) {
        let error = Error::new(Kind::Config, format!("{}:{}: {why}", self.path.display(), self.line(at)));
        self.problems.push((at, hint.into_iter().fold(error, Error::hint)));
    }

    fn stray(&mut self, key: &Spanned<Cow<'_, str>>, known: &[&str]) {
        let name = key.get_ref();
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.len() > 2 => "`jst config init --print` shows every key".to_owned(),
            None => "settings stand in [defaults] or [profiles.NAME]".to_owned(),
        };
        self.wrong(key.span().start, format!("`{name}` is no setting"), Some(&hint));
    }

    fn file(&mut self, table: &DeTable<'_>, file: &mut File) {
        for (key, value) in table {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("defaults", DeValue::Table(table)) => file.defaults = self.section(table, &[NOT_IN_FILE]),
                ("profiles", DeValue::Table(profiles)) => {
                    for (name, value) in profiles {
                        if let DeValue::Table(table) = value.get_ref() {
                            let section = self.section(table, &[NOT_IN_FILE, NOT_IN_PROFILE]);
                            file.profiles.insert(name.get_ref().to_string(), section);
                        } else {
                            let hint = format!("its settings stand under a line [profiles.{}]", name.get_ref());
                            self.wrong(name.span().start, format!("`{}` is no profile", name.get_ref()), Some(&hint));
                        }
                    }
                }
                _ => self.stray(key, &["defaults", "profiles"]),
            }
        }
    }

    fn section(&mut self, table: &DeTable<'_>, without: &[&str]) -> Section {
        let mut section = Section::default();
        let flags: Vec<String> = arguments().map(|(_, long)| long.replace('-', "_")).collect();
        let known: Vec<&str> =
            flags.iter().map(String::as_str).filter(|key| !without.contains(key)).chain(OWN).collect();
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in entries {
            let at = key.span().start;
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("production", DeValue::Boolean(is)) => {
                    section.production = Some((Origin::line(self.path, self.line(at)), *is));
                }
                ("production", _) => self.wrong(at, "`production` is true or false".to_owned(), None),
                ("credentials", value) => match meant(value) {
                    Ok(meant) => section.credentials = Some((Origin::line(self.path, self.line(at)), meant)),
                    Err(why) => self.wrong(at, why, Some("see `jst config init --print`")),
                },
                (name, value) if known.contains(&name) => self.setting(at, name, value, &mut section),
                _ => self.stray(key, &known),
            }
        }
        section
    }

    fn setting(&mut self, at: usize, name: &str, value: &DeValue<'_>, section: &mut Section) {
        let long = name.replace('_', "-");
        let values = match value {
            DeValue::Array(list) if is_list(&long) => list.iter().map(|one| plain(one.get_ref())).collect(),
            DeValue::Array(_) => None,
            one => plain(one).map(|one| vec![one]),
        };
        let Some(values) = values else {
            let wants = if is_list(&long) { "a list of texts" } else { "one text, number, or true or false" };
            return self.wrong(at, format!("`{name}` takes {wants}"), None);
        };
        let origin = Origin::line(self.path, self.line(at));
        for value in values {
            let given = Given { long: long.clone(), value, origin: origin.clone() };
            match given.words() {
                Ok(_) => section.given.push(given),
                Err(error) => self.problems.push((at, error)),
            }
        }
    }
}

/// A plain value as it would be written on the command line.
fn plain(value: &DeValue<'_>) -> Option<String> {
    Some(match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(is) => is.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => return None,
    })
}

/// Who signs: the name of a profile of the vendor's files, or what such a profile would hold.
fn meant(value: &DeValue<'_>) -> std::result::Result<Meant, String> {
    let DeValue::Table(table) = value else {
        return match value {
            DeValue::String(name) if !name.trim().is_empty() => Ok(Meant::Profile(name.trim().to_owned())),
            _ => Err("`credentials` names a profile of the vendor's files, or is a table with a `mode`".to_owned()),
        };
    };
    let mut map = Map::new();
    for (key, value) in table {
        let (name, value) = (key.get_ref().to_string(), value.get_ref());
        let value = match value {
            DeValue::Integer(_) => plain(value).and_then(|text| text.parse::<i64>().ok()).map(Value::from),
            DeValue::Boolean(is) => Some(Value::Bool(*is)),
            other => plain(other).map(Value::from),
        };
        let value = value.ok_or_else(|| format!("`{name}` of `credentials` is one text or number"))?;
        map.insert(name, value);
    }
    Ok(Meant::Given(map))
}
