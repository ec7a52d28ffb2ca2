//! The ledger: the writes that were applied, as a look inside shows them.
//!
//! It begins with the writes of the lines that were replayed from a state's file. A snapshot only counts the
//! writes before it: those before a graceful stop, or before the start before this one, are no longer shown.

use std::collections::VecDeque;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::catalogue;
use crate::secret::MASK;
use crate::sim::engine::call::Trouble;

/// A write that was applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// When, on the simulator's clock.
    pub time: Timestamp,
    /// What was called.
    pub action: String,
    /// With what.
    pub params: Map<String, Value>,
    /// What went wrong with the release that it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<Trouble>,
    /// The id that its reply carries.
    pub request_id: String,
    /// The code that its reply carries.
    pub code: i64,
}

impl Record {
    /// The record with its secrets masked.
    pub(crate) fn masked(mut self) -> Self {
        if let Some(operation) = catalogue::find(&self.action) {
            for (name, value) in &mut self.params {
                if operation.param(name).is_some_and(|param| param.secret) || crate::secret::is_secret_name(name) {
                    *value = MASK.into();
                }
            }
        }
        self
    }
}

/// The latest applied writes, and how many there were in all.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// As JSON, secrets masked.
    records: VecDeque<String>,
    bytes: usize,
    total: u64,
}

impl Ledger {
    /// Bytes of records kept in memory; older ones are only counted.
    const KEPT: usize = 64 << 20;

    /// Adds a record.
    pub(crate) fn push(&mut self, record: Record) {
        // No secret stays in memory for longer than the state needs it.
        let text = serde_json::to_string(&record.masked()).unwrap_or_default();
        self.bytes += size_of::<String>() + text.len();
        self.records.push_back(text);
        self.total = self.total.saturating_add(1);
        while self.bytes > Self::KEPT
            && let Some(oldest) = self.records.pop_front()
        {
            self.bytes -= size_of::<String>() + oldest.len();
        }
    }

    /// As JSON: the records that are kept, oldest first, secrets masked; and how many there were in all.
    pub(crate) fn json(&self) -> String {
        let mut text = format!(r#"{{"total":{},"records":["#, self.total);
        for (index, record) in self.records.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            text += record;
        }
        text + "]}"
    }

    /// A ledger that has shown this many writes before.
    pub(super) fn after(total: u64) -> Self {
        Self { total, ..Self::default() }
    }

    /// How many there were in all.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    fn record(action: &str, params: Value) -> Record {
        Record {
            time: Timestamp::UNIX_EPOCH,
            action: action.into(),
            params: params.as_object().unwrap().clone(),
            trouble: None,
            request_id: "id".into(),
            code: 0,
        }
    }

    #[test]
    fn the_ledger_holds_no_secret_and_does_not_grow_for_ever() {
        let mut ledger = Ledger::default();
        let shown = |ledger: &Ledger| serde_json::from_str::<Value>(&ledger.json()).unwrap();
        ledger.push(record("CreateCluster", json!({"Password": "fake-Passw0rd!", "ClusterTitle": "t"})));
        ledger.push(record("ScaleApp", json!({})));
        let params = shown(&ledger)["records"][0]["params"].clone();
        assert_eq!(params, json!({"Password": "****", "ClusterTitle": "t"}));
        let large = "x".repeat(Ledger::KEPT / 10);
        for _ in 0..20 {
            ledger.push(record("UpdateApp", json!({"Description": large})));
        }
        ledger.push(record("ScaleApp", json!({})));
        assert!(ledger.bytes <= Ledger::KEPT && ledger.json().len() <= Ledger::KEPT);
        let shown = shown(&ledger);
        let actions: Vec<_> = shown["records"].as_array().unwrap().iter().map(|record| &record["action"]).collect();
        assert_eq!((shown["total"].as_u64(), actions.len(), actions[9]), (Some(23), 10, &json!("ScaleApp")));
    }
}
