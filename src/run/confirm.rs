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

/// One question at a time, and the actions that were allowed for the rest of the run, each on its account.
pub(super) type Always = Arc<Mutex<HashSet<(Option<String>, String)>>>;

/// How a person is asked; `None` where there is none. What stops the run means no. In a session, lines that
/// were typed ahead are its lines and no answer: then nobody is asked. `account` is one beside the run's own.
pub(super) fn confirm(
    settings: &Settings,
    account: Option<&str>,
    always: &Always,
    stop: &Arc<Stop>,
    in_session: bool,
) -> Option<Confirm> {
    if !(settings.around.terminal[0] && settings.around.terminal[2]) {
        return None;
    }
    let (always, stop) = (Arc::clone(always), Arc::clone(stop));
    let (account, place) = (account.map(str::to_owned), place(settings, account));
    Some(Box::new(move |action, what| {
        let mut always = always.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (account.clone(), action.to_owned());
        if always.contains(&key) {
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
        match answer(&format!("{action} is destructive{place}: {}", what()), &stop).trim().to_ascii_lowercase().as_str()
        {
            "y" | "yes" => true,
            "a" | "always" => always.insert(key),
            _ => false,
        }
    }))
}

/// Where something would be destroyed, if that is not plain: on an account of production, or on one beside the run's.
fn place(settings: &Settings, account: Option<&str>) -> String {
    match account.or(settings.known_profile().filter(|_| settings.is_production())) {
        Some(name) => format!(" in {}", settings.account_name(name)),
        None if settings.is_production() => " in production".to_owned(),
        None => String::new(),
    }
}

/// What is typed when asked; nothing when there is no answer.
fn answer(question: &str, stop: &Stop) -> String {
    let question = format!("{question}. Go on? [y]es, [a]lways in this run, [N]o: ");
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
