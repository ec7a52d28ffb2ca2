//! Threads that run script code.
//!
//! Values that hold each other in a chain are dropped by recursion, and a script can build a chain
//! as long as its memory allows. So every thread that runs a script gets a stack in proportion to
//! the memory budget; it is address space until it is touched.

use std::num::NonZero;

use crate::error::{Error, Kind, Result};

/// The stack that a chain needs when it is dropped, for each byte of memory that it holds: measured
/// at 2.9 in a debug build and 1.3 in a release build for the worst chain known, closures that
/// capture each other.
const STACK_PER_BYTE: usize = if cfg!(debug_assertions) { 4 } else { 2 };

/// What any script needs.
const LEAST: usize = 16 << 20;

/// The stack for scripts that may hold this many bytes.
pub fn stack_for(memory: usize) -> usize {
    memory.saturating_mul(STACK_PER_BYTE).saturating_add(LEAST)
}

/// Runs `work` on this many threads of this stack at once and waits for all. Fewer threads serve when the
/// system gives no more, as long as there is one.
///
/// # Errors
/// `limit` when the system gives not even one.
pub fn scope(count: usize, stack: usize, work: &(impl Fn() + Sync)) -> Result<()> {
    std::thread::scope(|scope| {
        let mut running = 0;
        for _ in 0..count {
            let thread = std::thread::Builder::new().stack_size(stack);
            match thread.spawn_scoped(scope, work) {
                Ok(_) => running += 1,
                Err(error) if running == 0 => {
                    return Err(Error::new(Kind::Limit, format!("the system gives no thread: {error}"))
                        .hint("--max-memory lowers the stack that a script's threads ask for"));
                }
                Err(_) => break,
            }
        }
        Ok(())
    })
}

/// Runs `work` on a thread of its own with this stack, and gives what it returns.
///
/// # Errors
/// `limit` when the system gives no such thread.
pub fn alone<T: Send>(stack: usize, work: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("script".into()).stack_size(stack);
        let handle = thread.spawn_scoped(scope, work).map_err(|error| {
            Error::new(Kind::Limit, format!("the system gives no thread: {error}"))
                .hint("--max-memory lowers the stack that a script's thread asks for")
        })?;
        handle.join().map_err(|_| Error::new(Kind::Script, "the script's thread died"))
    })
}

/// Threads that may compute at once on this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}
