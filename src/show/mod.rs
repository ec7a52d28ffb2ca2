//! What leaves the process: [`data`] on stdout, [`errors`] and the [`log`] on stderr, all of it through
//! [`redaction`]. Knows neither the script engine nor the command line.

pub mod data;
pub mod errors;
pub mod log;
pub mod redaction;
