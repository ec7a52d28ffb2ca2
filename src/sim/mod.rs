//! The simulator: a stateful stand-in for the whole service that speaks its real wire protocol.
//!
//! The way of a call: bytes → [`http`] (a server on a socket) → [`gateway`] (verified and decoded into a
//! call) → [`service`] (brings the [`engine`]'s state to the clock's time, applies the call, writes the
//! [`ledger`], and what is kept of it into the [`store`]) → [`gateway::reply`] (the service's own form) → bytes. [`engine`] has a file for each
//! chapter of the document, mirroring the catalogue; [`demo`] is the account that a start begins with, [`world`] one of a few words;
//! [`faults`] make any of it go wrong on demand; [`http::control`] looks inside while it runs.

pub(crate) mod demo;
pub(crate) mod engine;
pub(crate) mod faults;
pub(crate) mod gateway;
pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod options;
mod service;
pub(crate) mod store;
pub(crate) mod world;

#[cfg(test)]
mod tests;

pub(crate) use gateway::keys::{ACCESS_KEY_ID, ACCESS_KEY_SECRET, Key};
pub(crate) use options::{Fleet, Options};
use service::CONTROL;
pub(crate) use service::{Answer, Sim};
