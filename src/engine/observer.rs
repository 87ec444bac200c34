//! Who is told of answers.

use std::time::Duration;

use crate::admission::AdmissionRequest;
use crate::rules::Stage;

use super::Decision;

/// Is told of every answer: one metric, one log line.
pub trait Observer: Send + Sync {
    /// A request was judged, by the policy set of this digest, in this time since it arrived.
    fn decided(
        &self,
        stage: Stage,
        request: &AdmissionRequest<'_>,
        decision: &Decision,
        digest: &str,
        elapsed: Duration,
    );

    /// A request was answered with this HTTP status, in this time since it arrived.
    fn answered(&self, stage: Stage, status: u16, elapsed: Duration);
}
