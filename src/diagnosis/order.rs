//! Whether ours is asked before CDI's and KubeVirt's: mutating configurations run in the order of their names
//! (`mutating_webhook_manager.go` in k8s.io/apiserver). The others are `cdi-api-datavolume-mutate`
//! (`pkg/operator/resources/namespaced/apiserver.go` in CDI) and `virt-api-mutator` (`components/webhooks.go` in KubeVirt).

use serde_json::Value;

use crate::engine::{ClientConfig, MUTATING, mutating_configuration};

use super::evidence::{Evidence, items, text, told};
use super::line::{Line, Lines, some};

/// The commands that register what the policies in `DIR` need.
pub const REGISTER: &str = "goldkeeper webhook-config --policies DIR > deploy/base/webhooks.yaml && kubectl apply -k deploy/overlays/OVERLAY";

const TOPIC: &str = "order";
const LATER: [&str; 2] = ["cdi-api-datavolume-mutate", "virt-api-mutator"];

/// Whether a configuration is the one that fills, whatever its name.
pub(super) fn is_ours(configuration: &Value) -> bool {
    let mut webhooks = items(configuration, "/webhooks").iter();
    text(configuration, "/metadata/name") == MUTATING
        || webhooks.any(|webhook| text(webhook, "/name") == MUTATING)
}

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let all = told(&evidence.live(TOPIC)?.mutating, TOPIC)?;
    let Some(ours) = all.iter().find(|own| is_ours(own)) else {
        return Ok(vec![unregistered(evidence)]);
    };
    let ours = text(ours, "/metadata/name");
    let others: Vec<&str> = all.iter().map(|own| text(own, "/metadata/name")).collect();
    let later: Vec<&str> = LATER
        .into_iter()
        .filter(|name| others.contains(name))
        .collect();
    if later.is_empty() {
        let sentence = "neither cdi-api-datavolume-mutate nor virt-api-mutator is registered";
        return Ok(vec![Line::warning(TOPIC, sentence).cure(
            "install KubeVirt and CDI: without them there are no virtual machines",
        )]);
    }
    let too_early: Vec<&str> = later.iter().copied().filter(|name| *name < ours).collect();
    if !too_early.is_empty() {
        let sentence = format!(
            "{ours} runs after {}, which then see boot sources without a namespace",
            too_early.join(" and ")
        );
        return Ok(vec![Line::failed(TOPIC, sentence).cure(format!(
            "{REGISTER} && kubectl delete mutatingwebhookconfiguration {ours}"
        ))]);
    }
    let last = later.iter().copied().max().unwrap_or_default();
    let mut between: Vec<String> = all
        .iter()
        .filter(|own| looks_at_machines(own))
        .map(|own| text(own, "/metadata/name"))
        .filter(|name| *name > ours && *name < last && !LATER.contains(name))
        .map(str::to_owned)
        .collect();
    between.sort_unstable();
    let mut sentence = format!("{ours} runs before {}", later.join(" and "));
    if !between.is_empty() {
        sentence = format!("{sentence}; between them {}", some(&between));
    }
    Ok(vec![Line::ok(TOPIC, sentence)])
}

/// There is nothing that could come too late, which is right only if no policy fills.
fn unregistered(evidence: &Evidence<'_>) -> Line {
    let fills = evidence
        .policies
        .as_ref()
        .map(|set| mutating_configuration(set, &ClientConfig::default()).is_some());
    match fills {
        Ok(false) => Line::ok(
            TOPIC,
            "no policy fills, and no mutating webhook is registered",
        ),
        Ok(true) => {
            let sentence = format!(
                "there is no MutatingWebhookConfiguration {MUTATING}: nothing is filled in"
            );
            Line::failed(TOPIC, sentence).cure(REGISTER)
        }
        Err(reason) => Line::warning(
            TOPIC,
            format!(
                "no mutating webhook is registered; whether one is needed is not known: {reason}"
            ),
        ),
    }
}

/// Whether a configuration is asked about what KubeVirt and CDI keep.
fn looks_at_machines(configuration: &Value) -> bool {
    let webhooks = items(configuration, "/webhooks").iter();
    let mut groups = webhooks
        .flat_map(|webhook| items(webhook, "/rules"))
        .flat_map(|rule| items(rule, "/apiGroups"))
        .filter_map(Value::as_str);
    groups.any(|group| matches!(group, "*" | "kubevirt.io" | "cdi.kubevirt.io"))
}
