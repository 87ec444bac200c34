//! Tests of the pieces together, one module an interface.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that can't go on fails"
)]

mod apiserver;
mod architecture;
mod boot_sources;
mod certs;
mod check;
mod conditions;
mod corpus;
mod deploy;
mod doctor;
mod generated;
mod large;
mod manuals;
mod policies;
mod policies_command;
mod properties;
mod readme;
mod reload;
mod running;
mod schema;
mod serve;
mod snapshot;
mod support;
mod trying;
mod webhook;
