//! What people read.

use std::fmt::Write;

use crate::rules::Finding;

use super::{Outcome, Yielded};

/// At most this many warnings a response.
const MAX_WARNINGS: usize = 5;
/// At most this many characters of warnings a response.
const MAX_CHARACTERS: usize = 1500;

/// A refusal: a first line that stands alone (some clients show no more), then one labelled line each for the field,
/// what was found, what to write instead, the policy and the administrator's own word.
pub(super) fn denial(outcome: &Outcome<'_>) -> String {
    let policy = outcome.policy;
    let (summary, field, details) = match &outcome.finding {
        Finding::Violation(violation) | Finding::Advice(violation) => {
            (&violation.summary, &violation.field, &*violation.details)
        }
        Finding::Undetermined(undetermined) => {
            (&undetermined.summary, &undetermined.field, &[][..])
        }
        Finding::Fill(_) => return String::new(),
    };
    let labels = details.iter().map(|detail| detail.label.len());
    let mut lines = Lines {
        text: String::with_capacity(512),
        width: labels
            .chain([SHORTEST_COLUMN])
            .max()
            .unwrap_or(SHORTEST_COLUMN),
    };
    let _ = write!(lines.text, "{summary} [{}]", policy.name);
    // Only what a condition looked at is the object as a whole.
    let is_condition = field.is_root();
    if !is_condition {
        lines.add("field", field);
    }
    match &outcome.finding {
        Finding::Undetermined(undetermined) => {
            lines.add("reason", &undetermined.reason);
            lines.add("instead", &instead(is_condition));
        }
        Finding::Violation(violation) | Finding::Advice(violation) => {
            lines.add("found", &violation.found);
        }
        Finding::Fill(_) => {}
    }
    for detail in details {
        lines.add(detail.label, &detail.text);
    }
    let file = policy.file.rsplit('/').next().unwrap_or_default();
    lines.add(
        "policy",
        &format_args!("{} ({} in {file})", policy.name, policy.rule.kind),
    );
    if let Some(message) = &policy.message {
        lines.add("help", &message.trim_end());
    }
    lines.text
}

/// What to do about what could not be told: a missing fact may come, a condition has to be mended.
const fn instead(is_condition: bool) -> &'static str {
    if is_condition {
        "ask an administrator to mend the condition in the policy"
    } else {
        "try again in a moment; if it stays so, an administrator finds the reason in goldkeeper's log"
    }
}

/// The width of the longest label that nearly every refusal has.
const SHORTEST_COLUMN: usize = "instead".len();

/// Labelled lines in two columns.
struct Lines {
    text: String,
    width: usize,
}

impl Lines {
    /// Adds a line. A line break in an administrator's text stays, under the same label.
    fn add(&mut self, label: &str, line: &dyn std::fmt::Display) {
        let padding = self.width.saturating_sub(label.len()) + 1;
        let _ = write!(self.text, "\n  {label}:{:padding$}", "");
        let start = self.text.len();
        let _ = write!(self.text, "{line}");
        if self
            .text
            .get(start..)
            .is_some_and(|line| line.contains('\n'))
        {
            let line = self.text.split_off(start);
            let indent = format!("\n{:1$}", "", self.width + 4);
            self.text.push_str(&line.replace('\n', &indent));
        }
    }
}

/// A warning: one sentence on one line, with the administrator's word flattened into it.
pub(super) fn warning(outcome: &Outcome<'_>) -> String {
    let summary = match &outcome.finding {
        Finding::Violation(violation) | Finding::Advice(violation) => violation
            .let_through
            .as_ref()
            .unwrap_or(&violation.summary)
            .clone(),
        Finding::Undetermined(undetermined) => {
            format!("{}: {}", undetermined.summary, undetermined.reason)
        }
        Finding::Fill(_) => return String::new(),
    };
    signed(outcome, &summary)
}

/// What is told of something that was filled in, if anything is.
pub(super) fn notice(outcome: &Outcome<'_>) -> Option<String> {
    match &outcome.finding {
        Finding::Fill(edit) => Some(signed(outcome, edit.notice.as_ref()?)),
        _ => None,
    }
}

fn signed(outcome: &Outcome<'_>, summary: &str) -> String {
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
        Finding::Violation(violation) | Finding::Advice(violation) => {
            format!("{} [{policy}]", violation.summary)
        }
        Finding::Undetermined(undetermined) => {
            format!(
                "{}: {} [{policy}]",
                undetermined.summary, undetermined.reason
            )
        }
    }
}

/// A note for the audit log: which policy gave way to which.
pub(super) fn yielded(yielded: &Yielded<'_>) -> String {
    format!(
        "{}: {} gave way to {}",
        yielded.field, yielded.policy.name, yielded.to.name
    )
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
