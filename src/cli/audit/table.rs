//! Findings for people: how many first, then some of them, then the command that shows the rest.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::cli::words::{counted, policies};
use crate::report;

use super::output::Settings;
use super::{Counts, Found, Summary};

/// Lines by rule and namespace before the rest is counted.
const LINES: usize = 15;

/// A finding on one line.
pub(super) fn line(found: &Found) -> String {
    format!(
        "{:5} {}: {} [{}]\n",
        found.action.as_str(),
        found.object(),
        found.text,
        found.policy
    )
}

/// The whole picture, but for what was written line by line.
pub(super) fn table(settings: &Settings, summary: &Summary, first: &[Found]) -> String {
    let mut text = String::new();
    if settings.all && summary.findings() > 0 {
        text.push('\n');
    }
    text.push_str(&headline(settings, summary));
    if summary.findings() > 0 {
        text.push('\n');
        text.push_str(&counts(settings, summary));
    }
    if !first.is_empty() {
        text.push('\n');
        for found in first {
            text.push_str(&line(found));
        }
        let rest = summary.findings() - first.len() as u64;
        if rest > 0 {
            let _ = writeln!(text, "and {rest} more: {}", settings.rest);
        }
    }
    let mut notes = String::new();
    for (policy, (count, reason)) in &summary.untold {
        let objects = counted(*count, "object");
        let _ = writeln!(notes, "Not told by {policy} for {objects}: {reason}.");
    }
    if summary.rights_unasked > 0 {
        let objects = counted(summary.rights_unasked, "object");
        let _ = writeln!(
            notes,
            "Who may clone was not asked for {objects}: --rights asks the cluster."
        );
    }
    for gap in &summary.gaps {
        let _ = writeln!(
            notes,
            "Not looked at: {} objects: {}.",
            gap.kind, gap.reason
        );
    }
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&notes);
    }
    text
}

fn headline(settings: &Settings, summary: &Summary) -> String {
    let kinds: Vec<String> = summary
        .judged
        .iter()
        .map(|(resource, count)| format!("{count} {}", resource.info().kind))
        .collect();
    let judged: u64 = summary.judged.values().sum();
    let policies = policies(settings.policies);
    let mut text = format!("{} judged by {policies}: ", counted(judged, "object"));
    match summary.findings() {
        0 => text.push_str("nothing found"),
        findings => {
            let in_objects = counted(summary.offenders, "object");
            let _ = write!(text, "{} in {in_objects}", counted(findings, "finding"));
        }
    }
    text.push('\n');
    if judged > 0 {
        let _ = writeln!(text, "judged    {}", kinds.join(", "));
    }
    if summary.left_out > 0 {
        let _ = writeln!(
            text,
            "left out  {} owned by another object, done, or being deleted",
            summary.left_out
        );
    }
    let _ = writeln!(text, "policies  {:.15}", settings.digest);
    let _ = writeln!(text, "cluster   {}", settings.cluster);
    text
}

/// How many by rule and namespace, most first.
fn counts(settings: &Settings, summary: &Summary) -> String {
    let mut lines: Vec<(&(&'static str, String), &Counts)> = summary.counts.iter().collect();
    lines.sort_by_key(|(key, counts)| (Reverse(counts.deny), Reverse(counts.total()), *key));
    let shown = if settings.only_summary {
        lines.len()
    } else {
        LINES.min(lines.len())
    };
    let mut rows = Vec::new();
    if lines.len() > LINES {
        rows.extend(totals(summary));
    }
    rows.extend(lines.iter().take(shown).map(|((rule, namespace), counts)| {
        let place = if namespace.is_empty() { "-" } else { namespace };
        row(rule, place, counts)
    }));
    let header = ["RULE", "NAMESPACE", "DENY", "WARN", "AUDIT"];
    let mut text = report::table(&header, &rows);
    if lines.len() > shown {
        let rest: u64 = lines
            .iter()
            .skip(shown)
            .map(|(_, counts)| counts.total())
            .sum();
        let _ = writeln!(
            text,
            "and {} in {}: --summary shows them",
            counted(rest, "finding"),
            counted(lines.len() - shown, "more line")
        );
    }
    text
}

/// One line for each rule, where there are so many namespaces that nobody adds them up.
fn totals(summary: &Summary) -> Vec<Vec<String>> {
    let mut totals: BTreeMap<&str, (u64, Counts)> = BTreeMap::new();
    for ((rule, _), counts) in &summary.counts {
        let (places, total) = totals.entry(rule).or_default();
        *places += 1;
        total.add(counts);
    }
    let totals = totals.into_iter();
    totals
        .map(|(rule, (places, total))| row(rule, &format!("all {places}"), &total))
        .collect()
}

fn row(rule: &str, place: &str, counts: &Counts) -> Vec<String> {
    let mut row = vec![rule.to_owned(), place.to_owned()];
    let counts = [counts.deny, counts.warn, counts.audit];
    row.extend(counts.map(|count| match count {
        0 => "-".to_owned(),
        count => count.to_string(),
    }));
    row
}
