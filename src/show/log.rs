//! The log on stderr: jst's own lines and the scripts', without secrets.

use std::io::{self, Write};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::show::redaction::REDACTOR;

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// The name that lines of `log::info` and friends go under.
const SCRIPT: &str = "script";

/// Begins to log. Lines carry the time where nobody watches them appear.
pub(crate) fn start(level: tracing::Level, format: LogFormat, watched: bool, colour: bool) {
    // Only what is meant for people: libraries would spell out whole requests.
    let wanted = Targets::new().with_target("jst", level).with_target(SCRIPT, level);
    let lines = || fmt::layer().with_writer(|| Redacted(io::stderr())).with_target(false).with_ansi(colour);
    let registry = tracing_subscriber::registry().with(wanted);
    // A second start, as tests make it, changes nothing.
    let _ = match (format, watched) {
        (LogFormat::Json, _) => registry.with(lines().json().flatten_event(true)).try_init(),
        (LogFormat::Text, true) => registry.with(lines().compact().without_time()).try_init(),
        (LogFormat::Text, false) => registry.with(lines().compact()).try_init(),
    };
}

/// Takes secrets out of what passes. The log writes a whole line at once.
struct Redacted<W>(W);

impl<W: Write> Write for Redacted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(REDACTOR.talk(&String::from_utf8_lossy(bytes)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
