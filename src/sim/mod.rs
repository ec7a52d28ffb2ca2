//! The simulator: a stateful stand-in for the whole service that speaks its real wire protocol.
//!
//! The way of a call: bytes → [`http`] (a server on a socket) → [`gateway`] (verified and decoded into a
//! call) → [`service`] (brings the [`engine`]'s state to the clock's time, applies the call, writes the
//! [`ledger`]) → [`gateway::reply`] (the service's own form) → bytes. [`engine`] has a file for each
//! chapter of the document, mirroring the catalogue; [`demo`] is the account that a start begins with;
//! [`faults`] make any of it go wrong on demand; [`http::control`] looks inside while it runs.

pub mod demo;
pub mod engine;
pub mod faults;
pub mod gateway;
pub mod http;
pub mod ledger;
pub mod options;
mod service;

#[cfg(test)]
mod tests;

pub use gateway::keys::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Key};
pub use options::{Fleet, Options};
use service::CONTROL;
pub use service::{Answer, Sim};
