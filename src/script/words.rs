//! What values and their kinds are called when a person reads of them: in the words of scripts, never in Rust's.

use std::sync::OnceLock;

use regex_lite::Regex;
use rhai::Dynamic;

/// The engine's names of kinds of values, and the words for them; longer names stand before their parts.
const KINDS: &[(&str, &str)] = &[
    ("&str | ImmutableString | String", "text"),
    ("core::ops::range::RangeInclusive<i64>", "range"),
    ("core::ops::range::Range<i64>", "range"),
    ("std::ops::RangeInclusive<i64>", "range"),
    ("std::ops::Range<i64>", "range"),
    ("RangeInclusive<i64>", "range"),
    ("Range<i64>", "range"),
    ("range=", "range"),
    ("InclusiveRange", "range"),
    ("ExclusiveRange", "range"),
    ("alloc::vec::Vec<rhai::types::dynamic::Dynamic>", "array"),
    ("jst::script::api::pages::Pages", "pages"),
    ("jst::script::api::patterns::Expression", "regex"),
    ("Expression", "regex"),
    ("rhai::types::dynamic::Dynamic", "any"),
    ("alloc::vec::Vec<u8>", "blob"),
    ("RhaiResultOf", "Result"),
    ("ImmutableString", "text"),
    ("&str", "text"),
    ("String", "text"),
    ("string", "text"),
    ("Dynamic", "any"),
    ("FnPtr", "closure"),
    ("Fn", "closure"),
    ("Instant", "timestamp"),
    ("Array", "array"),
    ("Blob", "blob"),
    ("Map", "map"),
    ("Pages", "pages"),
    ("Char", "char"),
    ("bool", "bool"),
    ("INT", "int"),
    ("i64", "int"),
    ("FLOAT", "float"),
    ("f64", "float"),
];

/// A text of the engine's with the words of scripts for kinds of values. Only whole words are replaced.
pub(super) fn plain(text: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_inside = plain.ends_with(is_part);
        let kind = KINDS.iter().find(|(name, _)| {
            !is_inside
                && rest.strip_prefix(name).is_some_and(|after| !after.starts_with(is_part) || !name.ends_with(is_part))
        });
        let (word, taken) = match kind {
            Some((name, word)) => ((*word).to_owned(), name.len()),
            None => (c.to_string(), c.len_utf8()),
        };
        plain.push_str(&word);
        rest = rest.get(taken..).unwrap_or_default();
    }
    // Kinds that scripts have no word for: without where they are from.
    static PATH: OnceLock<Option<Regex>> = OnceLock::new();
    match PATH.get_or_init(|| Regex::new(r"\b(?:[a-z_][A-Za-z0-9_]*::)+([A-Z])").ok()) {
        Some(path) => path.replace_all(&plain, "$1").into_owned(),
        None => plain,
    }
}

/// The kind of a value.
pub(super) fn kind_of(value: &Dynamic) -> String {
    plain(value.type_name())
}

/// A value as a message shows it: short ones as they are written, others by their kind.
pub(super) fn shown(value: &Dynamic) -> String {
    const LONGEST: usize = 40;
    if value.is_unit() {
        return "()".to_owned();
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return if text.len() <= LONGEST { format!("{:?}", text.as_str()) } else { "a long text".to_owned() };
    }
    if value.is_int() || value.is_float() || value.is_bool() || value.is_char() {
        return value.to_string();
    }
    a(&kind_of(value))
}

/// A noun with its article.
pub(super) fn a(noun: &str) -> String {
    match noun {
        "()" | "pages" | "any" => noun.to_owned(),
        _ if noun.starts_with(['a', 'e', 'i', 'o', 'u']) => format!("an {noun}"),
        _ => format!("a {noun}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rusts_names_become_words_of_scripts() {
        for (text, expected) in [
            ("f (i64, &str | ImmutableString | String, array)", "f (int, text, array)"),
            ("jst::script::api::pages::Pages", "pages"),
            ("alloc::vec::Vec<rhai::types::dynamic::Dynamic>", "array"),
            ("Mapper i640 my_bool f64", "Mapper i640 my_bool float"),
            ("core::ops::range::Range<i64>", "range"),
        ] {
            assert_eq!(plain(text), expected);
        }
        assert_eq!(["int", "text", "()"].map(a), ["an int", "a text", "()"]);
    }
}
