//! Everything that the simulated account holds, and how time changes it.
//!
//! Deterministic: the same calls at the same times, from the same start and seed, give the same state. So the
//! ledger of applied calls is enough to bring a state back.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::leaving::{self, Leaving};
use super::{access, applications, cluster, rds, release, users};
use crate::catalogue::Operation;
use crate::sim::engine::call::{Call, Handler, Refusal, Trouble};
use crate::sim::engine::json::Json;

/// The account. One field for each chapter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    /// The time that the state has been brought to.
    pub now: Timestamp,
    /// What the lengths of steps vary by.
    pub seed: u64,
    /// What is still to happen, in order of time; the number keeps the order within a moment.
    events: BTreeSet<(Timestamp, u64, Event)>,
    scheduled: u64,
    /// What is being deleted.
    pub leaving: BTreeSet<Leaving>,
    /// Applications, environments, deploy configs, volume claims.
    pub applications: applications::Applications,
    /// Users.
    pub users: users::Users,
    /// SLB access points and services.
    pub access: access::Access,
    /// Deploy orders and pods.
    pub release: release::Release,
    /// Clusters, nodes, labels, volumes, resource allocations.
    pub cluster: cluster::Clusters,
    /// Database instances.
    pub rds: rds::Rds,
}

/// Something that happens by itself at its time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Event {
    /// A step of a deploy order or a pod.
    Release(release::Event),
    /// A stage of a cluster.
    Cluster(cluster::Event),
    /// A machine joins its cluster, or leaves it.
    Node(cluster::NodeEvent),
    /// Something that was deleted is gone.
    Gone {
        /// What it is.
        what: Leaving,
        /// Whether its deletion ends in the failure that it has.
        fails: bool,
    },
}

/// The handlers of every chapter.
const HANDLERS: [&[(&str, Handler)]; 6] =
    [applications::HANDLERS, users::HANDLERS, access::HANDLERS, release::HANDLERS, cluster::HANDLERS, rds::HANDLERS];

/// Every handler with the action it serves.
pub(crate) fn handlers() -> impl Iterator<Item = (&'static str, Handler)> {
    HANDLERS.into_iter().flatten().copied()
}

/// The handler of an operation.
fn handler(operation: &Operation) -> Option<Handler> {
    handlers().find(|(action, _)| *action == operation.action).map(|(_, handler)| handler)
}

impl State {
    /// An empty account at this time.
    pub(crate) fn empty(now: Timestamp) -> Self {
        Self { now, ..Self::default() }
    }

    /// Lets something happen after a while.
    pub(crate) fn schedule(&mut self, after: jiff::SignedDuration, event: Event) {
        let at = self.now.saturating_add(after).unwrap_or(Timestamp::MAX);
        self.scheduled += 1;
        self.events.insert((at, self.scheduled, event));
    }

    /// Brings the state to a time: everything due happens at its own moment, in order.
    pub(crate) fn advance(&mut self, to: Timestamp) {
        while self.events.first().is_some_and(|(at, ..)| *at <= to) {
            let Some((at, _, event)) = self.events.pop_first() else { break };
            self.now = self.now.max(at);
            match event {
                Event::Release(event) => release::happen(self, event),
                Event::Cluster(event) => cluster::happen(self, event),
                Event::Node(event) => cluster::settle(self, event),
                Event::Gone { what, fails } => leaving::end(self, what, fails),
            }
        }
        self.now = self.now.max(to);
        self.rds.finish_deletions(self.now);
    }

    /// When the next thing happens by itself.
    #[cfg(test)]
    pub(crate) fn next_event(&self) -> Option<Timestamp> {
        self.events.first().map(|(at, ..)| *at)
    }

    /// Carries out a call at the state's time. A refused call changes nothing.
    ///
    /// # Errors
    /// The business failure.
    pub(crate) fn apply(&mut self, call: &Call) -> Result<Json, Refusal> {
        leaving::require_staying(self, call)?;
        match handler(call.operation) {
            Some(handler) => handler(self, call),
            None => Err(Refusal::not_found("operation", call.operation.action)),
        }
    }

    /// Carries out an operation named by its action, from inside the simulator: how the demo account
    /// and generated fleets are made, so that they hold together as a real one does.
    ///
    /// # Errors
    /// The business failure.
    pub(crate) fn perform(&mut self, action: &str, params: Value) -> Result<Value, Refusal> {
        self.perform_with(None, action, params)
    }

    /// As [`Self::perform`], where something may go wrong with what it begins.
    ///
    /// # Errors
    /// The business failure.
    pub(crate) fn perform_with(
        &mut self,
        trouble: Option<Trouble>,
        action: &str,
        params: Value,
    ) -> Result<Value, Refusal> {
        let operation = crate::catalogue::find(action).ok_or_else(|| Refusal::not_found("operation", action))?;
        let params = match params {
            Value::Object(params) => params,
            _ => Map::new(),
        };
        self.apply(&Call { trouble, ..Call::new(operation, params) }).map(|payload| payload.value())
    }
}
