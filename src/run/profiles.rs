//! One script for each of many profiles: a process each, in parallel, outputs apart and prefixed, one summary.

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use rustix::process::{Pid, Signal};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::runtime::Builder;

use super::heard::Heard;
use crate::error::{Error, Kind, Result};
use crate::show::data;

/// The longest part of a line that is passed on in one piece, in bytes.
const LONGEST: u64 = 1 << 20;

/// Runs this program once for each profile: with these words, behind a flag that names the profile, and with these
/// variables besides its own. Gives the gravest exit code.
///
/// # Errors
/// `io` when a process cannot be started.
pub(crate) fn each(profiles: &[String], words: &[String], variables: &[(&str, String)]) -> Result<u8> {
    let failed = |error: std::io::Error| Error::new(Kind::Io, format!("cannot run for each profile: {error}"));
    let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
    let width = profiles.iter().map(|name| name.chars().count()).max().unwrap_or_default();
    let ended: Vec<u8> = runtime.block_on(async {
        let mut children = Vec::new();
        for name in profiles {
            children.push(start(name, words, variables).map_err(failed)?);
        }
        let groups: Vec<Pid> =
            children.iter().filter_map(|child| Pid::from_raw(child.id()?.try_into().ok()?)).collect();
        let all =
            join_all(profiles.iter().zip(children).map(|(name, child)| follow(format!("{name:width$} | "), child)));
        tokio::select! {
            ended = all => ended.into_iter().collect::<std::io::Result<Vec<u8>>>().map_err(failed),
            error = pass_on_signals(&groups) => Err(failed(error)),
        }
    })?;
    let well = ended.iter().filter(|code| **code == 0).count();
    let noun = if ended.len() == 1 { "profile" } else { "profiles" };
    data::tell(&format!("{} {noun}: {well} done, {} failed", ended.len(), ended.len() - well));
    for (name, code) in profiles.iter().zip(&ended).filter(|(_, code)| **code != 0) {
        data::tell(&format!("  {name:width$}  exit {code}"));
    }
    Ok(ended.into_iter().max_by_key(|code| gravity(*code)).unwrap_or_default())
}

fn start(profile: &str, words: &[String], variables: &[(&str, String)]) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .arg("--profile")
        .arg(profile)
        .args(words)
        .envs(variables.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C reaches each once, through here.
        .process_group(0)
        .spawn()
}

/// Passes on what a process prints until it ends. Gives its exit code.
async fn follow(prefix: String, mut child: Child) -> std::io::Result<u8> {
    let prefix = Arc::new(prefix);
    let out = pass_on(child.stdout.take(), &prefix, |line| {
        let _ = data::print_rendered(line);
    });
    let err = pass_on(child.stderr.take(), &prefix, data::tell);
    let ((), (), status) = tokio::join!(out, err, child.wait());
    status.map(code)
}

async fn pass_on(from: Option<impl AsyncRead + Unpin>, prefix: &str, to: impl Fn(&str)) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let (mut line, mut has_ended) = (Vec::new(), false);
    while !has_ended {
        let read = tokio::io::AsyncReadExt::take(&mut from, LONGEST).read_until(b'\n', &mut line).await;
        has_ended = !matches!(read, Ok(length) if length > 0);
        let rest = if has_ended { Vec::new() } else { line.split_off(whole(&line)) };
        if !line.is_empty() {
            let text = String::from_utf8_lossy(&line);
            to(&format!("{prefix}{}", text.trim_end_matches(['\n', '\r'])));
        }
        line = rest;
    }
}

/// The bytes up to a character that is cut at the end, if one is.
fn whole(line: &[u8]) -> usize {
    let cut = line.utf8_chunks().last().map_or(&[][..], |last| last.invalid());
    let is_cut = std::str::from_utf8(cut).is_err_and(|error| error.error_len().is_none());
    if is_cut { line.len() - cut.len() } else { line.len() }
}

/// As a shell has it, which says 128 and the signal of a process that one ended.
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(1)
}

/// How grave it is that a run ended so. What may have happened and nobody knows is the gravest; what was merely
/// looked at and found wanting the least.
fn gravity(code: u8) -> u8 {
    match code {
        0 => 0,
        4 => 1,
        2 | 3 => 2,
        40 => 3,
        64..=113 => 4,
        20 | 21 | 30 => 5,
        12 | 41 | 42 => 6,
        10 => 8,
        11 => 10,
        129.. => 9,
        _ => 7,
    }
}

/// Passes on what would end this process to those that it started, for as long as it lives.
async fn pass_on_signals(groups: &[Pid]) -> std::io::Error {
    let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hang_up), Ok(mut quit)] =
        [Signal::INT, Signal::TERM, Signal::HUP, Signal::QUIT].map(Heard::new)
    else {
        return std::io::Error::other("the system does not tell of signals");
    };
    loop {
        let signal = tokio::select! {
            _ = interrupt.recv() => Signal::INT,
            _ = terminate.recv() => Signal::TERM,
            _ = hang_up.recv() => Signal::HUP,
            _ = quit.recv() => Signal::QUIT,
        };
        for group in groups {
            let _ = rustix::process::kill_process_group(*group, signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{gravity, whole};

    #[test]
    fn a_character_is_passed_on_in_one_piece() {
        for (line, expected) in [
            (&b""[..], 0),
            (b"plain\n", 6),
            ("中".as_bytes(), 3),
            (b"a\xe4\xb8", 1),
            (b"\xff\xe4", 1),
            (b"\xff\xfe", 2),
        ] {
            assert_eq!(whole(line), expected, "{line:?}");
        }
    }

    #[test]
    fn what_nobody_knows_is_gravest() {
        let order = [0, 4, 3, 40, 65, 20, 12, 1, 10, 143, 11];
        let gravities = order.map(gravity);
        assert!(gravities.is_sorted_by(|one, next| one < next), "{gravities:?}");
    }
}
