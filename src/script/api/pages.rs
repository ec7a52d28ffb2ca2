//! `paginate`: a lazy list for scripts that fetches the next page while a script works on this one.

use std::sync::Arc;

use rhai::{Dynamic, EvalAltResult, Module};
use serde_json::{Map, Value};
use tokio::task::JoinHandle;

use super::{self as api, map_of, not_sent, target_of};
use crate::call::account::{Account, Calls, Permit};
use crate::call::paging::Pager;
use crate::error::{Error, Kind, Result};
use crate::script::value::{ScriptResult, throw, to_dynamic};
use crate::wire::request::Target;

/// The records of a list operation. Each loop over it walks the list anew, from its first page.
#[derive(Clone)]
pub(crate) struct Pages {
    account: Arc<Account>,
    permit: Permit,
    pager: Pager,
}

pub(super) fn register(module: &mut Module, account: &Arc<Account>) {
    const HELP: &str = "The records of a list operation, fetched page by page as a loop needs them.";
    for signature in [&["action: string", "Pages"][..], &["action: string", "params: map", "Pages"]] {
        let account = Arc::clone(account);
        api::register(module, "paginate", signature, HELP, move |_, args| {
            let [action, params @ ..] = args else {
                return Ok(Dynamic::UNIT);
            };
            let params = params.first().map_or_else(|| Ok(Map::new()), |map| map_of(map));
            let pages = target_of(action).and_then(|target| Pages::new(&account.here(), &target, params?));
            pages.map(Dynamic::from).map_err(throw)
        });
    }
    api::function("to_array", &["pages: Pages", "array"], "All records of a list at once.")
        .set_into_module(module, |pages: &mut Pages| pages.fetch());
    module.set_custom_type::<Pages>("Pages").set_iterable_result::<Pages, Dynamic>();
}

impl Pages {
    /// Every record.
    pub(in crate::script) fn fetch(&self) -> ScriptResult<rhai::Array> {
        self.clone().into_iter().collect()
    }

    /// The records page by page, the next one on its way meanwhile; ends at the first error.
    pub(in crate::script) fn page_by_page(self) -> impl Iterator<Item = Result<Vec<Value>>> {
        let mut walk = self.into_iter();
        std::iter::from_fn(move || {
            if walk.ended {
                return None;
            }
            let turned = walk.turn_page();
            walk.ended = !matches!(turned, Ok(true));
            turned.map(|more| more.then(|| walk.records.by_ref().collect())).transpose()
        })
    }

    fn new(account: &Arc<Account>, target: &Target, params: Map<String, Value>) -> Result<Self> {
        let permit = account.permit(target, || Calls { count: 1, first: vec![params.clone()] })?;
        let Some(operation) = target.operation() else {
            let message = format!("{} is not in the catalogue: how it pages is not known", target.action());
            return Err(not_sent(target.action(), message).hint("call it page by page with call()"));
        };
        Ok(Self { account: Arc::clone(account), permit, pager: Pager::new(operation, params)? })
    }
}

impl IntoIterator for Pages {
    type Item = std::result::Result<Dynamic, Box<EvalAltResult>>;
    type IntoIter = Walk;

    fn into_iter(self) -> Walk {
        Walk { pages: self, records: Vec::new().into_iter(), ahead: None, ended: false }
    }
}

/// A walk in progress: the records of one page, and the next page on its way.
pub(crate) struct Walk {
    pages: Pages,
    records: std::vec::IntoIter<Value>,
    ahead: Option<JoinHandle<Result<Value>>>,
    ended: bool,
}

impl Iterator for Walk {
    type Item = std::result::Result<Dynamic, Box<EvalAltResult>>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(record) = self.records.next() {
                return Some(Ok(to_dynamic(record)));
            }
            if self.ended {
                return None;
            }
            match self.turn_page() {
                Ok(true) => {}
                Ok(false) => self.ended = true,
                Err(error) => {
                    self.ended = true;
                    return Some(Err(throw(error)));
                }
            }
        }
    }
}

impl Walk {
    /// Waits for the next page, and sends for the one after it. `false` behind the last page.
    fn turn_page(&mut self) -> Result<bool> {
        if self.ahead.is_none() {
            self.send_for_next()?;
        }
        let Some(fetch) = self.ahead.take() else {
            return Ok(false);
        };
        let reply = self.pages.account.wait(async {
            fetch.await.unwrap_or_else(|lost| Err(Error::new(Kind::Network, format!("fetching a page failed: {lost}"))))
        })?;
        self.records = self.pages.pager.accept(reply)?.into_iter();
        self.send_for_next()?;
        Ok(true)
    }

    fn send_for_next(&mut self) -> Result<()> {
        if let Some(params) = self.pages.pager.next() {
            self.ahead = Some(self.pages.account.begin(&self.pages.permit, params)?);
        }
        Ok(())
    }
}

impl Drop for Walk {
    fn drop(&mut self) {
        if let Some(fetch) = self.ahead.take() {
            fetch.abort();
        }
    }
}
