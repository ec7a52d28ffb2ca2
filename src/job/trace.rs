//! The trace that a run is part of, as whoever started it says in `TRACEPARENT`
//! (`00-TRACE-PARENT-FLAGS`, see the W3C's Trace Context).

/// The id of the trace: 32 hexadecimal digits. `None` for what is no such text, which counts as not said.
pub(crate) fn id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.trim().split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex =
        |text: &str, digits| text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
    let is_zero = |text: &str| text.bytes().all(|c| c == b'0');
    let is_whole = is_hex(version, 2) && is_hex(trace, 32) && is_hex(parent, 16) && is_hex(flags, 2);
    // The first version has nothing behind the flags; later ones may.
    let is_known = version != "ff" && (version != "00" || parts.next().is_none());
    (is_whole && is_known && !is_zero(trace) && !is_zero(parent)).then_some(trace)
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn only_what_the_standard_calls_one_is_a_trace() {
        const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (text, wanted) in [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), Some(TRACE)),
            (format!("01-{TRACE}-00f067aa0ba902b7-01-more"), Some(TRACE)),
            (format!("00-{TRACE}-00f067aa0ba902b7-01-more"), None),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), None),
            (format!("00-{TRACE}-0000000000000000-01"), None),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), None),
            (format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()), None),
            (TRACE.to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(id(&text), wanted, "{text}");
        }
    }
}
