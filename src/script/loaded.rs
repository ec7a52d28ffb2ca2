//! The modules that were loaded, and what a session has to know to load one again when its file changed.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rhai::{AST, Module, Position, Shared};

/// The modules that were loaded, by name. Their values need a deep stack to be dropped, so their
/// owner clears them where it has one.
#[derive(Default)]
pub(super) struct Loaded {
    inner: Mutex<Inner>,
    /// Whether a test runs, which may import what only tests may.
    pub for_tests: AtomicBool,
}

#[derive(Default)]
struct Inner {
    modules: HashMap<String, Known>,
    /// What each module imports, as it is written there.
    imports: HashMap<String, BTreeSet<String>>,
    /// The modules that were looked at before anything ran: each text, and its tree until it is loaded.
    ahead: HashMap<String, (String, Option<AST>)>,
    session: Option<Piece>,
}

/// A module, and the text that it was made of.
struct Known {
    module: Shared<Module>,
    text: String,
}

/// A session's piece of code, below the imports of earlier ones, which are not looked up again.
#[derive(Default)]
struct Piece {
    source: &'static str,
    /// The last line of what came before.
    above: usize,
    /// The modules that the session's code imported, by how it is written.
    imported: HashMap<String, String>,
}

impl Loaded {
    /// Forgets every module.
    pub(super) fn clear(&self) {
        let mut inner = self.inner();
        inner.modules.clear();
        inner.ahead.clear();
    }

    /// Whether a module was looked at before anything ran.
    pub(super) fn is_looked_at(&self, name: &str) -> bool {
        self.inner().ahead.contains_key(name)
    }

    /// Keeps a module that was looked at.
    pub(super) fn looked_at(&self, name: &str, text: String, ast: AST) {
        self.inner().ahead.insert(name.to_owned(), (text, Some(ast)));
    }

    /// The tree of a module that was looked at, if it still has that text; it is given once.
    pub(super) fn take_ahead(&self, name: &str, text: &str) -> Option<AST> {
        self.inner().ahead.get_mut(name).filter(|(looked_at, _)| looked_at == text)?.1.take()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.inner().modules.is_empty()
    }

    /// Begins a piece of a session's code: what it imports below the line `above` is read again if its file, or
    /// that of anything it imports, changed.
    pub(super) fn begin_piece(&self, source: &'static str, above: usize) {
        let mut inner = self.inner();
        let piece = inner.session.get_or_insert_default();
        (piece.source, piece.above) = (source, above);
    }

    /// Whether modules are loaded again when their text changed.
    pub(super) fn follows_changes(&self) -> bool {
        self.inner().session.is_some()
    }

    /// The module of an import that an earlier piece of the session made.
    pub(super) fn earlier(&self, importer: &str, path: &str, position: Position) -> Option<Shared<Module>> {
        let inner = self.inner();
        let piece = inner.session.as_ref().filter(|piece| piece.source == importer)?;
        let name = piece.imported.get(path).filter(|_| position.line().is_some_and(|line| line <= piece.above))?;
        inner.modules.get(name).map(|known| Shared::clone(&known.module))
    }

    /// The module of a name, and the text that it was made of.
    pub(super) fn get(&self, name: &str) -> Option<(Shared<Module>, String)> {
        self.inner().modules.get(name).map(|known| (Shared::clone(&known.module), known.text.clone()))
    }

    /// What a module imports.
    pub(super) fn imports(&self, name: &str) -> BTreeSet<String> {
        self.inner().imports.get(name).cloned().unwrap_or_default()
    }

    /// Keeps that `importer` imports the module `name` as `path`.
    pub(super) fn imported(&self, importer: &str, path: &str, name: &str) {
        let mut inner = self.inner();
        match inner.session.as_mut().filter(|piece| piece.source == importer) {
            Some(piece) => drop(piece.imported.insert(path.to_owned(), name.to_owned())),
            None => drop(inner.imports.entry(importer.to_owned()).or_default().insert(path.to_owned())),
        }
    }

    /// Keeps a module. Loaded by two threads at once, the first stays, unless the text is another.
    pub(super) fn add(&self, name: String, module: Shared<Module>, text: String) -> Shared<Module> {
        let mut inner = self.inner();
        match inner.modules.get(&name) {
            Some(known) if known.text == text && inner.session.is_none() => Shared::clone(&known.module),
            _ => {
                inner.modules.insert(name, Known { module: Shared::clone(&module), text });
                module
            }
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
