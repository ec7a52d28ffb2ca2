//! The vendor's own clients against jst. They are Python and Node packages, so these tests need a Python
//! environment that has them, named by `JST_VENDOR_PYTHON`; `.ci/run` makes one. Without it they say, where
//! people can see it, that they were skipped.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::Command;

use crate::readme;
use crate::support::{jst, python, skipped};

fn run(script: &str) {
    let Some(python) = python(script) else { return };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vendor");
    let output =
        Command::new(python).args([script, env!("CARGO_BIN_EXE_jst")]).current_dir(root).output().expect("python");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let stdout = said(&output.stdout);
    assert!(output.status.success(), "{script}: {stdout}{}", said(&output.stderr));
    for line in stdout.lines().filter(|line| line.starts_with("SKIPPED")) {
        skipped(line);
    }
}

#[test]
fn requests_go_out_as_the_vendors_client_sends_them() {
    run("wire.py");
}

#[test]
fn version_3_is_signed_as_the_vendors_newer_client_signs_it() {
    run("wire_v3.py");
}

#[test]
fn the_same_files_and_variables_give_the_identity_that_the_vendors_chain_finds() {
    run("credentials.py");
}

#[test]
fn every_vendor_client_takes_the_simulator_for_the_service() {
    run("sdk.py");
}

/// Rows that have no value are listed with the reason, and no others are without one.
#[test]
fn every_documented_row_arrives_through_the_vendors_models() {
    run("rows.py");
}

/// From README's `$ jst sim` over the lines that it prints to the applications of the demo account.
#[test]
fn what_jst_sim_prints_to_paste_lists_the_applications() {
    let Some(python) = python("what jst sim prints") else { return };
    let (mut sim, _home) = jst(["sim", "--listen", "127.0.0.1:0"]).start();
    let mut lines = BufReader::new(sim.stdout.take().unwrap()).lines().map(Result::unwrap);
    let printed: Vec<String> = lines.by_ref().take_while(|line| line != "END").collect();
    let pasted: Vec<&str> =
        printed.iter().map(String::as_str).skip_while(|line| !line.starts_with("python3")).collect();
    let path =
        [Path::new(&python).parent().unwrap().as_os_str(), &std::env::var_os("PATH").unwrap()].join(":".as_ref());
    let pasted = pasted.join("\n") + "\nEND\n";
    let output = Command::new("sh").args(["-c", &pasted]).env("PATH", path).output().unwrap();
    sim.kill().unwrap();
    let mut log = String::new();
    sim.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    sim.wait().unwrap();
    let block = readme::text_block("$ jst sim");
    let address = printed[0].split(['/', ';']).nth(2).unwrap();
    let shown: Vec<String> = printed.iter().map(|line| line.replace(address, "127.0.0.1:8180")).collect();
    let shown: Vec<&str> = shown.iter().map(String::as_str).collect();
    assert!(readme::fits(&block.lines().skip(1).collect::<Vec<_>>(), &shown), "{block}\n{shown:#?}");
    let listed = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(listed.lines().next(), Some("1001 商城前台"), "{said}{log}");
    assert_eq!(listed.lines().count(), 12, "{listed}");
}
