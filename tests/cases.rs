//! Every file under `tests/cases` is one test. `UPDATE=1 cargo test --test cases` writes what was found into the files,
//! for the reviewer of the change to read. `goldkeeper test tests/cases` runs the same files; here they go over the wire,
//! and what must hold of every request is asserted on the way.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that can't go on says so"
)]

use std::fmt;
use std::path::Path;

use goldkeeper::cases::Case;
use goldkeeper::store::CaseFiles;

#[path = "it/support/round.rs"]
mod round;

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

/// Runs a case file. The error is what people read: a fault in the file, or expected and found side by side.
fn judge(file: &Path) -> Result<(), String> {
    let told = |fault: &dyn fmt::Display| fault.to_string();
    let text = std::fs::read_to_string(file).map_err(|error| told(&error))?;
    let name = file.to_string_lossy();
    let case = Case::read(&name, &text).map_err(|fault| told(&fault))?;
    let tried = case.run(&CaseFiles::default(), &|world, request| {
        let outcome = round::judge(world, request);
        let outcome = outcome.ok_or("the request is no review that can be answered")?;
        let alone = goldkeeper::cases::judge(world, request)?;
        assert_eq!(
            outcome, alone,
            "the command line decides as the webhook does"
        );
        Ok(outcome)
    });
    let tried = tried.map_err(|faults| {
        let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
        faults.join("\n")
    })?;
    if std::env::var_os("UPDATE").is_some() {
        let new = case.updated(&text, &tried).map_err(|fault| told(&fault))?;
        return std::fs::write(file, new).map_err(|error| told(&error));
    }
    let mut wrong = tried.iter().filter(|tried| !tried.is_as_expected());
    match wrong.next() {
        None => case.must_expect().map_err(|fault| told(&fault)),
        Some(first) => Err(format!(
            "what came of the request is not what was expected (-expected +found):\n{}:{}\n{}",
            file.display(),
            first.place.line,
            first.diff()
        )),
    }
}

fn run(file: &Path) -> datatest_stable::Result<()> {
    judge(file).map_err(|text| Told(text).into())
}

datatest_stable::harness! {
    { test = run, root = "tests/cases", pattern = r"\.yaml$" },
}
