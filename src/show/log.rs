//! The log on stderr: jst's own lines and the scripts', one line each, without secrets.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use tracing_subscriber::field::MakeExt as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::clock::Clock;
use crate::show::redaction::REDACTOR;
use crate::show::streams;
use crate::show::visible;

/// Form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogFormat {
    /// A line for people.
    Text,
    /// A JSON object a line.
    Json,
}

/// The name that lines of `log::info` and friends go under.
pub(super) const SCRIPT: &str = "script";

/// What the log calls time; the real clock until a run has one.
static CLOCK: RwLock<Option<Arc<Clock>>> = RwLock::new(None);

/// What every line in JSON says of the run: its id, and the trace that it is part of.
static RUN: RwLock<String> = RwLock::new(String::new());

/// Has every line in JSON, and every error, name the run and its trace.
pub(crate) fn name_run(run: &str, trace: Option<&str>) {
    // A second run in a process, as tests make it, changes nothing.
    if RUN.read().unwrap_or_else(PoisonError::into_inner).is_empty() {
        rename_run(run, trace);
    }
}

/// The same of a run that is found to be called so later.
pub(crate) fn rename_run(run: &str, trace: Option<&str>) {
    let trace = trace.map(|trace| format!(r#""trace":"{trace}","#)).unwrap_or_default();
    *RUN.write().unwrap_or_else(PoisonError::into_inner) = format!(r#""run":"{run}",{trace}"#);
}

/// A line of the log in JSON with what names the run in front.
pub(super) fn with_run(line: &str) -> Cow<'_, str> {
    let run = RUN.read().unwrap_or_else(PoisonError::into_inner);
    match line.strip_prefix('{') {
        Some(rest) if rest.starts_with('"') && !run.is_empty() => Cow::Owned(format!("{{{run}{rest}")),
        _ => Cow::Borrowed(line),
    }
}

/// Whoever keeps a copy of what is logged: how grave a line is, and its words.
type Copy = Box<dyn Fn(&str, &str) + Send + Sync>;

static COPY: RwLock<Option<Copy>> = RwLock::new(None);

/// Has every line that is logged given to somebody, too.
pub(crate) fn copy_to(copy: impl Fn(&str, &str) + Send + Sync + 'static) {
    *COPY.write().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(copy));
}

/// Gives lines to whoever keeps a copy.
struct Copied;

impl<S: tracing::Subscriber> Layer<S> for Copied {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        /// The words of a line, without secrets.
        struct Words(String);
        impl tracing::field::Visit for Words {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                let text = format!("{value:?}");
                let text = REDACTOR.text(&text);
                let blank = if self.0.is_empty() { "" } else { " " };
                let name = if field.name() == "message" { String::new() } else { format!("{}=", field.name()) };
                self.0.push_str(&format!("{blank}{name}{}", visible::line(&text)));
            }
        }
        let copy = COPY.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(copy) = copy.as_ref() {
            let mut words = Words(String::new());
            event.record(&mut words);
            copy(&event.metadata().level().as_str().to_lowercase(), &words.0);
        }
    }
}

/// Begins to log. Lines carry the time where nobody watches them appear.
pub(crate) fn start(level: tracing::Level, format: LogFormat, watched: bool, colour: bool) {
    // Only what is meant for people: libraries would spell out whole requests.
    let wanted = Targets::new().with_target("jst", level).with_target(SCRIPT, level);
    // Whatever a line says of the outside, it stays one line and steers nothing.
    let fields = debug_fn(|writer, field, value| {
        let text = format!("{value:?}");
        // Before it is written another way, or what is secret in it would not be known again.
        let text = REDACTOR.talk(&text);
        match field.name() {
            "message" => write!(writer, "{}", visible::line(&text)),
            name => write!(writer, "{name}={}", visible::line(&text)),
        }
    });
    let layer = || fmt::layer().with_target(false).with_ansi(colour).with_timer(RunTime);
    let lines = || layer().fmt_fields(fields.delimited(" ")).compact().with_writer(|| Redacted { is_json: false });
    let registry = tracing_subscriber::registry().with(wanted).with(Copied);
    // A second start, as tests make it, changes nothing.
    let _ = match (format, watched) {
        (LogFormat::Json, _) => {
            let lines = layer().json().flatten_event(true).with_writer(|| Redacted { is_json: true });
            registry.with(lines).try_init()
        }
        (LogFormat::Text, true) => registry.with(lines().without_time()).try_init(),
        (LogFormat::Text, false) => registry.with(lines()).try_init(),
    };
}

/// Has the log call time what a run calls so.
pub(crate) fn keep_time(clock: &Arc<Clock>) {
    *CLOCK.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(clock));
}

/// The time of the run's clock.
struct RunTime;

impl FormatTime for RunTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        let clock = CLOCK.read().unwrap_or_else(PoisonError::into_inner);
        let now = clock.as_ref().map_or_else(Timestamp::now, |clock| clock.now());
        write!(writer, "{now:.6}")
    }
}

/// Takes secrets out of what passes, and out of JSON what steers a terminal. The log writes a whole line at once.
struct Redacted {
    is_json: bool,
}

impl Write for Redacted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        if self.is_json {
            streams::err(&with_run(&visible::json(&REDACTOR.json_line(&line))));
        } else {
            streams::err(&REDACTOR.talk(&line));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
