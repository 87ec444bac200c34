//! What a rule can find.

use crate::admission::{Edit, FieldPath};

/// One thing that a rule found in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The rule is broken.
    Violation(Violation),
    /// Worth a word and never a refusal, whatever the policy says: `Deny` makes a warning of it. While a request is filled
    /// in: what another webhook is about to refuse, so that nobody would hear of it later.
    Advice(Violation),
    /// A missing field can be filled in.
    Fill(Edit),
    /// A fact is missing, so that nothing can be said.
    Undetermined(Undetermined),
}

impl Finding {
    /// What is wrong with the request, whether or not it may be refused for it.
    pub const fn violation(&self) -> Option<&Violation> {
        match self {
            Self::Violation(violation) | Self::Advice(violation) => Some(violation),
            Self::Fill(_) | Self::Undetermined(_) => None,
        }
    }
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// One sentence that stands alone: what and where, without a full stop.
    pub summary: String,
    /// The same sentence where the request goes through all the same, if it has to read differently.
    pub let_through: Option<String>,
    /// The field that is wrong.
    pub field: FieldPath,
    /// What stands there.
    pub found: String,
    /// What is expected, who sets it, what to write.
    pub details: Vec<Detail>,
}

/// One labelled line of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// `expected`, `instead`, …: one word.
    pub label: &'static str,
    /// The line.
    pub text: String,
}

/// What could not be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undetermined {
    /// One sentence that stands alone: what could not be checked, without a full stop.
    pub summary: String,
    /// The field that could not be judged.
    pub field: FieldPath,
    /// Why the fact is missing.
    pub reason: String,
}
