//! Every file under `tests/cases` is one test. `UPDATE=1 cargo test --test cases` writes what was found into the files,
//! for the reviewer of the change to read.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on says so"
)]

#[path = "it/support/mod.rs"]
mod support;

fn case(file: &std::path::Path) -> datatest_stable::Result<()> {
    support::case::run(file).map_err(Into::into)
}

datatest_stable::harness! {
    { test = case, root = "tests/cases", pattern = r"\.yaml$" },
}
