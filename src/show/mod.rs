//! What leaves the process: [`data`] on stdout, [`errors`] and the [`log`] on stderr, all of it through
//! [`redaction`]. Knows neither the script engine nor the command line.

pub(crate) mod data;
pub(crate) mod errors;
pub(crate) mod log;
pub(crate) mod redaction;
