//! The simulator against Kubernetes' documented rules: every row of `tests/golden/kubernetes.md`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::{Change, Conclusion, Phase, Status};
use crate::sim::demo::START;
use crate::sim::engine::applications::tests::Account;
use crate::sim::engine::call::Trouble;
use crate::sim::engine::cluster::{JOINED_AFTER, MachineType, RUNNING_AFTER, add_machine};
use crate::sim::engine::state::State;

const TABLE: &str = include_str!("../../../../../tests/golden/kubernetes.md");

/// An environment by itself, and what its pods' counts have been.
struct Stage {
    account: Account,
    env: i64,
    nodes: usize,
    order: i64,
    seen: [Vec<i64>; 3],
}

impl Stage {
    /// An environment of this kind with so many pods, in a cluster with so many nodes.
    fn set(seed: u64, stateful: bool, pods: i64, nodes: usize) -> Self {
        let mut account = Account(State::empty(START));
        account.0.seed = seed;
        let result = |reply: Value, name: &str| reply["Result"][name].clone();
        let cluster = json!({
            "BusinessCode": "JST", "ClusterEnvType": "TEST", "ClusterTitle": "x", "ClusterType": "Standard",
            "RegionId": "r", "VpcId": "v", "Vswitchids": ["s"], "PodCIDR": "10.0.0.0/16", "ServiceCIDR": "10.1.0.0/20",
        });
        let cluster = result(account.ok("CreateCluster", cluster), "ClusterInstanceId");
        account.0.advance(START + RUNNING_AFTER);
        let kind = if stateful { "StatefulSet" } else { "Deployment" };
        let app = json!({"Title": "x", "OperatingSystem": "Linux", "StateType": if stateful { 2 } else { 1 }});
        let app = result(account.ok("CreateApp", app), "AppId");
        let manifest = format!(
            "kind: {kind}\nmetadata:\n  name: web\nspec:\n  template:\n    spec:\n      containers:\n        - name: app\n          \
             image: web:1\n          resources:\n            requests:\n              cpu: 1100m\n",
        );
        let config = json!({"AppId": app, "EnvType": "test", "Name": "x", kind: STANDARD.encode(manifest)});
        let config = result(account.ok("CreateDeployConfig", config), "SchemaId");
        let env = json!({
            "AppId": app, "AppSchemaId": config, "EnvName": "x", "EnvType": 0, "Region": "r", "Replicas": pods,
            "ClusterId": cluster,
        });
        let env = result(account.ok("CreateEnvironment", env), "AppEnvId").as_i64().unwrap();
        let mut stage = Self { account, env, nodes: 0, order: 0, seen: Default::default() };
        (0..nodes).for_each(|_| stage.add_node());
        stage.play("deploy 1");
        stage.seen = Default::default();
        stage.look();
        stage
    }

    fn add_node(&mut self) {
        let (id, cluster) =
            (format!("i-{}", self.nodes), self.account.data("ListCluster", json!({}))[0]["InstanceId"].clone());
        self.nodes += 1;
        add_machine(&mut self.account.0, &id, "v", "r", MachineType::Cpus4);
        self.account.ok("AddClusterNode", json!({"ClusterInstanceId": cluster, "EcsInstanceIdList": [id]}));
        self.account.0.advance(self.account.0.now + JOINED_AFTER);
    }

    /// Notes the counts where they changed, and that no more pods are ready than there are.
    fn look(&mut self) {
        let release = &self.account.0.release;
        let pods: Vec<_> =
            release.pods_of_env(self.env).filter(|pod| !matches!(pod.phase, Phase::Stopping | Phase::Gone)).collect();
        let orders = release.orders.values().filter(|order| order.env_id == self.env);
        let revision = orders.filter(|order| order.change == Change::Deploy).map(|order| order.id).max();
        let count = |of: usize| i64::try_from(of).unwrap();
        let updated = pods.iter().filter(|pod| Some(release.orders[&pod.order].revision) == revision).count();
        let ready = pods.iter().filter(|pod| pod.phase == Phase::Healthy).count();
        for (seen, now) in self.seen.iter_mut().zip([count(pods.len()), count(updated), count(ready)]) {
            if seen.last() != Some(&now) {
                seen.push(now);
            }
        }
    }

    /// Lets the next thing happen.
    fn go_on(&mut self) -> Option<Timestamp> {
        let at = self.account.0.next_event()?;
        self.account.0.advance(at);
        self.look();
        Some(at)
    }

    fn play(&mut self, step: &str) {
        let (step, waits) = step.strip_suffix(" &").map_or((step, true), |step| (step, false));
        let words: Vec<&str> = step.split(' ').collect();
        match words[..] {
            ["scale", replicas] => self.release("ScaleApp", json!({"Replicas": number(replicas)}), None),
            ["crash", "scale", replicas] => {
                self.release("ScaleApp", json!({"Replicas": number(replicas)}), Some(Trouble::CrashLoop));
            }
            ["deploy", partitions] => self.deploy(partitions, "none", None),
            ["deploy", partitions, pause] => self.deploy(partitions, pause, None),
            ["crash", "deploy", partitions] => self.deploy(partitions, "none", Some(Trouble::CrashLoop)),
            ["fail", at, "deploy", partitions] => {
                self.deploy(partitions, "none", Some(Trouble::FailAtPartition(number(at))));
            }
            ["resume"] => self.control("ResumeDeploy"),
            ["close"] => self.control("CloseDeployOrder"),
            ["node"] => self.add_node(),
            ["replicas", replicas] => {
                let app = self.account.0.applications.env(self.env).unwrap().app_id;
                let update = json!({"AppId": app, "AppEnvId": self.env, "Replicas": number(replicas)});
                self.account.ok("UpdateEnvironment", update);
            }
            _ => panic!("{step}"),
        }
        self.look();
        if waits {
            while self.go_on().is_some() {}
        } else {
            self.go_on().unwrap();
        }
    }

    fn deploy(&mut self, partitions: &str, pause: &str, trouble: Option<Trouble>) {
        let params = json!({"Name": "x", "TotalPartitions": number(partitions), "PauseType": pause});
        self.release("DeployApp", params, trouble);
    }

    fn release(&mut self, action: &str, mut params: Value, trouble: Option<Trouble>) {
        params["EnvId"] = self.env.into();
        let result = match trouble {
            Some(trouble) => self.account.troubled(action, params, trouble),
            None => self.account.ok(action, params)["Result"].clone(),
        };
        self.order = result["DeployOrderId"].as_i64().unwrap();
    }

    fn control(&mut self, action: &str) {
        self.account.ok(action, json!({"DeployOrderId": self.order}));
    }

    fn outcome(&self) -> &'static str {
        let order = &self.account.0.release.orders[&self.order];
        match (order.status, order.result) {
            (Status::Running, _) => "running",
            (Status::Paused, _) => "paused",
            (Status::Finished, Conclusion::Succeeded) => "succeeded",
            (Status::Finished, Conclusion::Closed) => "closed",
            (Status::Finished, _) => "failed",
        }
    }
}

fn number(text: &str) -> i64 {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

#[test]
fn pods_come_and_go_as_in_kubernetes() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .filter(|line| line.starts_with("| D ") || line.starts_with("| S "))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 50, "{}", rows.len());
    for row in &rows {
        let [kind, start, steps, replicas, updated, ready, order, rules] = row[..] else { panic!("{row:?}") };
        assert!(rules.split(' ').all(|rule| (1..=9).contains(&number(rule))), "{row:?}");
        // Each node has room for 3.
        let (pods, nodes) = match start.split_once('/') {
            Some((pods, room)) => (number(pods), usize::try_from(number(room) / 3).unwrap()),
            None => (number(start), 10),
        };
        // However long each step takes.
        for seed in 0..5 {
            let mut stage = Stage::set(seed, kind == "S", pods, nodes);
            steps.split("; ").for_each(|step| stage.play(step));
            let seen = stage.seen.clone().map(|counts| {
                let counts: Vec<String> = counts.iter().map(i64::to_string).collect();
                counts.join(" ")
            });
            assert_eq!(seen, [replicas, updated, ready], "{row:?}");
            assert_eq!(stage.outcome(), order, "{row:?}");
        }
    }
}
