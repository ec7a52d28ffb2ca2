//! Asks a person about each destructive operation, where there is one to ask.

use std::collections::HashSet;
use std::io::{BufRead as _, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use crate::call::account::Confirm;
use crate::settings::Settings;
use crate::show::redaction::REDACTOR;
use crate::stop::Stop;

/// How a person is asked; `None` where there is none.
pub(super) fn confirm(settings: &Settings, stop: &Arc<Stop>) -> Option<Confirm> {
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
        // Other threads may log while this one looks for names and waits for the answer.
        let question = format!("{action} is destructive: {}. Go on? [y]es, [a]lways in this run, [N]o: ", what());
        let _ = write!(std::io::stderr(), "{}", REDACTOR.redact(&question));
        let mut answer = String::new();
        if !matches!(stop.while_reading(|| std::io::stdin().lock().read_line(&mut answer)), Ok(Ok(_))) {
            return false;
        }
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => true,
            "a" | "always" => always.insert(action.to_owned()),
            _ => false,
        }
    }))
}
