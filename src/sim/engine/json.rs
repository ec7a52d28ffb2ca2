//! The payloads of replies, written as JSON text straight from the records that they show: a page of a
//! large account is no tree that is built, copied and taken down again.

use std::collections::BTreeSet;

use serde_json::Value;

/// The text of a JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Json(Vec<u8>);

impl Json {
    /// An object, to which fields are to be added.
    pub(crate) fn object() -> Fields {
        let mut text = Vec::with_capacity(512);
        text.push(b'{');
        Fields(text)
    }

    /// The text.
    pub(crate) fn into_text(self) -> Vec<u8> {
        self.0
    }

    /// The value as a tree, to look into or to print in another form.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.0).unwrap_or_default()
    }
}

/// A list.
impl FromIterator<Json> for Json {
    fn from_iter<I: IntoIterator<Item = Self>>(elements: I) -> Self {
        let mut text = Vec::with_capacity(512);
        list(elements, &mut text);
        Self(text)
    }
}

/// An object under construction: [`object!`] adds its fields.
#[derive(Debug)]
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    /// Adds all fields of another object.
    pub(crate) fn add_all(&mut self, other: &Json) {
        let fields = other.0.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}")).unwrap_or_default();
        if !fields.is_empty() {
            self.separate();
            self.0.extend_from_slice(fields);
        }
    }

    fn separate(&mut self) {
        if self.0.len() > 1 {
            self.0.push(b',');
        }
    }

    /// The object with these fields.
    pub(crate) fn end(mut self) -> Json {
        self.0.push(b'}');
        Json(self.0)
    }

    /// Adds a field. One with no value is left out, as the service does. The name needs no escapes.
    pub(crate) fn add(&mut self, name: &str, value: &(impl Write + ?Sized)) {
        let before = self.0.len();
        self.separate();
        self.0.push(b'"');
        self.0.extend_from_slice(name.as_bytes());
        self.0.extend_from_slice(b"\":");
        let name_end = self.0.len();
        value.write(&mut self.0);
        if self.0.get(name_end..) == Some(b"null") {
            self.0.truncate(before);
        }
    }
}

/// Writes an object as `serde_json::json!` does: names are literals, or in parentheses; values are what
/// implements [`Write`], or objects in braces. Fields with no value are left out.
macro_rules! object {
    (@ $object:ident) => {};
    (@ $object:ident $name:tt : { $($fields:tt)* } $(, $($rest:tt)*)?) => {
        $object.add($name, &object!({ $($fields)* }));
        $(object!(@ $object $($rest)*);)?
    };
    (@ $object:ident $name:tt : $value:expr $(, $($rest:tt)*)?) => {
        $object.add($name, &$value);
        $(object!(@ $object $($rest)*);)?
    };
    ({}) => { $crate::sim::engine::json::Json::object().end() };
    ({ $($fields:tt)+ }) => {{
        let mut object = $crate::sim::engine::json::Json::object();
        object!(@ object $($fields)+);
        object.end()
    }};
}
pub(super) use object;

/// What can be written as JSON text.
pub(crate) trait Write {
    /// Appends it.
    fn write(&self, text: &mut Vec<u8>);
}

macro_rules! plain {
    ($($plain:ty),*) => {$(
        impl Write for $plain {
            fn write(&self, text: &mut Vec<u8>) {
                // Writing to memory does not fail.
                let _ = serde_json::to_writer(text, self);
            }
        }
    )*};
}

plain!(bool, i32, i64, u32, u64, usize, f64, str, String);

impl Write for Json {
    fn write(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(&self.0);
    }
}

impl<T: Write + ?Sized> Write for &T {
    fn write(&self, text: &mut Vec<u8>) {
        (**self).write(text);
    }
}

impl<T: Write> Write for Option<T> {
    fn write(&self, text: &mut Vec<u8>) {
        match self {
            Some(value) => value.write(text),
            None => text.extend_from_slice(b"null"),
        }
    }
}

impl<T: Write> Write for Vec<T> {
    fn write(&self, text: &mut Vec<u8>) {
        list(self, text);
    }
}

impl<T: Write, const N: usize> Write for [T; N] {
    fn write(&self, text: &mut Vec<u8>) {
        list(self, text);
    }
}

impl<T: Write> Write for BTreeSet<T> {
    fn write(&self, text: &mut Vec<u8>) {
        list(self, text);
    }
}

fn list<T: Write>(elements: impl IntoIterator<Item = T>, text: &mut Vec<u8>) {
    text.push(b'[');
    for (index, element) in elements.into_iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        element.write(text);
    }
    text.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_written_in_order_and_left_out_without_a_value() {
        let (none, some, name) = (None::<i64>, Some("a \"b\"\n你"), "Named");
        let object = object!({
            "None": none,
            "Some": some,
            (name): 1.5,
            "Object": {"Null": None::<Json>, "True": true, "Empty": {}},
            "List": Json::from_iter([object!({"Null": none}), object!({"N": -7})]),
            "Texts": ["null"],
            "Set": BTreeSet::from([2, 1]),
            "Last": none,
        });
        let expected = r#"{"Some":"a \"b\"\n你","Named":1.5,"Object":{"True":true,"Empty":{}},"List":[{},{"N":-7}],"Texts":["null"],"Set":[1,2]}"#;
        assert_eq!(object.value().to_string(), expected);
        let mut more = Json::object();
        more.add_all(&object!({}));
        more.add_all(&object!({"A": 1}));
        more.add_all(&object!({"B": 2, "C": none}));
        assert_eq!(String::from_utf8(more.end().into_text()).as_deref(), Ok(r#"{"A":1,"B":2}"#));
        assert_eq!(String::from_utf8(object.into_text()).as_deref(), Ok(expected));
    }
}
