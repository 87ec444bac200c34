//! Whether the registered webhooks deliver what the policies want to see.

use serde_json::Value;

use crate::engine::Registered;

use super::certificate::{configurations, with_configurations};
use super::evidence::{Evidence, told};
use super::line::{Line, Lines};
use super::order::REGISTER;

const TOPIC: &str = "delivery";

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let live = with_configurations(evidence, TOPIC)?;
    let policies = told(&evidence.policies, TOPIC)?;
    let ours: Vec<Value> = configurations(live).cloned().collect();
    let registered = Registered::read(&ours);
    let undelivered = registered.undelivered(policies);
    let lines: Vec<Line> = undelivered
        .iter()
        .map(|one| Line::failed(TOPIC, one.to_string()).cure(REGISTER))
        .collect();
    if lines.is_empty() {
        let count = policies.policies().len();
        let sentence = format!("the registered webhooks deliver what {count} policies want to see");
        return Ok(vec![Line::ok(TOPIC, sentence)]);
    }
    Ok(lines)
}
