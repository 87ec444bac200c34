//! The webhook configurations that deliver what the policies want to see, and nothing else.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::admission::{Operation, Resource};
use crate::document::Globs;
use crate::policy::{Policy, PolicySet};
use crate::rules::{Stage, Webhook};

/// The name of the mutating configuration. Such configurations run in the order of their names: this one sorts before `cdi-api-datavolume-mutate`, which
/// refuses a reference that it can't resolve and is never called again, and before `virt-api-mutator`, which infers
/// instance types from the boot source.
pub const MUTATING: &str = "boot-source-namespace.goldkeeper.io";
/// The name of the validating configuration.
pub const VALIDATING: &str = "goldkeeper";

/// The condition that leaves out what is in no namespace of a policy.
pub(super) const IN_NAMESPACES: &str = "in-a-protected-namespace";

/// What is being deleted is let go. On DELETE itself there is no `object`.
const NOT_BEING_DELETED: &str = "!has(object.metadata.deletionTimestamp)";

/// Where the API server reaches goldkeeper.
#[derive(Clone, Debug, Default)]
pub struct ClientConfig {
    /// Address without path, for a goldkeeper outside the cluster; the Service if absent.
    pub url: Option<String>,
    /// The certificate authority in base64, where nothing injects it.
    pub ca_bundle: Option<String>,
}

impl ClientConfig {
    fn json(&self, path: &str) -> Value {
        let mut config = match &self.url {
            Some(url) => json!({"url": format!("{}{path}", url.trim_end_matches('/'))}),
            None => {
                json!({"service": {"name": "goldkeeper", "namespace": "goldkeeper", "path": path, "port": 443}})
            }
        };
        if let (Some(bundle), Some(config)) = (&self.ca_bundle, config.as_object_mut()) {
            config.insert("caBundle".to_owned(), json!(bundle));
        }
        config
    }
}

impl Webhook {
    /// Every validating webhook, in the order of the configuration.
    pub const ALL: [Self; 4] = [
        Self::ProtectedNamespaces,
        Self::ProtectedNamespacesWarnings,
        Self::BootSources,
        Self::ClusterSettings,
    ];

    /// Its part of the path and of the name.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::ProtectedNamespaces => "protected-namespaces",
            Self::ProtectedNamespacesWarnings => "protected-namespaces-warnings",
            Self::BootSources => "boot-sources",
            Self::ClusterSettings => "cluster-settings",
        }
    }

    /// Whether an outage of goldkeeper refuses what this webhook would have judged.
    const fn fails_closed(self) -> bool {
        matches!(self, Self::ProtectedNamespaces)
    }
}

/// What an outage of goldkeeper may do to requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureBounds {
    /// `failurePolicy`
    pub policy: &'static str,
    /// `timeoutSeconds`
    pub seconds: u8,
}

impl FailureBounds {
    const fn of(fails_closed: bool) -> Self {
        if fails_closed {
            Self {
                policy: "Fail",
                seconds: 3,
            }
        } else {
            Self {
                policy: "Ignore",
                seconds: 2,
            }
        }
    }
}

/// What is shipped for a webhook of this name, if it is one of goldkeeper's.
pub fn failure_bounds(name: &str) -> Option<FailureBounds> {
    if name == MUTATING {
        return Some(FailureBounds::of(false));
    }
    let slug = name.strip_suffix(".goldkeeper.io")?;
    let mut all = Webhook::ALL.into_iter();
    let webhook = all.find(|webhook| webhook.slug() == slug)?;
    Some(FailureBounds::of(webhook.fails_closed()))
}

/// The mutating configuration for a set of policies; `None` if none of them wants to be asked before others are.
pub fn mutating_configuration(policies: &PolicySet, client: &ClientConfig) -> Option<Value> {
    let asked: Vec<&Policy> = policies
        .policies()
        .iter()
        .filter(|policy| is_asked_first(policy))
        .collect();
    let rules = rules(&asked, Stage::Fill, |_, _| true);
    if rules.is_empty() {
        return None;
    }
    let conditions = [
        ("not-being-deleted", NOT_BEING_DELETED.to_owned()),
        ("has-a-boot-source-to-look-at", asked_first(&asked)),
    ];
    let webhook = webhook(
        MUTATING,
        "/mutate",
        false,
        &rules,
        &conditions,
        client,
        |webhook| {
            webhook.insert("reinvocationPolicy".to_owned(), json!("IfNeeded"));
        },
    );
    Some(configuration(
        "MutatingWebhookConfiguration",
        MUTATING,
        &[webhook],
    ))
}

/// The validating configuration for a set of policies; `None` if there is nothing to judge.
pub fn validating_configuration(policies: &PolicySet, client: &ClientConfig) -> Option<Value> {
    let webhooks: Vec<Value> = Webhook::ALL
        .into_iter()
        .filter_map(|webhook| validating_webhook(webhook, policies, client))
        .collect();
    (!webhooks.is_empty())
        .then(|| configuration("ValidatingWebhookConfiguration", VALIDATING, &webhooks))
}

fn validating_webhook(kind: Webhook, policies: &PolicySet, client: &ClientConfig) -> Option<Value> {
    let is_delivered = |policy: &Policy, resource| policy.webhook(resource) == kind;
    let delivered: Vec<&Policy> = policies
        .policies()
        .iter()
        .filter(|policy| {
            let mut resources = policy.rule.resources().into_iter();
            resources.any(|resource| is_delivered(policy, resource))
        })
        .collect();
    let rules = rules(&delivered, Stage::Validate, is_delivered);
    if rules.is_empty() {
        return None;
    }
    let mut conditions = Vec::new();
    match kind {
        Webhook::ProtectedNamespaces | Webhook::ProtectedNamespacesWarnings => {
            conditions
                .extend(in_namespaces(&delivered).map(|expression| (IN_NAMESPACES, expression)));
        }
        Webhook::BootSources => {
            conditions.push(("not-being-deleted", NOT_BEING_DELETED.to_owned()));
            conditions.push(("boot-sources-differ", templates_differ()));
        }
        Webhook::ClusterSettings => {
            let condition = format!("request.operation == \"DELETE\" || {NOT_BEING_DELETED}");
            conditions.push(("not-being-deleted", condition));
            conditions.push(("settings-differ", settings_differ()));
        }
    }
    let name = format!("{}.goldkeeper.io", kind.slug());
    let path = format!("/validate/{}", kind.slug());
    Some(webhook(
        &name,
        &path,
        kind.fails_closed(),
        &rules,
        &conditions,
        client,
        |_| {},
    ))
}

/// One rule for each API group and set of operations, narrow: no wildcard, no subresource.
fn rules(
    policies: &[&Policy],
    stage: Stage,
    is_delivered: impl Fn(&Policy, Resource) -> bool,
) -> Vec<Value> {
    let mut wanted: BTreeMap<Resource, Vec<&'static str>> = BTreeMap::new();
    for policy in policies {
        for trigger in policy.rule.triggers(stage) {
            for resource in trigger.resources {
                let only = policy.matching.resources.as_ref();
                if only.is_some_and(|only| !only.contains(resource))
                    || !is_delivered(policy, *resource)
                {
                    continue;
                }
                let operations = wanted.entry(*resource).or_default();
                operations.extend(trigger.operations.iter().copied().map(Operation::as_str));
            }
        }
    }
    let mut grouped: Vec<(Value, Vec<&'static str>)> = Vec::new();
    for (resource, mut operations) in wanted {
        operations.sort_unstable();
        operations.dedup();
        let info = resource.info();
        let key = json!({"apiGroups": [info.group], "apiVersions": info.versions, "operations": operations,
            "scope": if info.namespaced { "Namespaced" } else { "Cluster" }});
        match grouped.iter_mut().find(|(known, _)| *known == key) {
            Some((_, resources)) => resources.push(info.plural),
            None => grouped.push((key, vec![info.plural])),
        }
    }
    let finished = grouped.into_iter().map(|(mut rule, resources)| {
        if let Some(rule) = rule.as_object_mut() {
            rule.insert("resources".to_owned(), json!(resources));
        }
        rule
    });
    finished.collect()
}

fn webhook(
    name: &str,
    path: &str,
    fails_closed: bool,
    rules: &[Value],
    conditions: &[(&str, String)],
    client: &ClientConfig,
    finish: impl FnOnce(&mut serde_json::Map<String, Value>),
) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(name, expression)| json!({"name": name, "expression": expression}))
        .collect();
    let FailureBounds { policy, seconds } = FailureBounds::of(fails_closed);
    let mut webhook = json!({
        "name": name,
        "admissionReviewVersions": ["v1"],
        "clientConfig": client.json(path),
        "failurePolicy": policy,
        "matchConditions": conditions,
        "matchPolicy": "Equivalent",
        "rules": rules,
        "sideEffects": "None",
        "timeoutSeconds": seconds,
    });
    if let Some(webhook) = webhook.as_object_mut() {
        if conditions.is_empty() {
            webhook.remove("matchConditions");
        }
        finish(webhook);
    }
    webhook
}

fn configuration(kind: &str, name: &str, webhooks: &[Value]) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/name": "goldkeeper"}},
        "webhooks": webhooks,
    })
}

/// Where data volume templates are: in a virtual machine, and in a pool.
const TEMPLATES: [&str; 2] = [
    ".?spec.?dataVolumeTemplates",
    ".?spec.?virtualMachineTemplate.?spec.?dataVolumeTemplates",
];

fn is_asked_first(policy: &Policy) -> bool {
    let judge = &policy.judge;
    judge.fills() || !judge.redirects().is_empty() || judge.foretells()
}

/// What the policies have to do with before other webhooks do, in any of the three kinds of object.
fn asked_first(policies: &[&Policy]) -> String {
    let mut terms = Vec::new();
    if policies.iter().any(|policy| policy.judge.fills()) {
        terms.push(any_source_ref(|spec| {
            let namespace = format!("{spec}.sourceRef.namespace");
            // null and "" are as good as nothing.
            format!("!(has({namespace}) && {namespace} != null && {namespace} != \"\")")
        }));
    }
    let redirected = policies.iter().flat_map(|policy| policy.judge.redirects());
    let redirected: BTreeSet<&String> = redirected.collect();
    if !redirected.is_empty() {
        let namespaces = json!(redirected);
        terms.push(any_source_ref(|spec| {
            format!("{spec}.sourceRef.?namespace.orValue(\"\") in {namespaces}")
        }));
    }
    if policies.iter().any(|policy| policy.judge.foretells()) {
        terms.extend(INFERRED.map(|path| format!("object{path}.hasValue()")));
        terms.push("object.?spec.?sourceRef.hasValue()".to_owned());
    }
    terms.join(" || ")
}

/// Whether any `sourceRef` of a data volume is such a one.
fn any_source_ref(is_such: impl Fn(&str) -> String) -> String {
    let such = |spec: &str| format!("{spec}.?sourceRef.hasValue() && {}", is_such(spec));
    let templates = TEMPLATES.map(|path| {
        format!(
            "object{path}.orValue([]).exists(d, has(d.spec) && {})",
            such("d.spec")
        )
    });
    format!(
        "{} || has(object.spec) && {}",
        templates.join(" || "),
        such("object.spec")
    )
}

/// What `KubeVirt` infers from a boot source while it fills in.
const INFERRED: [&str; 2] = [
    ".?spec.?instancetype.?inferFromVolume",
    ".?spec.?preference.?inferFromVolume",
];

/// On UPDATE only a change of the templates is of interest: nothing else may cost a call.
fn templates_differ() -> String {
    let differ = TEMPLATES.map(|path| format!("object{path} != oldObject{path}"));
    format!("request.operation != \"UPDATE\" || {}", differ.join(" || "))
}

/// On UPDATE only what a `HyperConverged` or a `StorageClass` is judged by is of interest: controllers write the rest.
fn settings_differ() -> String {
    let differ =
        [".?spec", ".metadata.?annotations"].map(|path| format!("object{path} != oldObject{path}"));
    format!("request.operation != \"UPDATE\" || {}", differ.join(" || "))
}

/// The namespaces of all policies as one expression, so that an outage touches no other. `None` if one of the policies
/// is for all namespaces.
fn in_namespaces(policies: &[&Policy]) -> Option<String> {
    let mut terms = Vec::new();
    for policy in policies {
        terms.extend(
            policy
                .judge
                .namespaces()?
                .patterns()
                .iter()
                .map(|pattern| term(pattern)),
        );
    }
    terms.sort_unstable();
    terms.dedup();
    Some(terms.join(" || "))
}

/// A pattern as CEL over `request.namespace`; what is no plain prefix becomes a regular expression.
pub(super) fn term(pattern: &str) -> String {
    let is_plain = |text: &str| !text.contains(['*', '?', '[', ']', '{', '}', '\\', '"']);
    match pattern.strip_suffix('*') {
        Some("") => "true".to_owned(),
        Some(prefix) if is_plain(prefix) => format!("request.namespace.startsWith(\"{prefix}\")"),
        None if is_plain(pattern) => format!("request.namespace == \"{pattern}\""),
        _ => {
            let expression = Globs::regular_expression(pattern)
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            format!("request.namespace.matches(\"{expression}\")")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_cel() {
        let table = [
            ("openshift", "request.namespace == \"openshift\""),
            (
                "openshift-*",
                "request.namespace.startsWith(\"openshift-\")",
            ),
            ("*", "true"),
            ("*-system", "request.namespace.matches(\"^.*\\\\-system$\")"),
            ("a?[bc]", "request.namespace.matches(\"^a.[bc]$\")"),
        ];
        for (pattern, expected) in table {
            assert_eq!(term(pattern), expected, "{pattern}");
        }
    }

    fn asked_first_of(policy: &str) -> Option<String> {
        let source = crate::policy::PolicySource {
            file: "p.yaml".into(),
            text: format!("apiVersion: goldkeeper.io/v1\nmetadata: {{name: p}}\n{policy}"),
        };
        let policies = PolicySet::compile(&[source]).unwrap();
        let configuration = mutating_configuration(&policies, &ClientConfig::default())?;
        let condition = &configuration["webhooks"][0]["matchConditions"][1]["expression"];
        condition.as_str().map(str::to_owned)
    }

    #[test]
    fn only_what_a_policy_has_to_do_with_is_delivered_before_others_are_asked() {
        let namespaces = |parameters: &str| {
            let policy = format!(
                "kind: BootSourceNamespace\nspec: {{validationActions: [Warn], parameters: {{{parameters}}}}}"
            );
            asked_first_of(&policy)
        };
        let missing = "d.spec.sourceRef.namespace != null";
        let retired = "orValue(\"\") in [\"old-a\",\"old-b\"]";
        let list = "namespaces: [old-b, old-a]";
        let both = namespaces(&format!("retiredNamespaces: {{{list}, action: Redirect}}"));
        let both = both.unwrap();
        assert!(both.contains(missing) && both.contains(retired), "{both}");
        let told = namespaces(&format!("retiredNamespaces: {{{list}}}")).unwrap();
        assert!(told.contains(missing) && !told.contains("old-a"), "{told}");
        let only = format!("fill: false, retiredNamespaces: {{{list}, action: Redirect}}");
        let only = namespaces(&only).unwrap();
        assert!(!only.contains(missing) && only.contains(retired), "{only}");
        assert_eq!(namespaces("fill: false"), None);
        let available = "kind: BootSourceAvailable\nspec: {validationActions: [Warn]}";
        let available = asked_first_of(available).unwrap();
        assert!(available.contains("inferFromVolume") && !available.contains(missing));
    }
}
