//! How the policies have fared while goldkeeper runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::{ArcSwap, ArcSwapOption};

/// What became of the policy files since the start, and whether the policies get to see what they want; shared, and read
/// without a lock.
#[derive(Debug, Default)]
pub struct Standing {
    loaded: AtomicU64,
    rejected: AtomicU64,
    faults: AtomicU64,
    reason: ArcSwap<String>,
    undelivered: ArcSwapOption<Vec<String>>,
}

impl Standing {
    /// The files changed and a new set is in force.
    pub fn loaded(&self) {
        self.loaded.fetch_add(1, Ordering::Relaxed);
        self.restored();
    }

    /// The files changed and can't be used, for so many reasons; the set that was in force stays. `reason` is all of
    /// them in words.
    pub fn rejected(&self, faults: usize, reason: String) {
        let faults = u64::try_from(faults).unwrap_or(u64::MAX).max(1);
        self.reason.store(Arc::new(reason));
        self.faults.store(faults, Ordering::Relaxed);
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }

    /// The files are again those of the set in force.
    pub fn restored(&self) {
        self.faults.store(0, Ordering::Relaxed);
        self.reason.store(Arc::default());
    }

    /// The registered webhooks were compared with the policies: what they do not deliver, one line each; `None` if they
    /// can't be read.
    pub fn compared(&self, undelivered: Option<Vec<String>>) {
        self.undelivered.store(undelivered.map(Arc::new));
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

    /// Those faults in words; empty if there are none.
    pub fn reason(&self) -> Arc<String> {
        self.reason.load_full()
    }

    /// What the registered webhooks do not deliver; `None` if that is not known.
    pub fn undelivered(&self) -> Option<Arc<Vec<String>>> {
        self.undelivered.load_full()
    }
}
