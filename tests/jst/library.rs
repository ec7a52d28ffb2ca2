//! The library: what its functions say of themselves, and the examples in it, each run on the simulator.

use crate::support::jst;

/// The modules, as `jst help` lists them.
fn modules() -> Vec<String> {
    let listed = jst(["help"]).run().ok();
    let lines = listed.lines().filter_map(|line| line.split_whitespace().next());
    lines.filter(|word| word.starts_with("std/")).map(str::to_owned).collect()
}

/// The examples in what is said of a module, each with what it prints.
fn examples(said: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_inside = false;
    for line in said.lines() {
        let example = line.strip_prefix("      ");
        if let Some(line) = example {
            if !is_inside {
                found.push(Default::default());
            }
            let (text, printed) = found.last_mut().unwrap();
            text.push_str(line);
            text.push('\n');
            printed.extend(line.split_once("// → ").map(|(_, shown)| shown.to_owned()));
        }
        is_inside = example.is_some();
    }
    found
}

#[test]
fn examples_do_what_they_say() {
    let (mut count, mut wrong) = (0, Vec::new());
    // What `jst test` runs is no script by itself.
    for module in modules().into_iter().filter(|module| module != "std/testing") {
        let said = jst(["help", &module]).run().ok();
        for (example, printed) in examples(&said) {
            let ran = jst(["run", "--sim", "-q", "-"]).stdin(&example).run();
            let shown: Vec<&str> = ran.stdout.lines().collect();
            if ran.code != Some(0) || shown != printed {
                wrong.push(format!("{module}\n{example}{}\n{}", ran.stdout, ran.stderr));
            }
            count += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 50, "{count}");
}

#[test]
fn a_topic_is_found_without_its_folder_and_by_a_near_name() {
    for (topic, begins) in [("settle", "std/settle: "), ("settle::call", "settle::call("), ("batch_scale", "//")] {
        let said = jst(["help", topic]).run().ok();
        assert!(said.starts_with(begins), "{topic}: {said}");
    }
    for (topic, near) in [("scripts/node_lable", "scripts/node_label"), ("std/setle", "std/settle")] {
        let ran = jst(["help", topic]).run();
        let hint = format!("did you mean `{near}`?");
        assert!(ran.code == Some(2) && ran.stderr.contains(&hint), "{topic}: {}", ran.stderr);
    }
}
