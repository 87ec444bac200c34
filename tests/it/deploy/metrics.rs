//! Alerts and dashboard ask for metrics that there are.

use std::collections::BTreeSet;

use serde_json::Value;

use super::read;
use crate::support::serving::Serving;

/// What is not goldkeeper's: Prometheus' own, kube-state-metrics', and the API server's. The last two are looked for by a
/// test in front of a real API server.
const OF_OTHERS: [&str; 4] = [
    "up",
    "kube_deployment_status_replicas_available",
    "apiserver_admission_webhook_fail_open_count",
    "apiserver_admission_webhook_rejection_count",
];

/// Told of a live cluster only; looked for by a test in front of a real API server.
pub(crate) const OF_A_LIVE_CLUSTER: [&str; 1] = ["goldkeeper_policies_undelivered"];

/// The names that a query asks for: what is neither a function, nor a label, nor a word of the language.
fn names(query: &str) -> BTreeSet<String> {
    const GROUPING: [&str; 4] = [" by", " without", " on", " ignoring"];
    const WORDS: [&str; 5] = ["and", "or", "unless", "bool", "offset"];
    let mut plain = String::new();
    let (mut quoted, mut grouping, mut depth) = (false, false, 0);
    for c in query.chars() {
        let grouped = GROUPING
            .into_iter()
            .find(|word| c == '(' && plain.trim_end().ends_with(word));
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ if depth > 0 => {}
            ')' if grouping => grouping = false,
            _ if grouping => {}
            _ if grouped.is_some() => {
                // Without it, what stood before is a function again.
                let end = plain.trim_end().len() - grouped.map_or(0, str::len);
                plain.truncate(end);
                grouping = true;
            }
            _ => plain.push(c),
        }
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut found = BTreeSet::new();
    let mut rest = plain.as_str();
    while let Some(start) = rest.find(is_word) {
        let from = &rest[start..];
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let is_function = after.trim_start().starts_with('(');
        let is_number = word.starts_with(|c: char| c.is_ascii_digit());
        if !is_function && !is_number && !WORDS.contains(&word) {
            found.insert(word.to_owned());
        }
        rest = after;
    }
    found
}

#[test]
fn names_are_read_out_of_queries() {
    let table = [
        (r#"absent(up{job="a"} == 1)"#, "up"),
        (
            "sum by (rule) (rate(a_total[5m])) > 0.2 and b offset 15m",
            "a_total b",
        ),
        (
            "histogram_quantile(0.99, sum by (stage, le) (rate(h_bucket{x=~\"a|b\"}[5m])))",
            "h_bucket",
        ),
        ("max without (pod) (a) < 14 * 86400 or vector(0)", "a"),
        ("label_replace(a, \"b\", \"$1\", \"c\", \"(.+)\")", "a"),
    ];
    for (query, expected) in table {
        let found: Vec<String> = names(query).into_iter().collect();
        assert_eq!(found.join(" "), expected, "{query}");
    }
}

/// The names of the samples that `/metrics` announces, by the types of its metrics.
pub(crate) fn announced(metrics: &str) -> BTreeSet<String> {
    let types = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "));
    let mut found = BTreeSet::new();
    for (name, kind) in types.filter_map(|line| line.split_once(' ')) {
        let endings: &[&str] = match kind {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        found.extend(endings.iter().map(|ending| format!("{name}{ending}")));
    }
    found
}

/// Every query of the dashboard, and how each panel is called.
fn dashboard() -> Vec<(String, String)> {
    let text = read("deploy/components/console-dashboard/goldkeeper.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut queries = Vec::new();
    for row in dashboard["rows"].as_array().unwrap() {
        let mut span = 0;
        for panel in row["panels"].as_array().unwrap() {
            span += panel["span"].as_u64().unwrap();
            let title = panel["title"].as_str().unwrap();
            // What the console can draw.
            let kinds = ["graph", "singlestat", "table"];
            assert!(kinds.contains(&panel["type"].as_str().unwrap()), "{title}");
            for target in panel["targets"].as_array().unwrap() {
                queries.push((
                    title.to_owned(),
                    target["expr"].as_str().unwrap().to_owned(),
                ));
            }
        }
        assert_eq!(span, 12, "{}: a row is filled", row["title"]);
    }
    queries
}

#[test]
fn queries_name_metrics_that_there_are() {
    let mut queries = dashboard();
    assert!(queries.len() > 10);
    for alert in super::alerts::alerts() {
        let text = |field: &str| alert[field].as_str().unwrap().to_owned();
        queries.push((text("alert"), text("expr")));
    }
    let there = announced(&Serving::start().get("/metrics"));
    for (place, query) in queries {
        let names = names(&query);
        assert!(!names.is_empty(), "{place}: {query}");
        for name in names {
            let known = there.contains(&name)
                || OF_OTHERS.contains(&&*name)
                || OF_A_LIVE_CLUSTER.contains(&&*name);
            assert!(known, "{place}: there is no metric {name}: {query}");
        }
    }
}

/// The labels that alerts and dashboard go by.
#[test]
fn boot_sources_are_told_by_namespace_and_image() {
    let metrics = Serving::start().get("/metrics");
    for metric in [
        "goldkeeper_boot_source_stale",
        "goldkeeper_boot_source_ready",
    ] {
        let sample = metrics
            .lines()
            .find(|line| line.starts_with(&format!("{metric}{{")))
            .unwrap_or_else(|| panic!("no sample of {metric} with examples/cluster.yaml"));
        for label in ["namespace=\"", "image=\""] {
            let named =
                sample.contains(&format!("{{{label}")) || sample.contains(&format!(",{label}"));
            assert!(named, "no label {label}: {sample}");
        }
    }
}
