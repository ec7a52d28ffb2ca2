//! Finds any of many secrets in a text, in one pass over it or a few.
//!
//! A script may tell a new secret with every call and print after each. So the automata are built when somebody
//! looks, of what is new, and joined only with those that are no larger: each secret is built into few of them,
//! and there are never many.

use std::collections::BTreeSet;
use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::forms;
use crate::secret::{Class, MASK, Secret};

/// One way in which a secret may be written.
#[derive(Debug)]
pub(super) struct Form {
    pub text: Secret,
    pub class: Class,
    /// Whether it is hidden wherever it is found, and not only where it stands by itself.
    pub anywhere: bool,
}

/// Finds secrets.
#[derive(Debug, Default)]
pub(super) struct Finder {
    known: BTreeSet<(Secret, Class)>,
    /// Those that no part finds yet.
    new: Vec<Form>,
    /// Each at least twice as large as the next.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    forms: Vec<Form>,
    /// `None` when there are more than an automaton can hold.
    automaton: Option<AhoCorasick>,
}

impl Finder {
    /// Knows one more secret.
    pub(super) fn add(&mut self, secret: &Secret, class: Class) {
        if !self.known.insert((secret.clone(), class)) {
            return;
        }
        let forms = forms::of(secret.expose()).into_iter().map(|(text, is_scrambled)| Form {
            text: Secret::new(text),
            class,
            anywhere: is_scrambled || class == Class::Credential,
        });
        self.new.extend(forms);
    }

    /// Whether no secret is known.
    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Whether every secret that is known would be found.
    pub(super) fn is_ready(&self) -> bool {
        self.new.is_empty()
    }

    /// How many passes over a text it takes.
    #[cfg(test)]
    pub(super) fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Makes ready.
    pub(super) fn prepare(&mut self) {
        let mut forms = std::mem::take(&mut self.new);
        if forms.is_empty() {
            return;
        }
        while let Some(part) = self.parts.pop_if(|part| part.forms.len() < 2 * forms.len()) {
            forms.extend(part.forms);
        }
        // The kind that is built soonest for its speed: most parts are soon joined with others.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(forms.iter().map(|form| form.text.expose()));
        let automaton = automaton.ok();
        self.parts.push(Part { forms, automaton });
    }

    /// The places of secrets for which `hides` says what goes there instead. They may overlap.
    pub(super) fn find(
        &self,
        text: &str,
        hides: impl Fn(&Form, &Range<usize>) -> Option<&'static str>,
    ) -> Vec<(Range<usize>, &'static str)> {
        let mut found = Vec::new();
        for part in &self.parts {
            let Some(automaton) = &part.automaton else {
                // Nobody knows where they are.
                return vec![(0..text.len(), MASK)];
            };
            for hit in automaton.find_overlapping_iter(text) {
                let (at, form) = (hit.range(), part.forms.get(hit.pattern().as_usize()));
                found.extend(form.and_then(|form| hides(form, &at)).map(|instead| (at, instead)));
            }
        }
        found
    }
}
