//! Words that rules share.

use crate::admission::FieldPath;

use super::{Detail, Finding, Violation};

/// How many names a sentence holds before the rest is counted.
const NAMES: usize = 5;

/// Names in a sentence: `a`, `a and b`, `a and b and 48 more`. Commas would cut a warning in two.
pub(super) fn names(names: &[&str]) -> String {
    let (shown, rest) = names.split_at(names.len().min(NAMES));
    let mut words: Vec<String> = shown.iter().map(ToString::to_string).collect();
    if !rest.is_empty() {
        words.push(format!("{} more", rest.len()));
    }
    words.join(" and ")
}

/// A finding that is only told.
pub(super) fn advice(field: FieldPath, found: impl Into<String>, summary: String) -> Finding {
    Finding::Advice(Violation {
        summary,
        let_through: None,
        field,
        found: found.into(),
        details: Vec::new(),
    })
}

/// What to write where a golden image is named without its namespace, or with another one.
pub(super) fn write_namespace(home: &str, name: &str) -> Detail {
    detail(
        "instead",
        format!("write namespace: {home} beside name: {name}"),
    )
}

/// Where a golden image is kept.
pub(super) fn expected(home: &str, name: &str) -> Detail {
    detail(
        "expected",
        format!("{home} (where the HyperConverged keeps {name})"),
    )
}

/// One line of a message.
pub(super) fn detail(label: &'static str, text: impl Into<String>) -> Detail {
    Detail {
        label,
        text: text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_holds_five_names() {
        assert_eq!(names(&["a"]), "a");
        assert_eq!(names(&["a", "b", "c"]), "a and b and c");
        let many = ["a", "b", "c", "d", "e", "f", "g"];
        assert_eq!(names(&many), "a and b and c and d and e and 2 more");
    }
}
