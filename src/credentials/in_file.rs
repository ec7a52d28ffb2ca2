//! Secrets in a file that a script reads: whatever it holds is known before the script can show it.

use std::path::Path;

use serde_json::Value;

use crate::secret::{Class, Secret, is_secret_name};

/// Gives every secret in a file's text, by the names that stand before them: in JSON, INI, YAML, or what a shell
/// reads. Those of a file of credentials are credentials, others are passwords. `path` is where it really is.
pub(crate) fn in_file(path: &Path, text: &str, mut found: impl FnMut(Secret, Class)) {
    let class = if is_of_credentials(path, text) { Class::Credential } else { Class::Password };
    let mut add = |secret: &str| found(Secret::new(secret), class);
    if !text.trim_start().starts_with(['{', '[']) {
        return text.lines().for_each(|line| in_line(line, &mut add));
    }
    match serde_json::from_str(text) {
        Ok(value) => in_json(&value, false, &mut add),
        // Broken, with comments, or many values: what can be seen of it.
        Err(_) => text.lines().flat_map(|line| line.split([',', '{'])).for_each(|part| in_line(part, &mut add)),
    }
}

/// Whether a file is one of credentials: the vendor's by its place, any other by the access key in it.
fn is_of_credentials(path: &Path, text: &str) -> bool {
    let is_vendors = path.iter().any(|part| part == ".aliyun" || part == ".alibabacloud");
    let plain = |c: &char| c.is_ascii_alphanumeric();
    // An ordinary large data file is no such file, and is not searched for long.
    let start = text.get(..1 << 20).unwrap_or(text);
    let names = ["accesskeysecret", "secretaccesskey"];
    is_vendors || {
        let letters: String = start.chars().filter(plain).map(|c| c.to_ascii_lowercase()).collect();
        names.iter().any(|name| letters.contains(name))
    }
}

fn in_json(value: &Value, is_secret: bool, add: &mut impl FnMut(&str)) {
    match value {
        Value::String(text) if is_secret => add(text),
        Value::Number(number) if is_secret => add(&number.to_string()),
        Value::Array(list) => list.iter().for_each(|value| in_json(value, is_secret, add)),
        Value::Object(map) => {
            for (name, value) in map {
                // What is called credentials holds an id and a kind as well, and says which is which.
                let is_secret = is_secret || is_secret_name(name) && !(value.is_object() && name.contains("redential"));
                in_json(value, is_secret, add);
            }
        }
        _ => {}
    }
}

/// The secret of a line such as `password = x`, `export ACCESS_KEY_SECRET='x'`, `"token": "x",`.
fn in_line(line: &str, add: &mut impl FnMut(&str)) {
    let Some((name, value)) = line.split_once(['=', ':']) else {
        return;
    };
    let name = name.trim().trim_start_matches("export ").trim_matches(['"', '\'', '-', ' ']);
    let value = value.trim();
    if !is_secret_name(name) || value.is_empty() {
        return;
    }
    // As it stands, as a program that knows quotes takes it, and before a remark.
    add(value);
    let bare = value.trim_end_matches([',', '}', ']']).trim_end();
    let before_remark = bare.split(" #").next().unwrap_or(bare).trim_end();
    [bare, before_remark].iter().for_each(|value| add(value.trim_matches(['"', '\''])));
}

#[cfg(test)]
mod tests;
