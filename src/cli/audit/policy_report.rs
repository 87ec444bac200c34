//! Findings as reports of the Kubernetes Policy Working Group (`wgpolicyk8s.io/v1alpha2`, `policy-report/` in
//! kubernetes-sigs/wg-policy-prototypes).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::engine::Action;

use super::Found;

/// Results that one report lists: it must fit into an object of etcd.
const IN_ONE: usize = 500;
/// Results that all reports list together: what is held in memory.
const TOGETHER: usize = 20_000;
/// The name of each report.
const NAME: &str = "goldkeeper-audit";

/// Reports by namespace, `""` for the cluster's own. Everything is counted; what does not fit is not listed.
#[derive(Debug, Default)]
pub(super) struct Reports {
    reports: BTreeMap<String, Report>,
    listed: usize,
}

#[derive(Debug, Default)]
struct Report {
    results: Vec<Value>,
    fail: u64,
    warn: u64,
    unlisted: u64,
}

impl Reports {
    /// Takes a finding.
    pub(super) fn add(&mut self, found: &Found, now: Timestamp) {
        let report = self.reports.entry(found.namespace.clone()).or_default();
        match found.action {
            Action::Deny => report.fail += 1,
            _ => report.warn += 1,
        }
        if report.results.len() < IN_ONE && self.listed < TOGETHER {
            report.results.push(result(found, now));
            self.listed += 1;
        } else {
            report.unlisted += 1;
        }
    }

    /// The reports as objects.
    pub(super) fn finish(self) -> impl Iterator<Item = Value> {
        self.reports
            .into_iter()
            .map(|(namespace, report)| report.object(&namespace))
    }
}

impl Report {
    fn object(self, namespace: &str) -> Value {
        let mut metadata = json!({
            "name": NAME,
            "labels": {"app.kubernetes.io/managed-by": "goldkeeper"},
        });
        if let Some(metadata) = metadata.as_object_mut() {
            if !namespace.is_empty() {
                metadata.insert("namespace".to_owned(), namespace.into());
            }
            if self.unlisted > 0 {
                let annotations = json!({"goldkeeper.io/not-listed": self.unlisted.to_string()});
                metadata.insert("annotations".to_owned(), annotations);
            }
        }
        let kind = if namespace.is_empty() {
            "ClusterPolicyReport"
        } else {
            "PolicyReport"
        };
        json!({
            "apiVersion": "wgpolicyk8s.io/v1alpha2",
            "kind": kind,
            "metadata": metadata,
            "summary": {"pass": 0, "fail": self.fail, "warn": self.warn, "error": 0, "skip": 0},
            "results": self.results,
        })
    }
}

fn result(found: &Found, now: Timestamp) -> Value {
    let (result, severity) = match found.action {
        Action::Deny => ("fail", "high"),
        Action::Warn => ("warn", "medium"),
        _ => ("warn", "low"),
    };
    let mut resource = json!({
        "apiVersion": found.api_version,
        "kind": found.resource.info().kind,
        "name": found.name,
    });
    if let Some(resource) = resource
        .as_object_mut()
        .filter(|_| !found.namespace.is_empty())
    {
        resource.insert("namespace".to_owned(), found.namespace.as_str().into());
    }
    json!({
        "source": "goldkeeper",
        "policy": found.policy,
        "rule": found.rule,
        "category": "OpenShift Virtualization",
        "result": result,
        "severity": severity,
        "scored": true,
        "message": found.text,
        "resources": [resource],
        "properties": {"field": found.field, "found": found.value},
        "timestamp": {"seconds": now.as_second(), "nanos": 0},
    })
}
