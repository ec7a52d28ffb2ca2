//! A call on its way: [`account`] is the one line that every call takes, under a [`policy`]; the
//! [`record`] says how far it is; the [`client`] signs, sends and reads, as often as the [`retry`] rule
//! lets it and the [`pacer`] has it wait. [`paging`] walks lists.
//!
//! [`client`] is the only file that names reqwest.

pub mod account;
mod client;
pub mod endpoint;
mod pacer;
pub mod paging;
pub mod policy;
mod record;
mod retry;

pub use client::{Client, ClientConfig};
