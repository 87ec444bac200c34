//! One request, one set of policies, one view of the cluster: one decision.
//!
//! [`evaluate`] lets the rules find what there is to find, raw; [`enforce`] folds in what each policy wants done with it.
//! Both are pure: the webhook and the command line call the same two functions.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod admit;
mod delivery;
mod enforce;
mod evaluate;
mod message;
mod observer;
mod registration;
mod rights;

pub use admit::{Admission, Inadmissible, Judged, ROUNDS, Read, World, admit, ask, ask_bytes};
pub use delivery::{Registered, Undelivered};
pub use enforce::{Action, Decision, Tally, enforce};
pub use evaluate::{Evaluation, Outcome, Route, Yielded, evaluate};
pub use observer::{Decided, Observer};
pub use registration::{
    ClientConfig, FailureBounds, MUTATING, VALIDATING, failure_bounds, mutating_configuration,
    validating_configuration,
};
pub use rights::{Right, event_rights, rights};
