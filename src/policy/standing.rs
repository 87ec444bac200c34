//! How the policy files have fared while goldkeeper runs.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of what became of the policy files since the start; shared, and read without a lock.
#[derive(Debug, Default)]
pub struct Standing {
    loaded: AtomicU64,
    rejected: AtomicU64,
    faults: AtomicU64,
}

impl Standing {
    /// The files changed and a new set is in force.
    pub fn loaded(&self) {
        self.loaded.fetch_add(1, Ordering::Relaxed);
        self.faults.store(0, Ordering::Relaxed);
    }

    /// The files changed and can't be used, for so many reasons; the set that was in force stays.
    pub fn rejected(&self, faults: usize) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
        let faults = u64::try_from(faults).unwrap_or(u64::MAX).max(1);
        self.faults.store(faults, Ordering::Relaxed);
    }

    /// The files are again those of the set in force.
    pub fn restored(&self) {
        self.faults.store(0, Ordering::Relaxed);
    }

    /// How often a new set came into force.
    pub fn count_loaded(&self) -> u64 {
        self.loaded.load(Ordering::Relaxed)
    }

    /// How often the files could not be used.
    pub fn count_rejected(&self) -> u64 {
        self.rejected.load(Ordering::Relaxed)
    }

    /// How many faults keep the files as they are now from being in force; 0 if they are.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }
}
