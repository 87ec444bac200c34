//! What a user sees of a command.

use std::process::Output;

use serde_json::Value;

use super::serving::goldkeeper;

/// The exit code of a command, and what it said.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Seen {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code().unwrap(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Of goldkeeper in the folder of the repository.
    pub(crate) fn goldkeeper(arguments: &[&str]) -> Self {
        Self::of(goldkeeper(arguments).output().unwrap())
    }

    #[track_caller]
    pub(crate) fn succeeded(self) -> Self {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn failed(self, text: &str) -> Self {
        assert_ne!(self.code, 0, "{}", self.stdout);
        assert!(self.stderr.contains(text), "{}", self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", self.stdout))
    }
}
