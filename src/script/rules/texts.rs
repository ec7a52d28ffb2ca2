//! Texts that say something else than their author meant.

use std::collections::HashSet;

use super::super::diagnostics::{Code, Found};
use super::super::tokens::{Token, What};

/// `\n` and the like in backticks, which take everything as it stands.
pub(in super::super) fn backtick_escape(code: &Code<'_>, found: &mut Vec<Found>) {
    for token in code.tokens.iter().filter(|token| ends(token, &['`', '$'])) {
        let escape =
            ["\\n", "\\t", "\\r", "\\\""].into_iter().find_map(|escape| Some((escape, token.text.find(escape)?)));
        if let Some((escape, at)) = escape {
            let message = format!("a text in backticks takes `{escape}` as it stands");
            let hint = match escape {
                "\\\"" => "write the quotation mark alone".to_owned(),
                _ => format!("write ${{\"{escape}\"}}, or a text in quotation marks"),
            };
            found.push(Found { at: token.start + at, message, hint: Some(hint) });
        }
    }
}

/// `${name}` in quotation marks, where the script has such a name: only backticks put in what it stands for.
pub(in super::super) fn quoted_interpolation(code: &Code<'_>, found: &mut Vec<Found>) {
    let mut names: Option<HashSet<&str>> = None;
    for token in code.tokens.iter().filter(|token| ends(token, &['"'])) {
        let named = token.text.match_indices("${").find(|(at, _)| {
            let rest = token.text.get(at + 2..).unwrap_or_default().trim_start();
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            let names = names.get_or_insert_with(|| {
                let names = code.tokens.iter().filter(|token| token.what == What::Name);
                names.map(|token| token.text).collect()
            });
            rest.contains('}') && rest.get(..end).is_some_and(|name| names.contains(name))
        });
        if let Some((at, _)) = named {
            let message = "a text in quotation marks takes `${…}` as it stands".to_owned();
            found.push(Found { at: token.start + at, message, hint: Some("write it in backticks".to_owned()) });
        }
    }
}

/// Whether a token is a text that ends so. How it begins tells nothing: of a text in backticks, a piece behind `}` may
/// begin with any character.
fn ends(token: &Token<'_>, with: &[char]) -> bool {
    token.what == (What::Text { open: false }) && token.text.len() > 1 && token.text.ends_with(with)
}
