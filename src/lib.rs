//! jst

pub mod account;
pub mod catalogue;
pub mod cli;
pub mod client;
pub mod clock;
pub mod commands;
pub mod config;
pub mod credentials;
pub mod error;
pub mod logging;
pub mod memory;
pub mod output;
pub mod paging;
pub mod policy;
pub mod repl;
pub mod retry;
pub mod script;
pub mod secret;
pub mod sim;
pub mod stop;
pub mod suggest;
pub mod wire;
