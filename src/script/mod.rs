//! The script host: the only folder that names the engine.
//!
//! [`host`] builds the engine and runs scripts in it; [`limits`] keeps a script from harming the
//! process; [`modules`] resolves imports; [`builtins`] and [`api`] are what scripts can call;
//! [`value`] converts; [`report`] says where an error happened.

mod api;
mod batch;
mod builtins;
mod host;
mod limits;
mod modules;
mod pages;
mod report;
pub mod threads;
mod value;

pub use host::{Ended, Host, Session, Settings, read_script};
pub use modules::STD as STD_MODULES;
pub use report::render;
pub use value::{from_dynamic, to_dynamic};
