//! The terminal that a person sits at: a line of it, its size, and how it is left. Lines that are edited are the
//! REPL's own matter.

use std::io;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime::Builder;

use crate::error::{Error, Interrupt, Kind, Result};
use crate::stop::Stop;

/// Ends the terminal's marking of what is pasted, which an editor of lines turns on.
const PASTE_UNMARKED: &str = "\x1b[?2004l";

/// The next line that is typed, without its end; `None` at the end of the input. Whatever stops the run ends the
/// wait; nothing is read beyond the line.
///
/// # Errors
/// Why the run is to end; `io` when the terminal cannot be read.
pub(crate) fn read_line(stop: &Stop) -> Result<Option<String>> {
    let failed = |error: io::Error| Error::new(Kind::Io, format!("cannot read the terminal: {error}"));
    let runtime = Builder::new_current_thread().enable_io().build().map_err(failed)?;
    runtime.block_on(async {
        let stdin = readable().map_err(failed)?;
        let mut line = Vec::new();
        loop {
            tokio::select! {
                biased;
                why = stop.stopped() => return Err(why),
                ready = stdin.readable() => ready.map_err(failed)?.clear_ready(),
            }
            // A terminal gives what is ready, one line at most.
            let mut chunk = [0; 4096];
            let length = match rustix::io::read(stdin.get_ref(), &mut chunk) {
                Err(error) if error == rustix::io::Errno::INTR || error == rustix::io::Errno::AGAIN => continue,
                read => read.map_err(|error| failed(error.into()))?,
            };
            line.extend_from_slice(chunk.get(..length).unwrap_or_default());
            if length == 0 && line.is_empty() {
                return Ok(None);
            }
            if length == 0 || line.ends_with(b"\n") {
                return Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()));
            }
        }
    })
}

/// Whether lines wait that were typed before they were asked for.
pub(crate) fn has_typed_ahead() -> bool {
    poll_stdin().contains(PollFlags::IN)
}

/// Why nothing more will come, if the terminal went away.
pub(crate) fn hung_up() -> Option<Error> {
    poll_stdin().contains(PollFlags::HUP).then(|| Error::new(Kind::Interrupted(Interrupt::HangUp), "hung up"))
}

/// Standard input, to wait until it can be read.
#[expect(deprecated, reason = "its successor is unsafe code, for streams that may be closed; this one stays open")]
fn readable() -> io::Result<AsyncFd<io::Stdin>> {
    AsyncFd::with_interest(io::stdin(), Interest::READABLE)
}

fn poll_stdin() -> PollFlags {
    let stdin = io::stdin();
    let mut looked = [PollFd::new(&stdin, PollFlags::IN)];
    match poll(&mut looked, Some(&Timespec::default())) {
        Ok(_) => looked.first().map_or(PollFlags::empty(), PollFd::revents),
        Err(_) => PollFlags::empty(),
    }
}

/// Puts the terminal back as it is now: whoever ends the process while a line is edited does it.
pub(crate) fn restorer() -> impl FnOnce() + Send + 'static {
    let before = tcgetattr(io::stdin()).ok();
    move || {
        if let Some(before) = before {
            restore(&before);
        }
    }
}

fn restore(before: &Termios) {
    // In the background, touching the terminal would stop the process instead of ending it.
    let is_ours = tcgetpgrp(io::stdin()).is_ok_and(|group| group == rustix::process::getpgrp());
    let is_changed = tcgetattr(io::stdin()).is_ok_and(|now| now.local_modes != before.local_modes);
    if is_ours && is_changed {
        // The terminal may be gone; then there is nothing to put back.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        let _ = rustix::io::write(io::stdout(), format!("{PASTE_UNMARKED}\n").as_bytes());
    }
}

/// The columns and rows of the terminal, where there is one.
pub(crate) fn size() -> Option<(u16, u16)> {
    terminal_size::terminal_size().map(|(width, height)| (width.0, height.0))
}
