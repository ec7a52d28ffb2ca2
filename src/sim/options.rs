//! What a simulator is started with: keys, the state's file, faults, shape, seed, recorded answers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::demo;
use super::faults::Rule;
use super::gateway::keys::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Key, READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET};
use super::gateway::reply::Shape;
use crate::catalogue;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::pattern::Unfit;
use crate::secret::Secret;

/// How much a generated account holds, beside the demo account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fleet {
    /// Applications.
    pub apps: u32,
    /// Environments of these applications.
    pub envs: u32,
    /// Nodes of the clusters they run on.
    pub nodes: u32,
}

impl FromStr for Fleet {
    type Err = String;

    /// `apps=200,envs=1000,nodes=500`
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        const MOST: u32 = 1_000_000;
        let mut fleet = Self::default();
        for part in text.split(',') {
            let (name, number) = part.split_once('=').unwrap_or((part, ""));
            let count = match name.trim() {
                "apps" => &mut fleet.apps,
                "envs" => &mut fleet.envs,
                "nodes" => &mut fleet.nodes,
                other => return Err(format!("`{other}` is none of apps, envs and nodes")),
            };
            *count = number
                .trim()
                .parse()
                .ok()
                .filter(|count| *count <= MOST)
                .ok_or_else(|| format!("`{part}` must be a number up to {MOST}"))?;
        }
        if fleet.envs > 0 && fleet.apps == 0 {
            return Err("environments need applications: give apps as well".to_owned());
        }
        Ok(fleet)
    }
}

/// What a simulator is started with.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// The access keys that the gateway knows.
    pub keys: Vec<Key>,
    /// Where the state is kept; without it, in memory only.
    pub state: Option<PathBuf>,
    /// The form of replies.
    pub shape: Shape,
    /// What goes wrong, and when.
    pub faults: Vec<Rule>,
    /// What request ids, faults and generated accounts derive from.
    pub seed: u64,
    /// When the account starts, if none is kept yet.
    pub start: Timestamp,
    /// What is generated beside the demo account.
    pub fleet: Fleet,
    /// What whoever asks for `/_sim/` must show; without one, nothing is answered there.
    pub control: Option<Secret>,
    /// What every call takes of the simulated time.
    pub call_takes: Duration,
    /// The callers share the simulator's clock: an answer does not take its time, but says how long it took.
    pub callers_share_clock: bool,
    /// Recorded replies of actions that are not simulated.
    pub answers: HashMap<String, Value>,
}

impl Options {
    /// The demo account in memory, with its two keys and nothing going wrong.
    pub(crate) fn demo() -> Self {
        let reader = Key { read_only: true, ..Key::new(READ_ONLY_KEY_ID, READ_ONLY_KEY_SECRET) };
        Self {
            keys: vec![Key::new(ACCESS_KEY_ID, ACCESS_KEY_SECRET), reader],
            state: None,
            shape: Shape::Plain,
            faults: Vec::new(),
            seed: 1,
            start: demo::START,
            fleet: Fleet::default(),
            control: None,
            call_takes: Duration::ZERO,
            callers_share_clock: false,
            answers: HashMap::new(),
        }
    }

    /// Checks that the faults are those of actions that there are.
    ///
    /// # Errors
    /// `usage` for the first that is not, with what was meant.
    pub(crate) fn check_faults(&self) -> Result<()> {
        Rule::check(&self.faults, self.answers.keys()).map_err(|Unfit { why, hint }| {
            let error = Error::new(Kind::Usage, why);
            hint.into_iter().fold(error, Error::hint)
        })
    }
}

/// When the simulator's account starts: `now`, or a time as the service takes it.
///
/// # Errors
/// It is neither, or too far away for an account that has a past.
pub(crate) fn start(text: &str) -> std::result::Result<Timestamp, String> {
    // The account has a past, and goes on for as long as anybody likes.
    const YEARS: std::ops::Range<i16> = 2000..2100;
    let time = if text == "now" { Ok(Timestamp::now()) } else { clock::parse_time(text) };
    time.ok()
        .filter(|time| YEARS.contains(&clock::BEIJING.to_datetime(*time).year()))
        .ok_or_else(|| format!("`{text}` is neither now nor a time such as 2026-01-05 10:00"))
}

/// Reads recorded replies: a JSON object with the body of the reply by action.
///
/// # Errors
/// `config` for what is no such object, and for an action that the simulator answers itself.
pub(crate) fn answers(json: &str) -> Result<HashMap<String, Value>> {
    let wrong = |why: String| Error::new(Kind::Config, format!("the recorded answers do not parse: {why}"));
    let answers: HashMap<String, Value> = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
    match answers.iter().find(|(action, body)| catalogue::find(action).is_some() || !body.is_object()) {
        Some((action, body)) if body.is_object() => Err(wrong(format!("{action} is simulated"))),
        Some((action, _)) => Err(wrong(format!("the reply of {action} is not an object"))),
        None => Ok(answers),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn fleets_are_read() {
        for (text, expected) in [
            ("apps=200,envs=1000,nodes=500", Ok(Fleet { apps: 200, envs: 1000, nodes: 500 })),
            ("nodes=3, apps=1", Ok(Fleet { apps: 1, envs: 0, nodes: 3 })),
            ("envs=1", Err("environments need applications: give apps as well")),
            ("pods=1", Err("`pods` is none of apps, envs and nodes")),
            ("apps", Err("`apps` must be a number up to 1000000")),
            ("apps=1000001", Err("`apps=1000001` must be a number up to 1000000")),
            ("", Err("`` is none of apps, envs and nodes")),
        ] {
            assert_eq!(text.parse::<Fleet>(), expected.map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn the_simulators_account_starts_now_or_when_it_is_told() {
        let told = Timestamp::constant(1_767_578_400, 0);
        assert_eq!([start("2026-01-05 10:00"), start("2026-01-05T02:00Z")], [Ok(told), Ok(told)]);
        assert!(start("now").unwrap() >= told);
        for text in ["", "tomorrow", "1999-12-31", "-009999-01-02T00:00Z"] {
            assert!(start(text).is_err(), "{text}");
        }
    }

    #[test]
    fn answers_are_for_actions_outside_the_catalogue() {
        assert_eq!(answers(r#"{"RebuildAppInstance": {"Code": 0}}"#).unwrap().len(), 1);
        for (json, part) in [
            (r#"{"ListApp": {"Code": 0}}"#, "ListApp is simulated"),
            (r#"{"RebuildAppInstance": 5}"#, "is not an object"),
            ("[", "do not parse"),
        ] {
            assert!(answers(json).unwrap_err().message.contains(part), "{json}");
        }
    }
}
