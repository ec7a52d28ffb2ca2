//! An allocator that counts, so that a script's memory can be limited: the engine's own limits are
//! quadratic and let most of what fills memory through.
//!
//! The count and its ceiling are the process's, as a process runs one script.
#![allow(unsafe_code, reason = "a global allocator is an unsafe trait; every call is passed on as it came")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static CEILING: AtomicUsize = AtomicUsize::new(usize::MAX);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that the process holds from its allocator.
pub fn allocated() -> usize {
    ALLOCATED.load(Ordering::Relaxed)
}

/// Sets what [`left`] counts down from: this much more than is held now.
pub fn allow(bytes: usize) {
    CEILING.store(allocated().saturating_add(bytes), Ordering::Relaxed);
}

/// Bytes that may still be taken. Nothing enforces it here: whoever works for a script asks.
pub fn left() -> usize {
    CEILING.load(Ordering::Relaxed).saturating_sub(allocated())
}

/// What an allocation of this size costs: the usual allocators add a header and round up, which
/// doubles what many small values take.
fn cost(size: usize) -> usize {
    (size + 8).next_multiple_of(16).max(32)
}

// SAFETY: every call is passed on to the system's allocator unchanged; counting touches no memory of the caller.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let memory = unsafe { System.alloc(layout) };
        if !memory.is_null() {
            ALLOCATED.fetch_add(cost(layout.size()), Ordering::Relaxed);
        }
        memory
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(memory, layout) };
        ALLOCATED.fetch_sub(cost(layout.size()), Ordering::Relaxed);
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let memory = unsafe { System.alloc_zeroed(layout) };
        if !memory.is_null() {
            ALLOCATED.fetch_add(cost(layout.size()), Ordering::Relaxed);
        }
        memory
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promise is passed on.
        let moved = unsafe { System.realloc(memory, layout, size) };
        if !moved.is_null() {
            ALLOCATED.fetch_add(cost(size), Ordering::Relaxed);
            ALLOCATED.fetch_sub(cost(layout.size()), Ordering::Relaxed);
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
