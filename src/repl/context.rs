//! What kind of word belongs at a place in code, by what is open before it. Pure.

use crate::catalogue::{self, Operation, Param, Type};

/// What kind of word belongs at a place.
#[derive(Debug, PartialEq)]
pub(super) enum Place {
    /// A function or variable.
    Code,
    /// A key of a map of these parameters, some of which are given already.
    Key(&'static [Param], Vec<String>),
    /// The value of a parameter; whether quotes are open already.
    Value(&'static Param, bool),
    /// The name of an action inside quotes.
    Action,
    /// What `:help` explains.
    Topic,
    /// A property of something.
    Member(Receiver),
    /// Whatever a person writes: text, a remark, a number.
    Nothing,
}

/// What stands before a dot: a variable or a call, and the properties on the way from it.
#[derive(Debug, PartialEq)]
pub(super) struct Receiver {
    pub base: Base,
    /// Names of properties; an index is none.
    pub path: Vec<String>,
}

/// Where a receiver begins.
#[derive(Debug, PartialEq)]
pub(super) enum Base {
    Variable(String),
    Call(String),
}

/// What is open before a place.
#[derive(Debug)]
enum Open {
    Call { function: String, action: Option<String> },
    Map { keys: Vec<String>, in_value: bool },
    List,
    Block,
}

impl Place {
    /// Reads the code before a word, keeping what is open: calls, maps, lists, text.
    pub(super) fn of(before: &str) -> Self {
        if before.trim_start().starts_with(":help ") {
            return Self::Topic;
        }
        let mut scanner = Scanner { chars: before.chars().peekable(), open: Vec::new(), word: String::new() };
        match scanner.run() {
            Inside::Remark => Self::Nothing,
            Inside::Text => in_text(&scanner.open),
            Inside::Code => match receiver(before) {
                Some(Some(receiver)) => Self::Member(receiver),
                Some(None) => Self::Nothing,
                None => in_code(&scanner.open),
            },
        }
    }
}

/// What a text ends in.
enum Inside {
    Code,
    Text,
    Remark,
}

struct Scanner<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
    open: Vec<Open>,
    word: String,
}

impl Scanner<'_> {
    fn run(&mut self) -> Inside {
        let mut gap = false;
        while let Some(c) = self.chars.next() {
            match (c, self.chars.peek()) {
                ('/', Some('/')) => {
                    if !self.chars.by_ref().any(|c| c == '\n') {
                        return Inside::Remark;
                    }
                }
                ('/', Some('*')) => {
                    if !self.skip_block() {
                        return Inside::Remark;
                    }
                }
                ('"' | '`', _) => match self.text(c) {
                    None => return Inside::Text,
                    Some(text) => {
                        if let Some(Open::Call { action, .. }) = self.open.last_mut() {
                            action.get_or_insert(text);
                        }
                    }
                },
                _ => self.mark(c),
            }
            if c.is_alphanumeric() || c == '_' {
                if gap {
                    self.word.clear();
                }
                self.word.push(c);
            } else if !c.is_whitespace() {
                self.word.clear();
            }
            gap = c.is_whitespace();
        }
        Inside::Code
    }

    /// The rest of a text up to its quote; nothing when it goes on.
    fn text(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.chars.next()? {
                '\\' => drop(self.chars.next()),
                c if c == quote => return Some(text),
                c => text.push(c),
            }
        }
    }

    /// Goes over a remark of many lines; false when it goes on.
    fn skip_block(&mut self) -> bool {
        let mut depth = 0;
        let mut before = '/';
        for c in self.chars.by_ref() {
            match (before, c) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    before = c;
                    continue;
                }
            }
            if depth == 0 {
                return true;
            }
            before = ' ';
        }
        false
    }

    /// Opens and closes.
    fn mark(&mut self, c: char) {
        match c {
            '(' => self.open.push(Open::Call { function: std::mem::take(&mut self.word), action: None }),
            '#' if self.chars.peek() == Some(&'{') => {
                self.chars.next();
                self.open.push(Open::Map { keys: Vec::new(), in_value: false });
            }
            '{' => self.open.push(Open::Block),
            '[' => self.open.push(Open::List),
            ')' | '}' | ']' => drop(self.open.pop()),
            ':' | ',' => {
                if let Some(Open::Map { keys, in_value }) = self.open.last_mut() {
                    if c == ':' && !*in_value {
                        keys.push(std::mem::take(&mut self.word));
                    }
                    *in_value = c == ':';
                }
            }
            _ => {}
        }
    }
}

fn in_text(open: &[Open]) -> Place {
    match open {
        [.., Open::Call { function, action: None }] if takes_action(function) => Place::Action,
        [.., Open::Map { keys, in_value: true }] => {
            let param = keys.last().and_then(|key| params(open)?.iter().find(|param| param.name == *key));
            param.map_or(Place::Nothing, |param| Place::Value(param, true))
        }
        _ => Place::Nothing,
    }
}

fn in_code(open: &[Open]) -> Place {
    match open.last() {
        Some(Open::Map { keys, in_value }) => match (params(open), in_value) {
            (None, _) => Place::Code,
            (Some(params), false) => Place::Key(params, keys.clone()),
            (Some(params), true) => {
                let param = keys.last().and_then(|key| params.iter().find(|param| param.name == *key));
                param.map_or(Place::Code, |param| Place::Value(param, false))
            }
        },
        _ => Place::Code,
    }
}

/// The parameters that the innermost map holds: an operation's, or those of the maps in one of its lists.
fn params(open: &[Open]) -> Option<&'static [Param]> {
    let operation: &'static Operation = open.iter().rev().find_map(|open| match open {
        Open::Call { function, action } => {
            Some(catalogue::find(action.as_deref().filter(|_| takes_action(function)).unwrap_or(function)))
        }
        _ => None,
    })??;
    // The map before this one, if this is the value of its key: `PortMappings: [ #{`.
    let list = open.iter().rev().skip(1).find_map(|open| match open {
        Open::Map { keys, in_value: true } => keys.last(),
        _ => None,
    });
    match list.and_then(|name| operation.param(name)).map(|param| param.ty) {
        Some(Type::Maps(fields)) => Some(fields),
        _ => Some(operation.params),
    }
}

fn takes_action(function: &str) -> bool {
    matches!(function, "call" | "try_call" | "paginate" | "call_all" | "try_call_all")
}

/// What stands before the dot that ends a text: none where there is no dot, and an empty one where nothing is
/// known of it.
fn receiver(before: &str) -> Option<Option<Receiver>> {
    let rest = before.trim_end().strip_suffix('.').filter(|rest| !rest.ends_with('.'))?;
    let mut rest = rest.strip_suffix('?').unwrap_or(rest).trim_end();
    let mut path = Vec::new();
    loop {
        while let Some(open) = rest.strip_suffix(']').and_then(|inner| opening(inner, '[', ']')) {
            rest = open.trim_end();
        }
        if let Some(open) = rest.strip_suffix(')').and_then(|inner| opening(inner, '(', ')')) {
            let (_, name) = last_name(open);
            path.reverse();
            return Some((!name.is_empty()).then(|| Receiver { base: Base::Call(name.to_owned()), path }));
        }
        let (before, name) = last_name(rest);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Some(None);
        }
        match before.trim_end().strip_suffix('.').filter(|rest| !rest.ends_with('.')) {
            Some(before) => {
                path.push(name.to_owned());
                rest = before.strip_suffix('?').unwrap_or(before).trim_end();
            }
            None => {
                path.reverse();
                return Some(Some(Receiver { base: Base::Variable(name.to_owned()), path }));
            }
        }
    }
}

/// The text before the bracket that a text's end closes.
fn opening(inner: &str, open: char, close: char) -> Option<&str> {
    let mut depth = 1;
    for (at, c) in inner.char_indices().rev() {
        depth += i32::from(c == close) - i32::from(c == open);
        if depth == 0 {
            return inner.get(..at);
        }
    }
    None
}

/// A text without the name that ends it, and the name.
fn last_name(text: &str) -> (&str, &str) {
    let start = text.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    text.split_at_checked(start).unwrap_or((text, ""))
}
