//! Findings as SARIF, written one by one: a log of a hundred thousand would not fit into memory.

use std::sync::Arc;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::engine::Action;
use crate::report::{Level, Remark, RuleText, sarif, sarif_result};
use crate::rules::RULES;

use super::Found;

/// What closes the log after the last result.
pub(super) const TAIL: &str = "\n]}]}\n";

/// The log up to its results.
pub(super) fn head() -> Result<String> {
    let mut log = sarif(&rules(), &[]);
    let run = log.pointer_mut("/runs/0").and_then(Value::as_object_mut);
    let run = run.context("a SARIF log has a run")?;
    run.remove("results");
    let run = serde_json::to_string(run)?;
    let run = run.strip_suffix('}').context("a run is an object")?;
    let schema = log.get("$schema").unwrap_or(&Value::Null);
    Ok(format!(
        "{{\"$schema\": {schema}, \"version\": \"2.1.0\", \"runs\": [{run}, \"results\": ["
    ))
}

/// A finding as a result. Objects of a cluster have no file: their place is their path in the API.
pub(super) fn result(found: &Found) -> Value {
    let info = found.resource.info();
    let namespace = match &*found.namespace {
        "" => String::new(),
        namespace => format!("namespaces/{namespace}/"),
    };
    let path = format!(
        "apis/{}/{namespace}{}/{}",
        found.api_version, info.plural, found.name
    );
    let instead = found
        .details
        .iter()
        .find(|detail| detail.label == "instead");
    let remark = Remark {
        level: match found.action {
            Action::Deny => Level::Error,
            Action::Warn => Level::Warning,
            _ => Level::Note,
        },
        rule: found.rule.to_owned(),
        message: format!("{}: {}", found.object(), found.text),
        help: instead
            .map(|detail| detail.text.clone())
            .unwrap_or_default(),
        file: Arc::from(path.as_str()),
        line: 0,
        column: 0,
        end_column: None,
    };
    let mut result = sarif_result(&rules(), &remark);
    let location = result
        .pointer_mut("/locations/0")
        .and_then(Value::as_object_mut);
    if let Some(location) = location {
        let name = json!([{"fullyQualifiedName": found.object(), "kind": "resource"}]);
        location.insert("logicalLocations".to_owned(), name);
    }
    result
}

fn rules() -> Vec<RuleText> {
    let rules = RULES.iter().map(|rule| RuleText {
        id: rule.kind.to_owned(),
        summary: rule.summary.to_owned(),
        manual: String::new(),
    });
    rules.collect()
}
