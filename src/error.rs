//! The one error of the crate: a kind, a message, and what a script or a person needs to act on it.
//!
//! The kind decides the exit code. Scripts catch the error as a map (`script::value`), people read
//! it as printed by `report`.

use serde_json::{Value, json};

/// What went wrong, in the words of the script API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Refused before sending.
    Invalid,
    /// The service answered with a failure.
    Api,
    /// A deploy was answered with `Admitted: false`: nothing was deployed.
    NotAdmitted,
    /// The service was still throttling when the attempts ran out.
    Throttled,
    /// The service could not be reached, or did not answer properly, and nothing happened.
    Network,
    /// It may have happened: the answer to a write was lost.
    UnknownOutcome,
    /// No usable credentials, or the service does not accept them.
    Credentials,
    /// Refused by the run's policy.
    Policy,
    /// A limit of the run was hit.
    Limit,
    /// Another run holds the lock.
    Locked,
    /// Stopped by Ctrl-C, SIGTERM, SIGHUP, SIGQUIT or the deadline.
    Interrupted(Interrupt),
    /// The script threw, or used the engine wrongly.
    Script,
    /// The script does not parse.
    Parse,
    /// The command line is wrong.
    Usage,
    /// A configuration file or setting is wrong.
    Config,
    /// Reading or writing a local file or stream failed.
    Io,
}

/// What stopped a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interrupt {
    /// Ctrl-C, SIGINT.
    CtrlC,
    /// SIGTERM.
    Terminate,
    /// SIGHUP: the terminal went away.
    HangUp,
    /// Ctrl-\, SIGQUIT.
    Quit,
    /// The run's deadline.
    Deadline,
    /// It only looks for differences, and came to the first thing that it would do.
    Looked,
}

impl Kind {
    /// The word a script sees in `error`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Api => "api",
            Self::NotAdmitted => "not_admitted",
            Self::Throttled => "throttled",
            Self::Network => "network",
            Self::UnknownOutcome => "unknown_outcome",
            Self::Credentials => "credentials",
            Self::Policy => "policy",
            Self::Limit => "limit",
            Self::Locked => "locked",
            Self::Interrupted(_) => "interrupted",
            Self::Script => "script",
            Self::Parse => "parse",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Io => "io",
        }
    }

    /// Whether a session ends with it, and not only what runs in it.
    pub(crate) fn ends_session(self) -> bool {
        matches!(self, Self::Interrupted(why) if why != Interrupt::CtrlC)
    }

    /// The exit code of a run that ends with it.
    pub(crate) fn exit_code(self) -> u8 {
        match self {
            Self::Invalid | Self::Script | Self::Io => 1,
            Self::Interrupted(Interrupt::Looked) => 0,
            Self::Usage => 2,
            Self::Parse => 3,
            Self::Api | Self::NotAdmitted | Self::Throttled => 10,
            Self::UnknownOutcome => 11,
            Self::Network => 12,
            Self::Credentials => 20,
            Self::Config => 21,
            Self::Policy => 30,
            Self::Locked => 40,
            Self::Interrupted(Interrupt::Deadline) => 41,
            Self::Limit => 42,
            Self::Interrupted(Interrupt::HangUp) => 129,
            Self::Interrupted(Interrupt::CtrlC) => 130,
            Self::Interrupted(Interrupt::Quit) => 131,
            Self::Interrupted(Interrupt::Terminate) => 143,
        }
    }
}

/// What is known of a call that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing reached the service.
    NotSent,
    /// The service said no.
    Refused,
    /// It may have happened.
    Unknown,
}

impl Outcome {
    /// The word a script sees in `outcome`.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    /// Where: `Replicas`, `PortMappings[0].Port`.
    pub path: String,
    /// The value given, masked where it is secret; `None` when nothing was given.
    pub given: Option<Value>,
    /// What is wrong and what is allowed: "must be an integer between 10 and 900".
    pub message: String,
    /// The nearest valid name or value.
    pub nearest: Option<String>,
}

/// Why something failed: one pointer, so that results stay small.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Error(Box<Facts>);

impl std::ops::Deref for Error {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.0
    }
}

impl std::ops::DerefMut for Error {
    fn deref_mut(&mut self) -> &mut Facts {
        &mut self.0
    }
}

/// What is known of a failure.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    /// What went wrong.
    pub kind: Kind,
    /// One sentence for a person.
    pub message: String,
    /// The service's code: an integer for business failures, text for the gateway's.
    pub code: Option<Value>,
    /// The action that failed.
    pub operation: Option<String>,
    /// The service's id of the request.
    pub request_id: Option<String>,
    /// The HTTP status of the last answer.
    pub http_status: Option<u16>,
    /// What is known of the call.
    pub outcome: Option<Outcome>,
    /// Whether the same call may succeed later without a change.
    pub retryable: bool,
    /// HTTP exchanges made.
    pub attempts: u32,
    /// What to do about it.
    pub hints: Vec<String>,
    /// Everything wrong with an invalid request.
    pub problems: Vec<Problem>,
    /// Of a call of many: each item that failed, and why.
    pub failures: Vec<(Value, Error)>,
    /// Where in a script it happened, innermost first.
    pub trace: Vec<Frame>,
    /// What else was found in the same look at a script, each an error by itself.
    pub more: Vec<Error>,
}

/// A place in a script on the way to an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// The script's or module's name.
    pub file: String,
    /// Counted from 1; 0 when not known.
    pub line: usize,
    /// In characters, counted from 1; 0 when not known.
    pub column: usize,
    /// The text of the line, where it is at hand.
    pub text: Option<String>,
    /// The function that the place is in; `None` for the script itself.
    pub function: Option<String>,
}

impl Error {
    /// An error that carries nothing but its kind and message.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Facts {
            kind,
            message: message.into(),
            code: None,
            operation: None,
            request_id: None,
            http_status: None,
            outcome: None,
            retryable: false,
            attempts: 0,
            hints: Vec::new(),
            problems: Vec::new(),
            failures: Vec::new(),
            trace: Vec::new(),
            more: Vec::new(),
        }))
    }

    /// Adds more of what is known.
    pub(crate) fn with(mut self, set: impl FnOnce(&mut Facts)) -> Self {
        set(&mut self);
        self
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Names the action that failed.
    pub(crate) fn operation(mut self, action: impl Into<String>) -> Self {
        self.operation = Some(action.into());
        self
    }

    /// Says what is known of the call.
    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = Some(outcome);
        self
    }
}

impl Error {
    /// The error as data: what a script catches, and what a log in JSON carries.
    pub(crate) fn to_json(&self) -> Value {
        let problems: Vec<Value> = self
            .problems
            .iter()
            .map(|p| json!({"path": p.path, "given": p.given, "message": p.message, "nearest": p.nearest}))
            .collect();
        let mut map = json!({
            "error": self.kind.word(),
            "message": self.message,
            "code": self.code,
            "operation": self.operation,
            "request_id": self.request_id,
            "http_status": self.http_status,
            "outcome": self.outcome.map(Outcome::word),
            "retryable": self.retryable,
            "attempts": self.attempts,
            "hints": self.hints,
            "problems": problems,
        });
        if let (Some(frame), Value::Object(map)) = (self.trace.first(), &mut map) {
            map.insert("at".to_owned(), format!("{}:{}:{}", frame.file, frame.line, frame.column).into());
        }
        if let (false, Value::Object(map)) = (self.failures.is_empty(), &mut map) {
            let failures = self.failures.iter().map(|(item, error)| json!({"item": item, "error": error.to_json()}));
            map.insert("failures".to_owned(), failures.collect());
        }
        if let (false, Value::Object(map)) = (self.more.is_empty(), &mut map) {
            map.insert("more".to_owned(), self.more.iter().map(Self::to_json).collect());
        }
        map
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of everything that can fail in this crate.
pub(crate) type Result<T> = std::result::Result<T, Error>;
