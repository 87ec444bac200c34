//! Whether every replica answers, with the same policies, and with those that are meant.

use super::evidence::{Evidence, Pod, told};
use super::line::{Line, Lines, some};

const TOPIC: &str = "policies";

/// What a pod says of its policies in `/readyz?verbose` (`src/telemetry/health.rs`).
fn digest(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.strip_prefix("policies "))
}

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let live = evidence.live(TOPIC)?;
    let pods = told(&live.pods, TOPIC)?;
    let namespace = &live.namespace;
    if pods.is_empty() {
        let sentence = format!("no pod of goldkeeper runs in namespace {namespace}");
        let cure = format!("kubectl get deployment,replicaset,events -n {namespace}");
        return Err(vec![Line::failed(TOPIC, sentence).cure(cure)]);
    }
    let mut lines: Vec<Line> = pods
        .iter()
        .filter_map(|pod| faults(pod, namespace))
        .collect();
    let said = pods.iter().filter_map(|pod| {
        let digest = digest(pod.said.as_ref().ok()?)?;
        Some((&*pod.name, digest))
    });
    let digests: Vec<(&str, &str)> = said.collect();
    let Some((_, first)) = digests.first() else {
        return Err(lines);
    };
    if digests.iter().any(|(_, digest)| digest != first) {
        lines.push(different(&digests, namespace));
        return Err(lines);
    }
    match &evidence.policies {
        Ok(set) if set.digest() != *first => {
            let sentence = format!(
                "{first} is in force, and the files given hold {}",
                set.digest()
            );
            lines.push(
                Line::warning(TOPIC, sentence)
                    .cure("deploy the files, or compare with those that are deployed"),
            );
        }
        meant if lines.is_empty() => {
            let count = meant.as_ref().map_or(String::new(), |set| {
                format!("{} in force, ", set.policies().len())
            });
            let (same, all) = (digests.len(), pods.len());
            lines.push(Line::ok(
                TOPIC,
                format!("{count}digest {first}, same on {same} of {all} replicas"),
            ));
        }
        _ => {}
    }
    Ok(lines)
}

fn different(digests: &[(&str, &str)], namespace: &str) -> Line {
    let each: Vec<String> = digests
        .iter()
        .map(|(pod, digest)| format!("{digest} on {pod}"))
        .collect();
    let sentence = format!(
        "the replicas answer with different policies: {}",
        some(&each)
    );
    let cure = "a changed ConfigMap reaches the pods within two minutes; after that: kubectl rollout restart deployment goldkeeper -n ";
    Line::failed(TOPIC, sentence).cure(format!("{cure}{namespace}"))
}

/// What is wrong with one pod.
fn faults(pod: &Pod, namespace: &str) -> Option<Line> {
    let name = &pod.name;
    let said = match &pod.said {
        Ok(said) => said,
        // Whoever may not look through the API server's proxy knows nothing of the pod.
        Err(reason) if reason.starts_with("403") => return Some(Line::skipped(TOPIC, reason)),
        Err(reason) => {
            let sentence = format!("pod {name} does not answer: {reason}");
            return Some(
                Line::failed(TOPIC, sentence).cure(format!("kubectl logs {name} -n {namespace}")),
            );
        }
    };
    if let Some(fault) = said
        .lines()
        .find(|line| line.starts_with("policy files not loaded"))
    {
        let sentence = format!("pod {name}: {fault}");
        return Some(
            Line::failed(TOPIC, sentence)
                .cure("goldkeeper policies --policies DIR shows each fault with its place"),
        );
    }
    if said.lines().next_back() != Some("ok") {
        let sentence = format!("pod {name} is not ready");
        return Some(
            Line::failed(TOPIC, sentence).cure(format!("kubectl logs {name} -n {namespace}")),
        );
    }
    if digest(said).is_none() {
        return Some(Line::warning(
            TOPIC,
            format!("pod {name} does not tell its policies"),
        ));
    }
    None
}
