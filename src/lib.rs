//! goldkeeper: an admission webhook that keeps virtual machines and golden images in order on OpenShift Virtualization.
//!
//! The same engine answers the API server over HTTPS and the administrator on the command line, so that the two can
//! never decide differently. Arrows point down only:
//!
//! ```text
//!             cli        (composition root: the only place that knows everybody)
//!              |
//!   +----------+---------+---------+----------+----------+
//! webhook     tls      watch     store     report   telemetry      adapters: axum, rustls, kube, files, prometheus
//!   +----------+---------+---------+----------+----------+
//!              |
//!          inventory      what a cluster holds beyond its view, counted, and what would become of it
//!            cases        policies tried out: request, cluster, what is expected
//!          diagnosis      what is wrong with an installation, judged of what was collected
//!              |
//!            engine       evaluate(request, policies, facts) -> Evaluation -> Decision
//!              |
//!   rules   policy   cluster   admission   document   manifest     domain: serde, serde_json, globset; no IO, no clock
//! ```
//!
//! The domain modules, `engine` and `cases` deny `clippy::disallowed_methods` and `clippy::disallowed_types` (see
//! `.clippy.toml`), and a test reads their imports.
pub mod admission;
pub mod cases;
pub mod cli;
pub mod cluster;
pub mod diagnosis;
pub mod document;
pub mod engine;
pub mod inventory;
pub mod manifest;
pub mod policy;
pub mod report;
pub mod rules;
pub mod store;
pub mod telemetry;
pub mod tls;
pub mod watch;
pub mod webhook;
