//! The simulator on the network: [`server`] sends what the service answers, to as many as there are [`places`]
//! for and for as long as [`patience`] lasts; [`running`] holds a server
//! inside another program, [`control`] is the look inside.

pub(crate) mod control;
mod patience;
mod places;
pub(crate) mod running;
pub(crate) mod server;
