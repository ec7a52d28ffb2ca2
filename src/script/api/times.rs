//! Spans of time and moments as people write them. Moments are Beijing's unless a zone is named; zones come with jst,
//! not from the machine.

use std::sync::Arc;

use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp, ZonedDateTime};
use rhai::{Dynamic, Module};

use super::csv::text_of;
use super::numbers::number_of;
use super::register as register_any;
use crate::clock::{self, Clock};
use crate::error::{Error, Kind, Result};
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;

pub(super) fn register(module: &mut Module, clock: &Arc<Clock>) {
    register_spans(module, clock);
    const FORMAT: &str = "A moment, a text or seconds since 1970, as a form such as %Y-%m-%d %H:%M says; Beijing's, or of a zone such as UTC.";
    for signature in
        [&["moment: any", "form: string", "string"][..], &["moment: any", "form: string", "zone: string", "string"]]
    {
        register_any(module, "format_time", signature, FORMAT, |_, args| match args {
            [moment, form, zone @ ..] => {
                let at = zoned("format_time", moment, zone.first().map(|zone| &**zone))?;
                let form = text_of("format_time", form)?;
                jiff::fmt::strtime::format(form.as_bytes(), &at).map(Into::into).map_err(|error| {
                    throw(Error::new(Kind::Invalid, format!("format_time cannot write `{form}`: {error}")))
                })
            }
            _ => Ok(Dynamic::UNIT),
        });
    }
    const WEEKDAY: &str =
        "The day of the week, from 1 for Monday to 7 for Sunday, of a moment or now; Beijing's, or of a zone.";
    for signature in [&["int"][..], &["moment: any", "int"], &["moment: any", "zone: string", "int"]] {
        let clock = Arc::clone(clock);
        register_any(module, "weekday", signature, WEEKDAY, move |_, args| {
            let now = Dynamic::from(clock.now().as_second());
            let moment = args.first().map_or(&now, |moment| &**moment);
            let at = zoned("weekday", moment, args.get(1).map(|zone| &**zone))?;
            Ok(i64::from(Weekday::to_monday_one_offset(at.weekday())).into())
        });
    }
}

fn register_spans(module: &mut Module, clock: &Arc<Clock>) {
    const DURATION: &str = "The seconds of a span of time such as 1h30m, 2d, 500ms, or of a number of seconds.";
    register_any(module, "duration", &["span: string", "float"], DURATION, |_, args| match args {
        [span] => span_of(span),
        _ => Ok(Dynamic::UNIT),
    });
    const TEXT: &str = "Seconds as `duration` reads them: 1h30m.";
    register_any(module, "duration_text", &["seconds: float", "string"], TEXT, |_, args| match args {
        [seconds] => duration_text(number_of("duration_text", seconds)?).map(Into::into).map_err(throw),
        _ => Ok(Dynamic::UNIT),
    });
    const AGE: &str = "The seconds since a moment, a text or seconds since 1970.";
    let clock = Arc::clone(clock);
    register_any(module, "age", &["moment: any", "int"], AGE, move |_, args| match args {
        [moment] => Ok((clock.now().as_second() - timestamp("age", moment)?.as_second()).into()),
        _ => Ok(Dynamic::UNIT),
    });
}

/// A span that a script names: as text, or as a number of seconds.
fn span_of(span: &Dynamic) -> ScriptResult {
    if !(span.is_int() || span.is_float()) {
        return duration(&text_of("duration", span)?).map_err(throw);
    }
    match number_of("duration", span)? < 0.0 {
        true => Err(throw(no_span(&span.to_string()))),
        false => Ok(span.clone()),
    }
}

/// The same in seconds.
pub(super) fn seconds_of(span: &Dynamic) -> ScriptResult<f64> {
    number_of("duration", &span_of(span)?)
}

fn no_span(text: &str) -> Error {
    let shown: String = text.chars().take(40).collect();
    Error::new(Kind::Invalid, format!("`{shown}` is no span of time: write 30s, 20m, 1h30m, 2d or a number of seconds"))
}

/// The seconds of a span: an integer where they are whole.
fn duration(text: &str) -> Result<Dynamic> {
    let wrong = || no_span(text);
    let span = match text.trim().parse::<f64>() {
        Ok(seconds) => SignedDuration::try_from_secs_f64(seconds).map_err(|_| wrong())?,
        Err(_) => {
            let span: Span = text.trim().parse().map_err(|_| wrong())?;
            // A month or a year has no length of its own.
            span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| wrong())?
        }
    };
    match (span.is_negative(), span.subsec_nanos()) {
        (true, _) => Err(wrong()),
        (false, 0) => Ok(span.as_secs().into()),
        (false, _) => Ok(span.as_secs_f64().into()),
    }
}

/// Seconds in days, hours, minutes and seconds, to the thousandth.
fn duration_text(seconds: f64) -> Result<String> {
    // 20,000 years, which `duration` still reads.
    const LONGEST: f64 = 630_720_000_000.0;
    if !(0.0..=LONGEST).contains(&seconds) {
        return Err(Error::new(Kind::Invalid, format!("duration_text takes seconds, 0 or more, not {seconds}")));
    }
    let all = (seconds * 1000.0).round() as u64;
    let mut rest = all;
    let mut text = String::new();
    for (name, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000)] {
        if rest >= millis {
            text.push_str(&format!("{}{name}", rest / millis));
            rest %= millis;
        }
    }
    match (rest / 1000, rest % 1000) {
        (0, 0) if !text.is_empty() => {}
        (seconds, 0) => text.push_str(&format!("{seconds}s")),
        (seconds, millis) => {
            let broken = format!("{seconds}.{millis:03}");
            text.push_str(&format!("{}s", broken.trim_end_matches('0')));
        }
    }
    Ok(text)
}

/// A moment that a script names: as text, or as seconds since 1970.
fn timestamp(function: &str, moment: &Dynamic) -> ScriptResult<Timestamp> {
    let wrong = || {
        let error = Error::new(Kind::Invalid, format!("{function} takes a time, and {} is none", shown(moment)));
        throw(error.hint("a time is a text such as 2026-01-05 10:00:00, or seconds since 1970"))
    };
    if let Ok(seconds) = moment.as_int() {
        return Timestamp::from_second(seconds).map_err(|_| wrong());
    }
    let text = moment.as_immutable_string_ref().map_err(|_| wrong())?;
    clock::parse_time(&text).map_err(|_| wrong())
}

fn zoned(function: &str, moment: &Dynamic, zone: Option<&Dynamic>) -> ScriptResult<ZonedDateTime> {
    let zone = match zone {
        None => TimeZone::fixed(clock::BEIJING),
        Some(name) => clock::zone(&text_of(function, name)?).map_err(throw)?,
    };
    Ok(timestamp(function, moment)?.to_zoned_datetime(zone))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn spans_are_read_as_they_are_written(millis in 0_u64..630_720_000_000_000) {
            let seconds = millis as f64 / 1000.0;
            let read = duration(&duration_text(seconds).unwrap()).unwrap();
            let read = read.as_float().or_else(|_| read.as_int().map(|n| n as f64)).unwrap();
            prop_assert!((read - seconds).abs() < 0.001, "{}", duration_text(seconds).unwrap());
        }

        #[test]
        fn any_text_is_a_span_or_an_error(text in "[0-9]{1,6}[wdhms]{0,2}|\\PC{0,12}") {
            if let Ok(seconds) = duration(&text) {
                prop_assert!(seconds.is_int() || seconds.is_float());
            }
        }
    }
}
