//! A rule as it is written, on the command line or in a scenario, and what it asks for.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use glob::Pattern;
use serde_json::{Map, Value};

use super::Delivery;
use crate::pattern::{self, Unfit};
use crate::sim::engine::call::{Refusal, Trouble};
use crate::sim::gateway::Rejection;

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rule {
    pub(super) action: Pattern,
    /// As it was written.
    pub(super) text: String,
    pub(super) count: Option<u64>,
    pub(super) first: Option<u64>,
    pub(super) probability: Option<f64>,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Latency { fixed: f64, jitter: f64, tail: Option<f64>, share: f64 },
    Throttle { rate: Option<f64>, retry_after: Option<u64> },
    Reject(Rejection),
    Refuse(Refusal),
    Skew(i64),
    Trouble(Trouble),
    Break { delivery: Delivery, is_applied: bool },
}

const HTML: &[u8] =
    b"<html><head><title>Bad gateway</title></head><body><h1>The upstream did not answer</h1></body></html>\n";
const GARBAGE: &[u8] = b"\x00\x9f\x92\x96{\"Code\":0,\xff\xfe\"Data\":[[[\r\n\x07";

impl Kind {
    /// The operations that it can befall; `None` stands for all.
    const fn operations(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::Trouble(trouble) => Some(trouble.operations()),
            _ => None,
        }
    }

    fn broken(delivery: Delivery, otherwise: bool, settings: &mut Given) -> Result<Self, String> {
        Ok(Self::Break { delivery, is_applied: settings.take("applied")?.unwrap_or(otherwise) })
    }

    /// The kind of this name, with what it takes of the settings.
    fn named(name: &str, settings: &mut Given) -> Result<Self, String> {
        let page = |status, content_type, body| Delivery::Page { status, content_type, body };
        let error = |status, code| Delivery::Error { status, code };
        Ok(match name {
            "500" => Self::broken(error(500, "InternalError"), false, settings)?,
            "503" => Self::broken(error(503, "ServiceUnavailable"), false, settings)?,
            "502" => Self::broken(page(502, "text/html", HTML), false, settings)?,
            "504" => Self::broken(page(504, "text/html", HTML), false, settings)?,
            "close" => Self::broken(Delivery::Closed, false, settings)?,
            "half" => Self::broken(Delivery::Half, true, settings)?,
            "garbage" => Self::broken(page(200, "application/json", GARBAGE), true, settings)?,
            "html" => Self::broken(page(200, "text/html", HTML), true, settings)?,
            "lost" => Self::Break { delivery: Delivery::Closed, is_applied: true },
            "refuse" => {
                Self::Break { delivery: Delivery::Deaf(settings.millis("ms")?.unwrap_or(SECOND)), is_applied: false }
            }
            "stall" => {
                let after = settings.millis("ms")?.unwrap_or(30 * SECOND);
                Self::broken(Delivery::Stalled(after), true, settings)?
            }
            "slow" => {
                let rate = settings.within("rate", 1.0..=1e9)?.unwrap_or(1000.0);
                Self::broken(Delivery::Slow(rate), true, settings)?
            }
            "latency" => Self::Latency {
                fixed: settings.within("ms", 0.0..=LONGEST_MS)?.unwrap_or(0.0),
                jitter: settings.within("jitter", 0.0..=LONGEST_MS)?.unwrap_or(0.0),
                tail: settings.within("tail", 0.0..=LONGEST_MS)?,
                share: settings.within("share", 0.0..=1.0)?.unwrap_or(0.01),
            },
            "throttle" => Self::Throttle {
                rate: settings.within("rate", 0.001..=1e9)?,
                retry_after: settings.take("retry-after")?,
            },
            "error" => {
                let status = settings.take("status")?.unwrap_or(400);
                if !(400..=599).contains(&status) {
                    return Err("`status` must be between 400 and 599".into());
                }
                let code: String = settings.take("code")?.ok_or("`code` is needed")?;
                Self::Reject(Rejection::new(status, code, settings.text()?))
            }
            "expired-token" => {
                Self::Reject(Rejection::new(400, "InvalidSecurityToken.Expired", "the security token has expired"))
            }
            "refusal" => {
                let code = settings.take("code")?.ok_or("`code` is needed")?;
                if matches!(code, 0 | 200) {
                    return Err("`code` must be a failure's".into());
                }
                Self::Refuse(Refusal { code, text: settings.text()? })
            }
            "skew" => Self::Skew(settings.take("seconds")?.ok_or("`seconds` is needed")?),
            "frozen" => {
                Self::Trouble(Trouble::Frozen { business_code: settings.take("code")?.unwrap_or("102000".into()) })
            }
            "fail-at" => Self::Trouble(Trouble::FailAtPartition(settings.take("partition")?.unwrap_or(1))),
            "crash-loop" => Self::Trouble(Trouble::CrashLoop),
            "fails" => Self::Trouble(Trouble::Fails),
            other => return Err(format!("`{other}` is no kind of fault; one of {}", NAMES.join(", "))),
        })
    }
}

pub(super) const NAMES: [&str; 22] = [
    "latency",
    "throttle",
    "500",
    "502",
    "503",
    "504",
    "error",
    "expired-token",
    "refusal",
    "skew",
    "refuse",
    "close",
    "lost",
    "half",
    "garbage",
    "html",
    "stall",
    "slow",
    "frozen",
    "fail-at",
    "crash-loop",
    "fails",
];

const SECOND: Duration = Duration::from_secs(1);
/// No wait is longer: an hour.
const LONGEST_MS: f64 = 3_600_000.0;

/// The settings of a rule that were not yet taken.
struct Given(BTreeMap<String, String>);

impl Given {
    fn take<T: FromStr>(&mut self, name: &str) -> Result<Option<T>, String> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| format!("`{name}={text}` is not what it takes")),
        }
    }

    fn within(&mut self, name: &str, range: std::ops::RangeInclusive<f64>) -> Result<Option<f64>, String> {
        match self.take::<f64>(name)? {
            Some(number) if !range.contains(&number) => {
                Err(format!("`{name}` must be between {} and {}", range.start(), range.end()))
            }
            number => Ok(number),
        }
    }

    fn millis(&mut self, name: &str) -> Result<Option<Duration>, String> {
        Ok(self.within(name, 0.0..=LONGEST_MS)?.map(millis))
    }

    fn text(&mut self) -> Result<String, String> {
        Ok(self.take("text")?.unwrap_or_else(|| "a fault that was asked for".into()))
    }
}

pub(super) fn millis(number: f64) -> Duration {
    Duration::try_from_secs_f64(number / 1000.0).unwrap_or_default()
}

/// Rules as a flag or a variable holds them: one, or several divided by commas. A comma within a text is
/// the text's: it divides only where a rule begins behind it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Rules(pub Vec<Rule>);

impl FromStr for Rules {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut rules: Vec<String> = Vec::new();
        for part in text.split(',') {
            match rules.last_mut() {
                Some(rule) if !begins_a_rule(part) => rule.extend([",", part]),
                _ => rules.push(part.to_owned()),
            }
        }
        rules.iter().map(|rule| rule.trim().parse()).collect::<Result<_, _>>().map(Self)
    }
}

/// Whether a rule of some kind of fault begins here.
fn begins_a_rule(text: &str) -> bool {
    text.trim().split(':').nth(1).is_some_and(|kind| NAMES.contains(&kind))
}

impl Rule {
    fn new(action: &str, kind: &str, text: String, settings: BTreeMap<String, String>) -> Result<Self, String> {
        let mut settings = Given(settings);
        let rule = Self {
            action: pattern::parse(action).map_err(|unfit| unfit.why)?,
            count: settings.take("count")?,
            first: settings.take("first")?,
            probability: settings.within("probability", 0.0..=1.0)?,
            kind: Kind::named(kind, &mut settings)?,
            text,
        };
        match settings.0.keys().next() {
            Some(name) => Err(format!("`{kind}` takes no `{name}`")),
            None => Ok(rule),
        }
    }

    /// Whether it is about calls of this action.
    pub(super) fn is_for(&self, action: &str) -> bool {
        pattern::fits(&self.action, action) && self.kind.operations().is_none_or(|those| those.contains(&action))
    }

    /// Checks that rules pick from actions that the simulator answers: those of the service, and those of which a
    /// reply is recorded; and that what they ask for can befall one of them.
    ///
    /// # Errors
    /// The first rule whose pattern matches none of them, why, and what was meant.
    pub(crate) fn check<'a>(
        rules: &[Self],
        recorded: impl IntoIterator<Item = &'a String> + Clone,
    ) -> Result<(), Unfit> {
        for rule in rules {
            let recorded = recorded.clone().into_iter().map(String::as_str);
            pattern::check(&rule.action, recorded)
                .map_err(|unfit| Unfit { why: format!("the fault {}: {}", rule.text, unfit.why), ..unfit })?;
            if let Some(operations) = rule.kind.operations().filter(|those| !those.iter().any(|one| rule.is_for(one))) {
                let why = format!("the fault {}: no call of {} can end so", rule.text, rule.action);
                return Err(Unfit { why, hint: Some(format!("it is for {}", operations.join(", "))) });
            }
        }
        Ok(())
    }

    /// Reads a scenario: a JSON list of rules, each an object or in the form of the command line.
    ///
    /// # Errors
    /// What is wrong with the first rule that does not parse.
    pub(crate) fn list(json: &[u8]) -> Result<Vec<Self>, String> {
        let list: Vec<Value> = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let rule = |(value, n): (Value, usize)| {
            let rule = match value {
                Value::String(text) => text.parse(),
                Value::Object(map) => Self::from_map(map),
                _ => Err("neither text nor an object".into()),
            };
            rule.map_err(|why| format!("rule {n}: {why}"))
        };
        list.into_iter().zip(1..).map(rule).collect()
    }

    fn from_map(map: Map<String, Value>) -> Result<Self, String> {
        let text = Value::Object(map.clone()).to_string();
        let mut settings: BTreeMap<String, String> =
            map.into_iter().map(|(name, value)| (name.replace('_', "-"), crate::wire::request::text(&value))).collect();
        let action = settings.remove("action").ok_or("`action` is needed")?;
        let kind = settings.remove("kind").ok_or("`kind` is needed")?;
        Self::new(&action, &kind, text, settings)
    }
}

impl FromStr for Rule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let action = parts.next().unwrap_or_default();
        let kind = parts.next().ok_or("a rule is written ACTION:KIND[:SETTING=VALUE]…")?;
        let mut settings = BTreeMap::new();
        for part in parts {
            // `lost:applied` would be read as a name without a value.
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{part}` is not SETTING=VALUE"))?;
            if settings.insert(name.to_owned(), value.to_owned()).is_some() {
                return Err(format!("`{name}` is given twice"));
            }
        }
        Self::new(action, kind, text.to_owned(), settings)
    }
}
