//! The report as Markdown, for a comment or a wiki.

use serde_json::Value;

use super::{list_at, summary, text_at};

/// Calls that are listed of each kind.
const SHOWN: usize = 200;

/// The page.
pub(super) fn text(report: &Value) -> String {
    let [script, verdict, run, started, code] =
        ["script", "verdict", "run", "started", "exit_code"].map(|key| plain(&text_at(report, key)));
    let mut text =
        format!("# {script}: {verdict}\n\nRun {run}, started {started}, exit code {code}. {}\n", summary(report));
    let why = text_at(report, "why");
    if !why.is_empty() {
        text.push_str(&format!("\nWhy it ended: {}\n", plain(&why)));
    }
    let checks = list_at(report, "checks");
    if !checks.is_empty() {
        text.push_str("\n## Checks\n\n| | check | detail |\n|---|---|---|\n");
    }
    for check in checks {
        let mark = if check.get("passed") == Some(&Value::Bool(true)) { "passed" } else { "**failed**" };
        let [name, detail] = ["name", "detail"].map(|key| plain(&text_at(check, key)));
        text.push_str(&format!("| {mark} | {name} | {detail} |\n"));
    }
    said(&mut text, &text_at(report, "said"));
    for (key, title) in [("unknown", "What is unknown"), ("failed", "What failed"), ("changed", "What changed")] {
        let calls = list_at(report, key);
        text.push_str(&format!("\n## {title}: {}\n", calls.len()));
        if !calls.is_empty() {
            text.push_str("\n| call | error | request |\n|---|---|---|\n");
        }
        for call in calls.iter().take(SHOWN) {
            let [words, error, request] = ["call", "error", "request_id"].map(|key| plain(&text_at(call, key)));
            text.push_str(&format!("| {words} | {error} | {request} |\n"));
        }
        if calls.len() > SHOWN {
            text.push_str(&format!("\nand {} more\n", calls.len() - SHOWN));
        }
    }
    if let Some(earlier) = report.get("earlier").filter(|earlier| !earlier.is_null()) {
        text.push_str(&format!("\n## Made by earlier parts: {}\n\n", text_at(earlier, "writes")));
        for words in list_at(earlier, "made").iter().filter_map(Value::as_str).take(SHOWN) {
            text.push_str(&format!("- {}\n", plain(words)));
        }
    }
    text
}

/// The end of what the run said, as it stands: every line is set off, so that none means anything else.
fn said(text: &mut String, said: &str) {
    if !said.is_empty() {
        text.push_str("\n## What it said last\n\n");
    }
    for line in said.lines() {
        text.push_str(&format!("    {}\n", line.replace(char::is_control, " ")));
    }
}

/// Text that stays in its cell and means nothing else.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => plain.push(' '),
            '|' | '\\' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '#' | '&' => plain.extend(['\\', c]),
            c => plain.push(c),
        }
    }
    plain
}
