//! Whether the registered webhooks deliver what the policies want to see.
//!
//! Compared are paths, resources, operations and the condition on namespaces, as `goldkeeper webhook-config` writes them.
//! What somebody else wrote into a configuration (other conditions, selectors) is taken as meant.

use serde_json::Value;

use crate::admission::{Operation, Resource};
use crate::policy::{Policy, PolicySet};
use crate::rules::{Stage, Webhook};

use super::registration::{IN_NAMESPACES, term};

impl std::fmt::Display for Undelivered<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (name, what) = (&self.policy.name, &self.what);
        write!(
            formatter,
            "the registered webhooks do not deliver all that {name} is for: {what}"
        )
    }
}

/// What a policy wants to see and no registered webhook delivers.
#[derive(Clone, Debug)]
pub struct Undelivered<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// What is missing, as one sentence without a full stop.
    pub what: String,
}

/// The webhooks that a cluster has registered for goldkeeper.
#[derive(Debug, Default)]
pub struct Registered {
    hooks: Vec<Hook>,
}

/// One webhook of a configuration.
#[derive(Debug)]
struct Hook {
    /// The path that the API server calls.
    path: String,
    rules: Vec<Value>,
    /// The expression of the condition on namespaces, if there is one.
    namespaces: Option<String>,
}

impl Registered {
    /// Takes the webhooks of `ValidatingWebhookConfiguration` and `MutatingWebhookConfiguration` objects, alone or in a
    /// `List`; other objects are passed over. Webhooks are told by the path that they call, so those of others do not
    /// count.
    pub fn read(objects: &[Value]) -> Self {
        let mut registered = Self::default();
        for object in objects {
            let inner = object.get("items").and_then(Value::as_array);
            for object in inner.map_or(std::slice::from_ref(object), Vec::as_slice) {
                let kind = object.get("kind").and_then(Value::as_str);
                if kind.is_some_and(|kind| kind.ends_with("WebhookConfiguration")) {
                    let hooks = object.get("webhooks").and_then(Value::as_array);
                    let hooks = hooks.into_iter().flatten().filter_map(Hook::read);
                    registered.hooks.extend(hooks);
                }
            }
        }
        registered
    }

    /// Whether there is no webhook at all.
    pub fn is_empty(&self) -> bool {
        self.hooks.is_empty()
    }

    /// What is missing, in the order of the policies.
    pub fn undelivered<'p>(&self, policies: &'p PolicySet) -> Vec<Undelivered<'p>> {
        let policies = policies.policies().iter();
        policies
            .flat_map(|policy| {
                let stages = [Stage::Fill, Stage::Validate].into_iter();
                let wanted =
                    stages.filter(|stage| *stage == Stage::Validate || policy.judge.fills());
                let missing = wanted.flat_map(|stage| self.missing(policy, stage));
                let mut missing: Vec<String> = missing.collect();
                missing.dedup();
                missing
                    .into_iter()
                    .map(move |what| Undelivered { policy, what })
            })
            .collect()
    }

    fn missing(&self, policy: &Policy, stage: Stage) -> Vec<String> {
        let mut missing: Vec<String> = Vec::new();
        let only = policy.matching.resources.as_ref();
        for trigger in policy.rule.triggers(stage) {
            for resource in trigger.resources.iter().copied() {
                if only.is_some_and(|only| !only.contains(&resource)) {
                    continue;
                }
                let path = path(policy, stage, resource);
                let called: Vec<&Hook> = self
                    .hooks
                    .iter()
                    .filter(|hook| hook.is_for(&path))
                    .collect();
                let told = if called.is_empty() {
                    vec![format!("no registered webhook calls {path}")]
                } else {
                    let operations = trigger.operations.iter();
                    operations
                        .filter_map(|operation| lacks(&called, &path, policy, resource, *operation))
                        .collect()
                };
                for one in told {
                    if !missing.contains(&one) {
                        missing.push(one);
                    }
                }
            }
        }
        missing
    }
}

/// The path that delivers requests for a resource to a policy.
fn path(policy: &Policy, stage: Stage, resource: Resource) -> String {
    match stage {
        Stage::Fill => "/mutate".to_owned(),
        Stage::Validate => {
            let webhook: Webhook = policy.webhook(resource);
            format!("/validate/{}", webhook.slug())
        }
    }
}

/// What of one resource and operation none of the webhooks delivers.
fn lacks(
    hooks: &[&Hook],
    path: &str,
    policy: &Policy,
    resource: Resource,
    operation: Operation,
) -> Option<String> {
    let mut hooks = hooks
        .iter()
        .filter(|hook| hook.has_rule(resource, operation))
        .peekable();
    if hooks.peek().is_none() {
        let plural = resource.info().plural;
        return Some(format!(
            "the webhook that calls {path} has no rule for {operation} of {plural}"
        ));
    }
    let everywhere = ["*".to_owned()];
    let bound = policy.judge.namespaces();
    let patterns = bound.map_or(&everywhere[..], |globs| globs.patterns());
    let hooks: Vec<_> = hooks.collect();
    let left_out: Vec<&str> = patterns
        .iter()
        .map(String::as_str)
        .filter(|pattern| !hooks.iter().any(|hook| hook.covers(pattern)))
        .collect();
    (!left_out.is_empty()).then(|| {
        format!(
            "the condition {IN_NAMESPACES} of the webhook that calls {path} leaves out {}",
            left_out.join(" and ")
        )
    })
}

impl Hook {
    fn read(webhook: &Value) -> Option<Self> {
        let client = webhook.get("clientConfig")?;
        let service = client.pointer("/service/path").and_then(Value::as_str);
        let url = client.get("url").and_then(Value::as_str);
        let path = service.or_else(|| url.and_then(path_of))?;
        let list = |name: &str| {
            let list = webhook.get(name).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let namespaces = list("matchConditions").into_iter().find_map(|condition| {
            let is_ours = condition.get("name").and_then(Value::as_str) == Some(IN_NAMESPACES);
            let expression = condition.get("expression").and_then(Value::as_str);
            expression.filter(|_| is_ours).map(str::to_owned)
        });
        Some(Self {
            path: path.trim_end_matches('/').to_owned(),
            rules: list("rules"),
            namespaces,
        })
    }

    /// Whether it delivers to a path; `/validate` asks every policy.
    fn is_for(&self, path: &str) -> bool {
        self.path == path || self.path == "/validate" && path.starts_with("/validate/")
    }

    fn has_rule(&self, resource: Resource, operation: Operation) -> bool {
        let info = resource.info();
        self.rules.iter().any(|rule| {
            let lists = |field: &str, any: &str, wanted: &[&str]| {
                let values = rule
                    .get(field)
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten();
                let mut values = values.filter_map(Value::as_str);
                values.any(|value| value == "*" || value == any || wanted.contains(&value))
            };
            lists("apiGroups", "*", &[info.group])
                // matchPolicy Equivalent brings the other versions.
                && lists("apiVersions", "*", info.versions)
                && lists("resources", "*/*", &[info.plural])
                && lists("operations", "*", &[operation.as_str()])
        })
    }

    /// Whether every namespace of a pattern is delivered. A condition that does not read as ours is taken as meant.
    fn covers(&self, pattern: &str) -> bool {
        let Some(expression) = &self.namespaces else {
            return true;
        };
        let words: Vec<&str> = expression.split_whitespace().collect();
        let expression = words.join(" ");
        let wanted = term(pattern);
        let start = pattern
            .split(['*', '?', '[', '{', '\\'])
            .next()
            .unwrap_or_default();
        expression.split(" || ").any(|found| {
            let prefix = found
                .strip_prefix("request.namespace.startsWith(\"")
                .and_then(|rest| rest.strip_suffix("\")"));
            let is_ours = [" == \"", ".startsWith(", ".matches("]
                .iter()
                .any(|form| found.starts_with(&format!("request.namespace{form}")));
            found == "true"
                || found == wanted
                || prefix.is_some_and(|prefix| start.starts_with(prefix))
                || !is_ours
        })
    }
}

/// The path of a URL.
fn path_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    rest.find('/').and_then(|at| rest.get(at..))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::{ClientConfig, mutating_configuration, validating_configuration};
    use super::*;
    use crate::policy::PolicySource;

    const POLICIES: &str = "\
apiVersion: goldkeeper.io/v1
kind: ProtectedNamespaces
metadata: {name: guard}
spec:
  validationActions: [Deny]
  parameters: {namespaces: [openshift, \"openshift-*\"]}
---
apiVersion: goldkeeper.io/v1
kind: BootSourceNamespace
metadata: {name: fill}
spec: {validationActions: [Warn]}
";

    fn set(text: &str) -> PolicySet {
        let source = PolicySource {
            file: Arc::from("p.yaml"),
            text: text.to_owned(),
        };
        PolicySet::compile(&[source]).unwrap()
    }

    fn registered(policies: &PolicySet, client: &ClientConfig) -> Vec<Value> {
        let both = [
            mutating_configuration(policies, client),
            validating_configuration(policies, client),
        ];
        both.into_iter().flatten().collect()
    }

    fn told(registered: &[Value], policies: &PolicySet) -> Vec<String> {
        let undelivered = Registered::read(registered).undelivered(policies);
        let told = undelivered
            .iter()
            .map(|one| format!("{}: {}", one.policy.name, one.what));
        told.collect()
    }

    #[test]
    fn what_is_made_from_the_policies_delivers_them() {
        let policies = set(POLICIES);
        let url = ClientConfig {
            url: Some("https://127.0.0.1:8443/".to_owned()),
            ca_bundle: None,
        };
        for client in [ClientConfig::default(), url] {
            let objects = registered(&policies, &client);
            assert!(told(&objects, &policies).is_empty());
            let list = json!({"kind": "List", "items": objects});
            assert!(told(&[list], &policies).is_empty());
        }
    }

    #[test]
    fn a_namespace_more_is_not_delivered() {
        let before = registered(&set(POLICIES), &ClientConfig::default());
        let after = set(&POLICIES.replace(
            "\"openshift-*\"",
            "\"openshift-*\", \"infra-*\", openshift-x",
        ));
        assert_eq!(
            told(&before, &after),
            [
                "guard: the condition in-a-protected-namespace of the webhook that calls /validate/protected-namespaces \
              leaves out infra-*"
            ]
        );
    }

    #[test]
    fn a_policy_that_only_warns_is_called_elsewhere() {
        let before = registered(&set(POLICIES), &ClientConfig::default());
        let after = set(&POLICIES.replace("[Deny]", "[Warn]"));
        assert_eq!(
            told(&before, &after),
            ["guard: no registered webhook calls /validate/protected-namespaces-warnings"]
        );
    }

    #[test]
    fn resources_and_operations_that_are_missing_are_named() {
        let policies = set(POLICIES);
        let mut objects = registered(&policies, &ClientConfig::default());
        for webhook in objects[1]["webhooks"].as_array_mut().unwrap() {
            for rule in webhook["rules"].as_array_mut().unwrap() {
                rule["operations"] = json!(["CREATE"]);
                if rule["apiGroups"] == json!(["pool.kubevirt.io"]) {
                    rule["resources"] = json!(["pools"]);
                }
            }
        }
        assert_eq!(
            told(&objects, &policies),
            [
                "guard: the webhook that calls /validate/protected-namespaces has no rule for CREATE of virtualmachinepools",
                "fill: the webhook that calls /validate/boot-sources has no rule for UPDATE of virtualmachines",
                "fill: the webhook that calls /validate/boot-sources has no rule for CREATE of virtualmachinepools",
                "fill: the webhook that calls /validate/boot-sources has no rule for UPDATE of virtualmachinepools",
            ]
        );
        assert_eq!(
            told(&objects[1..], &policies)[1],
            "fill: no registered webhook calls /mutate"
        );
    }

    #[test]
    fn what_others_wrote_is_taken_as_meant() {
        let policies = set(POLICIES);
        let mut objects = registered(&policies, &ClientConfig::default());
        let wide = json!({"rules": [{"apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "operations": ["*"]}],
            "clientConfig": {"url": "https://gatekeeper/validate"}});
        objects[1]["webhooks"] = json!([wide, "nonsense", {"clientConfig": 1}]);
        assert!(told(&objects, &policies).is_empty());
        objects[1]["webhooks"][0]["matchConditions"] =
            json!([{"name": IN_NAMESPACES, "expression": "request.namespace != \"x\""}]);
        assert!(told(&objects, &policies).is_empty());
    }
}
