//! The report as one page that needs nothing else: no script, no style, no picture from anywhere.

use serde_json::Value;

use super::{list_at, summary, text_at};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222;\
background:#fff}h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}\
td,th{border-bottom:1px solid #ddd;padding:.25rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
.verdict{display:inline-block;padding:.1rem .6rem;border-radius:.3rem;color:#fff;background:#a11}\
.verdict.done{background:#176b2c}.verdict.stopped{background:#955700}.bar{position:relative;height:.8rem;\
background:#f2f2f2;min-width:12rem}.bar i{position:absolute;top:0;bottom:0;min-width:2px;background:#4a7ab5}\
.bar i.failed{background:#a11}.bar i.unknown{background:#955700}.bar i.write{background:#176b2c}pre{white-space:pre-wrap}";

/// The page.
pub(super) fn text(report: &Value) -> String {
    let script = escaped(&text_at(report, "script"));
    let verdict = text_at(report, "verdict");
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>jst: {script}: {verdict}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>{script} <span id=\"verdict\" class=\"verdict {verdict}\">{verdict}</span></h1>\n<p>{}</p>\n",
        escaped(&summary(report))
    );
    facts(&mut page, report);
    let why = text_at(report, "why");
    if !why.is_empty() {
        page.push_str(&format!("<h2>Why it ended</h2><pre id=\"why\">{}</pre>\n", escaped(&why)));
    }
    checks(&mut page, list_at(report, "checks"));
    let said = text_at(report, "said");
    if !said.is_empty() {
        page.push_str(&format!("<h2>What it said last</h2><pre id=\"said\">{}</pre>\n", escaped(&said)));
    }
    let lists =
        [("unknown", "What is unknown: look at the account"), ("failed", "What failed"), ("changed", "What changed")];
    for (key, title) in lists {
        calls(&mut page, key, title, list_at(report, key));
    }
    earlier(&mut page, report);
    timeline(&mut page, report);
    page.push_str("</body></html>\n");
    // An address that a run spoke of is text: nothing in the page leads anywhere.
    page.replace("://", "&#58;//")
}

fn facts(page: &mut String, report: &Value) {
    page.push_str("<table>");
    let keys = ["run", "trace", "profile", "shard", "host", "started", "ended", "duration_ms", "exit_code", "jst"];
    for key in keys.into_iter().filter(|key| !text_at(report, key).is_empty()) {
        page.push_str(&format!(
            "<tr><th>{}</th><td>{}</td></tr>",
            key.replace('_', " "),
            escaped(&text_at(report, key))
        ));
    }
    page.push_str("</table>\n");
}

fn checks(page: &mut String, checks: &[Value]) {
    if checks.is_empty() {
        return;
    }
    page.push_str("<h2>Checks</h2><table id=\"checks\"><tr><th></th><th>Check</th><th>Detail</th></tr>");
    for check in checks {
        let mark = if check.get("passed") == Some(&Value::Bool(true)) { "passed" } else { "failed" };
        let [name, detail] = ["name", "detail"].map(|key| escaped(&text_at(check, key)));
        page.push_str(&format!("<tr><td>{mark}</td><td>{name}</td><td>{detail}</td></tr>"));
    }
    page.push_str("</table>\n");
}

fn calls(page: &mut String, id: &str, title: &str, calls: &[Value]) {
    page.push_str(&format!("<h2>{title} ({})</h2><table id=\"{id}\">", calls.len()));
    for call in calls {
        let [words, error, request] = ["call", "error", "request_id"].map(|key| escaped(&text_at(call, key)));
        page.push_str(&format!("<tr><td>{words}</td><td>{error}</td><td>{request}</td></tr>"));
    }
    page.push_str("</table>\n");
}

/// What earlier parts of a run that went on made.
fn earlier(page: &mut String, report: &Value) {
    let Some(earlier) = report.get("earlier").filter(|earlier| !earlier.is_null()) else { return };
    page.push_str(&format!("<h2>Made by earlier parts ({})</h2><table id=\"earlier\">", text_at(earlier, "writes")));
    for words in list_at(earlier, "made").iter().filter_map(Value::as_str) {
        page.push_str(&format!("<tr><td>{}</td></tr>", escaped(words)));
    }
    page.push_str("</table>\n");
}

/// Each call as a bar from its start to its end.
fn timeline(page: &mut String, report: &Value) {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_f64).unwrap_or(0.0);
    let calls = list_at(report, "calls");
    let ends = calls.iter().map(|call| number(call, "at_ms") + number(call, "took_ms"));
    let whole = ends.fold(1.0, f64::max);
    page.push_str(&format!("<h2>Timeline of calls ({})</h2><table id=\"timeline\">", calls.len()));
    for call in calls {
        let (at, took) = (number(call, "at_ms"), number(call, "took_ms"));
        let kind = match (text_at(call, "outcome").as_ref(), text_at(call, "effect").as_ref()) {
            ("done", "read") => "read",
            ("done", _) => "write",
            ("unknown", _) => "unknown",
            _ => "failed",
        };
        page.push_str(&format!(
            "<tr><td>{}</td><td>{at:.0} ms</td><td>{took:.0} ms</td><td><div class=\"bar\"><i class=\"{kind}\" \
             style=\"left:{:.2}%;width:{:.2}%\"></i></div></td></tr>",
            escaped(&text_at(call, "call")),
            at / whole * 100.0,
            took / whole * 100.0
        ));
    }
    page.push_str("</table>\n");
    let left_out = number(report, "calls_left_out");
    if left_out > 0.0 {
        page.push_str(&format!("<p>{left_out:.0} calls more are counted, but not listed.</p>\n"));
    }
}

/// Text as it may stand in a page.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '&' => "&amp;".to_owned(),
            '<' => "&lt;".to_owned(),
            '>' => "&gt;".to_owned(),
            '"' => "&quot;".to_owned(),
            '\'' => "&#39;".to_owned(),
            // Neither HTML nor XML has these.
            c if c.is_control() && !matches!(c, '\n' | '\t') => "\u{fffd}".to_owned(),
            '\u{fffe}' | '\u{ffff}' => "\u{fffd}".to_owned(),
            c => c.to_string(),
        })
        .collect()
}
