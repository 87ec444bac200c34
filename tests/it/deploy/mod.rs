//! What is in `deploy/` and `Containerfile`, as far as it can be judged without a cluster.

mod alerts;
mod container;
mod image;
pub(crate) mod metrics;

use std::path::Path;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
