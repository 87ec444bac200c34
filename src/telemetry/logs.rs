//! Logs on standard error, one line a decision.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::time::Duration;

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;

use super::decisions::DecisionLog;

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

/// How many lines may wait to be written; what comes on top is lost.
const MAX_LINES: usize = 16 * 1024;
/// How many bytes are written at once.
const BATCH_BYTES: usize = 32 * 1024;
/// How long lines are gathered before they are written together.
const PAUSE: Duration = Duration::from_millis(10);

/// Writes many lines at once: the thread that writes rests after each batch, so that requests need not wake it for
/// every line.
struct Batches<W: Write>(BufWriter<W>);

impl<W: Write> Write for Batches<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write(line)
    }

    /// Called when no line is left.
    fn flush(&mut self) -> io::Result<()> {
        let written = self.0.flush();
        std::thread::sleep(PAUSE);
        written
    }
}

/// Flushes the logs when dropped.
#[must_use]
pub struct LogGuard {
    _worker: WorkerGuard,
}

/// Sets up logging for the process, and returns where decisions are logged. Lines go through a bounded queue to a thread
/// of their own: a log that nobody reads loses lines, it never holds up an answer. What is logged is set by
/// `GOLDKEEPER_LOG` (default `info`; allowed requests that no policy touched are `debug`).
pub fn init(format: LogFormat) -> (LogGuard, DecisionLog) {
    let lines = BufWriter::with_capacity(BATCH_BYTES, std::io::stderr());
    let (writer, worker) = NonBlockingBuilder::default()
        .lossy(true)
        .buffered_lines_limit(MAX_LINES)
        .finish(Batches(lines));
    let filter = EnvFilter::try_from_env("GOLDKEEPER_LOG")
        .unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer.clone())
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
    (
        LogGuard { _worker: worker },
        DecisionLog::new(&writer, format),
    )
}
