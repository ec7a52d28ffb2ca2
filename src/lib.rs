//! jst

pub mod catalogue;
pub mod clock;
pub mod error;
