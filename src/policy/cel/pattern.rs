//! Regular expressions, compiled when the policy is.

use kube_cel::cel::objects::Opaque;
use regex::{Regex, RegexBuilder};

/// The largest program that a pattern may become, in bytes. Trying a pattern takes time in proportion to it.
const MAX_SIZE: usize = 128 * 1024;

/// A pattern of `matches`, `find` or `findAll`.
#[derive(Debug)]
pub(super) struct Pattern {
    /// The compiled pattern.
    pub(super) regex: Regex,
    /// How large its program is, in bytes, rounded up to a power of two.
    pub(super) size: u64,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// What is wrong with it, and what to write instead.
    pub(super) fn compile(text: &str) -> Result<Self, (String, String)> {
        let mut size = 1024;
        loop {
            match RegexBuilder::new(text).size_limit(size).build() {
                Ok(regex) => {
                    let size = u64::try_from(size).unwrap_or(u64::MAX);
                    return Ok(Self { regex, size });
                }
                Err(regex::Error::CompiledTooBig(_)) if size < MAX_SIZE => size *= 2,
                Err(regex::Error::CompiledTooBig(_)) => {
                    let help = "repeat less, or write [a-z0-9] for \\w and [0-9] for \\d";
                    return Err(("the pattern is too large".to_owned(), help.to_owned()));
                }
                Err(error) => {
                    let error = error.to_string();
                    let reason = error.lines().last().unwrap_or_default();
                    let reason = reason.trim_start_matches("error: ");
                    let help =
                        "write a pattern in RE2 syntax, without look-around and back-references";
                    return Err((format!("not a pattern: {reason}"), help.to_owned()));
                }
            }
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.regex.as_str() == other.regex.as_str()
    }
}

impl Eq for Pattern {}

impl Opaque for Pattern {
    fn runtime_type_name(&self) -> &'static str {
        "goldkeeper.Pattern"
    }
}
