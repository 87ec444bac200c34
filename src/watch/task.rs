//! Tasks that end with their owner.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Duration;

use tokio::task::JoinHandle;

/// A task that is aborted when this is dropped.
#[derive(Debug)]
pub(super) struct Task(JoinHandle<()>);

impl Task {
    /// Starts it.
    pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A time between `base` and half as much again, so that replicas don't ask in step.
pub(super) fn jittered(base: Duration) -> Duration {
    // The standard library's source of random numbers: the keys of a new hasher.
    let random = RandomState::new().hash_one(()) % 512;
    base + base * u32::try_from(random).unwrap_or_default() / 1024
}
