//! Imports: the bundled library as `import "std/…"`, and files of the script's own folder and below,
//! never outside it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::File;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rhai::{AST, ASTNode, Engine, EvalAltResult, Expr, FnNamespace, Module, Position, Scope, Shared, Stmt};

use super::diagnostics;
use super::forms::in_text;
use super::host::{Part, compile, script_text};
use super::library;
use super::loaded::Loaded;
use super::report::Sources;
use super::value::{Ending, ScriptError, terminate};
use crate::files::{self, Folder, Found, Unread};

/// The module that only tests may import.
const TESTING: &str = "std/testing";

/// Finds, compiles and runs imported modules, each once.
pub(super) struct Resolver {
    /// The folder that imports stay in, as it was given: modules are named below it.
    shown: PathBuf,
    /// The same folder, held open, or why it is not.
    root: Result<Folder, String>,
    sources: Arc<Sources>,
    loaded: Arc<Loaded>,
    /// The imports under way, as importer and module, to notice a cycle.
    under_way: Mutex<Vec<(String, String)>>,
}

impl Resolver {
    /// A resolver for scripts of this folder.
    pub(super) fn new(root: &Path, sources: Arc<Sources>, loaded: Arc<Loaded>) -> Self {
        let folder = if root.as_os_str().is_empty() { Path::new(".") } else { root };
        Self {
            shown: root.to_owned(),
            root: Folder::open(folder).map_err(|e| format!("cannot read {}: {e}", folder.display())),
            sources,
            loaded,
            under_way: Mutex::new(Vec::new()),
        }
    }

    /// The name and text of a module.
    fn read(&self, source: Option<&str>, path: &str) -> Result<(String, String), String> {
        if let Some(name) = path.strip_prefix("std/") {
            let (name, text) = library::text(name)?;
            if name == TESTING && !self.loaded.for_tests.load(Ordering::Acquire) {
                return Err(format!("`{name}` is for tests: `jst test` runs them"));
            }
            return Ok((name, text.to_owned()));
        }
        let (file, real) = self.locate(source, path).map_err(|why| match library::text(path) {
            Ok((name, _)) => format!("{why}; did you mean `{name}`?"),
            Err(_) => why,
        })?;
        // Errors show lines of what was imported, and a file of passwords is no script.
        if real.extension() != Some(OsStr::new("rhai")) {
            return Err(format!("`{path}` is no script: only .rhai files are imported"));
        }
        let read = files::read_file(file, files::LARGEST).and_then(files::text);
        let text = read.map_err(|why| cannot_read(path, &why))?;
        let below = real.strip_prefix(self.root.as_ref()?.real()).unwrap_or(&real);
        Ok((self.shown.join(below).display().to_string(), script_text(text)))
    }

    /// The file of an import, open, and its path without links.
    fn locate(&self, source: Option<&str>, path: &str) -> Result<(File, PathBuf), String> {
        let root = self.root.as_ref()?;
        let outside = || format!("`{path}` is outside the script's folder; imports stay inside it");
        let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !plain || path.is_empty() {
            return Err(outside());
        }
        let importer = source.and_then(|source| Path::new(source).strip_prefix(&self.shown).ok());
        let folder = root.real().join(importer.and_then(Path::parent).unwrap_or(Path::new("")));
        let mut file = folder.join(path);
        if file.extension().is_none() {
            file.set_extension("rhai");
        }
        match files::open_beneath([root].into_iter(), &file).map_err(|why| cannot_read(path, &why))? {
            Found::File(file, real) => Ok((file, real)),
            Found::Outside => Err(outside()),
            Found::Nothing(error) => Err(cannot_read(path, &error.into())),
        }
    }

    fn load(&self, engine: &Engine, name: &str, text: &str, position: Position) -> Result<Shared<Module>, ScriptError> {
        let in_module = |error: ScriptError| -> ScriptError {
            EvalAltResult::ErrorInModule(name.to_owned(), error, position).into()
        };
        let ast = match self.loaded.take_ahead(name, text) {
            Some(ast) => ast,
            None => self.look(engine, name, text).map_err(in_module)?,
        };
        let mut module = Module::eval_ast_as_new(Scope::new(), &ast, engine).map_err(in_module)?;
        name_imports(&mut module);
        open_closures(&mut module);
        Ok(module.into())
    }

    /// Reads a module, and looks at what it says.
    fn look(&self, engine: &Engine, name: &str, text: &str) -> Result<AST, ScriptError> {
        self.sources.add(name, text);
        let (mut ast, found) =
            compile(engine, &self.sources, &Scope::new(), name, text, Part::Module).map_err(EvalAltResult::from)?;
        diagnostics::settle(found, text).map_err(|error| terminate(Ending::Stopped(Box::new(error))))?;
        ast.set_source(name);
        Ok(ast)
    }

    /// Looks at what a text imports, and at what that imports, before anything runs. What cannot be read is left to the
    /// import, which may be guarded.
    pub(super) fn look_ahead(
        &self,
        engine: &Engine,
        importer: &str,
        imports: Vec<(String, Position)>,
    ) -> Result<(), ScriptError> {
        for (path, position) in imports.into_iter().filter(|(path, _)| !path.starts_with(library::PREFIX)) {
            let Ok((name, text)) = self.read(Some(importer), &path) else { continue };
            if self.loaded.is_looked_at(&name) {
                continue;
            }
            let in_module =
                |error| -> ScriptError { EvalAltResult::ErrorInModule(name.clone(), error, position).into() };
            let ast = self.look(engine, &name, &text).map_err(in_module)?;
            let inner = self::imports(&ast);
            self.loaded.looked_at(&name, text, ast);
            self.look_ahead(engine, &name, inner).map_err(in_module)?;
        }
        Ok(())
    }

    /// The module of a name, if it was loaded and is still what its file says.
    fn current(&self, name: &str, text: &str) -> Option<Shared<Module>> {
        let (module, _) = self.loaded.get(name)?;
        let is_current = !self.loaded.follows_changes() || self.is_current(name, text, &mut HashSet::new());
        is_current.then_some(module)
    }

    /// Whether a loaded module has this text, and all that it imports have theirs.
    /// Modules that were `seen` are looked at already.
    fn is_current(&self, name: &str, text: &str, seen: &mut HashSet<String>) -> bool {
        if !seen.insert(name.to_owned()) {
            return true;
        }
        let has_text = self.loaded.get(name).is_some_and(|(_, loaded)| loaded == text);
        has_text
            && self.loaded.imports(name).iter().all(|path| {
                let read = self.read(Some(name), path);
                read.is_ok_and(|(name, text)| self.is_current(&name, &text, seen))
            })
    }

    /// Whether `importer` is being loaded because `module` is. Closures of a module may import on
    /// threads of their own, so the thread does not tell.
    fn is_cycle(&self, importer: &str, module: &str) -> bool {
        let under_way = self.under_way();
        let mut because = vec![module];
        let mut n = 0;
        while let Some(loading) = because.get(n).copied() {
            let imported = under_way.iter().filter(|(by, _)| by == loading).map(|(_, of)| of.as_str());
            let new: Vec<&str> = imported.filter(|of| !because.contains(of)).collect();
            because.extend(new);
            n += 1;
        }
        because.contains(&importer)
    }

    fn under_way(&self) -> MutexGuard<'_, Vec<(String, String)>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The modules that a text imports by their names, and where it does.
pub(super) fn imports(ast: &AST) -> Vec<(String, Position)> {
    let mut found = Vec::new();
    ast.walk(&mut |path| {
        if let Some(ASTNode::Stmt(Stmt::Import(import, _))) = path.last()
            && let Expr::StringConstant(path, position) = &import.0
        {
            found.push((path.to_string(), *position));
        }
        true
    });
    found
}

fn cannot_read(path: &str, why: &Unread) -> String {
    format!("cannot read `{path}`: {why}")
}

/// Whether a function of this name is a closure: the engine names them so, and keeps its own test private.
pub(super) fn is_closure(name: &str) -> bool {
    name.starts_with("anon$")
}

/// Makes what a module imports known by the name that it gave to it.
fn name_imports(module: &mut Module) {
    let imported: Vec<_> =
        module.iter_sub_modules().map(|(name, of)| (in_text(name).to_owned(), Shared::clone(of))).collect();
    for (name, of) in imported {
        module.set_sub_module(name, of);
    }
}

/// Makes the closures of a module callable outside it, which the engine does not.
fn open_closures(module: &mut Module) {
    let closures: Vec<_> = module
        .iter_script_fn_info()
        .filter(|(_, _, name, ..)| is_closure(name))
        .map(|(.., def)| Shared::clone(def))
        .collect();
    for closure in closures {
        let hash = Module::new().set_script_fn(closure);
        #[expect(deprecated, reason = "its successor sets the namespace of new functions only")]
        module.update_fn_namespace(hash, FnNamespace::Global);
    }
    module.build_index();
}

/// What the engine asks for modules.
pub(super) struct Imports(pub Arc<Resolver>);

impl rhai::ModuleResolver for Imports {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, ScriptError> {
        self.0.resolve(engine, source, path, position)
    }
}

impl Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        position: Position,
    ) -> Result<Shared<Module>, ScriptError> {
        let refuse = |message: String| -> ScriptError {
            EvalAltResult::ErrorRuntime(format!("cannot import: {message}").into(), position).into()
        };
        let importer = source.unwrap_or_default();
        if let Some(module) = self.loaded.earlier(importer, path, position) {
            return Ok(module);
        }
        let (name, text) = self.read(source, path).map_err(refuse)?;
        if let Some(module) = self.current(&name, &text) {
            self.loaded.imported(importer, path, &name);
            return Ok(module);
        }
        if self.is_cycle(importer, &name) {
            return Err(refuse(format!("`{path}` imports itself")));
        }
        let import = (importer.to_owned(), name);
        self.under_way().push(import.clone());
        let module = self.load(engine, &import.1, &text, position);
        let mut under_way = self.under_way();
        if let Some(at) = under_way.iter().position(|other| *other == import) {
            under_way.swap_remove(at);
        }
        drop(under_way);
        let module = module?;
        self.loaded.imported(importer, path, &import.1);
        Ok(self.loaded.add(import.1, module, text))
    }
}
