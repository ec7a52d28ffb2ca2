//! What a run has around it that nobody watches.
//!
//! Before it: the [`jitter`], the [`lock`] that lets one run at a time. While it runs: the [`tally`] of its calls with
//! the [`limits`] that stop it, its [`checks`], what the [`trace`] is called, the [`shard`] it is. Behind it: the
//! [`metrics`], the [`report`], and the [`heartbeat`], which was told of the start, too; [`notify`] is what a script
//! tells people. [`file`] is how what is told is written. Who puts them around a run is `run::alone`.

pub(crate) mod checks;
pub(crate) mod file;
pub(crate) mod heartbeat;
pub(crate) mod jitter;
pub(crate) mod limits;
pub(crate) mod lock;
pub(crate) mod metrics;
pub(crate) mod notify;
pub(crate) mod report;
pub(crate) mod shard;
pub(crate) mod tally;
pub(crate) mod trace;
