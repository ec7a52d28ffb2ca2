//! Scripts run through a host, against a service that answers as told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod batch;
pub(crate) mod bench;
mod bombs;
mod calls;
mod data;
mod diagnostics;
mod files;
mod http;
mod imports;
mod keys;
mod language;
mod library;
mod run;
mod session;
mod stopping;
