//! Constants: what a text defines by `const` outside functions, its functions see as `global::NAME`, whoever calls them.
//!
//! The engine keeps the constants of the text that a call comes from, so a function that another module or a thread
//! calls would look among the wrong ones. So each text keeps its own here, and a function asks for one by the number of
//! its text, which [`super::forms`] writes into it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use rhai::{Dynamic, Engine, EvalAltResult, ImmutableString, Locked, Position, Shared};

use super::report::Sources;
use super::value::ScriptResult;

/// The function that gives a constant of a text.
pub(super) const CONSTANT: &str = "constant__";

/// As the engine keeps them.
type OfText = Shared<Locked<BTreeMap<ImmutableString, Dynamic>>>;

/// The constants of each text, by the number of the text. The engine writes into them.
#[derive(Debug, Default)]
pub(super) struct Constants(Mutex<HashMap<usize, OfText>>);

impl Constants {
    fn of(&self, number: usize) -> OfText {
        let mut texts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(texts.entry(number).or_default())
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Forgets them all: their values need a deep stack to be dropped.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Has the engine keep constants where functions find them.
pub(super) fn register(engine: &mut Engine, sources: &Arc<Sources>) {
    let defined = Arc::clone(sources);
    #[expect(deprecated, reason = "marked so because it may change, not because anything replaces it")]
    engine.on_def_var(move |is_run, variable, mut context| {
        if is_run && variable.is_const() && variable.nesting_level() == 0 {
            let state = context.global_runtime_state_mut();
            let number = defined.number(state.source().unwrap_or_default());
            state.constants.get_or_insert_with(|| defined.constants.of(number));
        }
        Ok(true)
    });
    let asked = Arc::clone(sources);
    engine.register_fn(CONSTANT, move |number: i64, name: ImmutableString| -> ScriptResult {
        let constants = asked.constants.of(usize::try_from(number).unwrap_or_default());
        let constants = constants.read().unwrap_or_else(PoisonError::into_inner);
        constants
            .get(name.as_str())
            .cloned()
            .ok_or_else(|| EvalAltResult::ErrorVariableNotFound(format!("global::{name}"), Position::NONE).into())
    });
}
