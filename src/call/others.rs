//! The accounts that a script works on beside that of its run, by the names of their profiles: each is made when it is
//! first named and kept for the run, with a client, credentials and a policy of its own.
//!
//! Which of them a call goes to, the place in the script decides. It is a thread's, as `parallel` runs a closure on many.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::account::Account;
use crate::error::{Error, Kind, Result};

/// Makes the account of a profile beside that of the run.
pub(crate) type Open = Box<dyn Fn(&Account, &str) -> Result<Account> + Send + Sync>;

/// Those that were made, and how more are.
pub(crate) struct Others {
    /// The profile of the run itself, where somebody named it.
    own: Option<String>,
    open: Open,
    opened: Mutex<BTreeMap<String, Arc<Account>>>,
}

thread_local! {
    static HERE: RefCell<Option<Arc<Account>>> = const { RefCell::new(None) };
}

impl Others {
    /// None so far. `own` is the profile that the run itself was given by name.
    pub(crate) fn new(own: Option<String>, open: Open) -> Self {
        Self { own, open, opened: Mutex::default() }
    }
}

impl Account {
    /// The account that the script works on here: this one, which is the run's, or one that it went to.
    pub(crate) fn here(self: &Arc<Self>) -> Arc<Self> {
        HERE.with_borrow(Clone::clone).unwrap_or_else(|| Arc::clone(self))
    }

    /// Does something on this account.
    pub(crate) fn within<T>(self: &Arc<Self>, work: impl FnOnce() -> T) -> T {
        /// Goes back to the account before, however the work ends.
        struct Back(Option<Arc<Account>>);
        impl Drop for Back {
            fn drop(&mut self) {
                HERE.set(self.0.take());
            }
        }
        let _back = Back(HERE.replace(Some(Arc::clone(self))));
        work()
    }

    /// The account of a profile, or this one, the run's, for none.
    ///
    /// # Errors
    /// `config` for a profile that is not there, or that cannot be used beside this one.
    pub(crate) fn of_profile(self: &Arc<Self>, profile: Option<&str>) -> Result<Arc<Self>> {
        let Some(name) = profile else { return Ok(Arc::clone(self)) };
        let none = || Error::new(Kind::Config, "this run works on one account only");
        let others = self.others.as_ref().ok_or_else(none)?;
        if others.own.as_deref() == Some(name) {
            return Ok(Arc::clone(self));
        }
        // Held while one is made, so that it is made once.
        let mut opened = others.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(account) = opened.get(name) {
            return Ok(Arc::clone(account));
        }
        let account = Arc::new((others.open)(self, name)?);
        opened.insert(name.to_owned(), Arc::clone(&account));
        Ok(account)
    }
}
