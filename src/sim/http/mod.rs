//! The simulator on the network: [`server`] sends what the service answers, [`running`] holds a server
//! inside another program, [`control`] is the look inside.

pub(crate) mod control;
pub(crate) mod running;
pub(crate) mod server;
