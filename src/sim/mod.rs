//! The simulator: a stateful stand-in for the whole service that speaks its real wire protocol.
//!
//! [`state`] holds the account and [`call`] is one call on it; a file for each chapter of the
//! document has its handlers, mirroring the catalogue.

pub mod access;
pub mod applications;
pub mod call;
pub mod cluster;
pub mod demo;
pub mod rds;
pub mod release;
pub mod state;
pub mod users;
