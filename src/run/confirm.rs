//! Asks a person about each destructive operation, where there is one to ask.

use std::collections::HashSet;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use crate::call::account::Confirm;
use crate::settings::Settings;
use crate::show::data;
use crate::show::redaction::REDACTOR;
use crate::show::visible::line;
use crate::stop::Stop;
use crate::terminal;

/// How a person is asked; `None` where there is none. What stops the run means no. In a session, lines that
/// were typed ahead are its lines and no answer: then nobody is asked.
pub(super) fn confirm(settings: &Settings, stop: &Arc<Stop>, in_session: bool) -> Option<Confirm> {
    if !(settings.around.terminal[0] && settings.around.terminal[2]) {
        return None;
    }
    // One question at a time, and the actions that were allowed for the rest of the run.
    let (always, stop) = (Mutex::new(HashSet::new()), Arc::clone(stop));
    Some(Box::new(move |action, what| {
        let mut always = always.lock().unwrap_or_else(PoisonError::into_inner);
        if always.contains(action) {
            return true;
        }
        // A no to the question before, by Ctrl-C, is one to all that wait.
        if stop.is_set() {
            return false;
        }
        if in_session && terminal::has_typed_ahead() {
            data::tell(&format!("{action} is destructive: it is not asked for while lines wait that were typed ahead"));
            return false;
        }
        match answer(action, &what(), &stop).trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => true,
            "a" | "always" => always.insert(action.to_owned()),
            _ => false,
        }
    }))
}

/// What is typed when asked; nothing when there is no answer.
fn answer(action: &str, what: &str, stop: &Stop) -> String {
    let question = format!("{action} is destructive: {what}. Go on? [y]es, [a]lways in this run, [N]o: ");
    let _ = write!(std::io::stderr(), "{}", line(&REDACTOR.talk(&question)));
    match terminal::read_line(stop) {
        Ok(Some(answer)) => answer,
        // What follows begins on a line of its own.
        Ok(None) | Err(_) => {
            data::tell("");
            String::new()
        }
    }
}
