//! The words of a script, read by the engine's own lexer: for whoever looks at a text that need not
//! parse, or at what the tree does not keep. Nothing here names the engine outwards.

use rhai::{InputStream, LexError, Position, Token as Engines, TokenizeState, TokenizerControl, get_next_token};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// The name of a variable, function, property or module.
    Name,
    /// A word of the language: `let`, `true`, `match`.
    Keyword,
    /// A number.
    Number,
    /// A text or character with its quotes; of an interpolated one, a piece up to `$`, or from behind `}`.
    Text {
        /// Whether it still wants its end on some later line.
        open: bool,
    },
    /// Brackets, operators, `;` and the like.
    Symbol,
    /// A comment.
    Comment {
        /// Whether it still wants its end.
        open: bool,
    },
    /// What the engine cannot read: a text that its line does not end, say.
    Wrong,
}

/// A token, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub what: What,
    /// As it is written.
    pub text: &'a str,
    /// The byte where it begins.
    pub start: usize,
}

impl Token<'_> {
    /// The byte behind it.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// A text without its quotes, escapes as they are written.
    pub(crate) fn said(&self) -> &str {
        let quotes = ['"', '`', '\'', '#'];
        self.text.trim_start_matches(quotes).trim_end_matches(quotes)
    }

    /// Whether it is this symbol or word.
    pub(crate) fn is(&self, text: &str) -> bool {
        matches!(self.what, What::Symbol | What::Keyword | What::Name) && self.text == text
    }
}

/// The tokens of a text, comments among them, in their order.
pub(crate) fn read(text: &str) -> Vec<Token<'_>> {
    let mut source = Source { text, at: 0 };
    let mut state = TokenizeState {
        max_string_len: None,
        next_token_cannot_be_unary: false,
        tokenizer_control: TokenizerControl::default(),
        comment_level: 0,
        include_comments: true,
        is_within_text_terminated_by: None,
        last_token: None,
    };
    let mut position = Position::new(1, 0);
    // The open braces, and whether each belongs to a text's `${`.
    let mut braces = Vec::new();
    let mut interpolates = false;
    let mut found = Vec::new();
    loop {
        if state.is_within_text_terminated_by.is_none() {
            source.skip_blanks();
        }
        let start = source.at;
        let (token, _) = get_next_token(&mut source, &mut state, &mut position);
        let Some(written) = text.get(start..source.at).filter(|_| token != Engines::EOF) else {
            break;
        };
        let written = if matches!(token, Engines::Comment(_)) { written.trim_end() } else { written };
        match token {
            Engines::LeftBrace => braces.push(std::mem::take(&mut interpolates)),
            Engines::MapStart => braces.push(false),
            Engines::RightBrace if braces.pop() == Some(true) => {
                state.is_within_text_terminated_by = Some("`".into());
            }
            Engines::InterpolatedString(_) => interpolates = true,
            _ => {}
        }
        found.push(Token { what: kind(&token, written, &state), text: written, start });
        if source.at == text.len() {
            break;
        }
    }
    found
}

fn kind(token: &Engines, written: &str, state: &TokenizeState) -> What {
    let is_word = written.starts_with(|c: char| c.is_alphabetic() || c == '_');
    match token {
        Engines::Identifier(_) | Engines::Custom(_) => What::Name,
        // The engine reserves `call` and `debug`, which scripts use as names.
        Engines::Reserved(word) if matches!(word.as_str(), "call" | "debug") => What::Name,
        Engines::IntegerConstant(_) | Engines::FloatConstant(_) => What::Number,
        Engines::StringConstant(_) => What::Text { open: state.is_within_text_terminated_by.is_some() },
        Engines::InterpolatedString(_) | Engines::CharConstant(_) => What::Text { open: false },
        Engines::Comment(_) => What::Comment { open: state.comment_level > 0 },
        Engines::LexError(error) => match **error {
            LexError::UnterminatedString if written.starts_with('`') => What::Text { open: true },
            _ => What::Wrong,
        },
        _ if is_word => What::Keyword,
        _ => What::Symbol,
    }
}

/// Whether a text ends within brackets, a block comment or a text over many lines.
pub(crate) fn is_open(text: &str) -> bool {
    let mut brackets = 0;
    for token in read(text) {
        match (token.what, token.text) {
            (What::Text { open: true } | What::Comment { open: true }, _) => return true,
            // The engine has no way on from here.
            (What::Wrong, wrong) if wrong.starts_with('"') => return false,
            (What::Symbol, "(" | "[" | "{" | "#{" | "?[") => brackets += 1,
            (What::Symbol, ")" | "]" | "}") => brackets -= 1,
            _ => {}
        }
    }
    brackets > 0
}

/// Whether nothing but blanks and comments stands at or behind a place.
pub(crate) fn is_end(text: &str, line: usize, column: usize) -> bool {
    let code = read(text).into_iter().rfind(|token| !matches!(token.what, What::Comment { .. }));
    code.is_none_or(|token| byte_at(text, line, column) >= token.end())
}

/// The byte at a place: its line and its column in characters, both counted from 1.
pub(crate) fn byte_at(text: &str, line: usize, column: usize) -> usize {
    let mut lines = text.split_inclusive('\n');
    let above: usize = lines.by_ref().take(line.saturating_sub(1)).map(str::len).sum();
    let line = lines.next().unwrap_or_default();
    above + line.char_indices().nth(column.saturating_sub(1)).map_or(line.len(), |(at, _)| at)
}

/// The place of a byte: its line and its column in characters, both counted from 1.
pub(crate) fn place_of(text: &str, byte: usize) -> (usize, usize) {
    let before = text.get(..byte).unwrap_or(text);
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() + 1, before.get(line..).unwrap_or_default().chars().count() + 1)
}

/// A text that the engine's lexer reads.
struct Source<'a> {
    text: &'a str,
    at: usize,
}

impl Source<'_> {
    fn skip_blanks(&mut self) {
        let rest = self.text.get(self.at..).unwrap_or_default();
        self.at += rest.len() - rest.trim_start().len();
    }
}

impl InputStream for Source<'_> {
    fn unget(&mut self, ch: char) {
        self.at = self.at.saturating_sub(ch.len_utf8());
    }

    fn get_next(&mut self) -> Option<char> {
        let next = self.peek_next()?;
        self.at += next.len_utf8();
        Some(next)
    }

    fn peek_next(&mut self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_stands_where_it_is_written() {
        let text = "let x = `a ${f(\"}\")} b`; // said\n  call('c', 1..2, 0x1f)?.名 /* open";
        let tokens = read(text);
        let words: Vec<&str> = tokens.iter().map(|token| token.text).collect();
        assert_eq!(
            words,
            [
                "let", "x", "=", "`a $", "{", "f", "(", "\"}\"", ")", "}", " b`", ";", "// said", "call", "(", "'c'",
                ",", "1", "..", "2", ",", "0x1f", ")", "?.", "名", "/* open"
            ]
        );
        for token in &tokens {
            assert_eq!(&text[token.start..token.end()], token.text);
            let (line, column) = place_of(text, token.start);
            assert_eq!(byte_at(text, line, column), token.start, "{token:?}");
        }
        let what = |text: &str| tokens.iter().find(|token| token.text == text).map(|token| token.what);
        for (text, expected) in [
            ("let", What::Keyword),
            ("call", What::Name),
            (" b`", What::Text { open: false }),
            ("0x1f", What::Number),
            ("?.", What::Symbol),
            ("// said", What::Comment { open: false }),
            ("/* open", What::Comment { open: true }),
        ] {
            assert_eq!(what(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn odd_texts_are_read_to_their_end() {
        for text in
            ["", "}}}", "#{", "\"", "`\\", "`${", "`${}", "聚石塔", "/*", "//", "'", "\u{feff}x", "#!", "0x", "1.e"]
        {
            let tokens = read(text);
            assert!(tokens.iter().all(|token| text.get(token.start..token.end()) == Some(token.text)), "{text}");
        }
    }
}
