//! Threads that run script code.
//!
//! Values that hold each other in a chain are copied and dropped by recursion, and a script can
//! build a chain as long as its memory allows. So every thread that runs a script gets a stack in
//! proportion to the memory budget; it is address space until it is touched.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::system;

/// The stack that a chain needs when it is copied or dropped, for each byte of memory that it holds.
const STACK_PER_BYTE: usize = 4;

/// What any script needs.
const LEAST: usize = 16 << 20;

/// The most threads that a run has at once, however its calls of `parallel` are nested.
pub(super) const MOST: usize = 1024;

/// The stack for scripts that may hold this many bytes.
fn stack_for(memory: usize) -> usize {
    memory.saturating_mul(STACK_PER_BYTE).saturating_add(LEAST)
}

/// Where a run gets its threads from.
#[derive(Debug)]
pub(super) struct Threads {
    stack: usize,
    free: AtomicUsize,
    /// Whether it was said that there are fewer than were asked for.
    is_said: AtomicBool,
}

impl Threads {
    /// Threads for scripts that may hold this many bytes.
    pub(super) fn new(memory: usize) -> Self {
        Self { stack: stack_for(memory), free: AtomicUsize::new(MOST), is_said: AtomicBool::new(false) }
    }

    /// Runs `work` on a thread of its own, and gives what it returns.
    ///
    /// # Errors
    /// `limit` when the system gives no thread; `script` when the work panicked.
    pub(super) fn alone<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T> {
        // Taken by the thread that starts, so that a failed attempt to get one does not lose it.
        let work = Mutex::new(Some(work));
        let start = || {
            let work = work.lock().ok().and_then(|mut work| work.take());
            work.map(|work| work())
        };
        let (_, stack) = self.fitting(1);
        std::thread::scope(|scope| {
            let thread = spawn(scope, stack, &start).map_err(|error| {
                Error::new(Kind::Limit, format!("the system gives no thread: {error}"))
                    .hint("--max-memory lowers the stack that a script's thread asks for")
            })?;
            thread.join().ok().flatten().ok_or_else(|| Error::new(Kind::Script, "the script's thread died"))
        })
    }

    /// Runs `work` on this thread and on up to `count - 1` more at once, and waits for all. Where
    /// the run has its threads already, or the system gives no more, fewer do the work.
    pub(super) fn together(&self, count: usize, work: &(impl Fn() + Sync)) {
        let give_back = || self.free.fetch_add(1, Ordering::AcqRel);
        let start = || {
            work();
            give_back();
        };
        let (more, stack) = self.fitting(count.saturating_sub(1));
        std::thread::scope(|scope| {
            for _ in 0..more {
                let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
                if taken.is_err() {
                    break;
                }
                if spawn(scope, stack, &start).is_err() {
                    give_back();
                    break;
                }
            }
            work();
        });
    }

    /// As many of these threads as fit into the address space, and the stack of each. Half of it is left to
    /// what the script holds and everything else.
    fn fitting(&self, count: usize) -> (usize, usize) {
        let Some(left) = system::address_space_left() else { return (count, self.stack) };
        let (fitting, stack) = share(left / 2, count, self.stack);
        if fitting < count && !self.is_said.swap(true, Ordering::AcqRel) {
            tracing::warn!("the address space (ulimit -v) has room for {fitting} more threads, not {count}");
        }
        (fitting, stack)
    }
}

/// As many of these threads as fit into so many bytes, and the stack of each.
fn share(bytes: usize, count: usize, stack: usize) -> (usize, usize) {
    /// What the usual allocator reserves for a thread beside its stack.
    const ARENA: usize = 64 << 20;
    let fitting = count.min(bytes / (LEAST + ARENA));
    (fitting, (bytes / fitting.max(1)).saturating_sub(ARENA).clamp(LEAST, stack.max(LEAST)))
}

/// A thread with the stack that was asked for, or as much of it as the system gives: a small machine refuses
/// large stacks, and nearly every script does with a small one.
fn spawn<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    mut stack: usize,
    work: &'scope (impl Fn() -> T + Sync),
) -> io::Result<ScopedJoinHandle<'scope, T>> {
    loop {
        let counted = || {
            let result = work();
            memory::settle();
            result
        };
        match Builder::new().name("script".into()).stack_size(stack).spawn_scoped(scope, counted) {
            Err(_) if stack > LEAST => stack = (stack / 2).max(LEAST),
            result => return result,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_share_the_room_there_is() {
        const MB: usize = 1 << 20;
        for (bytes, count, expected) in [
            (8_000 * MB, 1, (1, 2_064 * MB)),
            (1_064 * MB, 1, (1, 1_000 * MB)),
            (1_000 * MB, 63, (12, 1_000 * MB / 12 - 64 * MB)),
            (160 * MB, 63, (2, LEAST)),
            (79 * MB, 63, (0, LEAST)),
            (0, 1, (0, LEAST)),
        ] {
            assert_eq!(share(bytes, count, 2_064 * MB), expected, "{bytes} {count}");
        }
    }
}
