//! One log line a decision, written by hand: the general formatter costs more than judging the request.

use std::fmt::Display;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use tracing::Level;
use tracing_appender::non_blocking::NonBlocking;

use crate::engine::{Decided, Decision};

use super::LogFormat;
use super::per_thread::PerThread;

/// Where decisions are logged, in the same queue as everything else.
#[derive(Clone, Debug)]
pub struct DecisionLog {
    /// Handing out a writer for each line would count it in and out for all threads to wait for.
    writers: Arc<PerThread<Mutex<NonBlocking>>>,
    format: LogFormat,
}

impl DecisionLog {
    pub(super) fn new(writer: &NonBlocking, format: LogFormat) -> Self {
        Self {
            writers: Arc::new(PerThread::of(|| Mutex::new(writer.clone()))),
            format,
        }
    }

    /// Logs a decision. What no policy touched is only of interest when debugging.
    pub(super) fn write(&self, decided: &Decided<'_>) {
        let Decided {
            stage,
            request,
            decision,
            digest,
            elapsed,
        } = *decided;
        let level = match decision.tally.is_empty() {
            true if tracing::enabled!(Level::DEBUG) => "DEBUG",
            false if tracing::enabled!(Level::INFO) => "INFO",
            _ => return,
        };
        let mut line = Line::begin(self.format, level);
        line.text("uid", &request.uid);
        line.text("stage", stage.as_str());
        line.text("operation", request.operation.as_str());
        line.text("kind", request.kind.kind.or_empty());
        line.text("namespace", request.namespace.or_empty());
        line.text("name", &request.display_name());
        line.text("user", request.user_info.username.or_empty());
        line.plain("dry_run", request.dry_run.unwrap_or_default());
        line.plain("allowed", decision.allowed());
        line.text("did", &did(decision));
        line.text("policies", digest);
        line.plain("micros", elapsed.as_micros());
        // The queue takes the line whole or loses it; it never fails and never waits.
        if let Some(writer) = self.writers.own() {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            let _ = writer.write(&line.end());
        }
    }
}

/// What was done and on behalf of which policies, as `deny no-vms-here`.
fn did(decision: &Decision) -> String {
    let mut text = String::with_capacity(64);
    for tally in &decision.tally {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(tally.action.as_str());
        text.push(' ');
        text.push_str(&tally.policy);
    }
    text
}

/// A line in the making. Texts come from users, so each is quoted and escaped as in JSON, in both formats.
struct Line {
    bytes: Vec<u8>,
    format: LogFormat,
}

impl Line {
    fn begin(format: LogFormat, level: &str) -> Self {
        let mut bytes = Vec::with_capacity(512);
        let now = jiff::Timestamp::now();
        let _ = match format {
            LogFormat::Text => write!(bytes, "{now:.6} {level:>5} decision"),
            LogFormat::Json => {
                write!(
                    bytes,
                    r#"{{"timestamp":"{now:.6}","level":"{level}","message":"decision""#
                )
            }
        };
        Self { bytes, format }
    }

    /// The parts are put together by hand: a dozen calls of the formatter would cost more than all the rest.
    fn name(&mut self, name: &str) {
        let (before, after) = match self.format {
            LogFormat::Text => (" ", "="),
            LogFormat::Json => (",\"", "\":"),
        };
        for part in [before, name, after] {
            self.bytes.extend_from_slice(part.as_bytes());
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if value.bytes().all(is_plain) {
            self.bytes.push(b'"');
            self.bytes.extend_from_slice(value.as_bytes());
            self.bytes.push(b'"');
        } else {
            let _ = serde_json::to_writer(&mut self.bytes, value);
        }
    }

    fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.bytes, "{value}");
    }

    fn end(mut self) -> Vec<u8> {
        if self.format == LogFormat::Json {
            self.bytes.push(b'}');
        }
        self.bytes.push(b'\n');
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(format: LogFormat) -> String {
        let mut line = Line::begin(format, "INFO");
        line.text("name", "a \"b\"\nINFO forged");
        line.plain("allowed", true);
        String::from_utf8(line.end()).unwrap()
    }

    #[test]
    fn json_lines_are_json() {
        let line: serde_json::Value = serde_json::from_str(&line(LogFormat::Json)).unwrap();
        assert_eq!(line["name"], "a \"b\"\nINFO forged");
        assert_eq!(line["allowed"], true);
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn nobody_forges_a_line() {
        let line = line(LogFormat::Text);
        assert_eq!(line.lines().count(), 1);
        assert!(
            line.ends_with("  INFO decision name=\"a \\\"b\\\"\\nINFO forged\" allowed=true\n"),
            "{line}"
        );
    }
}
