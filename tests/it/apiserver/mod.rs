//! goldkeeper in front of a real API server: what people who type `kubectl` get.
//!
//! etcd, kube-apiserver and kubectl are built by `tests/control-plane/build` (or taken from `KUBEBUILDER_ASSETS`), and are
//! started once for all of these tests. goldkeeper is the program itself, as a process of its own that watches that API
//! server. The tests run one after another: most of them turn something that all of them see. Those of `outage`, which break
//! the control plane, have one of their own.
//!
//! With `GOLDKEEPER_CORPUS` set to a folder of real CRDs and manifests, the CRDs are taken from there, and every manifest
//! is sent. `cargo test --test it apiserver -- --nocapture` shows what a user sees.
#![allow(clippy::print_stderr, reason = "what a user sees is there to be read")]

mod audit;
mod available;
mod bench;
mod boot_sources;
mod check;
mod conditions;
mod corpus;
mod deploy;
mod doctor;
mod events;
mod hyper_converged;
mod objects;
mod order;
mod outage;
mod people;
mod platform;
mod plugin;
mod policies;
mod rights;
mod settings;
mod snapshot;
mod stand_in;
mod storage_class;
mod tls_profile;
mod wire;
