//! The simulated account: its [`state`], how a [`call`] changes it, and how time does. A file for each
//! chapter of the document has its handlers, which give their payloads as [`json`]. Pure: no wire, no
//! socket, no clock of its own.

pub mod access;
pub mod applications;
pub mod call;
pub mod cluster;
pub mod json;
pub mod rds;
pub mod release;
pub mod state;
pub mod users;
