//! What comes of a request, and how it is written in a case.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::admission::{AdmissionRequest, Edit};
use crate::engine::{Decision, Route, World, admit, ask};

use super::format::{Expected, ExpectedAnswer};

/// What one webhook answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether the request is allowed.
    pub allowed: bool,
    /// Why it is not, all lines.
    pub message: Option<String>,
    /// The operations of the JSON patch.
    pub patch: Vec<Value>,
    /// What the user is warned of.
    pub warnings: Vec<String>,
    /// What the audit log is told.
    pub audit_annotations: BTreeMap<String, String>,
}

/// What comes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The answer of `/mutate`.
    pub mutate: Answer,
    /// The answer of `/validate` to the patched object.
    pub validate: Answer,
    /// The answer of `/validate` to the object as it was sent, as if `/mutate` had been down.
    pub validate_unpatched: Answer,
}

impl From<Decision> for Answer {
    fn from(decision: Decision) -> Self {
        let operation = |edit: &Edit| serde_json::to_value(edit).unwrap_or_default();
        let annotations = decision.audit_annotations.into_iter();
        Self {
            allowed: decision.denial.is_none(),
            message: decision.denial,
            patch: decision.edits.iter().map(operation).collect(),
            warnings: decision.warnings,
            audit_annotations: annotations
                .map(|(key, text)| (key.to_owned(), text))
                .collect(),
        }
    }
}

/// Takes a request all the way, by the same two functions that the webhook calls.
///
/// # Errors
/// Why it is no request that can be judged.
pub fn judge(world: &World<'_>, request: &Value) -> Result<Outcome, String> {
    let bytes = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    let unpatched = AdmissionRequest::read(&bytes)
        .map_err(|error| format!("the request can't be read: {error}"))?;
    let validate_unpatched = ask(world, Route::VALIDATE, &unpatched).decision;
    let admission = admit(world, request.clone()).map_err(|error| error.to_string())?;
    Ok(Outcome {
        mutate: admission.mutate.decision.into(),
        validate: admission.validate.decision.into(),
        validate_unpatched: validate_unpatched.into(),
    })
}

/// What was expected and what was found, each as it is written in a case.
pub(super) fn compare(
    expect: Option<&Expected>,
    outcome: &Outcome,
    mutation_skipped: bool,
) -> (String, String) {
    let nothing = Expected::default();
    let Expected { mutate, validate } = expect.unwrap_or(&nothing);
    let validated = if mutation_skipped {
        &outcome.validate_unpatched
    } else {
        &outcome.validate
    };
    let expected = mutate.text("mutate") + &validate.text("validate");
    let found = found(&outcome.mutate, mutate, "mutate") + &found(validated, validate, "validate");
    (expected, found)
}

/// What came of a request as the value of `expect`, or as one of several.
pub(super) fn item(found: &str, several: bool) -> String {
    match (several, found.strip_prefix("  ")) {
        (true, Some(rest)) => format!("\n- {}", rest.trim_end()),
        (true, None) => "\n- {}".to_owned(),
        (false, Some(_)) => format!("\n{found}"),
        (false, None) => " {}\n".to_owned(),
    }
}

impl ExpectedAnswer {
    fn text(&self, stage: &str) -> String {
        let annotations = self.audit_annotations.as_ref();
        print(stage, self, annotations.map(|map| map.iter().collect()))
    }
}

fn found(answer: &Answer, expected: &ExpectedAnswer, stage: &str) -> String {
    let found = ExpectedAnswer {
        allowed: answer.allowed,
        message: answer.message.clone(),
        patch: answer.patch.clone(),
        warnings: answer.warnings.clone(),
        audit_annotations: None,
    };
    // The digest of the policies changes with every comment in them.
    let annotations = answer
        .audit_annotations
        .iter()
        .filter(|(key, _)| *key != "policies");
    let wanted = expected.audit_annotations.as_ref();
    print(stage, &found, wanted.map(|_| annotations.collect()))
}

/// What came of a stage, as it is written in a case file. Nothing at all is not written.
fn print(
    stage: &str,
    answer: &ExpectedAnswer,
    annotations: Option<Vec<(&String, &String)>>,
) -> String {
    let mut text = String::new();
    let mut line = |indent: usize, line: &str| {
        let _ = writeln!(text, "{:indent$}{line}", "");
    };
    line(2, &format!("{stage}:"));
    if stage != "mutate" || !answer.allowed {
        line(4, &format!("allowed: {}", answer.allowed));
    }
    if !answer.patch.is_empty() {
        line(4, "patch:");
        for operation in &answer.patch {
            line(6, &format!("- {operation}"));
        }
    }
    if let Some(message) = &answer.message {
        line(4, "message: |");
        message.trim_end().lines().for_each(|part| line(6, part));
    }
    if !answer.warnings.is_empty() {
        line(4, "warnings:");
        for warning in &answer.warnings {
            line(6, &format!("- {}", Value::from(warning.as_str())));
        }
    }
    if let Some(annotations) = annotations {
        line(4, "auditAnnotations:");
        for (key, value) in annotations {
            line(6, &format!("{key}: {}", Value::from(value.as_str())));
        }
    }
    let says_nothing = text.lines().count() == 1;
    if says_nothing { String::new() } else { text }
}
