//! Which lines of a script tell of a secret: in an error, and in a session's history, their texts are not shown.

use crate::catalogue;
use crate::secret::tells_of_secret;
use crate::wire::request::Target;

/// Whether code names something secret: a key, parameter, variable or operation, or nearly.
pub(crate) fn tells(code: &str) -> bool {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|name| {
        // A field called `LabelKey` is a label's; a variable `key` may hold anything.
        name == "key" || tells_of_secret(name) || is_operation_with_secrets(name)
    })
}

/// Whether this line of a text tells of a secret, or one that opens the call, list or map it stands in.
pub(super) fn line_tells(text: &str, line: usize) -> bool {
    let lines: Vec<&str> = text.lines().take(line).collect();
    let in_text = || begins_in_text(text, line);
    let Some((line, above)) = lines.split_last() else {
        return false;
    };
    let opening_text = || above.iter().rev().find(|line| line.contains('`')).is_some_and(|line| tells(line));
    tells(line) || opening(above).into_iter().any(tells) || in_text() && opening_text()
}

/// Whether a line begins inside a text that an earlier one opened: a backtick's may have many.
pub(super) fn begins_in_text(text: &str, line: usize) -> bool {
    let above = text.lines().take(line.saturating_sub(1));
    above.map(|line| line.matches('`').count()).sum::<usize>() % 2 == 1
}

/// A line with stars for its long numbers: one may be a password, too.
pub(super) fn without_numbers(line: &str) -> String {
    /// Digits of the shortest that may be.
    const SHORTEST: usize = 6;
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let star = |word: &str| match word.len() >= SHORTEST && word.chars().all(|c| c.is_ascii_digit() || c == '_') {
        true => "*".repeat(word.len()),
        false => word.to_owned(),
    };
    // Each piece ends with what is no part of a word.
    let pieces = line.split_inclusive(|c| !is_part(c));
    pieces
        .map(|piece| {
            let word = piece.trim_end_matches(|c| !is_part(c));
            star(word) + piece.get(word.len()..).unwrap_or_default()
        })
        .collect()
}

/// The lines that open what is still open behind them, up to the block that the code stands in. Brackets inside
/// texts count: a line too many is starred, or one of an odd call is not.
fn opening<'a>(above: &[&'a str]) -> Vec<&'a str> {
    let mut open = Vec::new();
    let mut closed = 0_usize;
    for line in above.iter().rev() {
        for (at, c) in line.char_indices().rev() {
            match c {
                ')' | ']' | '}' => closed += 1,
                '(' | '[' | '{' if closed > 0 => closed -= 1,
                '{' if !line.get(..at).is_some_and(|before| before.ends_with('#')) => return open,
                '(' | '[' | '{' => open.push(*line),
                _ => {}
            }
        }
    }
    open
}

/// Whether an operation of this name takes secrets, or the one that is meant by it.
fn is_operation_with_secrets(name: &str) -> bool {
    /// Slips of the keyboard in a name as long as theirs.
    const SLIPS: usize = 2;
    if let Some(operation) = catalogue::find(name) {
        return Target::Listed(operation).may_hold_secrets();
    }
    let near = |known: &str| known.len().abs_diff(name.len()) <= SLIPS && strsim::osa_distance(known, name) <= SLIPS;
    let mut with_secrets = catalogue::operations().filter(|operation| Target::Listed(operation).may_hold_secrets());
    with_secrets.any(|operation| near(operation.action) || near(operation.function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_tell_of_secrets_by_what_they_name() {
        for (line, expected) in [
            ("create_cluster(#{Password: \"x\"}, nope)", true),
            ("create_cluster(\"JST\", \"x\")", true),
            ("create_clster(\"JST\", \"x\")", true),
            ("call(\"CreateCluster\", \"x\")", true),
            ("update_deploy_config(#{Id: \"x\"})", true),
            ("let db_pwd = \"x\" + nope;", true),
            ("call(\"ResetThing\", #{\"Passwrod\": \"x\"})", true),
            ("reset_passwords_of(\"x\")", true),
            ("let key = \"x\";", true),
            ("scale_app(#{EnvId: \"web\"})", false),
            ("delete_cluster(\"c-1\")", false),
            ("bind_node_label(#{LabelKey: \"x\", LabelValue: \"y\"})", false),
            ("list_app(#{NextToken: \"x\"}).TokenCount", false),
            ("for name in map.keys() { print(name) }", false),
            ("", false),
        ] {
            assert_eq!(tells(line), expected, "{line}");
        }
    }

    #[test]
    fn a_line_inside_a_text_is_the_texts() {
        let text = "let pwd = `a\n  b\n  c ${nope}`;\nlet x = `a\n  b`;\nlast";
        let of = |told: fn(&str, usize) -> bool| (1..=6).filter(|line| told(text, *line)).collect::<Vec<_>>();
        assert_eq!((of(line_tells), of(begins_in_text)), (vec![1, 2, 3], vec![2, 3, 5]));
    }

    #[test]
    fn long_numbers_are_starred() {
        for (line, expected) in [
            ("call(#{Pwd: 100200, A: -12345678}, x_1002003)", "call(#{Pwd: ******, A: -********}, x_1002003)"),
            ("f(12345, 1_000_000.123456) + 名", "f(12345, *********.******) + 名"),
            ("", ""),
        ] {
            assert_eq!(without_numbers(line), expected);
        }
    }

    #[test]
    fn a_line_inside_a_call_is_the_calls() {
        let text = "fn set_password(x) {\n  print(\"a\");\n  create_cluster(#{\n    A: [\"b\",\n      \"c\"],\n    D: \"d\"\n  });\n  scale_app(\n    \"e\");\n}";
        let told: Vec<usize> = (0..=text.lines().count()).filter(|line| line_tells(text, *line)).collect();
        assert_eq!(told, [1, 3, 4, 5, 6, 7]);
    }
}
