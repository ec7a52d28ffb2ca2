//! Chapter 2 simulated: the users of the account. No operation changes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::sim::engine::call::{Call, Handler, Refusal};
use crate::sim::engine::json::{Json, object};
use crate::sim::engine::state::State;

/// The users of the account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Users {
    by_id: BTreeMap<String, User>,
}

/// A user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    /// Its id.
    pub id: String,
    /// `TAOBAO` or `DING_TALK`.
    pub user_type: String,
    /// A person's name.
    pub real_name: String,
}

impl Users {
    /// Adds a user.
    pub(crate) fn add(&mut self, id: &str, user_type: &str, real_name: &str) {
        let user = User { id: id.into(), user_type: user_type.into(), real_name: real_name.into() };
        self.by_id.insert(user.id.clone(), user);
    }

    /// The user of this id and type.
    ///
    /// # Errors
    /// There is none.
    pub(crate) fn user(&self, id: &str, user_type: &str) -> Result<&User, Refusal> {
        let user = self.by_id.get(id).filter(|user| user.user_type == user_type);
        user.ok_or_else(|| Refusal::not_found(&format!("{user_type} user"), id))
    }

    /// The name of a user.
    pub(crate) fn real_name(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(|user| user.real_name.as_str())
    }

    /// Whose access key calls: the first user.
    pub(crate) fn caller(&self) -> Option<&User> {
        self.by_id.values().next()
    }
}

pub(in crate::sim) const HANDLERS: &[(&str, Handler)] = &[("ListUsers", list_users)];

fn list_users(state: &mut State, call: &Call) -> Result<Json, Refusal> {
    Ok(call.page(
        state.users.by_id.values(),
        |user| object!({"UserId": user.id, "UserType": user.user_type, "RealName": user.real_name}),
    ))
}
