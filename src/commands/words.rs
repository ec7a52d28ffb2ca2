//! Words behind a script: all of them are the script's. One that is a flag of jst is refused, so that nobody
//! believes that a run was read-only when it was not.

use super::command_line;
use crate::error::{Error, Kind, Result};

/// The words for a script or a piece of code, `what`, of a command. The first `--` only says that what stands
/// behind it is the script's.
///
/// # Errors
/// `usage` for a flag of jst before any `--`.
pub(super) fn of_script(command: &str, what: &str, mut words: Vec<String>) -> Result<Vec<String>> {
    let end = words.iter().position(|word| word == "--");
    let unmarked = words.get(..end.unwrap_or(words.len())).unwrap_or_default();
    if let Some(word) = unmarked.iter().find(|word| is_flag(command, word)) {
        let message = format!(
            "`{word}` is a flag of jst, but it stands behind {what}, where every word is the script's: nothing was run"
        );
        return Err(Error::new(Kind::Usage, message)
            .hint(format!("for jst, put it before {what}: jst {command} {word} {what} …"))
            .hint(format!("for the script, put it behind `--`: jst {command} {what} -- {word} …")));
    }
    if let Some(end) = end {
        words.remove(end);
    }
    Ok(words)
}

/// Whether a word would be a flag of this command. `--help` is not: a script has its own.
fn is_flag(command: &str, word: &str) -> bool {
    let line = command_line();
    let Some(command) = line.find_subcommand(command) else {
        return false;
    };
    let flags = || command.get_arguments().filter(|arg| arg.get_id() != "help");
    match (word.strip_prefix("--"), word.strip_prefix('-')) {
        (Some(long), _) => {
            let name = long.split('=').next();
            flags().any(|flag| flag.get_long() == name)
        }
        (None, Some(short)) => {
            !short.is_empty() && short.chars().all(|c| flags().any(|flag| flag.get_short() == Some(c)))
        }
        _ => false,
    }
}
