//! Text that cannot steer whoever shows it: control characters, those of C1 too, and characters that turn the
//! direction of writing or begin a line are written out, as `\u{1b}`. Whatever jst lays out passes here.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Text for one line, a cell say.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    written_out(text, &[], |c, out| out.extend(c.escape_default()))
}

/// Text whose line breaks and tabs stay.
pub(crate) fn block(text: &str) -> Cow<'_, str> {
    written_out(text, &['\n', '\t'], |c, out| out.extend(c.escape_default()))
}

/// What a terminal was shown, for who has none: without colours, and with line breaks and tabs.
pub(crate) fn plain(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().unwrap_or_default().to_owned();
    // A colour ends with its first letter.
    let without = parts.fold(first, |text, part| {
        text + part.split_once(|c: char| c.is_ascii_alphabetic()).map_or(part, |(_, rest)| rest)
    });
    block(&without).into_owned()
}

/// JSON whose texts hold nothing of the kind; it stands for the same value.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    written_out(text, &['\n', '\t'], |c, out| {
        // All of them have four digits, and writing to text cannot fail.
        let _ = write!(out, "\\u{:04x}", u32::from(c));
    })
}

/// Whether a character steers a terminal or turns the direction of writing.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fff9}'..='\u{fffb}')
}

fn written_out<'a>(text: &'a str, kept: &[char], write: impl Fn(char, &mut String)) -> Cow<'a, str> {
    let is_odd = |c: char| steers(c) && !kept.contains(&c);
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_odd(c) { write(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// Characters that a terminal obeys, from all over.
    const STEERING: [char; 19] = [
        '\0', '\u{7}', '\u{8}', '\r', '\u{b}', '\u{c}', '\u{1b}', '\u{7f}', '\u{80}', '\u{85}', '\u{9b}', '\u{9d}',
        '\u{9f}', '\u{61c}', '\u{200e}', '\u{2028}', '\u{202e}', '\u{2066}', '\u{2069}',
    ];

    #[test]
    fn colours_are_left_out_and_nothing_else() {
        for (text, shown) in [
            ("\u{1b}[1m\u{1b}[31merror\u{1b}[0m: x\n", "error: x\n"),
            ("a[b] \u{7}\tz", "a[b] \\u{7}\tz"),
            ("cut \u{1b}[", "cut "),
        ] {
            assert_eq!(plain(text), shown);
        }
    }

    #[test]
    fn nothing_that_steers_a_terminal_passes() {
        for c in STEERING {
            let text = format!("a{c}b");
            assert_eq!(line(&text), format!("a{}b", c.escape_default()));
            assert_eq!(block(&text), format!("a{}b", c.escape_default()));
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            let shown = json(&quoted);
            assert!(!shown.contains(steers), "{shown:?}");
            assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }
    }

    #[test]
    fn words_of_any_writing_stay_as_they_are() {
        for text in ["商城前台", "עברית", "é\u{301}", "👩\u{200d}🚀", "a\u{a0}b", ""] {
            assert!(matches!(line(text), Cow::Borrowed(same) if same == text), "{text}");
        }
        assert_eq!(line("a\n\tb"), "a\\n\\tb");
        assert_eq!(block("a\n\tb"), "a\n\tb");
    }
}
