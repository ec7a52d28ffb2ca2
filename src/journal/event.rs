//! What the journal's events say. Each is a row: its run, its number in that run, when, of what kind, which earlier
//! event it belongs to, at which place of the script, and the rest as JSON.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// An event on its way to the file.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Counted from 1 in each run.
    pub number: i64,
    /// Milliseconds since 1970.
    pub at: i64,
    /// What happened.
    pub what: What,
    /// The number of the event that it belongs to: an attempt to its write, an end to its step.
    pub of: Option<i64>,
    /// Where in the script.
    pub place: String,
}

impl Event {
    /// An event that happens now.
    pub(super) fn now(number: i64, what: What) -> Self {
        Self { number, at: Timestamp::now().as_millisecond(), what, of: None, place: String::new() }
    }

    /// One that belongs to an earlier one.
    pub(super) fn of(self, number: i64) -> Self {
        Self { of: Some(number), ..self }
    }

    /// One at this place of the script.
    pub(super) fn at_place(self, place: &str) -> Self {
        Self { place: place.to_owned(), ..self }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    /// The run, or a resumed part of it, began.
    Begun(Map<String, Value>),
    /// A write is about to be made.
    Write {
        /// Its operation.
        operation: String,
        /// Its parameters, secrets masked.
        params: Map<String, Value>,
        /// What a look at the account showed before it, where there was one.
        before: Option<Value>,
        /// The profile that the script named for it; `None` for the run's own account.
        profile: Option<String>,
    },
    /// An attempt of a write begins.
    Attempt,
    /// A write came to its end.
    Outcome {
        /// What is known of it.
        known: Known,
        /// Attempts that were made.
        attempts: u32,
        /// The service's id of the request.
        request_id: Option<String>,
        /// The reply, or what went wrong.
        reply: Value,
    },
    /// A look at the account, or a person, settled a write that was unknown.
    Settled {
        /// What it is now known to be.
        known: Known,
        /// What a resumed run gives for its reply.
        reply: Value,
        /// Who or what says so.
        by: String,
    },
    /// A step began, in this item of a `parallel` where there is one that can be told.
    Step(String),
    /// A step gave a value; `None` where it may not be kept.
    Finished(Option<Value>),
    /// A script was told something that a resumed run must be told again.
    Told {
        /// What it asked for.
        name: String,
        /// How often it had asked before at this place.
        turn: u32,
        /// What it was told.
        value: Value,
    },
    /// A line of the log.
    Line {
        /// How grave it is.
        level: String,
        /// What it says.
        text: String,
    },
    /// The run, or a part of it, ended.
    Ended {
        /// Its exit code.
        code: u8,
        /// The error that it ended with, without secrets.
        why: Option<String>,
    },
}

/// What is known of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It took effect.
    Applied,
    /// The service said no.
    Refused,
    /// Nothing reached the service.
    NotSent,
    /// A look showed that it did not take effect.
    NotApplied,
    /// It may have happened.
    Unknown,
}

const KNOWN: [Known; 5] = [Known::Applied, Known::Refused, Known::NotSent, Known::NotApplied, Known::Unknown];

impl Known {
    /// The word for it, in the file and for people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Refused => "refused",
            Self::NotSent => "not_sent",
            Self::NotApplied => "not_applied",
            Self::Unknown => "unknown",
        }
    }

    fn read(word: Option<&Value>) -> Self {
        let word = word.and_then(Value::as_str);
        KNOWN.into_iter().find(|known| Some(known.word()) == word).unwrap_or(Self::Unknown)
    }
}

impl What {
    /// The word for its kind in the file.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Begun(_) => "begun",
            Self::Write { .. } => "write",
            Self::Attempt => "attempt",
            Self::Outcome { .. } => "outcome",
            Self::Settled { .. } => "settled",
            Self::Step(_) => "step",
            Self::Finished(_) => "finished",
            Self::Told { .. } => "told",
            Self::Line { .. } => "line",
            Self::Ended { .. } => "ended",
        }
    }

    /// The rest of it as JSON.
    pub(super) fn body(&self) -> String {
        let body = match self {
            Self::Begun(facts) => facts.clone().into(),
            Self::Write { operation, params, before, profile } => {
                json!({"operation": operation, "params": params, "before": before, "profile": profile})
            }
            Self::Outcome { known, attempts, request_id, reply } => {
                json!({"known": known.word(), "attempts": attempts, "request_id": request_id, "reply": reply})
            }
            Self::Settled { known, reply, by } => json!({"known": known.word(), "reply": reply, "by": by}),
            Self::Finished(Some(value)) => json!({"value": value}),
            Self::Told { name, turn, value } => json!({"name": name, "turn": turn, "value": value}),
            Self::Line { level, text } => json!({"level": level, "text": text}),
            Self::Ended { code, why } => json!({"exit": code, "why": why}),
            Self::Step(item) if !item.is_empty() => json!({"item": item}),
            Self::Attempt | Self::Step(_) | Self::Finished(None) => return String::new(),
        };
        body.to_string()
    }

    /// An event as it was written; `None` for a kind that this version does not know.
    pub(super) fn read(kind: &str, body: &str) -> Option<Self> {
        let mut body: Map<String, Value> = serde_json::from_str(body).unwrap_or_default();
        let mut take = |name: &str| body.remove(name).unwrap_or_default();
        let text = |value: Value| value.as_str().map(str::to_owned).unwrap_or_default();
        let count = |value: Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        Some(match kind {
            "begun" => Self::Begun(body),
            "write" => Self::Write {
                operation: text(take("operation")),
                params: match take("params") {
                    Value::Object(params) => params,
                    _ => Map::new(),
                },
                before: Some(take("before")).filter(|before| !before.is_null()),
                profile: body.get("profile").and_then(Value::as_str).map(str::to_owned),
            },
            "attempt" => Self::Attempt,
            "outcome" => Self::Outcome {
                known: Known::read(body.get("known")),
                attempts: count(body.remove("attempts").unwrap_or_default()),
                request_id: body.get("request_id").and_then(Value::as_str).map(str::to_owned),
                reply: body.remove("reply").unwrap_or_default(),
            },
            "settled" => Self::Settled {
                known: Known::read(body.get("known")),
                reply: body.remove("reply").unwrap_or_default(),
                by: text(body.remove("by").unwrap_or_default()),
            },
            "step" => Self::Step(text(take("item"))),
            "finished" => Self::Finished(body.remove("value")),
            "told" => Self::Told { name: text(take("name")), turn: count(take("turn")), value: take("value") },
            "line" => Self::Line { level: text(take("level")), text: text(take("text")) },
            "ended" => Self::Ended {
                code: u8::try_from(count(take("exit"))).unwrap_or(u8::MAX),
                // Older versions did not say.
                why: take("why").as_str().map(str::to_owned),
            },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let map = |value: Value| value.as_object().unwrap().clone();
        for what in [
            What::Begun(map(json!({"script": "a.rhai"}))),
            What::Write {
                operation: "ScaleApp".into(),
                params: map(json!({"EnvId": 1})),
                before: None,
                profile: Some("shop-b".into()),
            },
            What::Write {
                operation: "ScaleApp".into(),
                params: Map::new(),
                before: Some(json!({"Replicas": 2})),
                profile: None,
            },
            What::Attempt,
            What::Outcome {
                known: Known::Applied,
                attempts: 2,
                request_id: Some("R".into()),
                reply: json!({"Code": 0}),
            },
            What::Settled { known: Known::NotApplied, reply: Value::Null, by: "a look".into() },
            What::Step(String::new()),
            What::Step("EnvId=3002".into()),
            What::Finished(Some(json!([1, "two", null]))),
            What::Finished(Some(Value::Null)),
            What::Finished(None),
            What::Told { name: "now".into(), turn: 3, value: json!("2026-01-05T00:00:00Z") },
            What::Line { level: "info".into(), text: "scaled".into() },
            What::Ended { code: 143, why: None },
            What::Ended { code: 1, why: Some("there is no app".into()) },
        ] {
            assert_eq!(What::read(what.kind(), &what.body()), Some(what));
        }
        assert_eq!(What::read("ended", r#"{"exit":3}"#), Some(What::Ended { code: 3, why: None }));
        assert_eq!(What::read("later", "{}"), None);
    }
}
