//! Every file under `tests/cases` is one test. `UPDATE=1 cargo test --test cases` writes what was found into the files,
//! for the reviewer of the change to read.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on says so"
)]

#[path = "it/support/case.rs"]
mod case;
#[path = "it/support/round.rs"]
mod round;
#[path = "it/support/yaml.rs"]
mod yaml;

fn run(file: &std::path::Path) -> datatest_stable::Result<()> {
    case::run(file).map_err(Into::into)
}

datatest_stable::harness! {
    { test = run, root = "tests/cases", pattern = r"\.yaml$" },
}
