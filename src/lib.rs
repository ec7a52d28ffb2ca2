//! jst

pub mod catalogue;
pub mod client;
pub mod clock;
pub mod credentials;
pub mod error;
pub mod paging;
pub mod retry;
pub mod secret;
pub mod suggest;
pub mod wire;
