//! Whether an outage of goldkeeper does what it was meant to do: failure policies and timeouts as shipped.

use serde_json::Value;

use crate::engine::{FailureBounds, failure_bounds};

use super::certificate::{configurations, with_configurations};
use super::evidence::{Evidence, items, text};
use super::line::{Line, Lines};
use super::order::REGISTER;

const TOPIC: &str = "fail-open";

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
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
        return Err(vec![Line::failed(TOPIC, sentence).cure(REGISTER)]);
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
    let mut lines = Vec::new();
    let found = match text(webhook, "/failurePolicy") {
        "" => "Fail",
        found => found,
    };
    if found != policy {
        let sentence = format!("{place}: failurePolicy of {name} is {found}, shipped {policy}");
        lines.push(Line::failed(TOPIC, sentence).cure(REGISTER));
    }
    let timeout = webhook
        .get("timeoutSeconds")
        .and_then(Value::as_u64)
        .unwrap_or(10);
    if timeout != u64::from(seconds) {
        let sentence = format!("{place}: timeoutSeconds of {name} is {timeout}, shipped {seconds}");
        lines.push(Line::warning(TOPIC, sentence).cure(REGISTER));
    }
    lines
}
