//! Which namespace is golden, where that was read, and whether it is there; and the setting that nobody reads.

use serde_json::{Value, json};

use crate::cluster::{ClusterView, Coverage, HyperConverged, Kind, Known};
use crate::manifest::{documents, objects, unknown_field};

use super::evidence::{Evidence, LAST_APPLIED, text};
use super::line::Line;

const TOPIC: &str = "golden";

/// The namespaces that hold golden images now, sorted.
pub fn namespaces(view: &ClusterView) -> Vec<String> {
    let mut names: Vec<String> = view
        .boot_sources()
        .iter()
        .map(|source| source.namespace.to_owned())
        .collect();
    if let Known::Known(golden) = view.golden_namespace(None) {
        names.push(golden.name.to_owned());
    }
    names.sort_unstable();
    names.dedup();
    names
}

pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Line> {
    let view = evidence.view;
    let mut lines: Vec<Line> = trap(evidence).into_iter().collect();
    let settings = view.hyper_converged();
    match (view.golden_namespace(None), settings) {
        (Known::Known(golden), Known::Known(Some(_))) => {
            lines.extend(missing(view));
            if lines.is_empty() {
                let sentence = format!("{} ({})", golden.name, golden.origin.describe());
                lines.push(Line::ok(TOPIC, sentence));
            }
        }
        (Known::Known(golden), _) => {
            let sentence = format!(
                "there is no HyperConverged; taken for golden: {} ({})",
                golden.name,
                golden.origin.describe()
            );
            lines.push(Line::warning(TOPIC, sentence).cure(
                "set parameters.defaultNamespace in the policies if images are kept elsewhere",
            ));
        }
        (Known::Unknown, _) => {
            let reason = match view.coverage(Kind::HyperConverged) {
                Coverage::Unknown(reason) => reason,
                _ => "the HyperConverged can't be read",
            };
            let sentence = format!("which namespace is golden is not known: {reason}");
            lines.push(
                Line::failed(TOPIC, sentence)
                    .cure("kubectl get hyperconverged -A; HCO's conversion webhook may be down"),
            );
        }
    }
    lines
}

/// Golden namespaces that do not exist.
fn missing(view: &ClusterView) -> Vec<Line> {
    let names = namespaces(view).into_iter();
    let absent =
        names.filter(|name| matches!(view.object(Kind::Namespace, "", name), Known::Known(None)));
    absent
        .map(|name| {
            let sentence = format!("golden namespace {name} does not exist: nobody creates it");
            Line::failed(TOPIC, sentence).cure(format!("kubectl create namespace {name}"))
        })
        .collect()
}

/// The product documentation shows v1 with the path of v1beta1: what was applied so is pruned without a word, and only
/// the annotation of `kubectl apply` still tells.
fn trap(evidence: &Evidence<'_>) -> Option<Line> {
    if !matches!(evidence.view.hyper_converged(), Known::Known(Some(settings)) if settings.common_boot_image_namespace.is_none())
    {
        return None;
    }
    let all = evidence.live?.hyper_converged.as_ref().ok()?.iter();
    let mut named = all.filter(|own| text(own, "/metadata/name") == HyperConverged::NAME);
    named.find_map(|own| {
        let applied = text(own, LAST_APPLIED);
        let document = documents(applied).next()?.ok()?;
        let mut found = None;
        objects(
            &document.node,
            &mut |manifest| found = unknown_field(&manifest),
            &mut |_| {},
        );
        let field = found?;
        let sentence = format!(
            "HyperConverged was applied with a setting that has no effect: {}",
            field.message
        );
        let applied: Value = serde_json::from_str(applied).ok()?;
        Some(Line::failed(TOPIC, sentence).cure(patch(&applied, text(own, "/metadata/namespace"))))
    })
}

/// The command that writes what was meant where it is read.
fn patch(applied: &Value, namespace: &str) -> String {
    let (version, wrong) = match text(applied, "/apiVersion") {
        "hco.kubevirt.io/v1" => ("v1", "/spec/commonBootImageNamespace"),
        _ => ("v1beta1", "/spec/workloadSources/commonBootImageNamespace"),
    };
    let meant = match text(applied, wrong) {
        // It goes into a shell: anything but a name stays out.
        name if !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') => {
            name
        }
        _ => "NAMESPACE",
    };
    let setting = json!({"commonBootImageNamespace": meant});
    let spec = match version {
        "v1" => json!({"spec": {"workloadSources": setting}}),
        _ => json!({"spec": setting}),
    };
    let name = HyperConverged::NAME;
    format!(
        "kubectl patch hyperconvergeds.{version}.hco.kubevirt.io {name} -n {namespace} --type=merge -p '{spec}'"
    )
}
