//! What a run that goes on takes for done: every write once, whatever became of names, lists, places and answers since.

use std::io::{BufRead as _, BufReader};
use std::process::Command;

use serde_json::Value;

use crate::resume::World;
use crate::support::{Behaviour, Ran, Server, jst, until};

impl World {
    /// Runs the job, which ends with this code, and gives the run's id.
    fn ends_with(&self, code: i32, flags: &[&str]) -> String {
        let ran = self.jst(&[&["run"], flags, &[self.script().to_str().unwrap()]].concat()).run();
        assert_eq!(ran.code, Some(code), "{ran:#?}");
        self.listed()["id"].as_str().unwrap().to_owned()
    }

    fn listed(&self) -> Value {
        let list: Value = serde_json::from_str(&self.jst(&["runs"]).run().ok()).unwrap();
        list[0].clone()
    }

    fn told(&self, id: &str, flags: &[&str]) -> Value {
        serde_json::from_str(&self.jst(&[&["runs", id], flags].concat()).run().ok()).unwrap()
    }

    fn goes_on(&self, id: &str, flags: &[&str]) -> Ran {
        self.jst(&[&["run", "--resume", id], flags].concat()).run()
    }

    /// What the ledger says of one parameter of each write.
    fn written(&self, name: &str) -> Vec<String> {
        let text = |write: &Value| write["params"][name].to_string().trim_matches('"').to_owned();
        self.sim.ledger().iter().map(text).collect()
    }
}

/// Labels that the scripts here make.
const LABEL: &str = "fn label(v) { create_node_label(\"c-demo-test\", \"label.jst.com/once\", `${v}`).Code }\n";

#[test]
fn a_write_is_the_same_under_another_name_and_at_another_place() {
    let grant = |world: &World| format!("--allow-read={}", world.folder.path().display());
    for (script, before, after, made) in [
        // A list that has one more at its beginning.
        (
            "parallel(read_file(`${args[0]}/list`).split(\",\"), 2, |v| step(`make ${v}`, || label(v)));",
            "b,c,d",
            "a,b,c,d",
            &["a", "b", "c", "d"][..],
        ),
        // Steps that are named by what was read.
        (
            "let read = read_file(`${args[0]}/list`); for v in [\"a\", \"b\"] { step(`${read} ${v}`, || label(v)) }",
            "one",
            "two",
            &["a", "b"],
        ),
        // A step that is around others now, and one that no longer is.
        (
            "let both = || { step(\"a\", || label(\"a\")); step(\"b\", || label(\"b\")) };
             if read_file(`${args[0]}/list`) == \"flat\" { both.call() } else { step(\"both\", both) }",
            "flat",
            "deep",
            &["a", "b"],
        ),
    ] {
        let world =
            World::with(&format!("{LABEL}{script}\nif list_app().TotalCount < 999 {{ exit(70) }}"), &["--control"]);
        let folder = world.folder.path().to_str().unwrap().to_owned();
        let list = world.folder.path().join("list");
        std::fs::write(&list, before).unwrap();
        let script = world.script();
        let words = ["run", &grant(&world), script.to_str().unwrap(), &folder];
        assert_eq!(world.jst(&words).run().code, Some(70));
        std::fs::write(&list, after).unwrap();
        let id = world.listed()["id"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            let ran = world.goes_on(&id, &[&grant(&world)]);
            assert_eq!(ran.code, Some(70), "{ran:#?}");
        }
        let mut written = world.written("LabelValue");
        written.sort();
        assert_eq!(written, made, "{before} {after}");
    }
}

#[test]
fn a_step_that_became_a_bare_write_and_back_is_not_made_again() {
    let (bare, step) = ("label(\"a\");", "step(\"a\", || label(\"a\"));");
    for (first, second) in [(step, bare), (bare, step)] {
        let world = World::with(&format!("{LABEL}{first} exit(70)"), &["--control"]);
        let id = world.ends_with(70, &[]);
        std::fs::write(world.script(), format!("{LABEL}{second} print(\"end\")")).unwrap();
        let ran = world.goes_on(&id, &["--unprotected"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "end\n"), "{ran:#?}");
        assert_eq!(world.written("LabelValue"), ["a"]);
    }
}

#[test]
fn a_changed_script_makes_no_new_write_before_it_came_by_the_steps_that_were_there() {
    let world = World::with(&format!("{LABEL}step(\"a\", || label(\"a\")); exit(70)"), &["--control"]);
    let id = world.ends_with(70, &[]);
    std::fs::write(world.script(), format!("{LABEL}label(\"b\"); step(\"a\", || label(\"a\"))")).unwrap();
    let ran = world.goes_on(&id, &[]);
    assert!(
        ran.code == Some(30) && ran.stderr.contains("had the step `a` here, and now comes CreateNodeLabel"),
        "{ran:#?}"
    );
    assert_eq!(world.written("LabelValue"), ["a"]);
    // Behind them it makes what it likes.
    std::fs::write(world.script(), format!("{LABEL}step(\"a\", || label(\"a\")); label(\"b\")")).unwrap();
    assert_eq!(world.goes_on(&id, &[]).code, Some(0));
    assert_eq!(world.written("LabelValue"), ["a", "b"]);
}

#[test]
fn writes_that_failed_and_were_caught_do_not_keep_an_unchanged_script_from_going_on() {
    let scale = "for env in [3002, 3004, 3006] { try { scale_app(env, 4) } catch (e) { print(e.error) } } exit(70)";
    for (fault, said, made) in [
        ("ScaleApp:refusal:first=1:code=10500:text=busy", "api\n", ["3004", "3006", "3002"]),
        ("ScaleApp:close:first=1", "unknown_outcome\n", ["3004", "3006", "3002"]),
    ] {
        let world = World::with(scale, &["--control", "--fault", fault]);
        let ran = world.jst(&["run", world.script().to_str().unwrap()]).run();
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(70), said), "{ran:#?}");
        let id = world.listed()["id"].as_str().unwrap().to_owned();
        let ran = world.goes_on(&id, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(70), ""), "{fault}: {ran:#?}");
        assert_eq!(world.written("EnvId"), made, "{fault}");
    }
}

#[test]
fn a_script_that_looks_for_itself_says_so_of_its_own_step_only() {
    // The names of one begin like those of the other.
    let script = |done: bool| {
        format!(
            "try {{ step(\"scale 3\", || scale_app(3002, 4).Code, #{{ done: || {done} }}) }} catch {{}}
             try {{ step(\"scale 30\", || scale_app(3004, 4).Code) }} catch {{}} exit(70)"
        )
    };
    for (fault, done, of_the_other) in [("close", true, "applied"), ("lost", false, "applied")] {
        let world = World::with(&script(done), &["--control", "--fault", &format!("ScaleApp:{fault}:first=2")]);
        let id = world.ends_with(70, &[]);
        assert_eq!(world.goes_on(&id, &[]).code, Some(70));
        let writes = world.told(&id, &[]);
        let mut other = writes["writes"].as_array().unwrap().iter().filter(|write| write["params"]["EnvId"] == 3004);
        assert_eq!(other.next_back().unwrap()["outcome"], of_the_other, "{writes:#}");
        let scaled = world.written("EnvId");
        assert_eq!(scaled.iter().filter(|env| *env == "3004").count(), 1, "{scaled:?}");
    }
}

#[test]
fn a_later_write_to_the_same_thing_leaves_nothing_that_proves_an_earlier_one() {
    let create = "create_node_label(\"c-demo-test\", \"label.jst.com/once\", \"a\")";
    let delete = "delete_node_label(#{ClusterId: \"c-demo-test\", Force: true, LabelKey: \"label.jst.com/once\", LabelValue: \"a\"})";
    for (operation, first, second) in [
        (
            "UpdateApp",
            "update_app(#{AppId: 1001, Description: \"A\"})",
            "update_app(#{AppId: 1001, Description: \"B\"})",
        ),
        (
            "ModifySlbAP",
            "modify_slb_ap(#{SlbAPId: 5001, RealServerPort: 8081})",
            "modify_slb_ap(#{SlbAPId: 5001, RealServerPort: 9091})",
        ),
        ("CreateNodeLabel", create, delete),
    ] {
        for is_in_steps in [true, false] {
            let [first, second] = [(1, first), (2, second)].map(|(n, call)| match is_in_steps {
                true => format!("step(\"{n}\", || {call}.Code)"),
                false => call.to_owned(),
            });
            let script = format!("try {{ {first} }} catch {{}} {second}; exit(70)");
            let world = World::with(&script, &["--control", "--fault", &format!("{operation}:lost:first=1")]);
            let id = world.ends_with(70, &["--allow-destructive"]);
            let made = world.sim.ledger().len();
            let verified = world.told(&id, &["--verify"]);
            assert_eq!((made, &verified["writes"][0]["outcome"]), (2, &"unknown".into()), "{verified:#}");
            let ran = world.goes_on(&id, &["--allow-destructive"]);
            assert_eq!(ran.code, Some(11), "{operation}: {ran:#?}");
            let number = verified["writes"][0]["number"].to_string();
            let ran = world.goes_on(&id, &["--allow-destructive", "--assume-done", &number]);
            assert_eq!((ran.code, world.sim.ledger().len()), (Some(70), made), "{operation}: {ran:#?}");
        }
    }
}

#[test]
fn what_was_made_and_taken_away_again_is_not_made_once_more_by_a_resume() {
    let wait = "import \"std/wait\" as wait;";
    for (operation, script) in [
        // By other names of its parameters.
        (
            "DeleteDatabase",
            "try { delete_database(\"rm-demo-0001\", \"orders\") } catch {}
             wait::until(\"it is gone\", #{ every: 1, limit: 60 },
                || describe_databases(\"rm-demo-0001\").Result.Databases.all(|one| one.DBName != \"orders\"));
             create_db(#{DbInstanceId: \"rm-demo-0001\", DbName: \"orders\", CharacterSetName: \"utf8mb4\"});",
        ),
        // By an id that the answer would have told.
        (
            "CreateService",
            "try { step(\"make\", || create_service(#{EnvId: 3002, Name: \"scratch\", K8sServiceId: \"scratch\",
                ServiceType: \"ClusterIP\", PortMappings: [#{Protocol: \"TCP\", Port: 80, TargetPort: \"8080\", Name: \"http\"}]}).Code)
             } catch {}
             let made = paginate(\"ListServices\", #{AppId: 1001, EnvId: 3002}).find(|one| one.Name == \"scratch\");
             if made != () { delete_service(made.ServiceId); }",
        ),
    ] {
        let fault = format!("{operation}:lost:first=1");
        let script = format!("{wait}{script} exit(64)");
        let world = World::with(&script, &["--control", "--pace", "3600x", "--fault", &fault]);
        let id = world.ends_with(64, &["--allow-destructive"]);
        assert_eq!(world.sim.ledger().len(), 2, "{operation}");
        let verified = world.told(&id, &["--verify"]);
        assert_eq!(verified["writes"][0]["outcome"], "unknown", "{verified:#}");
        let ran = world.goes_on(&id, &["--allow-destructive"]);
        assert_eq!((ran.code, world.sim.ledger().len()), (Some(11), 2), "{operation}: {ran:#?}");
    }
}

#[test]
fn a_write_behind_another_one_that_changed_the_same_is_made() {
    let script = "
        let update = |to| update_app(#{AppId: 1002, BizTitle: \"t\", Description: to}).Code;
        let fresh = describe_app_detail(1002).Result.Description != \"closed\";
        if fresh { step(\"begin\", || update.call(\"open\")) }
        step(\"close\", || update.call(\"closed\"));
        if fresh { exit(64) }
        step(\"open again\", || update.call(\"open\"));";
    let world = World::with(script, &["--control"]);
    let id = world.ends_with(64, &[]);
    assert_eq!(world.goes_on(&id, &[]).code, Some(0));
    assert_eq!(world.written("Description"), ["open", "closed", "open"]);
}

#[test]
fn a_script_that_looks_for_itself_ends_where_it_would_have_without_a_stop() {
    let text = "fn text() { describe_app_detail(1001).Result.Description }
        fn put(d) { update_app(#{AppId: 1001, Description: d}).Code }
        let folder = args[0];
        let stop = |at| if read_file(`${folder}/list`) == at { exit(64) };\n";
    for (script, name, written) in [
        // std/settle and std/ensure name their steps by a part of what they write.
        (
            "import \"std/settle\" as settle;
             fn set(d) { if text() != d { settle::call(\"UpdateApp\", #{AppId: 1001, Description: d}, || text() == d); } }
             set(\"A\"); stop.call(\"stop\"); set(\"B\");",
            "Description",
            &["A", "B"][..],
        ),
        (
            "import \"std/ensure\" as ensure;
             ensure::grant(\"rm-demo-0001\", \"orders\", \"shop_rw\", \"ReadOnly\"); stop.call(\"stop\");
             ensure::grant(\"rm-demo-0001\", \"orders\", \"shop_rw\", \"ReadWrite\");",
            "AccountPrivilege",
            &["ReadOnly", "ReadWrite"],
        ),
        (
            "import \"std/ensure\" as ensure;
             fn mark(v) { ensure::label(\"c-demo-test\", \"i-demo-0013\", \"label.jst.com/zz\", v) }
             mark(\"v1\"); stop.call(\"stop\"); mark(\"v2\"); mark(\"v1\");",
            "LabelValue",
            &["v1", "v1", "v2", "v2", "v1"],
        ),
        // A person's word, and the script's own, are of the writes that they are about.
        (
            "step(\"one\", || { put(\"A\"); stop.call(\"stop\") }, #{ done: || true });
             step(\"two\", || put(\"B\")); step(\"three\", || put(\"A\"));",
            "Description",
            &["A", "B", "A"],
        ),
        (
            "if text() != \"B\" { step(\"to A\", || put(\"A\")); } step(\"to B\", || put(\"B\"));
             stop.call(\"stop\"); step(\"back to A\", || put(\"A\"));",
            "Description",
            &["A", "B", "A"],
        ),
    ] {
        let world = World::with(&format!("{text}{script}"), &["--control"]);
        let (folder, list) = (world.folder.path().to_str().unwrap().to_owned(), world.folder.path().join("list"));
        let grant = format!("--allow-read={folder}");
        std::fs::write(&list, "stop").unwrap();
        let file = world.script();
        let flags = ["run", &grant, "--allow-destructive", file.to_str().unwrap(), &folder];
        let ran = world.jst(&flags).run();
        assert_eq!(ran.code, Some(64), "{script}: {ran:#?}");
        std::fs::write(&list, "go").unwrap();
        let ran = world.goes_on(world.listed()["id"].as_str().unwrap(), &[&grant, "--allow-destructive"]);
        assert_eq!(ran.code, Some(0), "{script}: {ran:#?}");
        assert!(world.written(name).ends_with(&written.iter().map(|one| one.to_string()).collect::<Vec<_>>()), "{script}: {:?}", world.written(name));
        assert_eq!(world.written(name).iter().filter(|one| *one != "null").count(), written.len(), "{script}");
    }
}

#[test]
fn what_a_look_says_of_one_write_is_not_what_another_one_did() {
    let db = "create_db(#{DbInstanceId: \"rm-demo-0001\", DbName: \"once\", CharacterSetName: \"utf8mb4\"})";
    let grant = "grant_db_to_account(#{DbInstanceId: \"rm-demo-0001\", DbName: \"orders\", AccountName: \"shop_rw\", AccountPrivilege: \"ReadOnly\"})";
    for (script, fault, outcome) in [
        // A second one would have been refused if the first had been made.
        (format!("try {{ {db} }} catch {{}} {db};"), "CreateDb:close:first=1", "not_applied"),
        (
            format!(
                "step(\"g\", || try_call(\"ListApp\", #{{}}).ok); try {{ step(\"grant\", || {grant}.Code) }} catch {{}} delete_database(\"rm-demo-0001\", \"orders\");"
            ),
            "GrantDbToAccount:lost:first=1",
            "unknown",
        ),
    ] {
        let world = World::with(&format!("{script} exit(64)"), &["--control", "--pace", "3600x", "--fault", fault]);
        let id = world.ends_with(64, &["--allow-destructive"]);
        let verified = world.told(&id, &["--verify"]);
        assert_eq!(verified["writes"][0]["outcome"], outcome, "{verified:#}");
    }
    // What the resumed part itself undid proves nothing, either.
    let script = "let there = || paginate(\"ListNodeLabelBindings\", #{ClusterId: \"c-demo-test\", LabelKey: \"label.jst.com/once\", LabelValue: \"v\"}).len();
        let both = #{ClusterId: \"c-demo-test\", LabelKey: \"label.jst.com/once\", LabelValue: \"v\", InstanceId: \"i-demo-0013\"};
        step(\"label\", || create_node_label(\"c-demo-test\", \"label.jst.com/once\", \"v\").Code);
        if there.call() > 0 { step(\"clean\", || unbind_node_label(both).Code) }
        step(\"bind\", || bind_node_label(both).Code);";
    let world = World::with(script, &["--control", "--fault", "BindNodeLabel:lost:first=1"]);
    let id = world.ends_with(11, &[]);
    assert_eq!(world.goes_on(&id, &[]).code, Some(11));
    assert_eq!(world.sim.ledger().len(), 3, "label, bind, unbind");
}

#[test]
fn a_step_of_one_item_is_not_taken_for_that_of_another_in_its_place() {
    let text = "let text = |id| describe_app_detail(id).Result.Description;
        let left = [1001, 1002, 1003].filter(|id| text.call(id) != \"done\");";
    for (items, item, began, now) in [
        ("left", "id", "1001", "1003"),
        ("left.map(|id| #{AppId: id, Title: `${id}`, Left: left.len()})", "id.AppId", "AppId=1001", "AppId=1003"),
    ] {
        let mark = format!("update_app(#{{AppId: {item}, BizTitle: \"t\", Description: \"done\"}}).Code");
        let script = format!(
            "{text} parallel({items}, 1, |id| step(\"mark\", || {{ if {item} == 1003 {{ exit(64) }} {mark} }}));"
        );
        let world = World::with(&script, &["--control"]);
        let id = world.ends_with(64, &[]);
        let ran = world.goes_on(&id, &[]);
        let said = format!("the step `[0]/mark` was begun for {began}, and that place of the list is {now} now");
        assert!(ran.code == Some(30) && ran.stderr.contains(&said), "{ran:#?}");
        assert_eq!(world.written("AppId"), ["1001", "1002"]);
    }
}

#[test]
fn an_item_takes_nothing_from_a_finished_step_of_another_one() {
    let script = "
        parallel([1, 2], 1, |i| step(`touch ${i}`, || {
            if i == 1 && describe_app_detail(1003).Result.Description != \"touched\" { throw \"not yet\" }
            update_app(#{AppId: 1003, BizTitle: \"t\", Description: \"touched\"});
            print(`touched by ${i}`);
            i
        }));";
    let world = World::with(script, &["--control"]);
    let first = world.jst(&["run", world.script().to_str().unwrap()]).run();
    assert_eq!((first.code, first.stdout.as_str()), (Some(1), "touched by 2\n"), "{first:#?}");
    let ran = world.goes_on(world.listed()["id"].as_str().unwrap(), &[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "touched by 1\n"), "{ran:#?}");
    assert_eq!(world.written("AppId"), ["1003", "1003"]);
}

#[test]
fn of_writes_that_each_make_an_order_as_many_took_effect_as_there_are_orders() {
    let script = "step(\"scale\", || { try { scale_app(3002, 4) } catch {} scale_app(3002, 5).Code }); exit(64)";
    let world = World::with(script, &["--control", "--pace", "3600x", "--fault", "ScaleApp:close:first=1"]);
    let id = world.ends_with(64, &[]);
    let verified = world.told(&id, &["--verify"]);
    let writes = verified["writes"].as_array().unwrap();
    let told: Vec<&str> = writes.iter().map(|write| write["outcome"].as_str().unwrap()).collect();
    assert_eq!((told, world.sim.ledger().len()), (vec!["not_applied", "applied"], 1), "{verified:#}");
}

#[test]
fn the_flags_that_decide_are_those_that_are_told() {
    let script = "let both = [#{SchemaId: 2001}, #{SchemaId: 2013}];
        step(\"clean\", || call_all(\"DeleteDeployConfig\", both, #{concurrency: 1}).len())";
    let world = World::with(script, &["--control", "--fault", "DeleteDeployConfig:close:first=2"]);
    let id = world.ends_with(11, &["--allow-destructive"]);
    let mut flags = vec!["--allow-destructive".to_owned()];
    let goes_on = |flags: &[String]| world.goes_on(&id, &flags.iter().map(String::as_str).collect::<Vec<_>>());
    for _ in 0..2 {
        let ran = goes_on(&flags);
        assert_eq!(ran.code, Some(11), "{ran:#?}");
        let told = ran.stderr.split("--assume-done '").nth(1).unwrap();
        flags.extend(["--assume-done".to_owned(), told.split('\'').next().unwrap().to_owned()]);
    }
    let ran = goes_on(&flags);
    assert_eq!((ran.code, world.sim.ledger().len()), (Some(0), 0), "{ran:#?}");
}

#[test]
fn a_value_that_somebody_else_set_since_proves_nothing() {
    for (set, outcome, resumed) in [
        // As it was before: nothing took effect.
        ("()", "not_applied", Some(70)),
        ("update_app(#{AppId: 1001, Description: \"a colleague's\"})", "unknown", Some(11)),
    ] {
        let script = "try { update_app(#{AppId: 1001, Description: \"ours\"}) } catch {} exit(70)";
        let world = World::with(script, &["--control", "--fault", "UpdateApp:close:first=1"]);
        let id = world.ends_with(70, &[]);
        world.jst(&["--no-journal", "eval", set]).run().ok();
        let verified = world.told(&id, &["--verify"]);
        assert_eq!(verified["writes"][0]["outcome"], outcome, "{verified:#}");
        assert_eq!(world.goes_on(&id, &[]).code, resumed);
    }
}

#[test]
fn a_step_that_a_person_says_is_done_leaves_nothing_unknown() {
    let script = "step(\"drop\", || { step(\"inner\", || delete_deploy_config(2013).Code); 1 }); print(\"end\")";
    let world = World::with(script, &["--control", "--fault", "DeleteDeployConfig:lost:first=1"]);
    let id = world.ends_with(11, &["--allow-destructive"]);
    let ran = world.goes_on(&id, &["--assume-done", "drop"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), "end\n"), "{ran:#?}");
    let told = world.told(&id, &[]);
    let write = &told["writes"][0];
    let expected = (&"applied".into(), &"a person".into(), &0.into());
    assert_eq!((&write["outcome"], &write["settled_by"], &told["unknown"]), expected, "{told:#}");
}

#[test]
fn a_write_that_was_given_up_between_two_attempts_was_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let journal = folder.path().join("j.db");
    let throttled = r#"{"Code": "Throttling.User", "Message": "wait", "RequestId": "r-1"}"#;
    let server = Server::new(vec![Behaviour::Answer(400, "x-acs-retry-after: 20000\r\n", throttled.to_owned())]);
    let run = |args: &[&str]| jst(args).env("JST_JOURNAL", &journal).fake_key();
    let (mut child, _home) = run(&["--endpoint", &server.url(), "eval", "scale_app(3002, 4)"]).start();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("sending again")));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    let said: Vec<String> = lines.collect();
    let is_left = said.iter().any(|line| line.contains("0 have an unknown outcome, 1 were not made"));
    assert!(child.wait().unwrap().code() == Some(130) && is_left, "{said:#?}");
    let list: Value = serde_json::from_str(&run(&["runs"]).run().ok()).unwrap();
    let told: Value = serde_json::from_str(&run(&["runs", list[0]["id"].as_str().unwrap()]).run().ok()).unwrap();
    let write = &told["writes"][0];
    assert_eq!((&write["outcome"], &told["unknown"]), (&"not_sent".into(), &0.into()), "{told:#}");
}

#[test]
fn what_a_script_was_told_is_the_same_to_the_last_bit() {
    let script = "let told = []; for n in 0..500 { told.push(random()) }
        let kept = step(\"kept\", || told.map(|n| n / 3.0));
        print(told); print(kept); exit(70)";
    let world = World::with(script, &[]);
    let first = world.jst(&["run", world.script().to_str().unwrap()]).run();
    let ran = world.goes_on(world.listed()["id"].as_str().unwrap(), &[]);
    assert_eq!((ran.code, ran.stdout), (Some(70), first.stdout));
}

#[test]
fn a_long_log_takes_no_room_from_what_a_script_is_told() {
    let script = "for n in 0..10001 { log::info(\"x\") } print(random()); exit(70)";
    let world = World::with(script, &[]);
    let first = world.jst(&["run", world.script().to_str().unwrap()]).run();
    let ran = world.goes_on(world.listed()["id"].as_str().unwrap(), &[]);
    assert_eq!((ran.code, ran.stdout), (Some(70), first.stdout));
    let script = "for n in 0..10001 { random() }";
    let world = World::with(script, &[]);
    let ran = world.jst(&["run", world.script().to_str().unwrap()]).run();
    assert!(ran.code == Some(0) && ran.stderr.matches("is told something else").count() == 1, "{ran:#?}");
}

#[test]
fn a_journal_that_goes_away_stops_the_run_before_its_next_write() {
    let script = format!("{LABEL}for v in [\"a\", \"b\", \"c\"] {{ label(v) }}");
    let world = World::with(&script, &["--control", "--fault", "CreateNodeLabel:latency:ms=1000"]);
    let (child, _home) = world.jst(&["--timeout", "10s", "run", world.script().to_str().unwrap()]).start();
    until(|| !world.sim.ledger().is_empty());
    let moved = Command::new("mv").current_dir(world.folder.path()).args(["journal.db", "elsewhere.db"]).status();
    assert!(moved.unwrap().success());
    let ran = Ran::of(child);
    assert!(
        ran.code == Some(21) && ran.stderr.contains("it was moved or deleted while the run wrote to it"),
        "{ran:#?}"
    );
    assert_eq!(world.written("LabelValue"), ["a"]);
}

#[test]
fn looking_for_a_difference_tells_of_a_write_that_is_gone() {
    let world = World::with(&format!("{LABEL}step(\"a\", || label(\"a\")); label(\"b\"); exit(70)"), &["--control"]);
    let id = world.ends_with(70, &[]);
    std::fs::write(world.script(), format!("{LABEL}step(\"a\", || label(\"a\"));")).unwrap();
    let ran = world.goes_on(&id, &["--check-only"]);
    let is_told = ran.stdout.contains("which the script no longer makes; it makes nothing instead");
    assert!(ran.code == Some(4) && is_told, "{ran:#?}");
}
