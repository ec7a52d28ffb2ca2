//! How a call looks on the network: pure functions from a script's map to signed bytes, and from
//! an answer's bytes to the documented reply.
//!
//! A type for each stage: [`request::Target`] and a map are *asked*, [`request::Request`] is
//! *validated* and flattened, [`sign::Signed`] is ready to send, [`reply::Received`] came back,
//! and a [`serde_json::Value`] in the documented form is what a caller sees. The simulator uses the
//! same functions in the other direction.

mod direct;
pub(crate) mod reply;
pub(crate) mod request;
pub(crate) mod sign;
pub(crate) mod validate;

#[cfg(test)]
mod tests;
