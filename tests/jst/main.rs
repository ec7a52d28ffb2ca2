//! The binary from outside: its exit codes, its exact output, and what it sends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, unreachable_pub)]

mod accounts;
mod commands;
#[cfg(target_os = "linux")]
mod crash;
mod ends;
mod failures;
mod heeded;
mod inputs;
mod jobs;
mod journal;
mod judges;
mod killer;
mod library;
mod limits;
mod network;
mod once;
mod printing;
mod profiles;
mod prompt;
mod readme;
mod resume;
mod rooms;
mod scarcity;
mod scripts;
mod secrets;
mod settings;
mod shards;
mod signin;
mod simulated;
mod support;
mod terminal;
mod testing;
mod together;
mod twelve;
mod units;
mod vendor;
