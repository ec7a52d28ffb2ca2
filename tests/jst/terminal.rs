//! A person at a terminal: a real pseudo-terminal with the binary at its other end.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pty};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{LocalModes, tcgetattr};
use tempfile::TempDir;

use crate::support::Jst;

/// Whatever takes longer than this will not come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came so far, and whether it is all.
#[derive(Default)]
struct Screen {
    text: String,
    is_over: bool,
}

/// A terminal that the binary runs in, until it is dropped.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    child: std::process::Child,
    _home: TempDir,
    came: Arc<(Mutex<Screen>, Condvar)>,
    /// Up to where what came was looked at.
    seen: usize,
    hang_up: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
}

impl Terminal {
    /// A usual terminal of 80 columns.
    pub(crate) fn new(jst: Jst) -> Self {
        Self::sized(jst, 24, 80)
    }

    /// One of this size.
    pub(crate) fn sized(jst: Jst, rows: u16, columns: u16) -> Self {
        Self::begun(jst.env("NO_COLOR", "1"), rows, columns)
    }

    /// One that shows colours.
    pub(crate) fn coloured(jst: Jst) -> Self {
        Self::begun(jst, 24, 80)
    }

    fn begun(jst: Jst, rows: u16, columns: u16) -> Self {
        let (command, home) = jst.env_if_missing("TERM", "xterm-256color").into_command();
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(Size::new(rows, columns)).unwrap();
        let child = Command::from(command).spawn(pts).unwrap();
        let (pty, came, hang_up) = (Arc::new(pty), Arc::default(), Arc::default());
        let reader = {
            let (pty, came, hang_up) = (Arc::clone(&pty), Arc::clone(&came), Arc::clone(&hang_up));
            Some(std::thread::spawn(move || read(&pty, &came, &hang_up)))
        };
        Self { pty, child, _home: home, came, seen: 0, hang_up, reader }
    }

    /// Types.
    pub(crate) fn send(&mut self, text: &str) -> &mut Self {
        (&*self.pty).write_all(text.as_bytes()).unwrap();
        self
    }

    /// Waits for a text, and gives what came before it since the last wait.
    #[track_caller]
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let (screen, changed) = &*self.came;
        let begun = Instant::now();
        let mut screen = screen.lock().unwrap();
        loop {
            let new = &screen.text[self.seen..];
            if let Some(at) = new.find(text) {
                let before = new[..at].to_owned();
                self.seen += at + text.len();
                return before;
            }
            let left = PATIENCE.checked_sub(begun.elapsed()).filter(|_| !screen.is_over);
            let left = left.unwrap_or_else(|| panic!("{text:?} did not come: {:?}", screen.text));
            screen = changed.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Waits for the prompt, types a line, and gives what came until the next prompt.
    #[track_caller]
    pub(crate) fn enter(&mut self, line: &str) -> String {
        self.send(&format!("{line}\r"));
        // The line itself is shown first.
        self.wait_for("\n");
        self.wait_for("sim> ")
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> &mut Self {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
        self
    }

    /// The terminal goes away.
    pub(crate) fn hang_up(mut self) -> Option<i32> {
        self.hang_up.store(true, Ordering::SeqCst);
        self.reader.take().unwrap().join().unwrap();
        // A new one in its place, so that the last handle of the old is closed.
        self.pty = Arc::new(pty_process::blocking::open().unwrap().0);
        self.child.wait().unwrap().code()
    }

    /// Waits for the end, sees that the terminal is as it was, and gives the exit code and the rest of what came.
    #[track_caller]
    pub(crate) fn end(&mut self) -> (Option<i32>, String) {
        let rest = {
            let (screen, changed) = &*self.came;
            let (screen, waited) =
                changed.wait_timeout_while(screen.lock().unwrap(), PATIENCE, |screen| !screen.is_over).unwrap();
            assert!(!waited.timed_out(), "it does not end: {:?}", screen.text);
            screen.text[self.seen..].to_owned()
        };
        let code = self.child.wait().unwrap().code();
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        let usual = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        assert!(modes.contains(usual), "the terminal is left raw: {modes:?}");
        let all = self.came.0.lock().unwrap().text.clone();
        let last = |text: &str| all.rfind(text);
        assert!(last("\x1b[?2004h") <= last("\x1b[?2004l"), "pasting is left marked: {all:?}");
        (code, rest)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.hang_up.store(true, Ordering::SeqCst);
    }
}

fn read(pty: &Pty, came: &(Mutex<Screen>, Condvar), hang_up: &AtomicBool) {
    let (screen, changed) = came;
    let mut bytes = Vec::new();
    while !hang_up.load(Ordering::SeqCst) {
        let mut looked = [PollFd::new(pty, PollFlags::IN)];
        let tick = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        if poll(&mut looked, Some(&tick)).unwrap() == 0 {
            continue;
        }
        let mut chunk = [0; 4096];
        match (&*pty).read(&mut chunk) {
            // On Linux, the end of a terminal is an error.
            Ok(0) | Err(_) => break,
            Ok(length) => bytes.extend_from_slice(&chunk[..length]),
        }
        // A character may come in two parts.
        let whole = match std::str::from_utf8(&bytes) {
            Ok(_) => bytes.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => bytes.len(),
        };
        let text = String::from_utf8_lossy(&bytes[..whole]).into_owned();
        bytes.drain(..whole);
        screen.lock().unwrap().text.push_str(&text);
        changed.notify_all();
    }
    screen.lock().unwrap().is_over = true;
    changed.notify_all();
}
