//! What the command line prints for people and for machines.

mod diagnostics;

pub use diagnostics::diagnostics;
