//! What a closure captured, for threads that call it at once.
//!
//! The engine locks a captured variable for as long as it works along the dots behind it, a whole call of a captured
//! closure included, and gives up on one that is locked for 50 ms. So each thread has values of its own, where there is
//! room for them. A change of one would be lost: it cannot be changed.

use rhai::{Array, Dynamic, FnPtr, Map};

use crate::memory;

/// What a value takes, about.
const VALUE: usize = 64;

/// How deep closures are looked for in what closures captured: one may have captured itself.
const DEPTH: usize = 4;

/// A closure that threads call at once.
pub(super) struct Threaded {
    closure: FnPtr,
    has_room: bool,
}

impl Threaded {
    /// A closure for so many threads.
    pub(super) fn new(closure: &FnPtr, threads: usize) -> Self {
        let closure = own(closure, DEPTH);
        let taken = closure.curry().iter().map(weight).sum::<usize>() * VALUE * threads;
        Self { closure, has_room: taken <= memory::left() / 4 }
    }

    /// What one thread calls.
    pub(super) fn of_thread(&self) -> FnPtr {
        if self.has_room { own(&self.closure, DEPTH) } else { self.closure.clone() }
    }
}

/// A closure with values of its own.
fn own(closure: &FnPtr, depth: usize) -> FnPtr {
    let mut own = closure.clone();
    for captured in own.iter_curry_mut() {
        *captured = constant(captured, depth);
    }
    own
}

fn constant(captured: &Dynamic, depth: usize) -> Dynamic {
    let mut value = captured.flatten_clone();
    own_within(&mut value, depth);
    value.into_read_only().into_shared()
}

/// Has the closures in a value have values of their own.
fn own_within(value: &mut Dynamic, depth: usize) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if let Some(closure) = value.write_lock::<FnPtr>().map(|closure| own(&closure, depth)) {
        *value = closure.into();
    } else if let Ok(mut list) = value.as_array_mut() {
        list.iter_mut().for_each(|value| own_within(value, depth));
    } else if let Ok(mut map) = value.as_map_mut() {
        map.values_mut().for_each(|value| own_within(value, depth));
    }
}

/// How many values a value holds.
fn weight(value: &Dynamic) -> usize {
    let of_list = |list: &Array| list.iter().map(weight).sum::<usize>();
    let of_map = |map: &Map| map.values().map(weight).sum::<usize>();
    let list = value.read_lock::<Array>().map(|list| of_list(&list));
    let held = list.or_else(|| value.read_lock::<Map>().map(|map| of_map(&map)));
    held.or_else(|| value.as_immutable_string_ref().ok().map(|text| text.len() / VALUE)).unwrap_or(0) + 1
}
