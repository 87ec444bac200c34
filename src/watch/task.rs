//! Tasks that end with their owner.

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
    base.mul_f64(1.0 + fastrand::f64() / 2.0)
}
