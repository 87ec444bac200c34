//! A histogram that requests count in without a lock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds of the buckets in microseconds: an answer takes some 20 µs, a live read some milliseconds.
const BOUNDS: [u64; 13] = [
    50, 100, 200, 400, 800, 1600, 3200, 6400, 12_800, 51_200, 204_800, 819_200, 2_000_000,
];

/// Counts durations.
#[derive(Debug, Default)]
pub(super) struct Latency {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Latency {
    /// Counts one duration.
    pub(super) fn observe(&self, elapsed: Duration) {
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let position = BOUNDS
            .iter()
            .position(|bound| micros <= *bound)
            .unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(position) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts what another one has counted.
    pub(super) fn add(&self, other: &Self) {
        let pairs = self.buckets.iter().zip(&other.buckets);
        for (own, other) in pairs.chain([(&self.micros, &other.micros)]) {
            own.fetch_add(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    /// Sum in seconds, count, and the count of each bucket by its upper bound in seconds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds stay exact for 285 years"
    )]
    pub(super) fn snapshot(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let counts = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed));
        let bounds = BOUNDS
            .iter()
            .map(|bound| *bound as f64 / 1e6)
            .chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        (
            self.micros.load(Ordering::Relaxed) as f64 / 1e6,
            count,
            buckets,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_land_in_their_buckets() {
        let latency = Latency::default();
        for micros in [0, 50, 51, 1600, 5_000_000] {
            latency.observe(Duration::from_micros(micros));
        }
        let (sum, count, buckets) = latency.snapshot();
        assert_eq!(count, 5);
        assert!((sum - 5.001_701).abs() < 1e-9);
        let filled: Vec<u64> = buckets.iter().map(|(_, count)| *count).collect();
        assert_eq!(filled, [2, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
