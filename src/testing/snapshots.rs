//! Values that tests keep: `snapshots/FILE/NAME.snap` beside the test's file.
//!
//! What differs between two runs of the same script is left out: ids of requests and of deploy orders, and times. Each
//! gets a number in the order in which they are first met, so that the same id is the same number.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex_lite::{Captures, Regex};
use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::files;
use crate::script::differing_lines;

/// The folder beside tests, and what its files end with.
const FOLDER: &str = "snapshots";
const ENDING: &str = "snap";

/// Ids of requests, and times as the service and `now` write them.
static UNSTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let id = r"(?<id>[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})";
    let time =
        r"(?<time>[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:?[0-9]{2})?)";
    let order = r#"(?<name>"?DeployOrderId"?: ?|deploy order )(?<order>[0-9]+)"#;
    Regex::new(&format!("{id}|{time}|{order}")).ok()
});

/// The folder with the snapshots of a test's file.
pub(super) fn folder(test: &Path) -> PathBuf {
    let stem = test.file_stem().unwrap_or_default();
    test.parent().unwrap_or(Path::new("")).join(FOLDER).join(stem)
}

/// The file of a snapshot.
///
/// # Errors
/// `invalid` for a name that would be another file's.
pub(super) fn file(test: &Path, name: &str) -> Result<PathBuf> {
    let fits = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() || name.starts_with('.') || !name.chars().all(fits) {
        let message = format!("snapshot takes a name of letters, digits, -, _ and ., not `{name}`");
        return Err(Error::new(Kind::Invalid, message));
    }
    Ok(folder(test).join(format!("{name}.{ENDING}")))
}

/// Compares a value with the one that was kept, or keeps it. What they differ in.
///
/// # Errors
/// `io` when the file cannot be read or written.
pub(super) fn compare(file: &Path, value: &Value, update: bool) -> Result<Option<String>> {
    let got = stable(&match value {
        Value::String(text) => text.clone(),
        value => format!("{value:#}"),
    });
    let kept = match files::read_text(file, files::LARGEST) {
        Ok(kept) => Some(kept),
        Err(why) if why.is_missing() => None,
        Err(why) => return Err(why.error(Kind::Io, file.display())),
    };
    if kept.as_deref().map(str::trim_end) == Some(got.trim_end()) {
        return Ok(None);
    }
    if update {
        keep(file, got.trim_end())?;
        return Ok(None);
    }
    Ok(Some(match kept {
        None => format!("there is no snapshot {} yet: `jst test --update` keeps this value\n{got}", file.display()),
        Some(kept) => {
            let lines = differing_lines(kept.trim_end(), got.trim_end());
            format!("the value is not the one of {}; `jst test --update` keeps it\n{lines}", file.display())
        }
    }))
}

fn keep(file: &Path, text: &str) -> Result<()> {
    let write = || {
        file.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(file, format!("{text}\n"))
    };
    write().map_err(|error| Error::new(Kind::Io, format!("cannot write {}: {error}", file.display())))
}

/// A text with names in the place of what differs from run to run.
fn stable(text: &str) -> String {
    let Some(unstable) = &*UNSTABLE else { return text.to_owned() };
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let replaced = unstable.replace_all(text, |found: &Captures<'_>| {
        let kind = ["id", "time", "order"].into_iter().find(|kind| found.name(kind).is_some()).unwrap_or("id");
        let value = found.name(kind).map_or("", |value| value.as_str());
        let number = *known.entry(format!("{kind} {value}")).or_insert_with(|| {
            let count = counts.entry(kind).or_default();
            *count += 1;
            *count
        });
        format!("{}<{kind} {number}>", found.name("name").map_or("", |name| name.as_str()))
    });
    replaced.into_owned()
}

/// The snapshots in the folders of these test files that were not compared.
pub(super) fn unused<'a>(tests: impl Iterator<Item = &'a Path>, compared: &[PathBuf]) -> Vec<PathBuf> {
    let kept = |test: &Path| {
        let files = std::fs::read_dir(folder(test)).into_iter().flatten().flatten().map(|entry| entry.path());
        files.filter(|file| file.extension().is_some_and(|ending| ending == ENDING)).collect::<Vec<_>>()
    };
    let mut unused: Vec<PathBuf> = tests.flat_map(kept).filter(|file| !compared.contains(file)).collect();
    unused.sort();
    unused.dedup();
    unused
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let id = |n: u8| format!("0A1B2C3D-0000-1111-2222-33334444555{n}");
        for (text, expected) in [
            (format!("{} {} {}", id(1), id(2), id(1)), "<id 1> <id 2> <id 1>"),
            ("at 2026-01-05T02:00:01Z and 2026-01-05 10:00:01.".to_owned(), "at <time 1> and <time 2>."),
            (r#"{"DeployOrderId": 4071, "EnvId": 3002}"#.to_owned(), r#"{"DeployOrderId": <order 1>, "EnvId": 3002}"#),
            ("deploy order 4071 of 4071".to_owned(), "deploy order <order 1> of 4071"),
            ("on 2026-01-05, 3 of 4".to_owned(), "on 2026-01-05, 3 of 4"),
        ] {
            assert_eq!(stable(&text), expected);
        }
    }

    #[test]
    fn names_stay_in_their_folder() {
        let test = Path::new("a/b_test.rhai");
        assert_eq!(file(test, "订单-1.x").unwrap(), Path::new("a/snapshots/b_test/订单-1.x.snap"));
        for name in ["", "..", ".x", "a/b", "a b", "a\n"] {
            assert!(file(test, name).is_err(), "{name:?}");
        }
    }
}
