//! jst: Rhai scripts for the JuShiTa cloud API (`retailcloud` 2018-03-13), and a simulator of it.
//!
//! # The straight line
//!
//! A call of a script passes these rooms, in this order:
//!
//! | step | room | what happens |
//! |---|---|---|
//! | 1 | [`script::api`](script) | a function call becomes an action and a map; the only folder that names rhai |
//! | 2 | [`call::account`] | the [`call::policy`] permits it or not |
//! | 3 | [`wire::request`], [`wire::validate`] | checked by the [`catalogue`], all problems at once; flattened |
//! | 4 | [`wire::sign`], [`call`]'s client | signed afresh for each attempt and sent, as often as the retry rule lets it; the one file that touches the network |
//! | 5 | [`wire::reply`] | whatever came back becomes the documented reply or a fault |
//!
//! `call::account::Account::send` shows the steps: every call takes that line, alone, one of many, or a page
//! of a list. Building, signing and reading are pure functions.
//!
//! What hooks in where:
//!
//! - whatever tells people of a call, a journal or a plan say: `call::subject`, which has the words for it;
//! - what has to know of every call, a journal say: `call::record`, which `send` opens before the first byte
//!   and closes with the outcome;
//! - another source of credentials: [`credentials`], whose provider is asked at each attempt;
//! - another service behind the account, a copy of it for a plan say, or a client that refuses writes:
//!   `run::service`, which makes the client, and [`call::policy`].
//!
//! # The rooms
//!
//! Each stands on those before it, never the other way; a test holds that.
//!
//! - The ground: [`error`] is the one error, its kind decides the exit code; [`secret`] is what is never shown;
//!   [`stop`] is how a run ends from outside, [`memory`] how much it may hold, [`clock`] what it calls time;
//!   [`files`] is how files are read, [`system`] what the machine gives, [`terminal`] where a person sits;
//!   [`encoding`], [`suggest`].
//! - [`catalogue`]: the 66 operations as plain data. Registration, validation, help, completion, paging,
//!   policy and the simulator's routing derive from it. It depends on nothing else. [`pattern`] picks from its names.
//! - [`net`]: the way over the network, and exchanges with others than the service. [`wire`]: how a call looks
//!   there. [`show`]: what leaves the process for people and programs, without secrets. [`credentials`]: who signs.
//! - [`journal`]: what runs intended and did, on disk (the only folder that names rusqlite).
//! - [`call`]: a call on its way. [`job`]: what a run has around it that nobody watches. [`script`]: the engine, and
//!   what scripts can call.
//! - [`sim`]: the simulator, a server of its own or held inside a run. Its engine has a file for each chapter,
//!   mirroring the catalogue. [`unit`]: what has a scheduler run a script.
//! - [`settings`]: flags, environment and files, resolved once. [`run`]: a run of a command: its service, what
//!   goes on in the background, what stops it, the way out of the process.
//! - [`testing`]: tests of scripts, each in a process and on a simulator of its own.
//! - [`repl`]: the session at a prompt (the only folder that names rustyline). [`commands`]: the command line
//!   and what each command does. [`harness`]: what benchmarks and fuzz targets drive.
//!
//! To add an operation: one record in [`catalogue`], one handler in [`sim`].

mod call;
mod catalogue;
mod clock;
pub mod commands;
mod credentials;
mod encoding;
mod error;
mod files;
#[doc(hidden)]
pub mod harness;
mod job;
mod journal;
mod memory;
mod net;
mod pattern;
mod repl;
mod run;
mod script;
mod secret;
mod settings;
mod show;
mod sim;
mod stop;
mod suggest;
mod system;
mod terminal;
mod testing;
mod unit;
mod wire;
