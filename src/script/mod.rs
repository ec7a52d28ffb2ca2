//! The script host: the only folder that names the engine.
//!
//! [`host`] builds the engine and runs scripts in it, [`session`] line by line; [`limits`] and
//! [`threads`] keep a script from harming the process; [`modules`] resolves imports; [`api`],
//! [`pages`], [`batch`], [`builtins`], [`files`] and [`json`] are what scripts can call; [`value`] converts; [`report`]
//! says where an error happened.

mod api;
mod batch;
mod builtins;
mod files;
mod host;
mod json;
mod limits;
mod modules;
mod pages;
mod report;
mod session;
mod threads;
mod value;

#[cfg(test)]
pub(crate) mod tests;

pub use host::{Ended, Host, Settings, read_script};
pub use modules::STD as STD_MODULES;
pub use report::render;
pub use session::Session;
pub use value::{from_dynamic, to_dynamic};
