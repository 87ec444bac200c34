//! The lines on the screen, and as JSON.

use std::fmt::Write;

use anyhow::Result;
use clap::ValueEnum;
use serde_json::{Value, json};

use crate::cli::screen::painted;
use crate::diagnosis::{Level, Line};

/// How the outcome is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// A line a check, for people
    #[default]
    Text,
    /// For programs
    Json,
}

/// The outcome as text.
pub(super) fn render(lines: &[Line], format: Format, colour: bool) -> Result<String> {
    match format {
        Format::Text => Ok(text(lines, colour)),
        Format::Json => {
            let mut text = serde_json::to_string_pretty(&value(lines))?;
            text.push('\n');
            Ok(text)
        }
    }
}

fn count(lines: &[Line], level: Level) -> usize {
    lines.iter().filter(|line| line.level == level).count()
}

fn text(lines: &[Line], colour: bool) -> String {
    let topics = lines.iter().map(|line| line.topic.len());
    let width = topics.max().unwrap_or_default();
    // "warning" is the longest level.
    let level_width = "warning".len();
    let indent = level_width + width + 3;
    let mut text = String::new();
    for line in lines {
        let word = format!("{:level_width$}", line.level.word());
        let word = if colour {
            paint(line.level, &word)
        } else {
            word
        };
        let _ = writeln!(text, "{word} {:width$}  {}", line.topic, line.sentence);
        for cure in &line.cures {
            let _ = writeln!(text, "{:indent$}-> {cure}", "");
        }
    }
    text.push_str(&summary(lines));
    text
}

fn paint(level: Level, word: &str) -> String {
    let code = match level {
        Level::Ok => "32",
        Level::Skipped => "2",
        Level::Warning => "33",
        Level::Failed => "1;31",
    };
    painted(code, word)
}

/// `1 failed, 1 warning, 11 ok`
fn summary(lines: &[Line]) -> String {
    let (failed, warnings) = (count(lines, Level::Failed), count(lines, Level::Warning));
    let (skipped, ok) = (count(lines, Level::Skipped), count(lines, Level::Ok));
    let mut parts = Vec::new();
    for (number, one, more) in [
        (failed, "failed", "failed"),
        (warnings, "warning", "warnings"),
        (skipped, "skipped", "skipped"),
    ] {
        if number > 0 {
            parts.push(format!("{number} {}", if number == 1 { one } else { more }));
        }
    }
    parts.push(format!("{ok} ok"));
    format!("{}\n", parts.join(", "))
}

fn value(lines: &[Line]) -> Value {
    let told: Vec<Value> = lines
        .iter()
        .map(|line| {
            json!({"level": line.level.word(), "topic": line.topic, "sentence": line.sentence, "cures": line.cures})
        })
        .collect();
    json!({
        "lines": told,
        "summary": {
            "failed": count(lines, Level::Failed),
            "warnings": count(lines, Level::Warning),
            "skipped": count(lines, Level::Skipped),
            "ok": count(lines, Level::Ok),
        },
    })
}
