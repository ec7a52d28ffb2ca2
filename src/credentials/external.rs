//! Credentials that a command prints.

use std::process::Stdio;

use serde_json::{Map, Value};
use tokio::io::AsyncReadExt as _;
use tokio::process::{Child, Command};

use super::fetch::Reach;
use super::source::meant;
use super::{Lease, handed};
use crate::error::{Error, Kind, Result};

/// The most that it may print, in bytes: a hundred times what credentials take.
const LARGEST: u64 = 256 << 10;

/// What a command is to do.
const WANTED: &str =
    "it must print one JSON object with access_key_id and access_key_secret and end, and ask for nothing";

/// Runs the command and reads what it prints.
///
/// # Errors
/// `credentials`, with what is wrong; its output is never shown, as it may hold secrets.
pub(super) async fn fetch(command: &str, reach: &Reach) -> Result<Lease> {
    let words: Vec<String> = words(command).ok_or_else(|| wrong("has a quote that does not end"))?;
    let (program, args) = words.split_first().ok_or_else(|| wrong("is empty"))?;
    let [patience, _] = reach.patience;
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        // Its own children go with it, and none of them is asked at the terminal.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| wrong(&format!("cannot be started: {error}")).hint(format!("the command is `{program} …`")))?;
    let printed = tokio::time::timeout(patience, printed(&mut child)).await;
    if !matches!(printed, Ok(Ok(_))) {
        end(&child);
    }
    let printed = printed.map_err(|_| wrong(&format!("did not end within {patience:.0?}")).hint(WANTED))??;
    read(&printed)
}

/// All that a command prints, if it ends well.
async fn printed(child: &mut Child) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let read = stdout.take(LARGEST + 1).read_to_end(&mut bytes).await;
        read.map_err(|error| wrong(&format!("cannot be read from: {error}")))?;
    }
    if bytes.len() as u64 > LARGEST {
        return Err(wrong(&format!("prints more than {} KB", LARGEST >> 10)).hint(WANTED));
    }
    let status = child.wait().await.map_err(|error| wrong(&format!("cannot be waited for: {error}")))?;
    if status.success() {
        return Ok(bytes);
    }
    Err(wrong(&format!("failed: {status}")).hint("run it by hand to see why"))
}

/// Ends a command, and what it has started.
fn end(child: &Child) {
    let id = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
    }
}

fn read(printed: &[u8]) -> Result<Lease> {
    let map: Map<String, Value> =
        serde_json::from_slice(printed).map_err(|_| wrong("prints something else than a JSON object").hint(WANTED))?;
    let text = |name: &str| map.get(name).and_then(Value::as_str).and_then(meant);
    let mode = text("mode").unwrap_or("AK");
    if !matches!(mode, "AK" | "StsToken") {
        return Err(wrong(&format!("prints the mode {mode}")).hint("it may print AK or StsToken"));
    }
    let token = text("sts_token").filter(|_| mode == "StsToken" || map.get("mode").is_none());
    if mode == "StsToken" && token.is_none() {
        return Err(wrong("gave no sts_token"));
    }
    let parts = [
        ("access_key_id", text("access_key_id")),
        ("access_key_secret", text("access_key_secret")),
        ("sts_token", token),
    ];
    handed::lease(parts, text("expiration"), None).map_err(|why| wrong(&why.message))
}

fn wrong(why: &str) -> Error {
    Error::new(Kind::Credentials, format!("the external command {why}"))
}

/// The words of a command as a shell divides them, without anything else that a shell does; `None` for a quote
/// that does not end.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut characters = command.chars();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(characters.next()?),
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn words_are_divided_as_a_shell_divides_them() {
        let table: &[(&str, Option<&[&str]>)] = &[
            ("", Some(&[])),
            (" a  b ", Some(&["a", "b"])),
            ("a 'b c' \"d e\"f", Some(&["a", "b c", "d ef"])),
            ("a '' \\ b", Some(&["a", "", " b"])),
            ("a \"b\\\"c\" 'd\\e'", Some(&["a", "b\"c", "d\\e"])),
            ("a 'b", None),
        ];
        for (text, expected) in table {
            let expected = expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
            assert_eq!(words(text), expected, "{text}");
        }
    }
}
