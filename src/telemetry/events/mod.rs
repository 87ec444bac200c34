//! Refusals as Events on their namespace, for those who did not make the request: off unless asked for.
//!
//! A refused object is not there and can carry no Event, so the namespace does. A request only puts what was refused into
//! a bounded queue; [`Folding`] decides, off the request path, what is written of it and when.

mod denial;
mod folding;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use tokio::sync::mpsc;

use crate::engine::{Decided, Observer};
use crate::rules::Stage;

pub use denial::{Denial, Refused};
pub use folding::{Folding, Write};

/// How many refusals wait to be looked at. More are dropped and counted.
const QUEUE: usize = 256;

/// Puts refusals into a queue, after another observer was told. Never waits.
pub struct EventQueue {
    next: Arc<dyn Observer>,
    queue: mpsc::Sender<Denial>,
    counts: Arc<EventCounts>,
}

impl EventQueue {
    /// A queue behind `next`, its other end, and what is counted of both.
    pub fn before(next: Arc<dyn Observer>) -> (Self, mpsc::Receiver<Denial>, Arc<EventCounts>) {
        let (queue, denials) = mpsc::channel(QUEUE);
        let counts = Arc::new(EventCounts::default());
        let own = Self {
            next,
            queue,
            counts: counts.clone(),
        };
        (own, denials, counts)
    }
}

impl Observer for EventQueue {
    fn decided(&self, decided: &Decided<'_>) {
        self.next.decided(decided);
        let Some(denial) = Denial::of(decided) else {
            return;
        };
        if self.queue.try_send(denial).is_err() {
            self.counts.dropped();
        }
    }

    fn answered(&self, stage: Stage, status: u16, elapsed: Duration) {
        self.next.answered(stage, status, elapsed);
    }
}

/// What became of refusals that were to be Events.
#[derive(Debug, Default)]
pub struct EventCounts {
    written: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
}

impl EventCounts {
    /// An Event was created, or one that is there was told a new count; or the API server did not take it.
    pub fn count(&self, is_written: bool) {
        let counter = if is_written {
            &self.written
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// A refusal is in no Event, because there were too many.
    pub fn dropped(&self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn encode(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        let help = "Events of refusals by outcome: written and failed count calls of the API server and dropped refusals over the limit";
        let mut family = encoder.encode_descriptor("events", help, None, MetricType::Counter)?;
        let outcomes = [
            ("written", &self.written),
            ("failed", &self.failed),
            ("dropped", &self.dropped),
        ];
        for (outcome, count) in outcomes {
            let count = ConstCounter::new(count.load(Ordering::Relaxed));
            count.encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admission::AdmissionRequest;
    use crate::engine::{Action, Decision, Tally};

    struct Nobody;

    impl Observer for Nobody {
        fn decided(&self, _: &Decided<'_>) {}

        fn answered(&self, _: Stage, _: u16, _: Duration) {}
    }

    #[test]
    fn a_full_queue_holds_nobody_up() {
        let (queue, mut denials, counts) = EventQueue::before(Arc::new(Nobody));
        let request = denial::tests::request(|_| {});
        let request = AdmissionRequest::read(&request).unwrap();
        let decision = Decision {
            denial: Some("no [p]".to_owned()),
            tally: vec![Tally {
                policy: "p".to_owned(),
                rule: "ProtectedNamespaces",
                action: Action::Deny,
            }],
            ..Decision::default()
        };
        let decided = denial::tests::decided(Stage::Validate, &request, &decision);
        let tell = || queue.decided(&decided);
        for _ in 0..QUEUE + 3 {
            tell();
        }
        assert_eq!(counts.dropped.load(Ordering::Relaxed), 3);
        denials.try_recv().unwrap();
        tell();
        assert_eq!(counts.dropped.load(Ordering::Relaxed), 3);
    }
}
