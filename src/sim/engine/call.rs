//! One call as the state sees it, and what a handler makes of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue::{Operation, PAGE_SIZE};
use crate::clock::BEIJING;
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// Carries out an operation: changes the state and gives the payload of the reply in its documented
/// spelling. What every reply has (`RequestId`, `Code`, `Success`) is added by [`crate::sim::gateway::reply`].
pub(crate) type Handler = fn(&mut State, &Call) -> Result<Json, Refusal>;

/// A verified and decoded call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What is called.
    pub operation: &'static Operation,
    /// Its parameters, of the catalogue's types.
    pub params: Map<String, Value>,
    /// What shall go wrong with what it begins.
    pub trouble: Option<Trouble>,
}

/// What can be made to go wrong with what a call begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Trouble {
    /// It is not admitted.
    Frozen {
        /// Why: `102000` no admission credential, `102001` admission under review.
        business_code: String,
    },
    /// The pods of this partition do not turn healthy.
    FailAtPartition(i64),
    /// Its first pod exits again and again, and so does every pod that scaling adds to a deploy of that kind. It
    /// ends nothing: the order stays under way.
    CrashLoop,
    /// It is admitted, and ends in the failure that its operation has.
    Fails,
}

impl Trouble {
    /// The operations that it can befall.
    pub(crate) const fn operations(&self) -> &'static [&'static str] {
        match self {
            Self::Frozen { .. } | Self::FailAtPartition(_) | Self::CrashLoop => &["DeployApp", "ScaleApp"],
            Self::Fails => {
                &["CreateCluster", "CreatePersistentVolume", "DeleteAppEnvironment", "DeletePersistentVolumeClaim"]
            }
        }
    }
}

/// A business failure: an integer code inside HTTP 200.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    /// The business code, never 0 or 200.
    pub code: i64,
    /// Why, in words.
    pub text: String,
}

impl Refusal {
    /// Something that was named does not exist.
    pub(crate) fn not_found(what: &str, id: impl std::fmt::Display) -> Self {
        Self { code: 10404, text: format!("{what} {id} does not exist") }
    }

    /// Something is in use, or already there.
    pub(crate) fn conflict(text: impl Into<String>) -> Self {
        Self { code: 10409, text: text.into() }
    }

    /// Something cannot be deleted because of what still hangs on it.
    pub(crate) fn in_use(what: &str, uses: &[String]) -> Self {
        Self::conflict(format!("{what} cannot be deleted: it still has {}", uses.join(", ")))
    }

    /// A value that only the state can tell is wrong.
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self { code: 10400, text: text.into() }
    }
}

impl Call {
    /// A call from inside the simulator.
    pub(crate) fn new(operation: &'static Operation, params: Map<String, Value>) -> Self {
        Self { operation, params, trouble: None }
    }

    /// Whether it shall end in the failure that its operation has.
    pub(crate) fn fails(&self) -> bool {
        self.trouble == Some(Trouble::Fails)
    }

    /// A whole number, if it was given.
    pub(crate) fn opt_int(&self, name: &str) -> Option<i64> {
        self.params.get(name)?.as_i64()
    }

    /// A required whole number: validation has made sure of it.
    pub(crate) fn int(&self, name: &str) -> i64 {
        self.opt_int(name).unwrap_or_default()
    }

    /// Text, if it was given.
    pub(crate) fn opt_text(&self, name: &str) -> Option<&str> {
        self.params.get(name)?.as_str()
    }

    /// A required text: validation has made sure of it.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.opt_text(name).unwrap_or_default()
    }

    /// A Boolean, if it was given.
    fn opt_bool(&self, name: &str) -> Option<bool> {
        self.params.get(name)?.as_bool()
    }

    /// Whether a Boolean was given as true.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.opt_bool(name) == Some(true)
    }

    /// A list, if it was given.
    pub(crate) fn opt_list(&self, name: &str) -> Option<&[Value]> {
        self.params.get(name)?.as_array().map(Vec::as_slice)
    }

    /// The elements of a list of text.
    pub(crate) fn texts(&self, name: &str) -> Vec<&str> {
        self.opt_list(name).unwrap_or_default().iter().filter_map(Value::as_str).collect()
    }

    /// The elements of a list of whole numbers.
    pub(crate) fn ints(&self, name: &str) -> Vec<i64> {
        self.opt_list(name).unwrap_or_default().iter().filter_map(Value::as_i64).collect()
    }

    /// One page of records as the call asks for it. Only the records of the page are shown.
    pub(crate) fn page<T>(&self, records: impl Iterator<Item = T>, show: impl Fn(T) -> Json) -> Json {
        let (number, size) = self.asked_page();
        let (total, data) = self.records(records, |record| Some(show(record)));
        object!({"PageNumber": number, "PageSize": size, "TotalCount": total, "Data": data})
    }

    /// The records of a page, and how many there are in all. One of an id alone may be looked up when it is shown.
    pub(crate) fn records<T>(&self, records: impl Iterator<Item = T>, show: impl Fn(T) -> Option<Json>) -> (i64, Json) {
        let (number, size) = self.asked_page();
        let first = number.saturating_sub(1).saturating_mul(size);
        let asked = first..first.saturating_add(size);
        let mut total = 0_i64;
        let data = records.filter_map(|record| {
            total += 1;
            asked.contains(&(total - 1)).then(|| show(record)).flatten()
        });
        let data = data.collect();
        (total, data)
    }

    /// The number of the page that the call asks for, and how many records that has.
    fn asked_page(&self) -> (i64, i64) {
        /// Records of a page when the call does not say.
        const SIZE: i64 = 20;
        let number_name = self.operation.paging.and_then(|paging| paging.number).unwrap_or("PageNumber");
        (self.opt_int(number_name).unwrap_or(1).max(1), self.opt_int(PAGE_SIZE).unwrap_or(SIZE).max(1))
    }
}

/// The payload of an operation that only says that it was done.
pub(crate) fn done() -> Result<Json, Refusal> {
    Ok(object!({}))
}

/// A time as the service writes most of its own: `2020-01-01 00:00:00`, in Beijing.
pub(crate) fn local_time(at: Timestamp) -> String {
    in_beijing(at).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A time as deploy orders and pods show it: `2020-01-05T17:03Z`, in UTC.
pub(crate) fn minute_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%MZ").to_string()
}

/// A time as pods and instances show it: `2020-01-05T18:38:49`, in Beijing.
pub(crate) fn second_time(at: Timestamp) -> String {
    in_beijing(at).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn in_beijing(at: Timestamp) -> jiff::civil::DateTime {
    BEIJING.to_datetime(at)
}
