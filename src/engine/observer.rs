//! Who is told of answers.

use std::time::Duration;

use crate::admission::AdmissionRequest;
use crate::rules::Stage;

use super::Decision;

/// A request that was judged.
#[derive(Clone, Copy, Debug)]
pub struct Decided<'r> {
    /// What was asked.
    pub stage: Stage,
    /// The request.
    pub request: &'r AdmissionRequest<'r>,
    /// What is answered.
    pub decision: &'r Decision,
    /// The digest of the policy set by which it was judged.
    pub digest: &'r str,
    /// The time since it arrived.
    pub elapsed: Duration,
}

/// Is told of every answer: one metric, one log line.
pub trait Observer: Send + Sync {
    /// A request was judged.
    fn decided(&self, decided: &Decided<'_>);

    /// A request was answered with this HTTP status, in this time since it arrived.
    fn answered(&self, stage: Stage, status: u16, elapsed: Duration);
}
