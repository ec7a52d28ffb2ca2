//! The report as JUnit writes one: a case for each check, and one for the run itself.

use serde_json::Value;

use super::html::escaped;
use super::{list_at, summary, text_at};
use crate::job::checks::NOT_AS_IT_SHOULD_BE;

/// The document.
pub(super) fn text(report: &Value) -> String {
    let checks = list_at(report, "checks");
    let failed = checks.iter().filter(|check| check.get("passed") != Some(&Value::Bool(true))).count();
    // That checks failed stands at the checks.
    let why = text_at(report, "why");
    let kind = report.get("error").map(|error| text_at(error, "error")).unwrap_or_default();
    let is_by_checks = failed > 0 && text_at(report, "exit_code") == NOT_AS_IT_SHOULD_BE.to_string();
    let is_wrong = !why.is_empty() && !is_by_checks;
    let script = escaped(&text_at(report, "script"));
    let seconds = report.get("duration_ms").and_then(Value::as_f64).unwrap_or(0.0) / 1000.0;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite name=\"{script}\" tests=\"{}\" \
         failures=\"{failed}\" errors=\"{}\" skipped=\"0\" time=\"{seconds:.3}\" timestamp=\"{}\" hostname=\"{}\">\n",
        checks.len() + 1,
        usize::from(is_wrong),
        text_at(report, "started").trim_end_matches('Z'),
        escaped(&text_at(report, "host")),
    );
    for check in checks {
        let [name, detail] = ["name", "detail"].map(|key| escaped(&text_at(check, key)));
        let failure = match check.get("passed") {
            Some(Value::Bool(true)) => String::new(),
            _ => format!("<failure message=\"{detail}\">{detail}</failure>"),
        };
        text.push_str(&format!("<testcase classname=\"{script}\" name=\"{name}\" time=\"0\">{failure}</testcase>\n"));
    }
    let why = is_wrong.then(|| {
        let kind = if kind.is_empty() { "exit" } else { &escaped(&kind) };
        let message = escaped(&why);
        format!("<error type=\"{kind}\" message=\"{message}\">{message}</error>")
    });
    text.push_str(&format!(
        "<testcase classname=\"{script}\" name=\"the run came to its end\" time=\"{seconds:.3}\">{}</testcase>\n\
         <system-out>{}\n{}</system-out>\n</testsuite>\n</testsuites>\n",
        why.unwrap_or_default(),
        escaped(&summary(report)),
        escaped(&text_at(report, "said")),
    ));
    text
}
