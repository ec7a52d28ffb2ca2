//! A call on its way: [`account`] is the one line that every call takes, under a [`policy`]; the [`record`] says how far
//! it is, beside what calls have [`shared`]; the [`client`] signs, sends and reads, as often as the [`retry`] rule lets it
//! and the [`pacer`] has it wait. An [`observer`] is told of every call. A script goes to [`others`] beside its own account.
//! [`journaled`] has writes written down, and [`look`]s whether they took effect. [`paging`] walks lists; [`subject`] says a
//! call in words.
//!
//! [`client`] is the file that sends calls over the network; [`broken`] says what failures of calls mean.

pub(crate) mod account;
mod broken;
mod client;
pub(crate) mod journaled;
pub(crate) mod look;
pub(crate) mod observer;
pub(crate) mod others;
mod pacer;
pub(crate) mod paging;
pub(crate) mod policy;
pub(crate) mod record;
mod retry;
pub(crate) mod shared;
pub(crate) mod subject;

pub(crate) use client::{Client, ClientConfig, TIMEOUT};
