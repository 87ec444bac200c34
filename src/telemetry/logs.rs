//! Logs on standard error, one line a decision.

use std::io::IsTerminal;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The client library tells of every failed attempt; the watch says it once.
const DEFAULT_FILTER: &str = "info,kube_client=off";

/// Flushes the logs when dropped.
#[must_use]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Sets up logging for the process. Lines go through a bounded queue to a thread of their own: a log that nobody reads
/// loses lines, it never holds up an answer. What is logged is set by `GOLDKEEPER_LOG` (default `info`; allowed
/// requests that no policy touched are `debug`).
pub fn init(format: LogFormat) -> LogGuard {
    let (writer, worker) = NonBlockingBuilder::default()
        .lossy(true)
        .finish(std::io::stderr());
    let filter = EnvFilter::try_from_env("GOLDKEEPER_LOG")
        .unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_target(false);
    let outcome = match format {
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .try_init(),
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .try_init(),
    };
    // A second subscriber in one process is a test's; the first one stays.
    drop(outcome);
    LogGuard { _worker: worker }
}
