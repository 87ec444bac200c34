//! The goldkeeper binary: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    goldkeeper::cli::main()
}
