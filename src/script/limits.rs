//! What keeps a script from harming the process: operations, memory and time, seen by every thread.
//!
//! The engine's own size limits are not used: they are quadratic, let most of what fills memory
//! through, and can panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, ImmutableString};

use super::value::{Ending, terminate, throw};
use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::stop::Stop;

/// Deepest nesting of function calls.
const CALL_LEVELS: usize = 64;

/// The limits of a run.
#[derive(Debug)]
pub struct Limits {
    stop: Arc<Stop>,
    operations: AtomicU64,
    max_operations: u64,
    /// What the process held when the run began.
    base: AtomicUsize,
    max_memory: usize,
}

impl Limits {
    /// Limits that count from now.
    pub fn new(stop: Arc<Stop>, max_operations: u64, max_memory: usize) -> Self {
        Self {
            stop,
            operations: AtomicU64::new(0),
            max_operations,
            base: AtomicUsize::new(memory::allocated()),
            max_memory,
        }
    }

    /// Counts from now on.
    pub fn restart(&self) {
        self.operations.store(0, Ordering::Relaxed);
        self.base.store(memory::allocated(), Ordering::Relaxed);
    }

    /// Bytes that a script may still take.
    fn memory_left(&self) -> usize {
        let held = memory::allocated().saturating_sub(self.base.load(Ordering::Relaxed));
        self.max_memory.saturating_sub(held)
    }

    /// Called by the engine for every operation of every thread.
    fn on_operation(&self) -> Option<Error> {
        let count = self.operations.fetch_add(1, Ordering::Relaxed);
        if count >= self.max_operations {
            let message = format!("the script took more than {} operations", self.max_operations);
            self.stop.set(Error::new(Kind::Limit, message).hint("--max-operations allows more"));
        } else if self.memory_left() == 0 {
            self.stop.set(self.too_much_memory());
        } else if count.is_multiple_of(1024) {
            self.stop.check_deadline();
        }
        self.stop.why_set()
    }

    fn too_much_memory(&self) -> Error {
        let message = format!("the script held more than {} MB of memory", self.max_memory >> 20);
        Error::new(Kind::Limit, message).hint("--max-memory allows more")
    }

    /// Refuses a single step that would take more memory than is left, before it begins.
    fn room_for(&self, bytes: usize) -> Result<()> {
        if bytes < self.memory_left() {
            return Ok(());
        }
        let error = self.too_much_memory();
        self.stop.set(error.clone());
        Err(error)
    }

    /// Puts the limits on an engine.
    pub fn guard(self: &Arc<Self>, engine: &mut Engine) {
        let limits = Arc::clone(self);
        engine
            .set_max_call_levels(CALL_LEVELS)
            .set_max_expr_depths(64, 32)
            // Recurses natively, past every limit.
            .disable_symbol("eval")
            .on_progress(move |_| limits.on_operation().map(|why| Dynamic::from(Ending::Stopped(Box::new(why)))));
        self.guard_giant_steps(engine);
    }

    /// Replaces the functions that can take any amount of memory in one step.
    fn guard_giant_steps(self: &Arc<Self>, engine: &mut Engine) {
        type Done = std::result::Result<(), Box<EvalAltResult>>;
        const SLOT: usize = std::mem::size_of::<Dynamic>();
        let room = |limits: &Arc<Self>| {
            let limits = Arc::clone(limits);
            move |len: i64, each: usize| -> std::result::Result<usize, Box<EvalAltResult>> {
                let len = usize::try_from(len).unwrap_or(0);
                limits.room_for(len.saturating_mul(each)).map_err(throw)?;
                Ok(len)
            }
        };
        let check = room(self);
        engine.register_fn("pad", move |array: &mut Array, len: i64, item: Dynamic| -> Done {
            let len = check(len, SLOT)?;
            if len > array.len() {
                array.resize(len, item);
            }
            Ok(())
        });
        let check = room(self);
        engine.register_fn("pad", move |blob: &mut Blob, len: i64, value: i64| -> Done {
            let len = check(len, 1)?;
            if len > blob.len() {
                blob.resize(len, value.to_le_bytes()[0]);
            }
            Ok(())
        });
        let check = room(self);
        engine.register_fn("pad", move |text: &mut ImmutableString, len: i64, with: ImmutableString| -> Done {
            pad_text(text, check(len, 4)?, &with);
            Ok(())
        });
        let check = room(self);
        engine.register_fn("pad", move |text: &mut ImmutableString, len: i64, with: char| -> Done {
            pad_text(text, check(len, 4)?, with.encode_utf8(&mut [0; 4]));
            Ok(())
        });
        for_blobs(engine, room(self), room(self));
        self.guard_replace(engine);
    }

    fn guard_replace(self: &Arc<Self>, engine: &mut Engine) {
        let limits = Arc::clone(self);
        let replace = Arc::new(move |text: &mut ImmutableString, find: &str, with: &str| {
            let grown = text.matches(find).count().saturating_mul(with.len());
            limits.room_for(grown.saturating_add(text.len())).map_err(throw)?;
            *text = text.replace(find, with).into();
            Ok::<(), Box<EvalAltResult>>(())
        });
        let [a, b, c, d] = [(); 4].map(|()| Arc::clone(&replace));
        type Text = ImmutableString;
        engine.register_fn("replace", move |text: &mut Text, find: Text, with: Text| a(text, &find, &with));
        engine.register_fn("replace", move |text: &mut Text, find: Text, with: char| b(text, &find, &with.to_string()));
        engine.register_fn("replace", move |text: &mut Text, find: char, with: Text| c(text, &find.to_string(), &with));
        engine.register_fn("replace", move |text: &mut Text, find: char, with: char| {
            d(text, &find.to_string(), &with.to_string())
        });
    }
}

/// `blob(len)` and `blob(len, value)`.
fn for_blobs(
    engine: &mut Engine,
    plain: impl Fn(i64, usize) -> std::result::Result<usize, Box<EvalAltResult>> + Send + Sync + 'static,
    filled: impl Fn(i64, usize) -> std::result::Result<usize, Box<EvalAltResult>> + Send + Sync + 'static,
) {
    type Made = std::result::Result<Blob, Box<EvalAltResult>>;
    engine.register_fn("blob", move |len: i64| -> Made { Ok(vec![0; plain(len, 1)?]) });
    engine
        .register_fn("blob", move |len: i64, value: i64| -> Made { Ok(vec![value.to_le_bytes()[0]; filled(len, 1)?]) });
}

/// Repeats `with` behind `text` up to `len` characters.
fn pad_text(text: &mut ImmutableString, len: usize, with: &str) {
    let missing = len.saturating_sub(text.chars().count());
    if missing > 0 && !with.is_empty() {
        let padding: String = with.chars().cycle().take(missing).collect();
        *text = format!("{text}{padding}").into();
    }
}

/// Ends the script when the run is being stopped, past every `catch`.
pub fn check(stop: &Stop) -> std::result::Result<(), Box<EvalAltResult>> {
    match stop.why_set() {
        None => Ok(()),
        Some(why) => Err(terminate(Ending::Stopped(Box::new(why)))),
    }
}
