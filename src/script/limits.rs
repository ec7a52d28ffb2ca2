//! What keeps a script from harming the process: operations, memory and time, seen by every thread.
//!
//! The engine's own size limits are not used: they are quadratic, let most of what fills memory
//! through, and can panic.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rhai::{Array, Blob, Dynamic, Engine, EvalAltResult, FuncRegistration, ImmutableString, Map, NativeCallContext};

use super::api::json_of;
use super::value::{DEPTH, Ending, ScriptError, ScriptResult, terminate, throw, written_list, written_map};
use crate::error::{Error, Kind};
use crate::memory;
use crate::stop::Stop;

/// Deepest nesting of function calls.
const CALL_LEVELS: usize = 64;

/// Deepest nesting of expressions and blocks, and of those in functions, which call each other: so deep in every
/// of [`CALL_LEVELS`] calls, a script takes a few of the dozens of megabytes of its stack.
const EXPRESSION_DEPTH: usize = 256;
const FUNCTION_DEPTH: usize = 128;

/// The limits of a run.
#[derive(Debug)]
pub(super) struct Limits {
    stop: Arc<Stop>,
    operations: AtomicU64,
    max_operations: u64,
    max_memory: usize,
}

impl Limits {
    /// Limits that count from now.
    pub(super) fn new(stop: Arc<Stop>, max_operations: u64, max_memory: usize) -> Self {
        let limits = Self { stop, operations: AtomicU64::new(0), max_operations, max_memory };
        limits.restart();
        limits
    }

    /// Counts from now on.
    pub(super) fn restart(&self) {
        self.operations.store(0, Ordering::Relaxed);
        memory::allow(self.max_memory);
    }

    /// Called by the engine for every operation of every thread.
    fn on_operation(&self) -> Option<Error> {
        let count = self.operations.fetch_add(1, Ordering::Relaxed);
        if count >= self.max_operations {
            let message = format!("the script took more than {} operations", self.max_operations);
            self.stop.set(Error::new(Kind::Limit, message).hint("--max-operations allows more"));
        } else if memory::left() == 0 {
            self.stop.set(self.too_much_memory());
        }
        self.stop.why_set()
    }

    fn too_much_memory(&self) -> Error {
        let message = format!("the script held more than {} MB of memory", self.max_memory >> 20);
        Error::new(Kind::Limit, message).hint("--max-memory allows more")
    }

    /// Refuses a single step that would take more memory than is left, before it begins.
    fn room_for(&self, bytes: usize) -> ScriptResult<()> {
        if bytes < memory::left() {
            return Ok(());
        }
        let error = self.too_much_memory();
        self.stop.set(error.clone());
        Err(throw(error))
    }

    /// Puts the limits on an engine.
    pub(super) fn guard(self: &Arc<Self>, engine: &mut Engine) {
        let limits = Arc::clone(self);
        engine
            .set_max_call_levels(CALL_LEVELS)
            .set_max_expr_depths(EXPRESSION_DEPTH, FUNCTION_DEPTH)
            // Recurses natively, past every limit.
            .disable_symbol("eval")
            .on_progress(move |_| limits.on_operation().map(|why| Dynamic::from(Ending::Stopped(Box::new(why)))));
        self.guard_growth(engine);
        self.guard_splitting(engine);
        self.guard_text_of_values(engine);
        guard_comparison(engine);
    }

    /// Replaces what makes much of little in one step: padding and replacing.
    fn guard_growth(self: &Arc<Self>, engine: &mut Engine) {
        let length = {
            let limits = Arc::clone(self);
            move |len: i64, each: usize| -> ScriptResult<usize> {
                let len = usize::try_from(len).unwrap_or(0);
                limits.room_for(len.saturating_mul(each))?;
                Ok(len)
            }
        };
        let pad_text = {
            let length = length.clone();
            move |text: &mut ImmutableString, len: i64, with: &str| -> ScriptResult<()> {
                let missing = length(len, 4)?.saturating_sub(text.chars().count());
                if missing > 0 && !with.is_empty() {
                    let each = with.chars().count();
                    let rest: String = with.chars().take(missing % each).collect();
                    *text = format!("{text}{}{rest}", with.repeat(missing / each)).into();
                }
                Ok(())
            }
        };
        let (pad, pad_char) = (pad_text.clone(), pad_text);
        engine.register_fn("pad", move |text: &mut Text, len: i64, with: Text| pad(text, len, &with));
        engine.register_fn("pad", move |text: &mut Text, len: i64, with: char| {
            pad_char(text, len, with.encode_utf8(&mut [0; 4]))
        });
        let (room, limits) = (length.clone(), Arc::clone(self));
        engine.register_fn("pad", move |array: &mut Array, len: i64, item: Dynamic| -> ScriptResult<()> {
            let len = room(len, SLOT)?;
            while array.len() < len {
                // Each copy may be large.
                check(&limits.stop)?;
                limits.room_for(SLOT)?;
                array.push(item.clone());
            }
            Ok(())
        });
        let room = length.clone();
        engine.register_fn("pad", move |blob: &mut Blob, len: i64, value: i64| -> ScriptResult<()> {
            let len = room(len, 1)?;
            if len > blob.len() {
                blob.resize(len, value.to_le_bytes()[0]);
            }
            Ok(())
        });
        let room = length.clone();
        engine.register_fn("blob", move |len: i64| -> ScriptResult<Blob> { Ok(vec![0; room(len, 1)?]) });
        let room = length;
        engine.register_fn("blob", move |len: i64, value: i64| -> ScriptResult<Blob> {
            Ok(vec![value.to_le_bytes()[0]; room(len, 1)?])
        });
        self.guard_replace(engine);
    }

    fn guard_replace(self: &Arc<Self>, engine: &mut Engine) {
        let limits = Arc::clone(self);
        let replace = move |text: &mut Text, find: &str, with: &str| -> ScriptResult<()> {
            let grown = text.matches(find).count().saturating_mul(with.len());
            limits.room_for(grown.saturating_add(text.len()))?;
            *text = text.replace(find, with).into();
            Ok(())
        };
        let [a, b, c] = std::array::from_fn(|_| replace.clone());
        engine.register_fn("replace", move |text: &mut Text, find: Text, with: Text| a(text, &find, &with));
        engine.register_fn("replace", move |text: &mut Text, find: Text, with: char| b(text, &find, &with.to_string()));
        engine.register_fn("replace", move |text: &mut Text, find: char, with: Text| c(text, &find.to_string(), &with));
        engine.register_fn("replace", move |text: &mut Text, find: char, with: char| {
            replace(text, &find.to_string(), &with.to_string())
        });
    }

    /// Replaces what makes a value of every piece of a text: each takes dozens of bytes.
    fn guard_splitting(self: &Arc<Self>, engine: &mut Engine) {
        let pieces = {
            let limits = Arc::clone(self);
            move |count: usize| limits.room_for(count.saturating_mul(PIECE))
        };
        let list = |pieces: &mut dyn Iterator<Item = &str>| pieces.map(|piece| piece.into()).collect::<Array>();
        let most = |segments: i64| usize::try_from(segments).unwrap_or(0).max(1);

        let room = pieces.clone();
        engine.register_fn("to_chars", move |text: Text| -> ScriptResult<Array> {
            room(text.chars().count())?;
            Ok(text.chars().map(Dynamic::from_char).collect())
        });
        let room = pieces.clone();
        engine.register_fn("to_array", move |blob: &mut Blob| -> ScriptResult<Array> {
            room(blob.len())?;
            Ok(blob.iter().map(|byte| i64::from(*byte).into()).collect())
        });
        let room = pieces.clone();
        engine.register_fn("split", move |text: Text| -> ScriptResult<Array> {
            room(text.split_whitespace().count())?;
            Ok(list(&mut text.split_whitespace()))
        });
        let split = move |text: &Text, at: &str, reversed: bool, segments: Option<i64>| -> ScriptResult<Array> {
            pieces(text.matches(at).count().min(segments.map_or(usize::MAX, most)))?;
            Ok(match (reversed, segments) {
                (false, None) => list(&mut text.split(at)),
                (false, Some(n)) => list(&mut text.splitn(most(n), at)),
                (true, None) => list(&mut text.rsplit(at)),
                (true, Some(n)) => list(&mut text.rsplitn(most(n), at)),
            })
        };
        for (name, reversed) in [("split", false), ("split_rev", true)] {
            let [a, b, c, d] = std::array::from_fn(|_| split.clone());
            engine.register_fn(name, move |text: Text, at: Text| a(&text, &at, reversed, None));
            engine.register_fn(name, move |text: Text, at: char| b(&text, &at.to_string(), reversed, None));
            engine.register_fn(name, move |text: Text, at: Text, n: i64| c(&text, &at, reversed, Some(n)));
            engine.register_fn(name, move |text: Text, at: char, n: i64| d(&text, &at.to_string(), reversed, Some(n)));
        }
    }

    /// Replaces how arrays and maps become text: they may hold the same large text many times.
    fn guard_text_of_values(self: &Arc<Self>, engine: &mut Engine) {
        let limits = Arc::clone(self);
        // The engine would take an error for "no such function" and write it all out itself.
        let or_stop = move |text: Option<String>| {
            text.unwrap_or_else(|| {
                limits.stop.set(limits.too_much_memory());
                String::new()
            })
        };
        for name in ["to_string", "to_debug", "print", "debug"] {
            let (of_list, of_map) = (or_stop.clone(), or_stop.clone());
            let on_constants = || FuncRegistration::new(name).with_purity(true);
            on_constants().register_into_engine(engine, move |list: &mut Array| of_list(written_list(list)));
            on_constants().register_into_engine(engine, move |map: &mut Map| of_map(written_map(map)));
        }
        engine.register_fn("to_json", |map: Map| json_of(&Dynamic::from_map(map), false));
    }
}

type Text = ImmutableString;

/// What a value takes in an array.
const SLOT: usize = std::mem::size_of::<Dynamic>();

/// What a piece of a text takes in an array, its text included.
const PIECE: usize = SLOT + 64;

/// Replaces the comparison of arrays and maps, which recurses with large frames.
fn guard_comparison(engine: &mut Engine) {
    type Context<'a> = NativeCallContext<'a>;
    let on_constants = |name: &str| FuncRegistration::new(name).with_purity(true);
    on_constants("==").register_into_engine(engine, |context: Context<'_>, one: &mut Array, mut other: Array| {
        equal_lists(&context, one, &mut other, 0)
    });
    on_constants("!=").register_into_engine(engine, |context: Context<'_>, one: &mut Array, mut other: Array| {
        Ok::<_, ScriptError>(!equal_lists(&context, one, &mut other, 0)?)
    });
    on_constants("==").register_into_engine(engine, |context: Context<'_>, one: &mut Map, mut other: Map| {
        equal_maps(&context, one, &mut other, 0)
    });
    on_constants("!=").register_into_engine(engine, |context: Context<'_>, one: &mut Map, mut other: Map| {
        Ok::<_, ScriptError>(!equal_maps(&context, one, &mut other, 0)?)
    });
}

/// Whether two values are the same; values that cannot be compared are not.
pub(super) fn equal(
    context: &NativeCallContext<'_>,
    one: &mut Dynamic,
    other: &mut Dynamic,
    depth: usize,
) -> ScriptResult<bool> {
    if depth > DEPTH {
        let message = format!("values nested more than {DEPTH} levels deep cannot be compared");
        return Err(throw(Error::new(Kind::Invalid, message)));
    }
    if let (Ok(mut one), Ok(mut other)) = (one.as_array_mut(), other.as_array_mut()) {
        return equal_lists(context, &mut one, &mut other, depth);
    }
    if let (Ok(mut one), Ok(mut other)) = (one.as_map_mut(), other.as_map_mut()) {
        return equal_maps(context, &mut one, &mut other, depth);
    }
    match context.call_native_fn_raw("==", true, &mut [one, other]) {
        Ok(same) => Ok(same.as_bool().unwrap_or(false)),
        Err(error) if matches!(*error, EvalAltResult::ErrorFunctionNotFound(..)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn equal_lists(
    context: &NativeCallContext<'_>,
    one: &mut [Dynamic],
    other: &mut [Dynamic],
    depth: usize,
) -> ScriptResult<bool> {
    if one.len() != other.len() {
        return Ok(false);
    }
    for (one, other) in one.iter_mut().zip(other) {
        if !equal(context, one, other, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn equal_maps(context: &NativeCallContext<'_>, one: &mut Map, other: &mut Map, depth: usize) -> ScriptResult<bool> {
    if one.len() != other.len() {
        return Ok(false);
    }
    for ((key, one), (name, other)) in one.iter_mut().zip(other) {
        if key != name || !equal(context, one, other, depth + 1)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Ends the script when the run is being stopped, past every `catch`.
pub(super) fn check(stop: &Stop) -> ScriptResult<()> {
    match stop.why_set() {
        None => Ok(()),
        Some(why) => Err(terminate(Ending::Stopped(Box::new(why)))),
    }
}
