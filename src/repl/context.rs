//! What kind of word belongs at a place in code, by what is open before it. Pure.

use crate::catalogue::{self, Operation, Param, Type};
use crate::script::tokens::{self, Token, What};

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
        let tokens = tokens::read(before);
        let open = opened(&tokens);
        // What the word would go on with.
        let last = tokens.last().filter(|token| token.end() == before.len());
        match last.map(|token| (token.what, token.text)) {
            Some((What::Number, _)) => Self::Nothing,
            _ if in_remark(&tokens, before) => Self::Nothing,
            Some((What::Text { open: true }, _)) => in_text(&open),
            Some((What::Wrong, text)) if text.starts_with('"') => in_text(&open),
            _ => match receiver(&tokens) {
                Some(Some(receiver)) => Self::Member(receiver),
                Some(None) => Self::Nothing,
                None => in_code(&open),
            },
        }
    }
}

/// Whether a text ends in a comment that what follows would be part of.
fn in_remark(tokens: &[Token<'_>], text: &str) -> bool {
    tokens.last().is_some_and(|token| match token.what {
        What::Comment { open: true } => true,
        What::Comment { .. } => {
            token.text.starts_with("//") && !text.get(token.start..).unwrap_or_default().contains('\n')
        }
        _ => false,
    })
}

/// What is open behind these tokens.
fn opened(tokens: &[Token<'_>]) -> Vec<Open> {
    let mut open = Vec::new();
    let mut before = None;
    for token in tokens {
        let word = || match before {
            Some(Token { what: What::Name, text, .. }) => text.to_owned(),
            _ => String::new(),
        };
        match (token.what, token.text, open.last_mut()) {
            (What::Symbol, "(", _) => open.push(Open::Call { function: word(), action: None }),
            (What::Symbol, "#{", _) => open.push(Open::Map { keys: Vec::new(), in_value: false }),
            (What::Symbol, "{", _) => open.push(Open::Block),
            (What::Symbol, "[" | "?[", _) => open.push(Open::List),
            (What::Symbol, ")" | "}" | "]", _) => drop(open.pop()),
            (What::Symbol, ":", Some(Open::Map { keys, in_value: in_value @ false })) => {
                keys.push(word());
                *in_value = true;
            }
            (What::Symbol, ",", Some(Open::Map { in_value, .. })) => *in_value = false,
            (What::Text { open: false }, _, Some(Open::Call { action, .. })) => {
                action.get_or_insert(token.said().to_owned());
            }
            _ => {}
        }
        before = Some(*token);
    }
    open
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

/// What stands before the dot that ends these tokens: none where there is no dot, and an empty one where nothing
/// is known of it.
fn receiver(tokens: &[Token<'_>]) -> Option<Option<Receiver>> {
    let mut rest = before_dot(tokens)?;
    let mut path = Vec::new();
    loop {
        while let Some(open) = rest.split_last().filter(|(last, _)| last.is("]")).and_then(|(_, inner)| opening(inner))
        {
            rest = open;
        }
        let closed = match rest.split_last() {
            Some((last, before)) if last.is("()") => Some(before),
            Some((last, inner)) if last.is(")") => opening(inner),
            _ => None,
        };
        let Some((Token { what: What::Name, text, .. }, before)) = closed.unwrap_or(rest).split_last() else {
            return Some(None);
        };
        let name = (*text).to_owned();
        let base = match (closed, before_dot(before)) {
            (Some(_), _) => Base::Call(name),
            (None, None) => Base::Variable(name),
            (None, Some(before)) => {
                path.push(name);
                rest = before;
                continue;
            }
        };
        path.reverse();
        return Some(Some(Receiver { base, path }));
    }
}

/// What stands before the dot that ends these tokens.
fn before_dot<'a, 'b>(tokens: &'a [Token<'b>]) -> Option<&'a [Token<'b>]> {
    let (last, rest) = tokens.split_last()?;
    (last.is(".") || last.is("?.")).then_some(rest)
}

/// What stands before the bracket that these tokens close.
fn opening<'a, 'b>(inner: &'a [Token<'b>]) -> Option<&'a [Token<'b>]> {
    let mut depth = 1;
    for (at, token) in inner.iter().enumerate().rev() {
        let closes = ["]", ")", "}"].iter().any(|bracket| token.is(bracket));
        let opens = ["[", "?[", "(", "{", "#{"].iter().any(|bracket| token.is(bracket));
        depth += i32::from(closes) - i32::from(opens);
        if depth == 0 {
            return inner.get(..at);
        }
    }
    None
}
