//! What the process of a test is told, and what it tells while it runs: a line of JSON each on its stdout.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::script::Covered;

/// A test to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job {
    /// Its file.
    pub file: PathBuf,
    /// Its function.
    pub test: String,
    /// A folder of its own, which need not be there.
    pub folder: PathBuf,
    /// Whether snapshots are kept anew.
    pub update: bool,
    /// Whether what runs of scripts is counted.
    pub coverage: bool,
}

/// What a test tells.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Told {
    /// It printed, or logged.
    Said(String),
    /// A call came to its end: in words, with what became of it.
    Call(String),
    /// It ran this script.
    Ran(PathBuf),
    /// It compared the snapshot in this file.
    Snapshot(PathBuf),
    /// What ran of the scripts that it ran.
    Covered(BTreeMap<String, Covered>),
    /// It ended; with what it failed with.
    Ended(Option<Failure>),
}

/// Why a test failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// In a sentence, and what differs.
    pub message: String,
    /// As people read it, with the line of the test.
    pub shown: String,
}
