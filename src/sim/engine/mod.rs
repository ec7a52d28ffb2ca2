//! The simulated account: its [`state`], how a [`call`] changes it, and how time does. A file for each
//! chapter of the document has its handlers, which give their payloads as [`json`]. Pure: no wire, no
//! socket, no clock of its own.

pub(crate) mod access;
pub(crate) mod applications;
pub(crate) mod call;
pub(crate) mod cluster;
pub(crate) mod json;
pub(crate) mod leaving;
pub(crate) mod rds;
pub(crate) mod release;
pub(crate) mod resources;
pub(crate) mod state;
pub(crate) mod users;
pub(crate) mod values;
