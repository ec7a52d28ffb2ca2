//! What leaves the process: [`data`] on stdout, [`errors`] and the [`log`] on stderr, all of it through
//! [`redaction`], and as [`visible`] text that steers no terminal; or what stays in it, while the streams are [`held`]. Knows neither the script engine nor the command line.

pub(crate) mod data;
pub(crate) mod errors;
pub(crate) mod held;
pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod redaction;
pub(crate) mod streams;
mod table;
pub(crate) mod visible;
