//! Findings for machines.

use serde_json::{Map, Value, json};

use super::output::Settings;
use super::{Found, Summary};

/// A finding.
pub(super) fn finding(found: &Found) -> Value {
    let details: Map<String, Value> = found
        .details
        .iter()
        .map(|detail| (detail.label.to_owned(), Value::from(detail.text.as_str())))
        .collect();
    json!({
        "apiVersion": found.api_version,
        "kind": found.resource.info().kind,
        "namespace": found.namespace,
        "name": found.name,
        "policy": found.policy,
        "rule": found.rule,
        "action": found.action.as_str(),
        "message": found.text,
        "field": found.field,
        "found": found.value,
        "details": details,
    })
}

/// What was counted.
pub(super) fn summary(settings: &Settings, summary: &Summary) -> Value {
    let counts: Vec<Value> = summary
        .counts
        .iter()
        .map(|((rule, namespace), counts)| {
            json!({"rule": rule, "namespace": namespace, "deny": counts.deny, "warn": counts.warn, "audit": counts.audit})
        })
        .collect();
    let judged: Map<String, Value> = summary
        .judged
        .iter()
        .map(|(resource, count)| (resource.info().plural.to_owned(), Value::from(*count)))
        .collect();
    let untold: Vec<Value> = summary
        .untold
        .iter()
        .map(|(policy, (count, reason))| json!({"policy": policy, "objects": count, "reason": reason}))
        .collect();
    let gaps: Vec<Value> = summary
        .gaps
        .iter()
        .map(|gap| json!({"kind": gap.kind, "reason": gap.reason}))
        .collect();
    json!({
        "findings": summary.findings(),
        "objectsWithFindings": summary.offenders,
        "judged": judged,
        "leftOut": summary.left_out,
        "byRuleAndNamespace": counts,
        "rightsNotAsked": summary.rights_unasked,
        "notTold": untold,
        "notLookedAt": gaps,
        "policies": settings.digest,
        "cluster": settings.cluster,
    })
}
