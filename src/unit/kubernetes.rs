//! A CronJob, and the claim that its journal is kept in.

use serde_json::{Value, json};

use super::{Plan, profile_note};

/// Exit codes after which the same run would end the same way, or a person has to look first.
const FINAL: [u8; 10] = [1, 2, 3, 4, 10, 11, 20, 21, 30, 42];

/// How often a run is begun again that could not reach the service.
const AGAIN: u64 = 3;

/// Seconds that Kubernetes waits before a Job's second pod; before each later one it is twice as long, up to the most.
const BACK_OFF: u64 = 10;
const MOST_BACK_OFF: u64 = 360;

/// Where a container has its state, and the scripts.
pub(super) const STATE: &str = "/var/lib/jst";
const SCRIPTS: &str = "/scripts";

/// Both, as YAML. What is JSON is YAML, too: one document a resource.
pub(super) fn text(plan: &Plan) -> String {
    let name = plan.name();
    format!(
        "# The script, with the modules beside it:  kubectl create configmap {name} --from-file=FOLDER\n\
         # The access key:  kubectl create secret generic jst-credentials --from-literal=ALIBABA_CLOUD_ACCESS_KEY_ID=… \
         --from-literal=ALIBABA_CLOUD_ACCESS_KEY_SECRET=…\n\
         {}---\n{}---\n{}",
        profile_note(plan, "#"),
        yaml(&claim(plan, &name), 0),
        yaml(&cron_job(plan, &name), 0),
    )
}

fn claim(plan: &Plan, name: &str) -> Value {
    // Pods of many shards may be on many nodes.
    let mode = if plan.shards > 1 { "ReadWriteMany" } else { "ReadWriteOnce" };
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": format!("{name}-state")},
        "spec": {"accessModes": [mode], "resources": {"requests": {"storage": "1Gi"}}},
    })
}

fn cron_job(plan: &Plan, name: &str) -> Value {
    let mut job = json!({
        "backoffLimit": AGAIN,
        "activeDeadlineSeconds": longest(plan),
        "ttlSecondsAfterFinished": 7 * 24 * 3600,
        "podFailurePolicy": {"rules": [
            {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
            {"action": "FailJob", "onExitCodes": {"containerName": "jst", "operator": "In", "values": FINAL}},
        ]},
        "template": {"spec": pod(plan, name)},
    });
    if let (Value::Object(job), true) = (&mut job, plan.shards > 1) {
        job.insert("completionMode".to_owned(), "Indexed".into());
        job.insert("completions".to_owned(), plan.shards.into());
        job.insert("parallelism".to_owned(), plan.shards.into());
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "schedule": plan.schedule.kubernetes(),
            "timeZone": plan.zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": 600,
            "jobTemplate": {"spec": job},
        },
    })
}

/// The longest that a Job takes: all of its pods, and the wait before each but the first.
fn longest(plan: &Plan) -> u64 {
    let waits = (0..AGAIN).map(|failed| MOST_BACK_OFF.min(BACK_OFF << failed));
    plan.longest() * (AGAIN + 1) + waits.sum::<u64>()
}

fn pod(plan: &Plan, name: &str) -> Value {
    json!({
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": plan.ending(),
        "automountServiceAccountToken": false,
        "securityContext": {"runAsNonRoot": true, "runAsUser": 65532, "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container(plan)],
        "volumes": [
            {"name": "state", "persistentVolumeClaim": {"claimName": format!("{name}-state")}},
            {"name": "scripts", "configMap": {"name": name}},
            {"name": "tmp", "emptyDir": {}},
        ],
    })
}

fn container(plan: &Plan) -> Value {
    let is_divided = plan.shards > 1;
    let file = plan.script.rsplit('/').next().unwrap_or_default();
    let words = plan.words(STATE, &format!("{SCRIPTS}/{file}"));
    // Kubernetes puts a variable's value in the place of $(NAME), and one dollar sign in that of two.
    let mut words: Vec<String> = words.iter().map(|word| word.replace('$', "$$")).collect();
    let mut own = vec!["--lock-dir".to_owned(), STATE.to_owned()];
    let mut env = vec![json!({"name": "JST_STATE_DIR", "value": STATE})];
    if plan.has_journal {
        // All pods of a Job have its name, and each time of the schedule a Job of another one.
        env.push(of_pod("JOB_NAME", "labels", "job-name"));
        let key = if is_divided { "$(JOB_NAME)-{shard}" } else { "$(JOB_NAME)" };
        own.extend(["--run-key".to_owned(), key.to_owned()]);
    }
    if is_divided {
        own.extend(["--shards".to_owned(), plan.shards.to_string()]);
    }
    let command = plan.before.len() + 1;
    words.splice(command..command, own);
    let mut state = json!({"name": "state", "mountPath": STATE});
    if let (Value::Object(mount), true) = (&mut state, is_divided) {
        // Each part has a journal of its own.
        env.push(of_pod("JOB_COMPLETION_INDEX", "annotations", "job-completion-index"));
        mount.insert("subPathExpr".to_owned(), "$(JOB_COMPLETION_INDEX)".into());
    }
    json!({
        "name": "jst",
        "image": plan.image,
        "args": words,
        "env": env,
        "envFrom": [{"secretRef": {"name": "jst-credentials"}}],
        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [
            state,
            {"name": "scripts", "mountPath": SCRIPTS, "readOnly": true},
            {"name": "tmp", "mountPath": "/tmp"},
        ],
    })
}

/// A variable with what Kubernetes notes of a pod.
fn of_pod(name: &str, notes: &str, note: &str) -> Value {
    let path = format!("metadata.{notes}['batch.kubernetes.io/{note}']");
    json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})
}

/// A value as YAML, its texts quoted as JSON does, which YAML reads the same.
fn yaml(value: &Value, depth: usize) -> String {
    let indent = "  ".repeat(depth);
    let inner = |value: &Value| match value {
        Value::Object(map) if !map.is_empty() => format!("\n{}", yaml(value, depth + 1)),
        Value::Array(list) if list.iter().any(Value::is_object) => format!("\n{}", yaml(value, depth)),
        Value::Array(list) if list.len() > FINAL.len() => format!("\n{}", yaml(value, depth)),
        plain => format!(" {plain}\n"),
    };
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| format!("{indent}{key}:{}", inner(value))).collect(),
        Value::Array(list) => list
            .iter()
            .map(|value| match value {
                Value::Object(_) => {
                    let text = yaml(value, depth + 1);
                    format!("{indent}- {}", text.trim_start_matches(' '))
                }
                plain => format!("{indent}- {plain}\n"),
            })
            .collect(),
        plain => format!("{indent}{plain}\n"),
    }
}
