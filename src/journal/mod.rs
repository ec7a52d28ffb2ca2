//! The journal: what every run that may write intended, did and knows, on disk before the next thing happens.
//!
//! An append-only table of [`event`]s is the truth; a small table of runs is derived from it, for lists. The
//! [`store`] is the file (SQLite, which no other room names), [`writer`] the one thread of a process that writes to
//! it, [`keeper`] what a run says to it, and [`past`] what earlier parts of the same run left for a resumed one. Where
//! in a script something happens is its [`place`]. [`list`] and [`story`] read it for people.

mod alive;
mod event;
pub(crate) mod keeper;
pub(crate) mod list;
mod past;
pub(crate) mod place;
mod prune;
mod store;
pub(crate) mod story;
mod writer;

pub(crate) use event::Known;
pub(crate) use prune::{Bounds, prune};
