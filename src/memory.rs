//! What a run may hold: an allocator that counts, so that memory can be limited. The engine's own limits
//! are quadratic and let most of what fills memory through.
//!
//! The count is the process's, as a process runs one script. Two things hold a run to its budget:
//! whoever is about to take much for it asks [`room_for`] first, and gets an error that says so; and a
//! thread that goes far beyond all the same, in code that cannot ask, is halted by the allocator
//! while [`watch`]ers end the process. Threads that work for jst itself stand [`apart`].
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait; every call is passed on as it came")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{PipeReader, PipeWriter, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::{Error, Kind, Result};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes held, as far as threads have reported.
static ALLOCATED: AtomicIsize = AtomicIsize::new(0);
/// What [`left`] counts down from.
static CEILING: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Where the allocator halts threads, once somebody watches.
static LAST: AtomicUsize = AtomicUsize::new(usize::MAX);
/// What the ceiling was raised by.
static BUDGET: AtomicUsize = AtomicUsize::new(usize::MAX);
/// Whether the system refused memory.
static REFUSED: AtomicBool = AtomicBool::new(false);
/// Tells the watcher that a thread was halted.
static ALARM: OnceLock<PipeWriter> = OnceLock::new();

/// What a thread may take or give back before it reports: threads that report each allocation
/// take the counter from each other.
const UNREPORTED: isize = 16 << 10;

thread_local! {
    static HERE: Cell<isize> = const { Cell::new(0) };
    static APART: Cell<bool> = const { Cell::new(false) };
}

/// Bytes that the process holds from its allocator.
pub(crate) fn allocated() -> usize {
    let here = HERE.try_with(Cell::get).unwrap_or(0);
    usize::try_from(ALLOCATED.load(Ordering::Relaxed) + here).unwrap_or(0)
}

/// Sets what [`left`] counts down from: this much more than is held now.
pub(crate) fn allow(bytes: usize) {
    let ceiling = allocated().saturating_add(bytes);
    BUDGET.store(bytes, Ordering::Relaxed);
    CEILING.store(ceiling, Ordering::Relaxed);
    if ALARM.get().is_some() {
        LAST.store(ceiling.saturating_add(bytes / 4), Ordering::Relaxed);
    }
}

/// Bytes that may still be taken.
pub(crate) fn left() -> usize {
    CEILING.load(Ordering::Relaxed).saturating_sub(allocated())
}

/// Whether so many bytes may still be taken: asked before they are.
///
/// # Errors
/// `limit`.
pub(crate) fn room_for(bytes: usize) -> Result<()> {
    if bytes < left() { Ok(()) } else { Err(no_room()) }
}

/// The error of data that would take more memory than may be held.
pub(crate) fn no_room() -> Error {
    let message = "the data would take more memory than the script may hold";
    Error::new(Kind::Limit, message).hint("--max-memory allows more")
}

/// The error of a run that held more than it may, or than there is.
pub(crate) fn exceeded() -> Error {
    if REFUSED.load(Ordering::Relaxed) {
        return Error::new(Kind::Limit, "the system gives jst no more memory")
            .hint("raise the limit that was set (ulimit -v, or a container's), or work on less at once");
    }
    let budget = BUDGET.load(Ordering::Relaxed) >> 20;
    Error::new(Kind::Limit, format!("the script held more than {budget} MB of memory")).hint("--max-memory allows more")
}

/// From now on a thread that goes a quarter beyond what is allowed is halted in the middle of it, and
/// a byte comes out of here: whoever waits for it ends the process.
///
/// # Errors
/// The system gives no pipe; or somebody watches already.
pub(crate) fn watch() -> std::io::Result<PipeReader> {
    let (reader, writer) = std::io::pipe()?;
    ALARM.set(writer).map_err(|_| std::io::Error::other("memory is watched already"))?;
    Ok(reader)
}

/// What the calling thread takes from now on, while this is held, is jst's own: not counted, not
/// limited. It must give back what it takes itself.
pub(crate) fn apart() -> Apart {
    settle();
    Apart(APART.replace(true))
}

/// A thread that stands apart until this is dropped.
pub(crate) struct Apart(bool);

impl Drop for Apart {
    fn drop(&mut self) {
        APART.set(self.0);
    }
}

/// What the calling thread, which stands apart, gives back from now on, while this is held, is what others took: it is
/// counted. Nothing is to be taken meanwhile.
pub(crate) fn giving_back() -> GivingBack {
    GivingBack(APART.replace(false))
}

/// A thread that gives back what others took until this is dropped.
pub(crate) struct GivingBack(bool);

impl Drop for GivingBack {
    fn drop(&mut self) {
        settle();
        APART.set(self.0);
    }
}

/// Reports what the calling thread holds. A thread that ends does so first.
pub(crate) fn settle() {
    ALLOCATED.fetch_add(HERE.replace(0), Ordering::Relaxed);
}

/// What an allocation of this size costs: the usual allocators add a header and round up, which
/// doubles what many small values take.
fn cost(size: usize) -> isize {
    (size + 8).next_multiple_of(16).max(32) as isize
}

/// Counts what a thread took, or gave back. A thread that is being taken down counts no more.
fn count(change: isize) {
    if APART.try_with(Cell::get).unwrap_or(true) {
        return;
    }
    let _ = HERE.try_with(|here| {
        let sum = here.get() + change;
        if sum.abs() < UNREPORTED {
            return here.set(sum);
        }
        here.set(0);
        let held = ALLOCATED.fetch_add(sum, Ordering::Relaxed) + sum;
        if change > 0 && usize::try_from(held).is_ok_and(|held| held > LAST.load(Ordering::Relaxed)) {
            halt();
        }
    });
}

/// Stops the calling thread for good, in the middle of whatever it does, and says so.
#[cold]
fn halt() {
    let Some(mut alarm) = ALARM.get() else { return };
    // A full pipe has told already.
    let _ = alarm.write(&[1]);
    loop {
        std::thread::sleep(Duration::from_secs(3600));
    }
}

/// What a run does whose memory the system refuses: it would end in the middle of a word.
#[cold]
fn refused() {
    if !APART.try_with(Cell::get).unwrap_or(true) {
        REFUSED.store(true, Ordering::Relaxed);
        halt();
    }
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches no memory of the
// caller. What is counted before a call that takes memory is given back when it fails.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(cost(layout.size()));
        // SAFETY: the caller's promise is passed on.
        let memory = unsafe { System.alloc(layout) };
        if memory.is_null() {
            count(-cost(layout.size()));
            refused();
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) };
        count(-cost(layout.size()));
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(cost(layout.size()));
        // SAFETY: the caller's promise is passed on.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if memory.is_null() {
            count(-cost(layout.size()));
            refused();
        }
        memory
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let change = cost(size) - cost(layout.size());
        count(change);
        // SAFETY: the caller's promise is passed on.
        let moved = unsafe { System.realloc(memory, layout, size) };
        if moved.is_null() {
            count(-change);
            refused();
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_is_counted_and_given_back() {
        // Far more than other tests take at the same time. Pages never touched cost nothing.
        const SIZE: usize = 4 << 30;
        let before = allocated();
        let mut taken: Vec<u8> = Vec::with_capacity(SIZE);
        assert!(allocated() > before + SIZE / 2);
        taken.shrink_to(SIZE / 4);
        assert!(allocated() < before + SIZE / 2);
        drop(taken);
        assert!(allocated() < before + SIZE / 8);
    }

    #[test]
    fn small_values_cost_what_the_allocator_takes_for_them() {
        for (size, expected) in [(0, 32), (1, 32), (24, 32), (25, 48), (40, 48), (41, 64), (1 << 20, (1 << 20) + 16)] {
            assert_eq!(cost(size), expected, "{size}");
        }
    }
}
