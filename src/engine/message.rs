//! What people read.

use std::fmt::Write;

use crate::admission::FieldPath;
use crate::rules::Finding;

use super::Outcome;

/// At most this many warnings a response.
const MAX_WARNINGS: usize = 5;
/// At most this many characters of warnings a response.
const MAX_CHARACTERS: usize = 1500;

/// A refusal: a first line that stands alone (some clients show no more), then one labelled line each for the field,
/// what was found, what to write instead, the policy and the administrator's own word.
pub(super) fn denial(outcome: &Outcome<'_>) -> String {
    let policy = outcome.policy;
    let mut text = String::with_capacity(512);
    match &outcome.finding {
        Finding::Violation(violation) => {
            begin(&mut text, outcome, &violation.summary, &violation.field);
            add_line(&mut text, "found", &violation.found);
            for detail in &violation.details {
                add_line(&mut text, detail.label, &detail.text);
            }
        }
        Finding::Undetermined(undetermined) => {
            begin(
                &mut text,
                outcome,
                &undetermined.summary,
                &undetermined.field,
            );
            add_line(&mut text, "reason", &undetermined.reason);
            add_line(&mut text, "instead", "try again in a moment");
        }
        Finding::Fill(_) => return text,
    }
    let name = format!("{} ({})", policy.name, policy.rule.kind);
    add_line(&mut text, "policy", &name);
    if let Some(message) = &policy.message {
        add_line(&mut text, "help", message);
    }
    text
}

fn begin(text: &mut String, outcome: &Outcome<'_>, summary: &str, field: &FieldPath) {
    let _ = write!(text, "{summary} [{}]", outcome.policy.name);
    add_line(text, "field", &field.to_string());
}

/// A labelled line. A line break in it, such as one of the administrator's, stays under the same label.
fn add_line(text: &mut String, label: &str, line: &str) {
    text.push_str("\n  ");
    text.push_str(label);
    text.push(':');
    let blanks = 8_usize.saturating_sub(label.len()).max(1);
    text.extend(std::iter::repeat_n(' ', blanks));
    for (position, part) in line.trim_end().split('\n').enumerate() {
        if position > 0 {
            text.push_str("\n           ");
        }
        text.push_str(part);
    }
}

/// A warning: one sentence on one line, with the administrator's word flattened into it.
pub(super) fn warning(outcome: &Outcome<'_>) -> String {
    let summary = match &outcome.finding {
        Finding::Violation(violation) => violation.summary.clone(),
        Finding::Undetermined(undetermined) => {
            format!("{}: {}", undetermined.summary, undetermined.reason)
        }
        Finding::Fill(_) => return String::new(),
    };
    let mut text = format!("{summary} ({})", outcome.policy.rule.kind);
    if let Some(message) = &outcome.policy.message {
        let _ = write!(text, ": {message}");
    }
    one_line(&text)
}

/// A note for the audit log.
pub(super) fn record(outcome: &Outcome<'_>) -> String {
    let policy = &outcome.policy.name;
    match &outcome.finding {
        Finding::Fill(edit) => format!("{}={} [{policy}]", edit.path, edit.value),
        Finding::Violation(violation) => format!("{} [{policy}]", violation.summary),
        Finding::Undetermined(undetermined) => {
            format!(
                "{}: {} [{policy}]",
                undetermined.summary, undetermined.reason
            )
        }
    }
}

/// Ansible's client cuts warnings at `", "`, and the API server drops a text with control characters.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .collect();
    let line = words
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ");
    line.replace(", ", "; ")
}

/// As many warnings as the API server passes on whole; the rest is counted.
pub(super) fn within_limits(mut warnings: Vec<String>) -> Vec<String> {
    warnings.dedup();
    let mut room = MAX_CHARACTERS;
    let mut kept = Vec::new();
    let all = warnings.len();
    for warning in warnings {
        let length = warning.chars().count();
        let last = kept.len() + 1 == MAX_WARNINGS && all > MAX_WARNINGS;
        if last || length + 40 > room {
            break;
        }
        room -= length;
        kept.push(warning);
    }
    if kept.len() < all {
        kept.push(format!("and {} more of the kind", all - kept.len()));
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_one_sentence_on_one_line() {
        let text = "a, b\nc\t\u{7} d";
        assert_eq!(one_line(text), "a; b c d");
    }

    #[test]
    fn five_warnings_pass_and_more_are_counted() {
        let warnings = |count: usize| {
            (0..count)
                .map(|n| format!("warning {n}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(within_limits(warnings(5)).len(), 5);
        let limited = within_limits(warnings(50));
        assert_eq!(limited.len(), 5);
        assert_eq!(limited.last().unwrap(), "and 46 more of the kind");
    }

    #[test]
    fn long_warnings_stay_within_the_limit() {
        let warnings = (0..5).map(|n| format!("{n}{}", "x".repeat(600))).collect();
        let limited = within_limits(warnings);
        assert!(limited.iter().map(String::len).sum::<usize>() <= MAX_CHARACTERS);
        assert_eq!(limited.last().unwrap(), "and 3 more of the kind");
        let one = within_limits(vec!["y".repeat(5000)]);
        assert_eq!(one, ["and 1 more of the kind"]);
    }
}
