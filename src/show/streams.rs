//! Stdout and stderr: whatever jst writes there passes here. Both may be held back until it is known whether the
//! run did well, or be in other hands for as long as somebody wants them: a test is shown what a script printed so.
//! The end of what both were told is kept for those who are told of the run.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _, Seek as _, SeekFrom, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::show::redaction::REDACTOR;
use crate::show::{progress, visible};
use crate::system;

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

/// Who has the streams now.
static HOLDER: RwLock<Option<Holder>> = RwLock::new(None);

/// Both streams in other hands until this is dropped; then whoever had them before has them again.
pub(crate) struct Given(Option<Holder>);

/// Gives both streams of the whole process to somebody.
pub(crate) fn give_to(holder: Holder) -> Given {
    Given(replace(Some(holder)))
}

impl Drop for Given {
    fn drop(&mut self) {
        replace(self.0.take());
    }
}

fn replace(holder: Option<Holder>) -> Option<Holder> {
    std::mem::replace(&mut *HOLDER.write().unwrap_or_else(PoisonError::into_inner), holder)
}

fn holder() -> Option<Holder> {
    HOLDER.read().unwrap_or_else(PoisonError::into_inner).clone()
}

/// What is held back of both streams, in their order: pieces of a mark, a length and the bytes.
#[derive(Debug)]
pub(crate) struct Held {
    /// The most bytes in memory, and in the file behind it.
    most: (usize, u64),
    memory: Vec<u8>,
    /// What came behind it.
    file: Option<File>,
    in_file: u64,
    /// Bytes that there was no room for.
    lost: u64,
}

/// What is held in memory, and in a file behind that.
const IN_MEMORY: usize = 1 << 20;
const IN_FILE: u64 = 1 << 30;

/// Bytes of both streams that are kept.
const TAIL: usize = 10_000;

#[derive(Debug, Default)]
struct Streams {
    held: Option<Held>,
    /// The end of what both were told, without secrets, while somebody wants it.
    tail: Option<VecDeque<u8>>,
}

static STREAMS: Mutex<Streams> = Mutex::new(Streams { held: None, tail: None });

/// Holds both streams back from now on.
pub(crate) fn hold() {
    streams().held = Some(Held::new(IN_MEMORY, IN_FILE));
}

/// Keeps the end of both streams from now on.
pub(crate) fn keep_tail() {
    streams().tail = Some(VecDeque::new());
}

/// The end of both streams: their last whole lines, in their order.
pub(crate) fn tail() -> String {
    let tail: Vec<u8> = streams().tail.iter().flatten().copied().collect();
    let text = String::from_utf8_lossy(&tail);
    visible::plain(match text.split_once('\n') {
        Some((_, rest)) if tail.len() == TAIL => rest,
        _ => &text,
    })
}

/// Ends holding back: prints what was held, or forgets it. What cannot be printed is said on stderr, and changes
/// nothing.
pub(crate) fn release(print: bool) {
    let held = streams().held.take();
    let (Some(held), true) = (held, print) else { return };
    let printed = match system::is_stdout_closed() {
        true => held.print(&mut Closed, &mut io::stderr()),
        false => held.print(&mut io::stdout(), &mut io::stderr()),
    };
    if let Err(why) = printed {
        tracing::error!("{why}");
    }
}

/// Where a standard output would be that the process was started without.
struct Closed;

impl Write for Closed {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(closed())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn closed() -> io::Error {
    io::Error::other("it is closed")
}

/// Whether nobody holds the streams: what is written is seen at once.
pub(super) fn are_free() -> bool {
    holder().is_none() && streams().held.is_none()
}

/// Writes lines to stdout. A terminal gets nothing that steers it; a pipe gets the text as it is.
///
/// # Errors
/// Whatever stdout says, a reader that went away included.
pub(crate) fn out(text: &str) -> io::Result<()> {
    if let Some(holder) = holder() {
        holder(Stream::Stdout, text);
        return Ok(());
    }
    let text = if io::stdout().is_terminal() { visible::block(text) } else { text.into() };
    let mut streams = streams();
    streams.keep_end(&text);
    if let Some(held) = &mut streams.held {
        // Whether anybody could read it matters only if it comes to be printed.
        held.add(Stream::Stdout, text.as_bytes());
        return Ok(());
    }
    drop(streams);
    if system::is_stdout_closed() {
        return Err(closed());
    }
    progress::clear();
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes lines to stderr. There is nowhere to complain to.
pub(crate) fn err(text: &str) {
    if let Some(holder) = holder() {
        return holder(Stream::Stderr, text);
    }
    let mut streams = streams();
    streams.keep_end(text);
    if let Some(held) = &mut streams.held {
        return held.add(Stream::Stderr, text.as_bytes());
    }
    drop(streams);
    progress::clear();
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

fn streams() -> MutexGuard<'static, Streams> {
    STREAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Streams {
    /// Keeps the end of a text, if somebody wants it.
    fn keep_end(&mut self, text: &str) {
        let Some(tail) = &mut self.tail else { return };
        // Before it is cut: half a secret is found by nobody.
        let text = REDACTOR.talk(text);
        let bytes = text.as_bytes();
        tail.extend(bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default());
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }
}

impl Held {
    fn new(in_memory: usize, in_file: u64) -> Self {
        Self { most: (in_memory, in_file), memory: Vec::new(), file: None, in_file: 0, lost: 0 }
    }

    fn add(&mut self, which: Stream, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let bytes = bytes.get(..length as usize).unwrap_or_default();
        let mut piece = Vec::with_capacity(bytes.len() + 5);
        piece.push(which as u8);
        piece.extend(length.to_le_bytes());
        piece.extend(bytes);
        let is_first = self.file.is_none() && self.lost == 0;
        if is_first && self.memory.len() + piece.len() <= self.most.0 {
            self.memory.extend(piece);
        } else if self.lost > 0 || self.spill(&piece).is_err() {
            // Once there is no room, nothing more is held: what is printed has no hole but its end.
            self.lost += bytes.len() as u64;
        }
    }

    fn spill(&mut self, piece: &[u8]) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile()?),
        };
        let end = self.in_file + piece.len() as u64;
        if end > self.most.1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Err(error) = file.write_all(piece) {
            file.set_len(self.in_file)?;
            return Err(error);
        }
        self.in_file = end;
        Ok(())
    }

    /// Prints all of it. Gives why that cannot be done, in words; nothing of a stderr that is gone, nor of a reader of
    /// stdout that went away.
    fn print<'a>(mut self, out: &'a mut dyn Write, err: &'a mut dyn Write) -> Result<(), String> {
        // A stream that is gone does not keep the other from its words.
        let mut state = [(out, Ok(())), (err, Ok(()))];
        let read = self.print_held(&mut state);
        let [(_, out), (err, _)] = &mut state;
        if self.lost > 0 {
            let _ = writeln!(err, "jst: {} bytes more were printed than --quiet-success could hold back", self.lost);
        }
        read.map_err(|error| format!("cannot read again what --quiet-success held back: {error}"))?;
        match out {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(format!("cannot write to stdout: {error}")),
            _ => Ok(()),
        }
    }

    fn print_held(&mut self, state: &mut [Taker<'_>; 2]) -> io::Result<()> {
        print_pieces(self.memory.as_slice(), state)?;
        match &mut self.file {
            Some(file) => {
                file.seek(SeekFrom::Start(0))?;
                print_pieces(io::BufReader::new(file.take(self.in_file)), state)
            }
            None => Ok(()),
        }
    }
}

/// A stream, and whether it still takes something.
type Taker<'a> = (&'a mut dyn Write, io::Result<()>);

fn print_pieces(mut from: impl io::Read, state: &mut [Taker<'_>; 2]) -> io::Result<()> {
    let [out, err] = state;
    loop {
        let mut head = [0; 5];
        match from.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            read => read?,
        }
        let [which, length @ ..] = head;
        let mut piece = vec![0; u32::from_le_bytes(length) as usize];
        from.read_exact(&mut piece)?;
        let (stream, state) = if which == Stream::Stdout as u8 { &mut *out } else { &mut *err };
        if state.is_ok() {
            *state = stream.write_all(&piece).and_then(|()| stream.flush());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// What is printed of these pieces at the end, and the bytes that were held in memory and in a file until then.
    fn held(most: (usize, u64), pieces: &[(Stream, &str)]) -> (String, String, usize, u64) {
        let mut held = Held::new(most.0, most.1);
        pieces.iter().for_each(|(which, text)| held.add(*which, text.as_bytes()));
        let (memory, file) = (held.memory.capacity(), held.in_file);
        assert_eq!(held.file.as_ref().map_or(0, |file| file.metadata().unwrap().len()), file);
        let (mut out, mut err) = (Vec::new(), Vec::new());
        held.print(&mut out, &mut err).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), memory, file)
    }

    #[test]
    fn what_is_beyond_memory_goes_to_a_file_and_what_is_beyond_that_is_counted_and_said() {
        use Stream::{Stderr, Stdout};
        let few = [(Stdout, "one\n"), (Stderr, "two\n")];
        assert_eq!(held((100, 100), &few), ("one\n".into(), "two\n".into(), 18, 0));
        // Each piece takes 5 bytes more than its text.
        let (out, err, memory, file) = held((9, 9), &few);
        assert_eq!((out.as_str(), err.as_str(), memory, file), ("one\n", "two\n", 9, 9));
        let many: Vec<(Stream, &str)> = [(Stdout, "a line\n"), (Stderr, "words\n")].repeat(100_000);
        let (out, err, memory, file) = held((64, 1_000), &many);
        let lines = out.lines().count() + err.lines().count() - 1;
        let lost = 100_000 * 13 - out.len() - (err.len() - err.lines().next_back().unwrap().len() - 1);
        assert!(memory <= 128 && file <= 1_000 && lines == 5 + 87, "{memory} {file} {lines}");
        assert_eq!(
            err.lines().next_back().unwrap(),
            format!("jst: {lost} bytes more were printed than --quiet-success could hold back")
        );
        // Nothing is held behind what was lost, however short: what is printed has no hole.
        let (out, err, ..) = held((9, 10), &[(Stdout, "one\n"), (Stdout, "far too long"), (Stdout, "two\n")]);
        assert_eq!(out, "one\n");
        assert_eq!(err, "jst: 16 bytes more were printed than --quiet-success could hold back\n");
    }
}
