//! Every file under `tests/cases` is one test. `UPDATE=1 cargo test --test cases` writes what was found into the files,
//! for the reviewer of the change to read.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on says so"
)]

use std::fmt;
use std::path::Path;

#[path = "it/support/case.rs"]
mod case;
#[path = "it/support/round.rs"]
mod round;
#[path = "it/support/yaml.rs"]
mod yaml;

/// What went wrong, in the words of people: the harness prints errors with `Debug`, which would escape the line breaks.
struct Told(String);

impl fmt::Debug for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Told {}

fn run(file: &Path) -> datatest_stable::Result<()> {
    case::run(file).map_err(|text| Told(text).into())
}

datatest_stable::harness! {
    { test = run, root = "tests/cases", pattern = r"\.yaml$" },
}
