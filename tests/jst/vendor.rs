//! The vendor's own clients against jst. They are Python packages, so these tests need a Python that has
//! them, named by `JST_VENDOR_PYTHON`; `.ci/run` makes one. Without it they say that they were skipped.

use std::process::Command;

fn run(script: &str) {
    let Some(python) = std::env::var_os("JST_VENDOR_PYTHON").filter(|path| !path.is_empty()) else {
        eprintln!("SKIPPED {script}: JST_VENDOR_PYTHON names no Python with tests/vendor/requirements.txt installed");
        return;
    };
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vendor");
    let output =
        Command::new(python).args([script, env!("CARGO_BIN_EXE_jst")]).current_dir(root).output().expect("python");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}: {}{}", said(&output.stdout), said(&output.stderr));
}

#[test]
fn requests_go_out_as_the_vendors_client_sends_them() {
    run("wire.py");
}

#[test]
fn both_sdks_take_the_simulator_for_the_service() {
    run("sdk.py");
}
