//! What goldkeeper tells of itself: logs and metrics. Nothing secret, and nothing that a request waits for.

mod boot_sources;
mod certificates;
mod decisions;
mod events;
mod health;
mod latency;
mod logs;
mod metrics;
mod per_thread;

pub use certificates::{TlsFile, TlsPulse, TlsState};
pub use decisions::DecisionLog;
pub use events::{Denial, EventCounts, EventQueue, Folding, Refused, Write};
pub use health::{Health, router};
pub use logs::{LogFormat, LogGuard, init};
pub use metrics::{Metrics, Pulse, Sources};
