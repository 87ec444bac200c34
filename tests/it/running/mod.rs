//! goldkeeper under load while something happens to it: certificates change, replicas are replaced, clients misbehave.
//!
//! The runs are short; with `GOLDKEEPER_LONG=1` they are as long and as hard as they are meant to be. Figures are printed:
//! `GOLDKEEPER_LONG=1 cargo test --test it running -- --nocapture`.

mod age;
mod bad_clients;
mod rolling;
mod rotation;
