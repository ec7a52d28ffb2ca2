//! Where in a script something happens: the steps that it is in and, inside `parallel`, the item. A place is the same
//! in every run of a script, in whatever order threads come by.

use std::cell::RefCell;
use std::sync::Arc;

/// A place: `deploy/scale 42#2`, `[3]/scale`, or nothing at the top of a script.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    text: String,
    is_in_step: bool,
    /// What the item is that it is in; empty where nothing tells.
    item: String,
}

thread_local! {
    static HERE: RefCell<Place> = const { RefCell::new(Place(None)) };
}

impl Place {
    /// Where the thread is now.
    pub(crate) fn here() -> Self {
        HERE.with_borrow(Clone::clone)
    }

    /// Does something at this place.
    pub(crate) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        /// Puts the place before back, however the work ends.
        struct Back(Place);
        impl Drop for Back {
            fn drop(&mut self) {
                HERE.set(std::mem::take(&mut self.0));
            }
        }
        let _back = Back(HERE.replace(self.clone()));
        work()
    }

    /// The place of an item, counted from 0.
    pub(crate) fn item(&self, index: usize) -> Self {
        self.item_of(index, "")
    }

    /// The same of an item that is told from others by this.
    pub(crate) fn item_of(&self, index: usize, item: &str) -> Self {
        let (text, item) = (format!("{}[{index}]", self.text()), item.to_owned());
        Self(Some(Arc::new(Inner { text, is_in_step: self.is_in_step(), item })))
    }

    /// What the item is that it is in; empty where nothing tells.
    pub(super) fn item_text(&self) -> &str {
        self.0.as_ref().map_or("", |inner| &inner.item)
    }

    /// The text of a step of this name here, before it is known how often it came already.
    pub(super) fn step_text(&self, name: &str) -> String {
        let slash = if self.0.is_none() { "" } else { "/" };
        format!("{}{slash}{}", self.text(), escaped(name))
    }

    /// The place of a step here by its whole text.
    pub(super) fn step(&self, text: String) -> Self {
        Self(Some(Arc::new(Inner { text, is_in_step: true, item: self.item_text().to_owned() })))
    }

    /// Its text.
    pub(crate) fn text(&self) -> &str {
        self.0.as_ref().map_or("", |inner| &inner.text)
    }

    /// Whether it is inside a step.
    pub(crate) fn is_in_step(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.is_in_step)
    }
}

/// Whether the text of a place is inside a step.
pub(crate) fn is_in_step(text: &str) -> bool {
    !text.trim_start_matches(|c: char| c == '[' || c == ']' || c.is_ascii_digit()).is_empty()
}

/// The step that a place is in, by its text: without the item that it is one of.
pub(crate) fn step_of(text: &str) -> &str {
    let mut step = text;
    while let Some(rest) = step.strip_suffix(']').map(|rest| rest.trim_end_matches(|c: char| c.is_ascii_digit())) {
        match rest.strip_suffix('[') {
            Some(rest) if !rest.ends_with('\\') => step = rest,
            _ => break,
        }
    }
    step
}

/// Whether a place is in a step, however deep, by their texts.
pub(super) fn is_within(text: &str, step: &str) -> bool {
    text.strip_prefix(step).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '[']))
}

/// Whether two places are in different items of one `parallel`: nothing says then which of them comes first.
pub(super) fn is_beside(one: &str, other: &str) -> bool {
    for (one, other) in segments(one).zip(segments(other)) {
        let (name, other_name) = (step_of(one), step_of(other));
        if name != other_name {
            return false;
        }
        let items = [one, other].map(|text| text.get(name.len()..).unwrap_or_default());
        if items[0] != items[1] {
            return !items[0].starts_with(items[1]) && !items[1].starts_with(items[0]);
        }
    }
    false
}

/// A place without the numbers of items: the same for all items of a `parallel`.
pub(super) fn unnumbered(text: &str) -> String {
    segments(text).map(step_of).collect::<Vec<_>>().join("/")
}

/// The parts of a place, from the outermost on.
fn segments(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let slash = text.match_indices('/').find(|(at, _)| !text.get(..*at).is_some_and(|to| to.ends_with('\\')));
        let (first, behind) =
            slash.map_or((text, None), |(at, _)| (text.get(..at).unwrap_or(text), text.get(at + 1..)));
        rest = behind;
        Some(first)
    })
}

/// The place around a step, by its text.
pub(super) fn around(text: &str) -> &str {
    let mut slashes = text.match_indices('/').filter(|(at, _)| !text.get(..*at).is_some_and(|to| to.ends_with('\\')));
    slashes.next_back().and_then(|(at, _)| text.get(..at)).unwrap_or("")
}

/// A name of which nothing reads as a place.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let before_digit = chars.peek().is_some_and(char::is_ascii_digit);
        let looks_first = text.is_empty() && (c == ']' || c.is_ascii_digit());
        if matches!(c, '/' | '\\') || (matches!(c, '#' | '[') && before_digit) || looks_first {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

/// Whether a word that a person wrote names this place: as it is shown, or as the script names the step.
pub(crate) fn is_named(text: &str, word: &str) -> bool {
    text == word || text.replace('\\', "") == word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_nest_and_no_name_reads_as_one() {
        let top = Place::here();
        let step = |place: &Place, name: &str| place.step(place.step_text(name));
        for (place, text, in_step) in [
            (top.clone(), "", false),
            (top.item(3), "[3]", false),
            (step(&top, "scale 42"), "scale 42", true),
            (step(&top.item(3), "scale"), "[3]/scale", true),
            (step(&step(&top, "a"), "b").item(0), "a/b[0]", true),
            (step(&top, "a/b"), "a\\/b", true),
            (step(&top, "order #12 [x]"), "order \\#12 [x]", true),
            (step(&top, "[3]"), "\\[3]", true),
            (step(&top, "42"), "\\42", true),
        ] {
            assert_eq!((place.text(), place.is_in_step()), (text, in_step));
            assert_eq!(is_in_step(text), in_step, "{text}");
            assert_eq!(!step_of(text).is_empty(), in_step, "{text}");
            place.within(|| assert_eq!(Place::here().text(), text));
            assert_eq!(Place::here().text(), "");
        }
        for (text, step, is_in) in [
            ("scale 3", "scale 3", true),
            ("scale 3/inner", "scale 3", true),
            ("scale 3[2]/inner", "scale 3", true),
            ("scale 30", "scale 3", false),
            ("scale 3#2", "scale 3", false),
            ("scale", "scale 3", false),
        ] {
            assert_eq!(is_within(text, step), is_in, "{text} in {step}");
        }
        for (one, other, beside, alike) in [
            ("[0]/make a", "[1]/make a", true, true),
            ("[0]/make a", "[1]/make b", true, false),
            ("a[0]", "a[1]", true, true),
            ("a[0]/x[2]", "a[0]/x[3]", true, true),
            ("a[0]", "a[0][1]", false, true),
            ("[0]", "", false, true),
            ("a", "b", false, false),
            ("a\\/b[1]", "a\\/b[2]", true, true),
            ("a/b", "a/c[1]", false, false),
        ] {
            assert_eq!(is_beside(one, other), beside, "{one} {other}");
            assert_eq!(unnumbered(one) == unnumbered(other), alike, "{one} {other}");
        }
        assert!(is_named("a\\/b", "a/b") && is_named("a\\/b", "a\\/b") && !is_named("a", "b"));
    }
}
