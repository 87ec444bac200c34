//! Medians.

use std::time::Duration;

use super::client::Round;

/// The middle one; 0 of none.
pub(crate) fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    let upper = figures.get(figures.len() / 2).copied().unwrap_or_default();
    let lower = figures.get(figures.len().saturating_sub(1) / 2);
    f64::midpoint(upper, lower.copied().unwrap_or_default())
}

impl Round {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        count(self.latencies.len()) / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// Processor time of the server for a request, in microseconds.
    pub(crate) fn cost(&self, cpu: Duration) -> f64 {
        micros(&cpu) / count(self.latencies.len().max(1))
    }

    /// The median of the latencies, in microseconds.
    pub(crate) fn p50(&self) -> f64 {
        median(self.latencies.iter().map(micros))
    }

    /// The mean of the latencies, in microseconds.
    pub(crate) fn mean(&self) -> f64 {
        self.latencies.iter().map(micros).sum::<f64>() / count(self.latencies.len().max(1))
    }
}

fn micros(time: &Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn count(number: usize) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}
