//! Names and values out of a query or a form, strictly: what is not proper encoding is refused.

use std::borrow::Cow;

use super::Rejection;

/// Decoded names and values, in the order they came.
pub(super) type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Far more than any operation takes.
pub(super) const MOST: usize = 2_000;

/// Decodes `name=value&…` and appends it to what was there.
///
/// # Errors
/// Broken percent-encoding, text that is not UTF-8, too many parameters.
pub(super) fn decode<'a>(encoded: &'a [u8], pairs: &mut Pairs<'a>) -> Result<(), Rejection> {
    for piece in encoded.split(|byte| *byte == b'&').filter(|piece| !piece.is_empty()) {
        if pairs.len() == MOST {
            return Err(Rejection::new(400, "InvalidParameter.TooMany", format!("more than {MOST} parameters")));
        }
        let equals = piece.iter().position(|byte| *byte == b'=').unwrap_or(piece.len());
        let (name, rest) = piece.split_at_checked(equals).unwrap_or_default();
        pairs.push((text(name)?, text(rest.get(1..).unwrap_or_default())?));
    }
    Ok(())
}

/// Refuses a name that is given twice, be it in the query, the form or both.
///
/// # Errors
/// The first name given twice.
pub(super) fn distinct(pairs: &Pairs<'_>) -> Result<(), Rejection> {
    let mut names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    match names.iter().zip(names.iter().skip(1)).find(|(one, next)| one == next) {
        Some((name, _)) => Err(Rejection::invalid(name, "is given more than once")),
        None => Ok(()),
    }
}

/// One name or value: `%41` and `+` are decoded.
fn text(encoded: &[u8]) -> Result<Cow<'_, str>, Rejection> {
    let broken = |why: &str| Rejection::new(400, "InvalidParameter.Encoding", format!("a parameter {why}"));
    if !encoded.iter().any(|byte| matches!(byte, b'%' | b'+')) {
        return std::str::from_utf8(encoded).map(Cow::Borrowed).map_err(|_| broken("is not UTF-8"));
    }
    let mut decoded = Vec::with_capacity(encoded.len());
    let mut bytes = encoded.iter().copied();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => match (bytes.next().and_then(hex), bytes.next().and_then(hex)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(broken("has a `%` that two hexadecimal digits do not follow")),
            },
            plain => plain,
        });
    }
    String::from_utf8(decoded).map(Cow::Owned).map_err(|_| broken("is not UTF-8"))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn parameters_are_decoded_strictly() {
        type Expected = Result<Vec<(&'static str, &'static str)>, &'static str>;
        let table: Vec<(&[u8], Expected)> = vec![
            (b"", Ok(vec![])),
            (b"&&", Ok(vec![])),
            (b"A=1&B=&C&=4", Ok(vec![("A", "1"), ("B", ""), ("C", ""), ("", "4")])),
            (b"Title=a+b%20c%2Bd%3D&X=a=b", Ok(vec![("Title", "a b c+d="), ("X", "a=b")])),
            ("Title=%E4%BD%a0".as_bytes(), Ok(vec![("Title", "你")])),
            ("Title=你".as_bytes(), Ok(vec![("Title", "你")])),
            (b"A=%", Err("InvalidParameter.Encoding")),
            (b"A=%4", Err("InvalidParameter.Encoding")),
            (b"A=%zz", Err("InvalidParameter.Encoding")),
            (b"%+1=A", Err("InvalidParameter.Encoding")),
            (b"A=%ff", Err("InvalidParameter.Encoding")),
            (b"A=\xff", Err("InvalidParameter.Encoding")),
        ];
        for (encoded, expected) in table {
            let mut pairs = Pairs::new();
            let result = decode(encoded, &mut pairs);
            let got = result.map(|()| pairs.iter().map(|(n, v)| (n.as_ref(), v.as_ref())).collect::<Vec<_>>());
            match (got, expected) {
                (Ok(got), Ok(expected)) => assert_eq!(got, expected),
                (got, expected) => assert_eq!(got.unwrap_err().code, expected.unwrap_err()),
            }
        }
    }

    #[test]
    fn too_many_and_repeated_parameters_are_refused() {
        let many = |count: usize| (0..count).map(|n| format!("P{n}=1")).collect::<Vec<_>>().join("&");
        assert!(decode(many(MOST).as_bytes(), &mut Pairs::new()).is_ok());
        for count in [MOST + 1, 10_000] {
            let refused = decode(many(count).as_bytes(), &mut Pairs::new()).unwrap_err();
            assert_eq!(refused.code, "InvalidParameter.TooMany");
        }
        for (encoded, is_distinct) in [("A=1&B=1", true), ("A=1&B=2&A=1", false), ("A=1&%41=2", false)] {
            let mut pairs = Pairs::new();
            decode(encoded.as_bytes(), &mut pairs).unwrap();
            assert_eq!(distinct(&pairs).is_ok(), is_distinct, "{encoded}");
        }
    }
}
