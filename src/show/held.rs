//! The process's stdout and stderr in other hands: for as long as somebody holds them, everything that would be
//! written there goes to the holder instead. A test is shown what a script printed this way.

use std::sync::{Arc, PoisonError, RwLock};

/// Which of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Data.
    Stdout,
    /// Talk.
    Stderr,
}

/// Is given what would be written, line breaks included.
pub(crate) type Holder = Arc<dyn Fn(Stream, &str) + Send + Sync>;

/// Who holds them now.
static HOLDER: RwLock<Option<Holder>> = RwLock::new(None);

/// Both streams, held until this is dropped; then whoever held them before has them again.
pub(crate) struct Held(Option<Holder>);

/// Holds both streams of the whole process.
pub(crate) fn hold(holder: Holder) -> Held {
    Held(replace(Some(holder)))
}

impl Drop for Held {
    fn drop(&mut self) {
        replace(self.0.take());
    }
}

fn replace(holder: Option<Holder>) -> Option<Holder> {
    std::mem::replace(&mut *HOLDER.write().unwrap_or_else(PoisonError::into_inner), holder)
}

/// Gives a text to whoever holds the streams, and says whether anybody does.
pub(super) fn taken(stream: Stream, text: &str) -> bool {
    let holder = HOLDER.read().unwrap_or_else(PoisonError::into_inner).clone();
    let is_held = holder.is_some();
    holder.into_iter().for_each(|holder| holder(stream, text));
    is_held
}
