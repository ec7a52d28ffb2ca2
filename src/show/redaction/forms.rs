//! How a secret may be written: in every encoding that jst or a script of its functions writes.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE, BASE64_URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::encoding::percent;

/// The ways to write a secret, and whether each is scrambled: so that no ordinary text reads the same.
pub(super) fn of(secret: &str) -> BTreeMap<String, bool> {
    let mut forms: BTreeMap<String, bool> = scrambled(secret).into_iter().map(|form| (form, true)).collect();
    forms.extend(readable(secret).into_iter().map(|form| (form, false)));
    forms
}

/// As it is, and escaped for URLs, JSON, CSV and the engine's own way to show text, one in another.
fn readable(secret: &str) -> Vec<String> {
    let once = percent(secret).to_string();
    let csv = csv_of(secret);
    let mut forms = vec![csv_of(&json(secret)), debug(secret)];
    for once in [lower(&once), once.replace("%20", "+"), once] {
        forms.extend([percent(&once).to_string(), once]);
    }
    // A log in JSON shows the JSON of a value that was JSON.
    for plain in [secret.to_owned(), csv, debug(secret)] {
        let levels = std::iter::successors(Some(plain), |text| Some(json(text)));
        forms.extend(levels.take(4));
    }
    forms
}

/// Hexadecimal, and what base64 makes of it at each place in a longer text.
fn scrambled(secret: &str) -> Vec<String> {
    let hex = |write: fn(u8) -> String| secret.bytes().map(write).collect::<String>();
    let mut forms = vec![hex(|byte| format!("{byte:02x}")), hex(|byte| format!("{byte:02X}"))];
    // As the engine shows bytes: eight together.
    let eights = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    forms.push(secret.as_bytes().chunks(8).map(eights).collect::<Vec<_>>().join(" "));
    forms.extend([&BASE64_STANDARD, &BASE64_URL_SAFE].map(|base64| base64.encode(secret)));
    for base64 in [&BASE64_STANDARD_NO_PAD, &BASE64_URL_SAFE_NO_PAD] {
        forms.extend((0..3).map(|before| {
            let text = base64.encode([&vec![0; before], secret.as_bytes()].concat());
            // Six bits a character; those at the ends are others' as well.
            let own = (before * 8).div_ceil(6)..(before + secret.len()) * 8 / 6;
            text.get(own).unwrap_or_default().to_owned()
        }));
    }
    forms
}

/// Text as a JSON string shows it, without the quotes around it.
fn json(text: &str) -> String {
    inside(Value::from(text).to_string())
}

/// Text as the engine shows it in a list or map.
fn debug(text: &str) -> String {
    inside(format!("{text:?}"))
}

/// Percent-encoded text with small letters for digits, as some write it.
fn lower(percent: &str) -> String {
    let mut parts = percent.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| match part.split_at_checked(2) {
        Some((digits, rest)) => format!("{text}%{}{rest}", digits.to_ascii_lowercase()),
        None => format!("{text}%{part}"),
    })
}

fn csv_of(text: &str) -> String {
    text.replace('"', "\"\"")
}

/// Without the first character and the last.
fn inside(quoted: String) -> String {
    quoted.get(1..quoted.len() - 1).map(str::to_owned).unwrap_or(quoted)
}
