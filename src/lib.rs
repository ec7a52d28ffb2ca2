//! jst: Rhai scripts for the JuShiTa cloud API (`retailcloud` 2018-03-13), and a simulator of it.
//!
//! # The straight line
//!
//! A call of a script passes these modules, in this order:
//!
//! | step | module | what happens |
//! |---|---|---|
//! | 1 | [`script`] | a function call becomes an action and a map; the only folder that names rhai |
//! | 2 | [`account`] | the [`policy`] lets it pass or not |
//! | 3 | [`wire::request`], [`wire::validate`] | checked by the [`catalogue`], all problems at once; flattened |
//! | 4 | [`wire::sign`], [`client`], [`retry`], [`pacer`] | signed afresh for each attempt and sent; the one file that touches the network |
//! | 5 | [`wire::reply`] | whatever came back becomes the documented reply or a fault |
//!
//! [`account::Account::call`] and [`client::Client::call`] show the steps. Building, signing and reading
//! are pure functions; [`paging`] walks lists by the same means.
//!
//! # Around it
//!
//! - [`catalogue`]: the 66 operations as plain data. Registration, validation, help, completion, paging,
//!   policy and the simulator's routing derive from it. It depends on nothing else.
//! - [`cli`] is the command line as written, [`config`] the settings resolved once, [`commands`] what each
//!   command does, [`repl`] the session at a prompt (the only folder that names rustyline).
//! - [`credentials`] finds who signs; [`secret`] keeps that out of everything that is shown; [`logging`]
//!   and [`output`] show the rest.
//! - [`error`] is the one error: its kind decides the exit code. [`stop`] is how a run ends from outside,
//!   [`memory`] how much it may hold, [`clock`] what it calls time.
//! - [`sim`]: the simulator, a server of its own or inside `--sim`. It shares the catalogue and the wire
//!   code, and has a file for each chapter, mirroring the catalogue.
//!
//! To add an operation: one record in [`catalogue`], one handler in [`sim`].

mod call;
mod catalogue;
mod clock;
pub mod commands;
mod credentials;
mod encoding;
mod error;
#[doc(hidden)]
pub mod harness;
mod memory;
mod repl;
mod run;
mod script;
mod secret;
mod settings;
mod show;
mod sim;
mod stop;
mod suggest;
mod wire;
