//! What is wrong in a file, where, and what to write instead.

use std::fmt;
use std::sync::Arc;

use super::Place;

/// How bad a fault is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The file can't be used.
    Error,
    /// The file can be used, but probably does not do what was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One fault in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, with the field's path and what was found.
    pub message: String,
    /// The file, as the user named it.
    pub file: Arc<str>,
    /// Line, from 1; 0 where the fault is the file as a whole.
    pub line: u32,
    /// Column in characters, from 1; 0 where the fault is the file as a whole.
    pub column: u32,
    /// What to write.
    pub help: String,
}

impl Diagnostic {
    /// What makes a file of no use, at a place in it; the default place is the file as a whole.
    pub fn error(
        file: &Arc<str>,
        place: Place,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            file: Arc::clone(file),
            line: place.line,
            column: place.column,
            help: help.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}: {}\n  --> {}",
            self.severity, self.message, self.file
        )?;
        if self.line > 0 {
            write!(formatter, ":{}:{}", self.line, self.column)?;
        }
        write!(formatter, "\n  = help: {}", self.help)
    }
}
