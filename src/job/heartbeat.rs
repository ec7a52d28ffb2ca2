//! Tells a monitor that a run begins and how it ended, in healthchecks.io's form: `/start`, then the bare URL when
//! all is well or `/EXITCODE`, each with `rid` and the end of the log. It never changes what becomes of the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::net::outside::Place;

/// Where heartbeats of a run go.
#[derive(Debug)]
pub(crate) struct Heartbeat {
    place: Place,
    /// The run's id, as its monitor takes it.
    rid: String,
    /// The start is being told.
    start: Option<JoinHandle<()>>,
    is_over: Arc<AtomicBool>,
}

/// What one try may take, and how many there are.
const LONGEST: Duration = Duration::from_secs(5);
const TRIES: usize = 3;

impl Heartbeat {
    /// Heartbeats of a run to this place.
    pub(crate) fn new(place: Place, run: &str) -> Self {
        Self { place, rid: rid(run), start: None, is_over: Arc::default() }
    }

    /// Tells of the start, while the run goes on.
    pub(crate) fn start(&mut self) {
        let (place, is_over) = (self.addressed(&self.place.below("start")), Arc::clone(&self.is_over));
        let tell = move || {
            let _apart = memory::apart();
            tell(&place, "", TRIES, &|| is_over.load(Ordering::Acquire));
        };
        // Without a thread nothing is told, and the run goes on.
        self.start = std::thread::Builder::new().name("heartbeat".into()).spawn(tell).ok();
    }

    /// Tells how the run ended, and waits until that is told or given up.
    pub(crate) fn end(mut self, code: u8, log: String, tries: usize) {
        self.is_over.store(true, Ordering::Release);
        // Told in the wrong order, the run would seem to go on for ever.
        if let Some(start) = self.start.take() {
            let _ = start.join();
        }
        let place = if code == 0 { self.place.clone() } else { self.place.below(&code.to_string()) };
        tell(&self.addressed(&place), &log, tries, &|| false);
    }

    fn addressed(&self, place: &Place) -> Place {
        place.with(&[("rid", &self.rid)])
    }
}

/// Tries of who has time.
pub(crate) const PATIENT: usize = TRIES;

fn tell(place: &Place, body: &str, tries: usize, is_over: &dyn Fn() -> bool) {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
    let mut why = None;
    for _ in 0..tries {
        let answer = runtime.block_on(place.post("text/plain; charset=utf-8", body.to_owned(), LONGEST));
        why = match answer {
            Ok(answer) if answer.status < 400 => return,
            Ok(answer) => Some(Error::new(Kind::Network, format!("{} answered {}", place.host(), answer.status))),
            Err(error) => Some(error),
        };
        if is_over() {
            break;
        }
    }
    if let Some(why) = why {
        tracing::warn!("the heartbeat was not told: {why}");
    }
}

/// A run's id as a UUID, which is what monitors take.
fn rid(run: &str) -> String {
    let digest = Sha256::digest(run);
    let bytes: [u8; 16] = std::array::from_fn(|n| digest.get(n).copied().unwrap_or_default());
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

/// Reads where heartbeats go.
///
/// # Errors
/// `config`.
pub(crate) fn place(url: &str, env: &std::collections::BTreeMap<String, String>) -> Result<Place> {
    Place::parse(url, env)
        .map_err(|error| error.with(|facts| facts.message = format!("--heartbeat: {}", facts.message)))
}
