//! Numbers for people: rounded, as a share of a hundred, and amounts of bytes as Kubernetes and people write them.

use rhai::{Dynamic, ImmutableString, Module};

use super::function;
use super::register as register_any;
use crate::error::{Error, Kind, Result};
use crate::script::value::{ScriptError, ScriptResult, throw};
use crate::script::words::shown;

pub(super) fn register(module: &mut Module) {
    const DECIMALS: &str = "A number rounded to so many places behind the point, halves away from 0.";
    register_any(module, "decimals", &["number: float", "places: int", "float"], DECIMALS, |_, args| match args {
        [number, places] => {
            let places = places.as_int().ok().and_then(|n| usize::try_from(n).ok()).filter(|n| *n <= 15);
            let places = places.ok_or_else(|| invalid("decimals takes 0 to 15 places".to_owned()))?;
            Ok(decimals(number_of("decimals", number)?, places).into())
        }
        _ => Ok(Dynamic::UNIT),
    });
    const PERCENT: &str =
        "What hundredths of a whole a part is: percent(1, 4) is 25.0. Of 0 nothing is a part, which throws.";
    register_any(module, "percent", &["part: float", "whole: float", "float"], PERCENT, |_, args| match args {
        [part, whole] => {
            let (part, whole) = (number_of("percent", part)?, number_of("percent", whole)?);
            if whole == 0.0 {
                return Err(invalid("percent was given 0 for the whole".to_owned()));
            }
            Ok((part * 100.0 / whole).into())
        }
        _ => Ok(Dynamic::UNIT),
    });
    const BYTES: &str = "The number of bytes that an amount such as 512Mi, 1.5 GiB, 10MB or 4096 stands for.";
    // By the kind of value, or the engine's own, the length of a text, would come first.
    function("bytes", &["amount: string", "int"], BYTES)
        .set_into_module(module, |amount: ImmutableString| bytes(&amount).map_err(throw));
    function("bytes", &["amount: int", "int"], BYTES).set_into_module(module, |amount: i64| -> ScriptResult<i64> {
        if amount < 0 { Err(invalid(format!("`{amount}` is no amount of bytes"))) } else { Ok(amount) }
    });
    const SIZE_TEXT: &str = "A number of bytes for people: 512 MiB, 1.5 GiB.";
    register_any(module, "size_text", &["bytes: int", "string"], SIZE_TEXT, |_, args| match args {
        [bytes] => Ok(size_text(number_of("size_text", bytes)?).into()),
        _ => Ok(Dynamic::UNIT),
    });
}

fn invalid(message: String) -> ScriptError {
    throw(Error::new(Kind::Invalid, message))
}

pub(super) fn number_of(function: &str, value: &Dynamic) -> ScriptResult<f64> {
    let number = value.as_float().or_else(|_| value.as_int().map(|n| n as f64)).ok();
    number.filter(|number| number.is_finite()).ok_or_else(|| {
        let error = Error::new(Kind::Invalid, format!("{function} takes a number, not {}", shown(value)));
        throw(if value.is_unit() { error.hint(super::NOTHING) } else { error })
    })
}

/// Rounds as a person does on paper, by the digits that the number is written with: 1.005 is 1.01.
fn decimals(number: f64, places: usize) -> f64 {
    let moved = |number: f64, by: i64| format!("{number}e{by}").parse().unwrap_or(number);
    let places = i64::try_from(places).unwrap_or(0);
    let large = moved(number, places);
    // Beyond that no number has places behind the point.
    if large.abs() < 9.0e15 { moved(large.round(), -places) } else { number }
}

/// What stands behind a number, in bytes.
const UNITS: [(&str, i128); 14] = [
    ("", 1),
    ("k", 1000),
    ("K", 1000),
    ("M", 1000_i128.pow(2)),
    ("G", 1000_i128.pow(3)),
    ("T", 1000_i128.pow(4)),
    ("P", 1000_i128.pow(5)),
    ("E", 1000_i128.pow(6)),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
];

/// An amount of bytes; a broken one counts as a whole.
fn bytes(text: &str) -> Result<i64> {
    let wrong = |why: &str| {
        Error::new(Kind::Invalid, format!("`{}` is no amount of bytes{why}", text.chars().take(40).collect::<String>()))
            .hint("write 512Mi, 1.5GiB, 10MB or a number of bytes; `.bytes` without brackets is the length of a text")
    };
    let trimmed = text.trim();
    let end = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(end);
    let unit = unit.trim_start();
    let unit = unit.strip_suffix('B').unwrap_or(unit);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(|| wrong(""))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && part.is_empty()) || part.contains('.') || number.len() > 30 || part.len() > 15 {
        return Err(wrong(""));
    }
    let digits: i128 = format!("{whole}{part}").parse().map_err(|_| wrong(""))?;
    let scale = 10_i128.pow(u32::try_from(part.len()).unwrap_or(0));
    let bytes = digits.checked_mul(*factor).map(|bytes| (bytes + scale - 1) / scale);
    bytes.and_then(|bytes| i64::try_from(bytes).ok()).ok_or_else(|| wrong(": it is too large"))
}

fn size_text(bytes: f64) -> String {
    const NAMES: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut size, mut names) = (bytes, NAMES.iter().peekable());
    // What would round up to 1024 is 1 of the next.
    while size.abs() >= 1023.95 && names.len() > 1 {
        size /= 1024.0;
        names.next();
    }
    format!("{} {}", decimals(size, 1), names.peek().map_or("B", |name| name))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_text_is_an_amount_or_an_error(text in "[0-9.]{0,20}[ kKMGTPEiBm]{0,3}|\\PC{0,12}") {
            if let Ok(bytes) = bytes(&text) {
                prop_assert!(bytes >= 0);
            }
        }

        #[test]
        fn sizes_are_read_as_they_are_written(amount in 0_i64..1 << 60) {
            let read = bytes(&size_text(amount as f64)).unwrap();
            prop_assert!(read.abs_diff(amount) as f64 <= amount as f64 * 0.05 + 1.0, "{}", size_text(amount as f64));
        }

        #[test]
        fn whole_amounts_are_exact(number in 0_i64..1 << 20, (name, factor) in proptest::sample::select(UNITS.to_vec())) {
            if let Ok(read) = bytes(&format!("{number}{name}")) {
                prop_assert_eq!(i128::from(read), i128::from(number) * factor);
            }
        }

        #[test]
        fn rounding_moves_by_at_most_half_a_place(number in -1.0e9_f64..1.0e9, places in 0_usize..6) {
            let rounded = decimals(number, places);
            prop_assert!((rounded - number).abs() <= 0.5001 / 10_f64.powi(places as i32) + 1e-7);
            prop_assert_eq!(decimals(rounded, places), rounded);
        }
    }
}
