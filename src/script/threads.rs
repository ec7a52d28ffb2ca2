//! Threads that run script code.
//!
//! Values that hold each other in a chain are copied and dropped by recursion, and a script can
//! build a chain as long as its memory allows. So every thread that runs a script gets a stack in
//! proportion to the memory budget; it is address space until it is touched.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use crate::error::{Error, Kind, Result};
use crate::memory;

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
}

impl Threads {
    /// Threads for scripts that may hold this many bytes.
    pub(super) fn new(memory: usize) -> Self {
        Self { stack: stack_for(memory), free: AtomicUsize::new(MOST) }
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
        std::thread::scope(|scope| {
            let thread = self.spawn(scope, &start).map_err(|error| {
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
        std::thread::scope(|scope| {
            for _ in 1..count {
                let taken = self.free.fetch_update(Ordering::AcqRel, Ordering::Acquire, |free| free.checked_sub(1));
                if taken.is_err() {
                    break;
                }
                if self.spawn(scope, &start).is_err() {
                    give_back();
                    break;
                }
            }
            work();
        });
    }

    /// A thread with the stack that was asked for, or as much of it as the system gives: a small
    /// machine refuses large stacks, and nearly every script does with a small one.
    fn spawn<'scope, T: Send + 'scope>(
        &self,
        scope: &'scope Scope<'scope, '_>,
        work: &'scope (impl Fn() -> T + Sync),
    ) -> io::Result<ScopedJoinHandle<'scope, T>> {
        let mut stack = self.stack;
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
}
