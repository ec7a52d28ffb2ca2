//! What became of tests, for other programs: JUnit's XML, JSON, or TAP, as the file's name says.

use std::path::{Path, PathBuf};

use quick_xml::escape::escape;
use serde_json::{Value, json};

use super::found::Tests;
use super::told::{Outcome, Summary};
use crate::error::{Error, Kind, Result};
use crate::show::visible;

/// A report that is to be written.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    path: PathBuf,
    form: Form,
}

/// How a report is written.
type Form = fn(&Tests, &[Option<Outcome>]) -> String;

/// The forms, by what a file's name ends with.
const FORMS: [(&str, Form); 3] = [("xml", junit), ("json", as_json), ("tap", tap)];

impl std::str::FromStr for Report {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let ending = Path::new(text).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let form = FORMS.iter().find(|(known, _)| *known == ending);
        let (_, form) = form.ok_or("its name must end with .xml (JUnit), .json or .tap")?;
        Ok(Self { path: text.into(), form: *form })
    }
}

impl Report {
    /// Writes it.
    ///
    /// # Errors
    /// `io`.
    pub(super) fn write(&self, tests: &Tests, outcomes: &[Option<Outcome>]) -> Result<()> {
        write(&self.path, &(self.form)(tests, outcomes))
    }
}

/// Writes a file that a run of tests leaves behind.
///
/// # Errors
/// `io`.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let cannot = |error| Error::new(Kind::Io, format!("cannot write {}: {error}", path.display()));
    std::fs::write(path, text).map_err(cannot)
}

/// The word for what became of a test.
fn word(outcome: Option<&Outcome>) -> &'static str {
    match outcome {
        None => "not_run",
        Some(Outcome { failure: Some(_), .. }) => "failed",
        Some(_) => "passed",
    }
}

fn as_json(tests: &Tests, outcomes: &[Option<Outcome>]) -> String {
    let Summary { passed, failed, not_run } = Summary::of(outcomes);
    let test = |(found, outcome): (&super::found::Found, &Option<Outcome>)| {
        let (seen, failure) = (outcome.as_ref(), outcome.as_ref().and_then(|outcome| outcome.failure.as_ref()));
        json!({
            "file": found.file.display().to_string(),
            "test": found.test,
            "outcome": word(seen),
            "seconds": seen.map(|outcome| outcome.took.as_secs_f64()),
            "message": failure.map(|failure| &failure.message),
            "shown": failure.map(|failure| &failure.shown),
            "calls": seen.map(|outcome| &outcome.calls),
            "said": seen.map(|outcome| &outcome.said),
        })
    };
    let tests: Value = tests.0.iter().zip(outcomes).map(test).collect();
    let report = json!({"format_version": 1, "passed": passed, "failed": failed, "not_run": not_run, "tests": tests});
    format!("{report:#}\n")
}

fn tap(tests: &Tests, outcomes: &[Option<Outcome>]) -> String {
    let mut text = format!("TAP version 14\n1..{}\n", outcomes.len());
    for (n, (found, outcome)) in tests.0.iter().zip(outcomes).enumerate() {
        let (number, name) = (n + 1, found.name().replace('#', "\\#"));
        match outcome {
            None => text.push_str(&format!("ok {number} - {name} # SKIP not run\n")),
            Some(Outcome { failure: Some(failure), .. }) => {
                text.push_str(&format!("not ok {number} - {name}\n  ---\n  message: |\n"));
                failure.shown.lines().for_each(|line| text.push_str(&format!("    {line}\n")));
                text.push_str("  ...\n");
            }
            Some(_) => text.push_str(&format!("ok {number} - {name}\n")),
        }
    }
    text
}

fn junit(tests: &Tests, outcomes: &[Option<Outcome>]) -> String {
    let Summary { passed, failed, not_run } = Summary::of(outcomes);
    let all = passed + failed + not_run;
    let counts = format!(r#"tests="{all}" failures="{failed}" skipped="{not_run}""#);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n<testsuite name=\"jst test\" {counts}>\n"
    );
    for (found, outcome) in tests.0.iter().zip(outcomes) {
        let took = outcome.as_ref().map_or(0.0, |outcome| outcome.took.as_secs_f64());
        let (file, name) = (xml(&found.file.display().to_string()), xml(&found.test));
        text.push_str(&format!("<testcase classname=\"{file}\" name=\"{name}\" time=\"{took:.3}\">"));
        match outcome {
            None => text.push_str("<skipped/>"),
            Some(outcome) => {
                if let Some(failure) = &outcome.failure {
                    let (message, shown) = (xml(&failure.message), xml(&failure.shown));
                    text.push_str(&format!("<failure message=\"{message}\">{shown}</failure>"));
                }
                if !outcome.said.is_empty() {
                    text.push_str(&format!("<system-out>{}</system-out>", xml(&outcome.said)));
                }
            }
        }
        text.push_str("</testcase>\n");
    }
    text + "</testsuite>\n</testsuites>\n"
}

/// Text inside XML, where some characters may not stand at all.
fn xml(text: &str) -> String {
    let plain = text.replace(|c| visible::steers(c) && !matches!(c, '\n' | '\t'), "\u{fffd}");
    escape(plain.as_str()).into_owned()
}
