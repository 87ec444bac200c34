//! All policies in force.

use std::sync::Arc;

use crate::document::{self, Decoder, Diagnostic, Place, Severity};
use crate::rules::RULES;

use super::{Policy, file};

/// The text of a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicySource {
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// What it says.
    pub text: String,
}

/// The policies in force, in the order in which they are judged: by rule, then by name. Immutable.
#[derive(Debug, Default)]
pub struct PolicySet {
    policies: Vec<Policy>,
    digest: String,
    warnings: Vec<Diagnostic>,
}

impl PolicySet {
    /// Compiles policy files: all of them, or none.
    ///
    /// # Errors
    /// Every fault of every file, with its place and what to write instead.
    pub fn compile(sources: &[PolicySource]) -> Result<Self, Vec<Diagnostic>> {
        let mut policies = Vec::new();
        let mut told = Vec::new();
        for source in sources {
            told.extend(read(source, &mut policies));
        }
        let (faults, warnings): (Vec<_>, Vec<_>) = told
            .into_iter()
            .partition(|fault| fault.severity == Severity::Error);
        if !faults.is_empty() {
            return Err(faults);
        }
        policies.sort_by(|left, right| (rank(left), &left.name).cmp(&(rank(right), &right.name)));
        Ok(Self {
            policies,
            digest: digest(sources),
            warnings,
        })
    }

    /// The policies, in the order in which they are judged.
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// What is probably not meant in its files.
    pub(super) fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Identifies the set: `sha256:` and eight hexadecimal digits over the texts of its files.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Adds the policies of a file; what is told of it, in the order of its lines.
fn read(source: &PolicySource, policies: &mut Vec<Policy>) -> Vec<Diagnostic> {
    let (documents, broken) = document::parse_each(&source.file, &source.text);
    let mut decoder = Decoder::with_text(source.file.clone(), &source.text);
    if documents.is_empty() && broken.is_empty() {
        let help = "write a policy into it or remove the file";
        decoder.error_at(Place::default(), "the file holds no policy", help);
    }
    for node in &documents {
        let errors = decoder.errors();
        let Some(policy) = file::decode(node, &mut decoder) else {
            if decoder.errors() == errors {
                let help = "this is a defect of goldkeeper; leave out field by field to find which one it is";
                decoder.error(node, "the policy can't be read", help);
            }
            continue;
        };
        if let Some(twin) = policies.iter().find(|other| is_twin(other, &policy)) {
            let message = format!(
                "a {} named `{}` is also in {}:{}",
                policy.rule.kind, policy.name, twin.file, twin.line
            );
            decoder.error(node, message, "give one of the two another name");
        }
        policies.push(policy);
    }
    let mut told = decoder.finish();
    if !broken.is_empty() {
        told.extend(broken);
        told.sort_by_key(|fault| fault.line);
    }
    told
}

fn is_twin(one: &Policy, other: &Policy) -> bool {
    one.rule.kind == other.rule.kind && one.name == other.name
}

fn rank(policy: &Policy) -> usize {
    RULES
        .iter()
        .position(|rule| rule.kind == policy.rule.kind)
        .unwrap_or(RULES.len())
}

/// Where the files are does not matter, what they say does.
fn digest(sources: &[PolicySource]) -> String {
    use sha2::{Digest, Sha256};
    let mut sum = Sha256::new();
    for source in sources {
        sum.update(source.text.len().to_le_bytes());
        sum.update(source.text.as_bytes());
    }
    let first = sum.finalize().into_iter().take(4);
    let number = first.fold(0_u32, |number, byte| number << 8 | u32::from(byte));
    format!("sha256:{number:08x}")
}
