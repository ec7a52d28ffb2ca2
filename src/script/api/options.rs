//! The map of options that a function takes as its last value: each option by its name and kind, and an error for
//! any other.

use rhai::{Dynamic, ImmutableString, Map};

use crate::error::{Error, Kind};
use crate::script::value::{ScriptResult, throw};
use crate::script::words::shown;
use crate::suggest;

/// The options that a function was given.
pub(super) struct Options {
    function: &'static str,
    given: Map,
}

impl Options {
    /// Those of a function that knows these names; none where nothing was given.
    ///
    /// # Errors
    /// `invalid` for what is no map, and for a name that it does not know.
    pub(super) fn of(function: &'static str, given: Option<&Dynamic>, known: &[&str]) -> ScriptResult<Self> {
        let given = match given {
            None => Map::new(),
            Some(value) => value.clone().flatten().try_cast::<Map>().ok_or_else(|| {
                let message = format!("the options of {function} are a map, not {}", shown(value));
                throw(Error::new(Kind::Invalid, message).hint(format!("its options are {}", known.join(", "))))
            })?,
        };
        if let Some(name) = given.keys().find(|name| !known.contains(&name.as_str())) {
            let error = Error::new(Kind::Invalid, format!("{function} has no option `{name}`"));
            let hint = match suggest::nearest(name, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its options are {}", known.join(", ")),
            };
            return Err(throw(error.hint(hint)));
        }
        Ok(Self { function, given })
    }

    /// Whether a switch is on; off where it was not given.
    pub(super) fn flag(&self, name: &str) -> ScriptResult<bool> {
        self.get(name).map_or(Ok(false), |value| value.as_bool().map_err(|_| self.wrong(name, "true or false", value)))
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> ScriptResult<Option<ImmutableString>> {
        let text = |value: &Dynamic| value.clone().into_immutable_string();
        self.get(name).map(|value| text(value).map_err(|_| self.wrong(name, "a text", value))).transpose()
    }

    /// A map.
    pub(super) fn map(&self, name: &str) -> ScriptResult<Map> {
        let map = |value: &Dynamic| value.clone().try_cast::<Map>().ok_or_else(|| self.wrong(name, "a map", value));
        self.get(name).map_or_else(|| Ok(Map::new()), map)
    }

    /// Whatever was given.
    pub(super) fn get(&self, name: &str) -> Option<&Dynamic> {
        self.given.get(name).filter(|value| !value.is_unit())
    }

    fn wrong(&self, name: &str, wanted: &str, given: &Dynamic) -> Box<rhai::EvalAltResult> {
        let message = format!("the option `{name}` of {} is {wanted}, not {}", self.function, shown(given));
        throw(Error::new(Kind::Invalid, message))
    }
}
