//! `parse_json`: a JSON text as a script's value. An object that names a key twice is refused: readers
//! commonly keep the last, and what the first said would be lost without a word.

use std::fmt;

use rhai::Dynamic;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::error::{Error, Kind, Result};
use crate::memory;
use crate::script::value::to_dynamic;

/// The value that a JSON text stands for.
///
/// # Errors
/// `invalid` for what is no JSON; `limit` when it takes more memory than the script may hold.
pub(super) fn parse(text: &str) -> Result<Dynamic> {
    // What a value takes while it is read and turned into the script's.
    const VALUE: usize = 128;
    let values = text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    memory::room_for(text.len().saturating_add(values.saturating_mul(VALUE)))?;
    serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map(|Distinct(value)| to_dynamic(value))
        .map_err(|error| Error::new(Kind::Invalid, format!("parse_json was given text that is not JSON: {error}")))
}

/// A value of JSON, or of YAML, whose objects name each key once.
pub(super) struct Distinct(pub Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> std::result::Result<Value, E> {
        Ok(flag.into())
    }

    fn visit_i64<E>(self, number: i64) -> std::result::Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> std::result::Result<Value, E> {
        Ok(number.into())
    }

    fn visit_none<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> std::result::Result<Value, E> {
        // It would become nothing without a word.
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom(format!("{number} cannot be data")))
    }

    fn visit_str<E>(self, text: &str) -> std::result::Result<Value, E> {
        Ok(text.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Distinct(value)) = list.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Distinct(value))) = entries.next_entry::<String, Distinct>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key \"{key}\" comes twice")));
            }
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::script::value::from_dynamic;

    #[test]
    fn json_is_read_as_it_is_and_no_key_twice() {
        for text in [r#"{"b":[1,-2,3.5,true,null,"x\n"],"a":{"c":9007199254740993}}"#, "[]", "\"中\"", "{}"] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(from_dynamic(&parse(text).unwrap()).unwrap(), expected, "{text}");
        }
        for (text, says) in [
            (r#"{"a":1,"b":[{"c":1,"c":2}]}"#, "the key \"c\" comes twice at line 1"),
            ("{\"a\":1,\n\"a\":1}", "the key \"a\" comes twice at line 2"),
            ("{", "EOF while parsing"),
        ] {
            let message = parse(text).unwrap_err().message.clone();
            assert!(message.contains(says), "{message}");
        }
    }
}
