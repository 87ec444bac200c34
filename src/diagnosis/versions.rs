//! What runs, and what older versions lack.

use super::evidence::Evidence;
use super::line::Line;

const TOPIC: &str = "versions";
/// From here on the API server knows `matchConditions` without a feature gate that is off.
const KUBERNETES: u32 = 28;

pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Line> {
    let view = evidence.view;
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    if let Some(Ok(version)) = evidence.live.map(|live| &live.kubernetes) {
        parts.push(format!("Kubernetes {version}"));
        if minor(version).is_some_and(|minor| minor < KUBERNETES) {
            let sentence = format!(
                "Kubernetes {version} knows no matchConditions: every virtual machine is sent to goldkeeper, and Fail refuses all of them in an outage"
            );
            lines.push(
                Line::failed(TOPIC, sentence).cure(format!("upgrade to 1.{KUBERNETES} or later")),
            );
        }
    }
    parts.push(
        if view.is_openshift() {
            "OpenShift"
        } else {
            "no OpenShift"
        }
        .to_owned(),
    );
    match view.cdi_version() {
        Some(cdi) => {
            parts.push(format!("CDI {}", cdi.text));
            if cdi.follows_class_changes() == Some(false) {
                let sentence = format!(
                    "CDI {} leaves golden images behind when the default storage class changes; from 1.61 on it imports most of them again",
                    cdi.text
                );
                lines.push(
                    Line::warning(TOPIC, sentence)
                        .cure("goldkeeper boot-sources --stale, after each change"),
                );
            }
        }
        None => parts.push("CDI of unknown version".to_owned()),
    }
    if let Some(Ok(versions)) = evidence.live.map(|live| &live.hyper_converged_versions) {
        parts.push(match versions.join(" and ") {
            none if none.is_empty() => "no HyperConverged".to_owned(),
            versions => format!("HyperConverged {versions}"),
        });
    }
    if lines.is_empty() {
        lines.push(Line::ok(TOPIC, parts.join(", ")));
    }
    lines
}

/// The second number of `v1.33.1`.
fn minor(version: &str) -> Option<u32> {
    let digits = version.trim_start_matches('v').split('.').nth(1)?;
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}
