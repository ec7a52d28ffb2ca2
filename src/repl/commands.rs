//! What is entered and is no code: `:help`, `:ops`, `:quit`, and what people type who do not know these yet.

use super::editor;
use crate::catalogue;
use crate::error::{Error, Kind};
use crate::suggest;

/// The commands, and what they do.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    (":help", "this list; `:help NAME` explains an operation, a function or a module: std/list"),
    (":ops", "every operation; `:ops WORD` those that tell of the word"),
    (":all", "the last value in full, as JSON"),
    (":quit", "leave, as Ctrl-D does"),
];

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(super) enum Command<'a> {
    /// Leave.
    Quit,
    /// Show all of the last value.
    All,
    /// List the operations that tell of a word.
    Operations(&'a str),
    /// Explain something; the commands, for no name.
    Help(&'a str),
    /// None of these.
    Unknown(&'a str),
}

/// Whether a piece is meant as a command, by its beginning.
pub(super) fn is_command(piece: &str) -> bool {
    let piece = piece.trim();
    piece.starts_with([':', '?']) || piece.ends_with('?') && is_topic(piece.trim_end_matches('?'))
}

/// The command that a piece is, if it is none of code. `known` are the session's names: code that is one of
/// them is meant.
pub(super) fn read(piece: &str, known: impl FnOnce() -> Vec<String>) -> Option<Command<'_>> {
    let piece = piece.trim();
    if let Some(command) = piece.strip_prefix(':') {
        return Some(of(command.trim()));
    }
    if let Some(topic) = piece.strip_prefix('?') {
        return Some(Command::Help(topic.trim_start_matches('?').trim()));
    }
    if let Some(topic) =
        piece.strip_suffix('?').map(|topic| topic.trim_end_matches('?')).filter(|topic| is_topic(topic))
    {
        return Some(Command::Help(topic));
    }
    let bare = piece.trim_end_matches(';').trim_end_matches("()").trim_end();
    let (word, topic) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
    let command = match (word, topic.trim()) {
        ("quit" | "exit", "") => Command::Quit,
        ("help", topic) if topic.is_empty() || is_topic(topic) => Command::Help(topic),
        _ => return None,
    };
    // The engine's own `exit` is known, and ends the session as well.
    (word == "exit" || !known().iter().any(|name| name == word)).then_some(command)
}

fn of(command: &str) -> Command<'_> {
    let (name, rest) = command.split_once(char::is_whitespace).unwrap_or((command, ""));
    match (name, rest.trim()) {
        ("quit" | "q" | "exit", "") => Command::Quit,
        ("all", "") => Command::All,
        ("ops", word) => Command::Operations(word),
        ("help" | "h" | "?", topic) => Command::Help(topic),
        _ => Command::Unknown(command),
    }
}

/// Whether a text is a name that may be explained.
fn is_topic(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '/'))
}

/// The list of commands.
pub(super) fn help() -> String {
    let mut lines = vec!["Type code, or one of:".to_owned()];
    lines.extend(COMMANDS.iter().map(|(name, does)| format!("  {name:<6} {does}")));
    lines.push("Tab completes functions, parameters and actions; Ctrl-C stops what runs;".to_owned());
    lines.push(format!("{} opens what is being entered in an editor.", editor::KEY));
    lines.join("\n")
}

/// There is no such command.
pub(super) fn unknown(command: &str) -> Error {
    let error = Error::new(Kind::Usage, format!("there is no command `:{command}`"));
    let word = command.split_whitespace().next().unwrap_or_default();
    let names = COMMANDS.iter().filter_map(|(name, _)| name.strip_prefix(':'));
    match suggest::nearest(word, names) {
        Some(near) => error.hint(format!("did you mean `:{near}`?")),
        None => error.hint("`:help` lists them"),
    }
}

/// No operation tells of a word.
pub(super) fn no_operation(word: &str) -> Error {
    Error::new(Kind::Usage, format!("no operation tells of `{word}`")).hint("`:ops` lists every operation")
}

/// There is nothing of this name, among operations and what the session knows.
pub(super) fn nothing_about(topic: &str, known: &[String]) -> Error {
    let names = catalogue::operations().flat_map(|operation| [operation.action, operation.function]);
    let error = Error::new(Kind::Usage, format!("there is no operation or function `{topic}`"));
    match suggest::nearest(topic, names.chain(known.iter().map(String::as_str))) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`:ops` lists every operation"),
    }
}

/// A hint in the words of the prompt: `jst ops X` at a shell is `:help X` here.
pub(super) fn at_the_prompt(hint: &str) -> String {
    hint.replace("`jst ops` ", "`:ops` ").replace("`jst ops ", "`:help ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type_is_understood() {
        let known = || ["exit", "help_me", "envs"].map(str::to_owned).to_vec();
        for (piece, expected) in [
            (":quit", Some(Command::Quit)),
            (" :q ", Some(Command::Quit)),
            (":exit", Some(Command::Quit)),
            ("quit", Some(Command::Quit)),
            ("quit()", Some(Command::Quit)),
            ("exit", Some(Command::Quit)),
            ("exit;", Some(Command::Quit)),
            ("exit(4)", None),
            ("help", Some(Command::Help(""))),
            ("help()", Some(Command::Help(""))),
            ("help scale_app", Some(Command::Help("scale_app"))),
            ("?", Some(Command::Help(""))),
            ("??", Some(Command::Help(""))),
            ("?scale_app", Some(Command::Help("scale_app"))),
            ("scale_app?", Some(Command::Help("scale_app"))),
            ("log::info?", Some(Command::Help("log::info"))),
            (":?", Some(Command::Help(""))),
            (":h list_app", Some(Command::Help("list_app"))),
            (":help  ScaleApp", Some(Command::Help("ScaleApp"))),
            (":ops", Some(Command::Operations(""))),
            (":ops rds", Some(Command::Operations("rds"))),
            (":all", Some(Command::All)),
            (":nothing at all", Some(Command::Unknown("nothing at all"))),
            ("help_me", None),
            ("help + 1", None),
            ("envs", None),
            ("quit + 1", None),
        ] {
            assert_eq!(read(piece, known), expected, "{piece}");
        }
        // A person's own variable of the name is meant.
        assert_eq!(read("help", || vec!["help".to_owned()]), None);
        assert!(!is_command("let x = 1;") && !is_command("a ?? b") && is_command("list_app?"));
    }

    #[test]
    fn hints_speak_of_the_prompt() {
        assert_eq!(at_the_prompt("`jst ops ScaleApp` shows its parameters"), "`:help ScaleApp` shows its parameters");
        assert_eq!(at_the_prompt("`jst ops` lists every operation"), "`:ops` lists every operation");
    }
}
