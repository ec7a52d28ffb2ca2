//! Stdout and stderr: whatever jst writes there passes here. Both may be held back until it is known whether the
//! run did well, and the end of what stderr was told is kept for those who are told of the run.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    Out,
    Err,
}

/// What is held back of both streams, in their order: pieces of a mark, a length and the bytes.
#[derive(Debug, Default)]
struct Held {
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

/// Bytes of the log that are kept.
const TAIL: usize = 10_000;

#[derive(Debug, Default)]
struct Streams {
    held: Option<Held>,
    /// The end of what stderr was told, while somebody wants it.
    tail: Option<VecDeque<u8>>,
}

static STREAMS: Mutex<Streams> = Mutex::new(Streams { held: None, tail: None });

/// Holds both streams back from now on.
pub(crate) fn hold() {
    streams().held = Some(Held::default());
}

/// Keeps the end of the log from now on.
pub(crate) fn keep_tail() {
    streams().tail = Some(VecDeque::new());
}

/// The end of the log: its last whole lines.
pub(crate) fn tail() -> String {
    let tail: Vec<u8> = streams().tail.iter().flatten().copied().collect();
    let text = String::from_utf8_lossy(&tail);
    match text.split_once('\n') {
        Some((_, rest)) if tail.len() == TAIL => rest.to_owned(),
        _ => text.into_owned(),
    }
}

/// Ends holding back: prints what was held, or forgets it.
pub(crate) fn release(print: bool) {
    let held = streams().held.take();
    if let (Some(held), true) = (held, print) {
        // There is nowhere left to complain to.
        let _ = held.print();
    }
}

/// Writes to stdout, or has it held.
///
/// # Errors
/// Whatever stdout says.
pub(crate) fn out(bytes: &[u8]) -> io::Result<()> {
    if let Some(held) = &mut streams().held {
        held.add(Which::Out, bytes);
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

/// Writes to stderr, or has it held. There is nowhere to complain to.
pub(crate) fn err(bytes: &[u8]) {
    let mut streams = streams();
    if let Some(tail) = &mut streams.tail {
        let end = bytes.get(bytes.len().saturating_sub(TAIL)..).unwrap_or_default();
        tail.extend(end);
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }
    if let Some(held) = &mut streams.held {
        return held.add(Which::Err, bytes);
    }
    drop(streams);
    let _ = io::stderr().lock().write_all(bytes);
}

/// Stderr for who wants a writer.
#[derive(Debug)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        err(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn streams() -> MutexGuard<'static, Streams> {
    STREAMS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    fn add(&mut self, which: Which, bytes: &[u8]) {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let bytes = bytes.get(..length as usize).unwrap_or_default();
        let mut piece = Vec::with_capacity(bytes.len() + 5);
        piece.push(which as u8);
        piece.extend(length.to_le_bytes());
        piece.extend(bytes);
        let is_first = self.file.is_none() && self.lost == 0;
        if is_first && self.memory.len() + piece.len() <= IN_MEMORY {
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
        if end > IN_FILE {
            return Err(io::ErrorKind::StorageFull.into());
        }
        if let Err(error) = file.write_all(piece) {
            file.set_len(self.in_file)?;
            return Err(error);
        }
        self.in_file = end;
        Ok(())
    }

    fn print(mut self) -> io::Result<()> {
        // A stream that is gone does not keep the other from its words.
        let mut state = [Ok(()), Ok(())];
        print_pieces(self.memory.as_slice(), &mut state)?;
        if let Some(file) = &mut self.file {
            file.seek(SeekFrom::Start(0))?;
            print_pieces(io::BufReader::new(file.take(self.in_file)), &mut state)?;
        }
        if self.lost > 0 {
            let lost = self.lost;
            err(format!("jst: {lost} bytes more were printed than --quiet-success could hold back\n").as_bytes());
        }
        Ok(())
    }
}

fn print_pieces(mut from: impl io::Read, state: &mut [io::Result<()>; 2]) -> io::Result<()> {
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
        if which == Which::Out as u8 {
            if out.is_ok() {
                *out = io::stdout().write_all(&piece).and_then(|()| io::stdout().flush());
            }
        } else if err.is_ok() {
            *err = io::stderr().write_all(&piece);
        }
    }
}
