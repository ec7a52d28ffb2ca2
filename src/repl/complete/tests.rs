//! Tests of `complete`.

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
    for line in
        ["", "}}}", "#{", "\"", "`\\", "聚石塔", "(((([", "scale_app(#{聚", ".", "..", ")].", "].", "/*", "/", "聚."]
    {
        complete(line, line.len(), &Session);
        complete(line, 1, &Session);
    }
}
