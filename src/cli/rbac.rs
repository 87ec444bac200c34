//! `goldkeeper rbac`

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::engine::{Right, event_rights, rights};

use super::Verdict;
use super::screen::print;

/// Arguments of `goldkeeper rbac`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper rbac > deploy/base/rbac.yaml
  goldkeeper rbac | kubectl diff -f -
  goldkeeper rbac --events > deploy/components/events/rbac.yaml")]
pub(super) struct Rbac {
    /// Print instead the role that `serve --events` takes beside that one
    #[arg(long)]
    events: bool,
}

const NAME: &str = "goldkeeper";
/// Name of the role for Events, and of its binding.
const EVENTS: &str = "goldkeeper-events";

impl Rbac {
    /// Prints the service account, its role and its binding as YAML.
    pub(super) fn run(self) -> Result<Verdict> {
        let Self { events } = self;
        let (command, objects) = if events {
            ("rbac --events", role(EVENTS, &event_rights()).to_vec())
        } else {
            let role = role(NAME, &rights());
            ("rbac", [account()].into_iter().chain(role).collect())
        };
        // What it is, and how it is made again.
        let mut text = format!(
            "# Made by `goldkeeper {command}`; a test fails when it is stale, and another one when a verb is missing or superfluous.\n"
        );
        for object in objects {
            text.push_str("---\n");
            text.push_str(&serde_saphyr::to_string(&object)?);
        }
        print(&text)?;
        Ok(Verdict::Clean)
    }
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": NAME})
}

fn account() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": NAME, "namespace": NAME, "labels": labels()},
        // The Deployment asks for the token; nothing else that runs as this account gets one.
        "automountServiceAccountToken": false,
    })
}

/// A role of this name, and the binding that gives it to the account.
fn role(name: &str, rights: &[Right]) -> [Value; 2] {
    const GROUP: &str = "rbac.authorization.k8s.io";
    const VERSION: &str = "rbac.authorization.k8s.io/v1";
    let rules: Vec<Value> = rights.iter().map(rule).collect();
    [
        json!({
            "apiVersion": VERSION,
            "kind": "ClusterRole",
            "metadata": {"name": name, "labels": labels()},
            "rules": rules,
        }),
        json!({
            "apiVersion": VERSION,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name, "labels": labels()},
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
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
