//! What could come next on a line: function names, parameter keys, action names, properties. Pure.

use crate::catalogue::{self, Check, Effect, Field, Param, Scalar, Shape, Type};
use crate::repl::commands;
use crate::repl::context::{Base, Place, Receiver};

/// Where the word under the cursor begins, and what it could become.
#[derive(Debug, PartialEq)]
pub(crate) struct Completion {
    /// The byte where the word begins.
    pub start: usize,
    /// What could stand in its place: what changes nothing first, what destroys last.
    pub candidates: Vec<String>,
}

/// What a session knows beside the catalogue.
pub(crate) trait Known {
    /// The functions and variables.
    fn names(&self) -> Vec<String>;

    /// The variables and functions that the person made.
    fn own(&self) -> Vec<String>;

    /// What may follow a dot behind a variable and properties of it.
    fn members(&self, variable: &str, path: &[String]) -> Vec<String>;
}

/// A session that knows nothing.
impl Known for () {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn own(&self) -> Vec<String> {
        Vec::new()
    }

    fn members(&self, _: &str, _: &[String]) -> Vec<String> {
        Vec::new()
    }
}

/// What is put in for a Tab at the beginning of a line within a block.
const INDENT: &str = "    ";

/// Completes the word that ends at `cursor`; the case of what is typed does not matter.
pub(crate) fn complete(line: &str, cursor: usize, known: &dyn Known) -> Completion {
    let before = line.get(..cursor).unwrap_or(line);
    let start = word_start(before);
    let word = before.get(start..).unwrap_or_default();
    let above = before.get(..start).unwrap_or_default();
    let typed = simple(word);
    let mut candidates = possible(above, word, known);
    // As it is typed where that fits anything.
    let is_exact = candidates.iter().any(|candidate| candidate.starts_with(word));
    candidates.retain(|found| if is_exact { found.starts_with(word) } else { simple(found).starts_with(&typed) });
    candidates.sort_by_cached_key(|candidate| (danger(candidate), candidate.clone()));
    candidates.dedup();
    Completion { start, candidates }
}

/// What could stand behind `above`, whatever was typed of it.
fn possible(above: &str, word: &str, known: &dyn Known) -> Vec<String> {
    let actions = || catalogue::operations().map(|operation| operation.action.to_owned());
    let functions = || catalogue::operations().map(|operation| operation.function.to_owned());
    let names = || functions().chain(known.names());
    let command_names = || commands::COMMANDS.iter().map(|(name, _)| (*name).to_owned());
    let is_blank = word.is_empty() && above.rsplit('\n').next().is_some_and(|line| line.trim().is_empty());
    if word.starts_with(|c: char| c.is_ascii_digit()) {
        return Vec::new();
    }
    match Place::of(above) {
        Place::Key(params, given) => {
            let open = params.iter().filter(|param| !given.iter().any(|name| name == param.name));
            open.map(|param| format!("{}: ", param.name)).collect()
        }
        Place::Value(param, in_quotes) => match (values(param, in_quotes), in_quotes) {
            (Some(values), _) => values,
            (None, true) => Vec::new(),
            (None, false) => names().collect(),
        },
        Place::Action => actions().collect(),
        Place::Topic => actions().chain(names()).collect(),
        Place::Member(receiver) => members(&receiver, known),
        Place::Nothing => Vec::new(),
        Place::Code if word.starts_with(':') => command_names().collect(),
        Place::Code if is_blank && above.contains('\n') => vec![INDENT.to_owned()],
        Place::Code if is_blank => command_names().chain(known.own()).collect(),
        Place::Code => names().collect(),
    }
}

/// A word without what does not matter: case, and the underscores that tell a function from its action.
fn simple(word: &str) -> String {
    word.replace('_', "").to_lowercase()
}

/// Names of operations behind each other by what they may do.
fn danger(name: &str) -> u8 {
    match catalogue::find(name).map(|operation| operation.effect) {
        None | Some(Effect::Read) => 0,
        Some(Effect::Write) => 1,
        Some(Effect::Destructive) => 2,
    }
}

/// The values of a parameter that takes certain ones only.
fn values(param: &Param, in_quotes: bool) -> Option<Vec<String>> {
    let is_text = matches!(param.ty, Type::Scalar(Scalar::String) | Type::List(Scalar::String));
    if matches!(param.ty, Type::Scalar(Scalar::Boolean)) {
        return Some(vec!["true".to_owned(), "false".to_owned()]);
    }
    let values = param.checks.iter().find_map(|check| match check {
        Check::OneOf(values) => Some(*values),
        _ => None,
    })?;
    let written = |value: &&str| if is_text && !in_quotes { format!("\"{value}\"") } else { (*value).to_owned() };
    Some(values.iter().map(written).collect())
}

/// What may follow a dot.
fn members(receiver: &Receiver, known: &dyn Known) -> Vec<String> {
    match &receiver.base {
        Base::Variable(name) => known.members(name, &receiver.path),
        Base::Call(function) => {
            let Some(operation) = catalogue::find(function) else { return Vec::new() };
            let mut fields: &[Field] = operation.reply;
            for name in &receiver.path {
                let field = fields.iter().find(|field| field.name == name);
                fields = match field.map(|field| field.shape) {
                    Some(Shape::Object(inner) | Shape::Objects(inner)) => inner,
                    _ => &[],
                };
            }
            fields.iter().map(|field| field.name.to_owned()).collect()
        }
    }
}

/// Where the word that ends a text begins: a name, with the module before it, or a command.
fn word_start(text: &str) -> usize {
    let name = |text: &str| text.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').len();
    let start = name(text);
    match text.get(..start) {
        Some(":") => 0,
        Some(before) => before.strip_suffix("::").map_or(start, name),
        None => start,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Session;

    impl Known for Session {
        fn names(&self) -> Vec<String> {
            ["scaled", "envs", "log::info", "delete_all"].map(str::to_owned).to_vec()
        }

        fn own(&self) -> Vec<String> {
            vec!["envs".to_owned()]
        }

        fn members(&self, variable: &str, path: &[String]) -> Vec<String> {
            vec![format!("{variable}_{}", path.join("_"))]
        }
    }

    #[test]
    fn the_word_under_the_cursor_is_completed() {
        let table: &[(&str, usize, &[&str])] = &[
            ("scale", 0, &["scaled", "scale_app"]),
            ("let x = env", 8, &["envs"]),
            ("scale_app(#{Env", 12, &["EnvId: "]),
            ("scale_app(#{EnvId: 1, Repl", 22, &["Replicas: "]),
            ("scale_app(#{EnvId: env", 19, &["envs"]),
            ("call(\"ScaleA", 6, &["ScaleApp"]),
            ("paginate(\"ListApp\", #{Page", 22, &["PageNumber: ", "PageSize: "]),
            ("print(\"scale", 7, &[]),
            ("create_service(#{EnvId: 1, PortMappings: [ #{Nod", 45, &["NodePort: "]),
            ("if true { scale_a", 10, &["scale_app"]),
            ("return scale_app(#{Repl", 19, &["Replicas: "]),
            ("scale_app(#{EnvId:env", 18, &["envs"]),
            ("scale_app(#{\n  EnvId: 1,\n  Repl", 27, &["Replicas: "]),
            ("call_all(\"ScaleApp\", [#{Repl", 24, &["Replicas: "]),
            ("log::in", 0, &["log::info"]),
            ("x + log::in", 4, &["log::info"]),
            (":q", 0, &[":quit"]),
            (":help ScaleA", 6, &["ScaleApp"]),
            (":help scale_a", 6, &["scale_app"]),
            // The case of what is typed does not matter.
            ("call(\"scale", 6, &["ScaleApp"]),
            ("call(\"scale_a", 6, &["ScaleApp"]),
            ("SCALE", 0, &["scaled", "scale_app"]),
            ("scale_app(#{env", 12, &["EnvId: "]),
            // What is given is not offered again.
            ("scale_app(#{EnvId: 1, ", 22, &["Replicas: ", "TotalPartitions: "]),
            ("scale_app(#{EnvId: 1, Replicas: 2, ", 35, &["TotalPartitions: "]),
            // What a parameter may be.
            ("create_service(#{ServiceType: ", 30, &["\"ClusterIP\"", "\"NodePort\""]),
            ("create_service(#{ServiceType: \"", 31, &["ClusterIP", "NodePort"]),
            ("create_service(#{ServiceType: \"clu", 31, &["ClusterIP"]),
            ("create_service(#{Name: \"w", 24, &[]),
            ("delete_node_label(#{Force: ", 27, &["false", "true"]),
            // What is no code of names.
            ("let x = 12", 8, &[]),
            ("// scale", 3, &[]),
            ("1 /* scale", 5, &[]),
            ("1 /* a */ + env", 12, &["envs"]),
            ("// a\nenv", 5, &["envs"]),
            // What has members.
            ("envs.", 5, &["envs_"]),
            ("envs[0].Data[f(1)].", 19, &["envs_Data"]),
            ("envs?.E", 6, &["envs_"]),
            ("scale_app(1, 2).Re", 16, &["RequestId", "Result"]),
            ("scale_app(1, 2).Result.Admi", 23, &["Admitted"]),
            ("list_app().Data[0].Tit", 19, &["Title"]),
            ("f(1).", 5, &[]),
            ("1.", 2, &[]),
            ("for n in 0..env", 12, &["envs"]),
            // What destroys comes last.
            ("dele", 0, &["delete_all"]),
            // A line without anything.
            ("", 0, &[":all", ":help", ":ops", ":quit", "envs"]),
            ("fn f() {\n", 9, &["    "]),
        ];
        for &(line, start, expected) in table {
            let mut found = complete(line, line.len(), &Session);
            if line == "dele" {
                assert!(found.candidates.len() > 3);
                found.candidates.truncate(1);
            }
            assert_eq!(
                (found.start, found.candidates.as_slice()),
                (start, expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>().as_slice()),
                "{line}"
            );
        }
    }

    #[test]
    fn odd_lines_do_no_harm() {
        for line in [
            "",
            "}}}",
            "#{",
            "\"",
            "`\\",
            "聚石塔",
            "(((([",
            "scale_app(#{聚",
            ".",
            "..",
            ")].",
            "].",
            "/*",
            "/",
            "聚.",
        ] {
            complete(line, line.len(), &Session);
            complete(line, 1, &Session);
        }
    }
}
