//! `goldkeeper rbac`

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::engine::{Right, rights};

use super::Verdict;
use super::screen::print;

/// Arguments of `goldkeeper rbac`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper rbac > deploy/base/rbac.yaml
  goldkeeper rbac | kubectl diff -f -")]
pub(super) struct Rbac {}

/// The first lines of the output: what it is, and how it is made again.
const HEADER: &str = "\
# Made by `goldkeeper rbac`; a test fails when it is stale, and another one when a verb is missing or superfluous.
";

const NAME: &str = "goldkeeper";

impl Rbac {
    /// Prints the service account, its role and its binding as YAML.
    pub(super) fn run(self) -> Result<Verdict> {
        let Self {} = self;
        let mut text = HEADER.to_owned();
        for object in objects() {
            text.push_str("---\n");
            text.push_str(&serde_saphyr::to_string(&object)?);
        }
        print(&text)?;
        Ok(Verdict::Clean)
    }
}

fn objects() -> [Value; 3] {
    const GROUP: &str = "rbac.authorization.k8s.io";
    const VERSION: &str = "rbac.authorization.k8s.io/v1";
    let labels = json!({"app.kubernetes.io/name": NAME});
    let rules: Vec<Value> = rights().iter().map(rule).collect();
    [
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": NAME, "namespace": NAME, "labels": labels},
            // The Deployment asks for the token; nothing else that runs as this account gets one.
            "automountServiceAccountToken": false,
        }),
        json!({
            "apiVersion": VERSION,
            "kind": "ClusterRole",
            "metadata": {"name": NAME, "labels": labels},
            "rules": rules,
        }),
        json!({
            "apiVersion": VERSION,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME, "labels": labels},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": NAME},
            "subjects": [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}],
        }),
    ]
}

fn rule(right: &Right) -> Value {
    let Right {
        group,
        resources,
        names,
        verbs,
    } = right;
    let mut rule = json!({"apiGroups": [group], "resources": resources, "verbs": verbs});
    if let (false, Some(rule)) = (names.is_empty(), rule.as_object_mut()) {
        rule.insert("resourceNames".to_owned(), json!(names));
    }
    rule
}
