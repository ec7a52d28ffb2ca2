//! What ends a run from outside: signals, the deadline, and memory that nobody asked for. The first
//! reason stops the run in good order; what is left of it after a grace time is ended.

use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::background::Background;
use super::exit::Exit;
use super::heard::Heard;
use crate::call::account::Account;
use crate::call::shared::Shared;
use crate::error::{Error, Interrupt, Kind, Result};
use crate::memory;
use crate::stop::Stop;

/// What a run may take to end by itself once it is stopped and no call is under way.
const SETTLING: Duration = Duration::from_secs(2);

/// Has signals and the deadline stop the run, and ends the process when it does not end by itself. With a
/// person there, Ctrl-C and limits end what runs, not the process.
///
/// # Errors
/// `io` when the system refuses to tell of signals.
pub(super) fn watch(
    background: &Background,
    account: &Account,
    stop: &Arc<Stop>,
    exit: &Exit,
    for_person: bool,
) -> Result<()> {
    let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot watch signals: {error}"));
    let listen = |signal| background.within(|| Heard::new(signal)).map_err(failed);
    let [interrupt, terminate, hang_up, quit] = [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT].map(listen);
    let signals = [interrupt?, terminate?, hang_up?, quit?];
    // Listened to by nobody, it no longer ends the process: what would make a file longer than a quota lets it be fails.
    let _ = listen(Signal::XFSZ)?;
    background.spawn(stop_on_signals(signals, Arc::clone(stop), exit.clone(), for_person));
    let deadline = Arc::clone(stop);
    background.spawn(async move { deadline.keep_deadline().await });
    let shared = Arc::clone(account.shared());
    background.spawn(end_what_does_not_stop(Arc::clone(stop), shared, account.grace(), exit.clone(), for_person));
    // A second run in the process is not watched: its memory is the same.
    if let Ok(alarm) = memory::watch() {
        let alarm = background.within(|| pipe(alarm)).map_err(failed)?;
        background.spawn(end_what_was_halted(alarm, exit.clone()));
    }
    Ok(())
}

/// Signals that come so soon behind the first are the same wish: `timeout` signals the process and then its group,
/// service managers and shells do alike.
const SAME: Duration = Duration::from_secs(1);

/// The first signal stops the run, a later one ends the process at once; but a person's Ctrl-C, however often it
/// is pressed, ends what runs and never the session.
async fn stop_on_signals(signals: [Heard; 4], stop: Arc<Stop>, exit: Exit, for_person: bool) {
    let [mut interrupt, mut terminate, mut hang_up, mut quit] = signals;
    let mut first: Option<Instant> = None;
    loop {
        let (why, text) = tokio::select! {
            _ = interrupt.recv() => (Interrupt::CtrlC, "interrupted"),
            _ = terminate.recv() => (Interrupt::Terminate, "terminated"),
            _ = hang_up.recv() => (Interrupt::HangUp, "hung up"),
            _ = quit.recv() => (Interrupt::Quit, "quit"),
        };
        let error = Error::new(Kind::Interrupted(why), text);
        let was_signalled = first.is_some();
        if !for_person && first.get_or_insert_with(Instant::now).elapsed() < SAME && was_signalled {
            continue;
        }
        if stop.is_set() && !(for_person && why == Interrupt::CtrlC) {
            exit.leave(&error);
        }
        stop.set(error);
    }
}

/// Who waits for input notices nothing: then the process ends at once, and otherwise after the grace time of calls
/// under way and a moment more.
async fn end_what_does_not_stop(stop: Arc<Stop>, shared: Arc<Shared>, grace: Duration, exit: Exit, for_person: bool) {
    loop {
        let why = stop.stopped().await;
        let is_final = match why.kind {
            Kind::Interrupted(_) => why.kind.ends_session() || !for_person,
            Kind::Limit => !for_person,
            _ => true,
        };
        let settles = async {
            shared.settled(grace).await;
            tokio::time::timeout(SETTLING, stop.cleared()).await
        };
        let under_way = shared.words_under_way().len();
        let is_from_outside = matches!(why.kind, Kind::Interrupted(_));
        if is_final && is_from_outside && under_way > 0 && !grace.is_zero() && !stop.is_reading() {
            tracing::warn!("{}", waiting(under_way, grace, &why));
        }
        if is_final && (stop.is_reading() || settles.await.is_err()) {
            exit.leave(&why);
        }
        stop.otherwise(&why).await;
    }
}

/// What a stopped run waits for, in words.
fn waiting(writes: usize, grace: Duration, why: &Error) -> String {
    let again = if why.kind == Kind::Interrupted(Interrupt::CtrlC) { "again Ctrl-C" } else { "a second signal" };
    let under_way =
        if writes == 1 { "1 write is under way and gets" } else { &format!("{writes} writes are under way and get") };
    format!("stopping: {under_way} {} s to end; {again} ends at once", grace.as_secs_f64())
}

/// A thread that the allocator halted never ends by itself.
async fn end_what_was_halted(alarm: tokio::net::unix::pipe::Receiver, exit: Exit) {
    if alarm.readable().await.is_ok() {
        exit.leave(&memory::exceeded());
    }
}

fn pipe(reader: PipeReader) -> std::io::Result<tokio::net::unix::pipe::Receiver> {
    tokio::net::unix::pipe::Receiver::from_owned_fd(OwnedFd::from(reader))
}
