//! What leaves the process: [`data`] on stdout, [`errors`] and the [`log`] on stderr, all of it through
//! [`redaction`], and as [`visible`] text that steers no terminal, by its [`streams`]. Knows neither the script engine nor the command line.

pub(crate) mod data;
pub(crate) mod errors;
pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod redaction;
pub(crate) mod rows;
pub(crate) mod streams;
mod table;
pub(crate) mod visible;
