//! Whether an outage of goldkeeper does what it was meant to do: failure policies and timeouts as shipped.

use serde_json::Value;

use crate::engine::{FailureBounds, failure_bounds};

use super::certificate::{configurations, with_configurations};
use super::evidence::{Evidence, items, text};
use super::line::Line;

const TOPIC: &str = "fail-open";

pub(super) fn check(evidence: &Evidence<'_>) -> Vec<Line> {
    judge(evidence).unwrap_or_else(|lines| lines)
}

fn judge(evidence: &Evidence<'_>) -> Result<Vec<Line>, Vec<Line>> {
    let live = with_configurations(evidence, TOPIC)?;
    let mut lines = Vec::new();
    let mut count = 0;
    for own in configurations(live) {
        for webhook in items(own, "/webhooks") {
            count += 1;
            lines.extend(compare(own, webhook));
        }
    }
    if count == 0 {
        let sentence =
            "no webhook of goldkeeper is registered: nothing is filled in and nothing is refused";
        let cure = "goldkeeper webhook-config --policies DIR > deploy/base/webhooks.yaml && kubectl apply -k deploy/overlays/OVERLAY";
        return Err(vec![Line::failed(TOPIC, sentence).cure(cure)]);
    }
    if lines.is_empty() {
        lines.push(Line::ok(
            TOPIC,
            format!("failure policies and timeouts of {count} webhooks are as shipped"),
        ));
    }
    Ok(lines)
}

/// One webhook with what is shipped; one that is not ours to judge says nothing.
fn compare(configuration: &Value, webhook: &Value) -> Vec<Line> {
    let name = text(webhook, "/name");
    let Some(FailureBounds { policy, seconds }) = failure_bounds(name) else {
        return Vec::new();
    };
    let place = format!(
        "{} {}",
        text(configuration, "/kind"),
        text(configuration, "/metadata/name")
    );
    let cure = "goldkeeper webhook-config --policies DIR > deploy/base/webhooks.yaml && kubectl apply -k deploy/overlays/OVERLAY";
    let mut lines = Vec::new();
    let found = match text(webhook, "/failurePolicy") {
        "" => "Fail",
        found => found,
    };
    if found != policy {
        let sentence = format!("{place}: failurePolicy of {name} is {found}, shipped {policy}");
        lines.push(Line::failed(TOPIC, sentence).cure(cure));
    }
    let timeout = webhook
        .get("timeoutSeconds")
        .and_then(Value::as_u64)
        .unwrap_or(10);
    if timeout != u64::from(seconds) {
        let sentence = format!("{place}: timeoutSeconds of {name} is {timeout}, shipped {seconds}");
        lines.push(Line::warning(TOPIC, sentence).cure(cure));
    }
    lines
}
