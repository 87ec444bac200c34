//! Whether the registered webhooks deliver what the policies want to see.

use serde_json::Value;

use crate::engine::Registered;

use super::certificate::{configurations, with_configurations};
use super::evidence::{Evidence, told};
use super::line::Line;

const TOPIC: &str = "delivery";

pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Line> {
    judge(evidence).unwrap_or_else(|lines| lines)
}

fn judge(evidence: &Evidence<'_>) -> Result<Vec<Line>, Vec<Line>> {
    let live = with_configurations(evidence, TOPIC)?;
    let policies = told(&evidence.policies, TOPIC)?;
    let ours: Vec<Value> = configurations(live).cloned().collect();
    let registered = Registered::read(&ours);
    let undelivered = registered.undelivered(policies);
    let lines: Vec<Line> = undelivered
        .iter()
        .map(|one| {
            let cure = "goldkeeper webhook-config --policies DIR > deploy/base/webhooks.yaml && kubectl apply -k deploy/overlays/OVERLAY";
            Line::failed(TOPIC, one.to_string()).cure(cure)
        })
        .collect();
    if lines.is_empty() {
        let count = policies.policies().len();
        let sentence = format!("the registered webhooks deliver what {count} policies want to see");
        return Ok(vec![Line::ok(TOPIC, sentence)]);
    }
    Ok(lines)
}
