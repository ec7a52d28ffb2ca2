//! Reads a reply that came just as documented straight into what the caller wants, with no JSON tree between.
//! Whatever is unusual (another spelling, type or wrapper, a failure, a secret) is left to [`super::reply`],
//! which knows what to make of it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::reply::Tree;
use crate::catalogue::{Field, Operation, Shape};

/// The reply; `None` when it has to be looked at more closely.
pub(super) fn read<T: Tree>(operation: &'static Operation, text: &str) -> Option<T> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let top = Fields { fields: operation.reply, level: Level::Reply(operation.success), tree: Default::default() };
    let reply = top.deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(reply)
}

/// Where in a reply a map is: some of its fields decide whether the call succeeded.
#[derive(Clone, Copy)]
enum Level {
    /// The reply itself, with the `Code` that means success beside 0.
    Reply(i64),
    /// Its `Result`.
    Result,
    /// Further in.
    Inner,
}

/// What `T` a seed makes.
type Makes<T> = std::marker::PhantomData<T>;

/// A map with these fields, each named as documented and at most once.
struct Fields<T> {
    fields: &'static [Field],
    level: Level,
    tree: Makes<T>,
}

impl<'de, T: Tree> DeserializeSeed<'de> for Fields<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Tree> Visitor<'de> for Fields<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of documented fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        let mut values: Vec<Option<T>> = Vec::new();
        values.resize_with(self.fields.len(), || None);
        let mut next = 0;
        while let Some(at) = map.next_key_seed(Name { fields: self.fields, next })? {
            let (Some(field), Some(slot @ None)) = (self.fields.get(at), values.get_mut(at)) else {
                return Err(unusual());
            };
            *slot = Some(map.next_value_seed(One { field, level: self.level, tree: self.tree })?);
            next = at + 1;
        }
        if values.iter().all(Option::is_none) {
            return Err(unusual());
        }
        let names = self.fields.iter().map(|field| field.name);
        let values = values.into_iter().map(|value| value.unwrap_or_else(|| T::json(Value::Null)));
        Ok(T::map(names.zip(values).collect(), Map::new()))
    }
}

/// The place of a field by its name. Most come in the document's order.
struct Name {
    fields: &'static [Field],
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a documented field")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<usize, E> {
        let is_named = |field: &Field| field.name == name;
        if self.fields.get(self.next).is_some_and(is_named) {
            return Ok(self.next);
        }
        self.fields.iter().position(is_named).ok_or_else(unusual)
    }
}

/// One value, of the field's type or null.
struct One<T> {
    field: &'static Field,
    level: Level,
    tree: Makes<T>,
}

impl<'de, T: Tree> DeserializeSeed<'de> for One<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Tree> Visitor<'de> for One<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the documented type")
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        // Where it decides, nothing sent is for the closer look.
        if matches!(self.level, Level::Inner) || self.field.name != "Code" {
            Ok(T::json(Value::Null))
        } else {
            Err(unusual())
        }
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<T, E> {
        let decides = !matches!(self.level, Level::Inner) && matches!(self.field.name, "Success" | "Admitted");
        let fits = self.field.shape == Shape::Bool && (flag || !decides);
        self.plain(fits, || flag.into())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        let fits = self.field.shape == Shape::Int
            && match self.level {
                Level::Reply(success) if self.field.name == "Code" => number == 0 || number == success,
                _ => true,
            };
        self.plain(fits, || number.into())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        self.visit_i64(i64::try_from(number).map_err(|_| unusual())?)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        if self.field.shape == Shape::String && !self.field.secret && self.field.name != "Code" {
            Ok(T::text(Cow::Borrowed(text)))
        } else {
            Err(unusual())
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let Shape::Object(fields) = self.field.shape else { return Err(unusual()) };
        let level = match self.level {
            Level::Reply(_) if self.field.name == "Result" => Level::Result,
            _ => Level::Inner,
        };
        Fields { fields, level, tree: self.tree }.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        let mut elements = Vec::new();
        match self.field.shape {
            Shape::Objects(fields) => {
                let element = || Fields { fields, level: Level::Inner, tree: self.tree };
                while let Some(value) = list.next_element_seed(element())? {
                    elements.push(value);
                }
            }
            Shape::Strings => {
                while let Some(text) = list.next_element::<String>()? {
                    elements.push(T::text(text.into()));
                }
            }
            _ => return Err(unusual()),
        }
        Ok(T::list(elements.into_iter()))
    }
}

impl<T: Tree> One<T> {
    fn plain<E: Error>(&self, fits: bool, value: impl FnOnce() -> Value) -> Result<T, E> {
        if fits && !self.field.secret { Ok(T::json(value())) } else { Err(unusual()) }
    }
}

/// Ends the reading: nobody sees it.
fn unusual<E: Error>() -> E {
    E::custom("unusual")
}
