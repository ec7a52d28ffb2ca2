//! What the operating system lets the process have: address space, open files, and the streams that it was
//! started with. Each is asked for before it is used up: what fails in the middle fails in worse words.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};

use crate::error::{Error, Kind, Result};

/// Files that a run opens beside its connections: what it waits with, its simulator, what a script reads,
/// and a name lookup's.
const BESIDE: usize = 24;

/// Bytes of address space that are not taken yet, where they are limited.
pub(crate) fn address_space_left() -> Option<usize> {
    let limit = usize::try_from(getrlimit(Resource::As).current?).ok()?;
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').next().and_then(|pages| pages.parse().ok()).unwrap_or(0);
    Some(limit.saturating_sub(pages.saturating_mul(rustix::param::page_size())))
}

/// How many files may be open at once, and how many more may be opened; `None` without a limit.
fn files() -> Option<(usize, usize)> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // What is given at first is meant for programs that cannot cope with more; what fails stays as it is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
    let limit = usize::try_from(getrlimit(Resource::Nofile).current?).ok()?;
    // One of those is what they are listed with.
    let open = std::fs::read_dir("/dev/fd").map_or(limit, |open| open.count().saturating_sub(1));
    Some((limit, limit.saturating_sub(open)))
}

/// Whether there are files enough for a run to begin.
///
/// # Errors
/// `limit`.
pub(crate) fn room_for_run() -> Result<()> {
    match files() {
        Some((limit, left)) if left < BESIDE => Err(too_few(limit)),
        _ => Ok(()),
    }
}

/// As many of these connections as there are files for, each of which takes so many.
///
/// # Errors
/// `limit` when there is not one.
pub(crate) fn connections(wanted: usize, files_each: usize) -> Result<usize> {
    /// A script's own files, and a name lookup's.
    const SPARE: usize = 6;
    let Some((limit, left)) = files() else { return Ok(wanted) };
    match left.saturating_sub(SPARE) / files_each {
        0 => Err(too_few(limit)),
        fitting if fitting < wanted => {
            tracing::warn!(
                "the system lets jst have {limit} files and connections open (ulimit -n): at most {fitting} calls are \
                 under way at once, not {wanted}"
            );
            Ok(fitting)
        }
        _ => Ok(wanted),
    }
}

/// The same `limit`, when this is what an operation failed with: files may have been opened since it was asked.
pub(crate) fn out_of_files(error: &std::io::Error) -> Option<Error> {
    let process_or_system = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(rustix::io::Errno::raw_os_error);
    let is_met = error.raw_os_error().is_some_and(|code| process_or_system.contains(&code));
    is_met.then(|| too_few(files().map_or(usize::MAX, |(limit, _)| limit)))
}

fn too_few(limit: usize) -> Error {
    Error::new(Kind::Limit, format!("the system lets jst have {limit} files and connections open, which is not enough"))
        .hint("raise it: ulimit -n 256")
}

/// What the machine calls itself.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The name of the network file system that a folder is on, if it is on one.
pub(crate) fn network_file_system(folder: &std::path::Path) -> Option<&'static str> {
    network_of(rustix::fs::statfs(folder).ok()?.f_type as u32)
}

/// The network file system that Linux gives this number.
fn network_of(number: u32) -> Option<&'static str> {
    const NAMES: [(u32, &str); 12] = [
        (0x6969, "NFS"),
        (0x517b, "SMB"),
        (0xff53_4d42, "CIFS"),
        (0xfe53_4d42, "SMB"),
        (0x00c3_6400, "Ceph"),
        (0x5346_414f, "AFS"),
        (0x0bd0_0bd0, "Lustre"),
        (0x4750_4653, "GPFS"),
        (0x7461_636f, "OCFS2"),
        (0x7375_7245, "Coda"),
        (0x0000_564c, "NCP"),
        (0x0102_1997, "9P"),
    ];
    NAMES.iter().find(|(of, _)| *of == number).map(|(_, name)| *name)
}

/// The home folder of the user that the process runs as, by the password file.
pub(crate) fn home() -> Option<std::path::PathBuf> {
    let file = std::fs::read_to_string("/etc/passwd").ok()?;
    home_of(&file, rustix::process::getuid().as_raw())
}

/// The home folder of a user by the text of a password file: `name:x:1000:1000:words:/home/name:/bin/sh`.
fn home_of(file: &str, user: u32) -> Option<std::path::PathBuf> {
    let lines = file.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut homes = lines.filter(|fields| fields.get(2).is_some_and(|id| id.parse() == Ok(user)));
    let home = homes.find_map(|fields| fields.get(5).copied())?;
    home.starts_with('/').then(|| home.into())
}

/// Whether whoever started the process has it ignore this signal, as `nohup` does, and a shell for what it starts in the
/// background. Where the system does not tell, none is.
pub(crate) fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status).is_some_and(|mask| u32::try_from(signal.as_raw() - 1).is_ok_and(|bit| mask >> bit & 1 == 1))
}

/// The signals that a process ignores, by what Linux tells of it: the lowest bit is signal 1.
fn ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

/// Whether the process was started without a standard output. What is written there then is lost without a
/// word, as the runtime puts an empty device in its place.
pub(crate) fn is_stdout_closed() -> bool {
    NO_STDOUT.load(Ordering::Relaxed)
}

/// The same of standard input: what is read there would be nothing, without a word.
pub(crate) fn is_stdin_closed() -> bool {
    NO_STDIN.load(Ordering::Relaxed)
}

static NO_STDIN: AtomicBool = AtomicBool::new(false);
static NO_STDOUT: AtomicBool = AtomicBool::new(false);

/// Looks at stdin and stdout before the runtime does.
#[allow(
    unsafe_code,
    reason = "only what the loader calls comes before the runtime, and a descriptor has to be borrowed"
)]
mod before_main {
    use std::os::fd::BorrowedFd;
    use std::sync::atomic::Ordering;

    #[used]
    #[cfg_attr(target_os = "macos", unsafe(link_section = "__DATA,__mod_init_func"))]
    #[cfg_attr(not(target_os = "macos"), unsafe(link_section = ".init_array"))]
    static LOOK: extern "C" fn() = look;

    extern "C" fn look() {
        // SAFETY: it is only asked whether the descriptors are open, which is no error when they are not.
        let [stdin, stdout] = unsafe { [BorrowedFd::borrow_raw(0), BorrowedFd::borrow_raw(1)] };
        super::NO_STDIN.store(rustix::io::fcntl_getfd(stdin).is_err(), Ordering::Relaxed);
        super::NO_STDOUT.store(rustix::io::fcntl_getfd(stdout).is_err(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn network_file_systems_are_told_from_disks() {
        for (number, name) in [(0x6969, Some("NFS")), (0xff53_4d42, Some("CIFS")), (0x0102_1997, Some("9P"))] {
            assert_eq!(network_of(number), name);
        }
        // ext4, XFS, tmpfs, overlay.
        assert!([0xef53, 0x5846_5342, 0x0102_1994, 0x794c_7630].into_iter().all(|disk| network_of(disk).is_none()));
    }

    #[test]
    fn ignored_signals_are_read_from_what_linux_tells() {
        // nohup, as seen in the background of a shell.
        let status = "Name:\tjst\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000001007\nSigCgt:\t0\n";
        assert_eq!(ignored(status), Some(0x1007));
        assert!(ignored("Name:\tjst\n").is_none() && ignored("SigIgn:\tnone\n").is_none());
    }

    #[test]
    fn a_home_is_found_in_the_password_file() {
        let file = "root:x:0:0:root:/root:/bin/sh\n# no line\njob:x:1000:1000::/srv/job:/bin/sh\nnone:x:7:7:::\n";
        for (user, home) in [(0, Some("/root")), (1000, Some("/srv/job")), (7, None), (8, None)] {
            assert_eq!(home_of(file, user), home.map(Into::into), "{user}");
        }
    }

    #[test]
    fn connections_are_as_many_as_there_are_files_for() {
        assert_eq!(connections(1, 1).unwrap(), 1);
        let (limit, left) = files().unwrap_or((usize::MAX, usize::MAX));
        assert!(left <= limit && connections(usize::MAX, 2).unwrap() <= left);
        room_for_run().unwrap();
    }
}
