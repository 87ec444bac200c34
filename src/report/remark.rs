//! Remarks that stand at a place in a file, whoever makes them.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::document::{Diagnostic, Severity};

/// The rule id of remarks on policy files themselves.
pub const POLICY_FILE: &str = "policy-file";

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It stops what was asked for.
    Error,
    /// It is probably not what was meant.
    Warning,
    /// It is good to know.
    Note,
}

impl Level {
    /// Its name, as in SARIF and JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// One remark: what is to be said of a place in a file. Made of faults in policy files, of decisions on manifests and of
/// whatever else has a place; [`super::json`], [`super::sarif`] and [`super::github`] hand it to machines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How much it matters.
    pub level: Level,
    /// What made it: a policy kind, or [`POLICY_FILE`].
    pub rule: String,
    /// What is wrong; the first line stands alone.
    pub message: String,
    /// What to do; may be empty.
    pub help: String,
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// Line, from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 where the whole line or file is meant.
    pub column: u32,
    /// The column after the last character that is meant, where that is known.
    pub end_column: Option<u32>,
}

impl Remark {
    /// The message, with the cure on a line of its own.
    pub(super) fn text(&self) -> String {
        match self.help.as_str() {
            "" => self.message.clone(),
            help => format!("{}\nhelp: {help}", self.message),
        }
    }
}

impl From<&Diagnostic> for Remark {
    fn from(fault: &Diagnostic) -> Self {
        Self {
            level: match fault.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
            },
            rule: POLICY_FILE.to_owned(),
            message: fault.message.clone(),
            help: fault.help.clone(),
            file: fault.file.clone(),
            line: fault.line,
            column: fault.column,
            end_column: None,
        }
    }
}

/// Remarks as a JSON list, in their order. What is not known (a place, a cure) is left out.
pub fn json(remarks: &[Remark]) -> Value {
    let one = |remark: &Remark| {
        let mut object = json!({
            "level": remark.level.as_str(),
            "rule": remark.rule,
            "message": remark.message,
            "file": &*remark.file,
        });
        let places = [
            ("line", remark.line),
            ("column", remark.column),
            ("endColumn", remark.end_column.unwrap_or_default()),
        ];
        if let Some(object) = object.as_object_mut() {
            if !remark.help.is_empty() {
                object.insert("help".to_owned(), json!(remark.help));
            }
            for (name, number) in places.into_iter().filter(|(_, number)| *number > 0) {
                object.insert(name.to_owned(), json!(number));
            }
        }
        object
    };
    Value::Array(remarks.iter().map(one).collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn remark() -> Remark {
        Remark {
            level: Level::Error,
            rule: "ProtectedNamespaces".to_owned(),
            message: "spec: 100 % wrong, truly: yes\nsecond line".to_owned(),
            help: "write it right".to_owned(),
            file: Arc::from("./policies/a, b.yaml"),
            line: 5,
            column: 3,
            end_column: Some(9),
        }
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let whole = Remark {
            line: 0,
            column: 0,
            end_column: None,
            help: String::new(),
            ..remark()
        };
        let json = json(&[remark(), whole]);
        assert_eq!(json[0]["endColumn"], 9);
        assert_eq!(json[0]["help"], "write it right");
        let fields: Vec<&String> = json[1].as_object().unwrap().keys().collect();
        assert_eq!(fields, ["file", "level", "message", "rule"]);
    }
}
