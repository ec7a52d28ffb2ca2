//! The script host: the only folder that names the engine.
//!
//! [`host`] builds the engine and runs scripts in it, [`session`] line by line; [`limits`] and
//! [`threads`] keep a script from harming the process; [`modules`] resolves imports, [`loaded`] keeps them, [`library`] is
//! what is bundled; [`api`] is what scripts can call; [`bench`] is what tests of scripts work on, [`coverage`] what they
//! ran; [`value`] converts; [`report`] says where an error happened,
//! [`telling`] which lines of a script are shown with it; [`tokens`] reads the words of a script, and
//! [`diagnostics`] is what is found in it before it runs.

mod api;
mod bench;
mod caught;
mod constants;
mod coverage;
mod diagnostics;
mod forms;
pub(crate) mod functions;
mod hints;
mod host;
mod known;
pub(crate) mod library;
mod limits;
mod loaded;
mod modules;
pub(crate) mod ready;
mod report;
mod rules;
mod said;
mod secrets;
mod session;
mod telling;
mod threads;
pub(crate) mod tokens;
mod value;
mod words;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use api::differing_lines;
pub(crate) use bench::{Bench, Wanted};
pub(crate) use coverage::{CallSite, Coverage, Covered};
pub(crate) use host::{Ended, Host, HostConfig, read_script, read_script_from};
pub(crate) use session::Session;
pub(crate) use telling::tells;
