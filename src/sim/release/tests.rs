#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
use serde_json::json;

#[test]
fn look() {
    let mut state = crate::sim::demo::account().unwrap();
    println!("{}", state.now);
    for (op, p) in [
        ("ListApp", json!({})),
        ("ListAppEnvironment", json!({"AppId": 1012})),
        ("DescribeDeployOrderDetail", json!({"DeployOrderId": 4001})),
        ("ListPods", json!({"DeployOrderId": 4001})),
        ("ListAppInstance", json!({"AppId": 1001, "EnvId": 3002})),
        ("ListAppInstance", json!({"AppId": 1006, "EnvId": 3012})),
        ("ListDeployOrders", json!({"AppId": 1005, "EnvId": 3010})),
        ("ListDeployOrders", json!({"AppId": 1006})),
        ("ListDeployConfig", json!({"AppId": 1012})),
    ] {
        println!("{op} {}", serde_json::to_string_pretty(&state.perform(op, p).unwrap()).unwrap());
    }
}
