//! What is wrong in a file, where, and what to write instead.

use std::fmt;
use std::sync::Arc;

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
