//! For people.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use similar::{ChangeTag, TextDiff};

use crate::cli::has_colour;
use crate::cli::screen::painted;
use crate::document::Diagnostic;
use crate::engine::Action;
use crate::manifest::Declined;
use crate::policy::PolicySource;
use crate::report;

use super::file::Edited;
use super::judge::{Judgement, Said};

/// How long a diff may be looked for: then it is a longer one.
const DIFF: Duration = Duration::from_secs(2);

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const CYAN: &str = "36";
const BOLD: &str = "1";

/// Prints what was found and nothing of what goes through as it is.
pub(super) struct Text {
    colour: bool,
    write: bool,
    said_anything: bool,
}

impl Text {
    pub(super) fn new(write: bool) -> Self {
        Self {
            colour: has_colour(&std::io::stdout()),
            write,
            said_anything: false,
        }
    }

    pub(super) fn judged(&mut self, file: &Arc<str>, judgement: &Judgement) -> String {
        let mut text = String::new();
        let object = object(judgement);
        for said in &judgement.said {
            let place = format!("{file}:{}", said.place.line);
            let (verb, colour) = verb(said);
            self.line(&mut text, &place, &object, (verb, colour), &said.text);
        }
        if let Some(reason) = &judgement.reason {
            let place = format!("{file}:{}", judgement.place.line);
            self.line(
                &mut text,
                &place,
                &object,
                ("can't be told", YELLOW),
                reason,
            );
        }
        self.said_anything |= !text.is_empty();
        text
    }

    pub(super) fn edited(&self, edited: &Edited<'_>) -> String {
        let mut text = String::new();
        for declined in edited.declined {
            let Declined {
                place, insertion, ..
            } = declined;
            let _ = writeln!(
                text,
                "{}:{}  {} is not put in: {}",
                edited.file,
                place.line,
                insertion.pointer.as_str(),
                declined.reason
            );
        }
        if edited.old != edited.new {
            self.diff(&mut text, edited);
        }
        text
    }

    pub(super) fn finish(&self, summary: &str) -> String {
        let separator = if self.said_anything { "\n" } else { "" };
        format!("{separator}{summary}")
    }

    fn line(&self, text: &mut String, place: &str, object: &str, verb: (&str, &str), said: &str) {
        let said = visible(said);
        let mut lines = said.trim_end().lines();
        let first = lines.next().unwrap_or_default();
        let place = self.paint(BOLD, place);
        let verb = self.paint(verb.1, verb.0);
        let _ = writeln!(text, "{place}  {object}  {verb}  {first}");
        for line in lines {
            let _ = writeln!(text, "  {line}");
        }
    }

    fn diff(&self, text: &mut String, edited: &Edited<'_>) {
        let diff = TextDiff::configure()
            .timeout(DIFF)
            .diff_lines(edited.old, edited.new);
        let mut unified = diff.unified_diff();
        let _ = writeln!(
            text,
            "{}",
            self.paint(BOLD, &format!("--- {}", edited.file))
        );
        let now = if self.write { "written" } else { "filled in" };
        let _ = writeln!(
            text,
            "{}",
            self.paint(BOLD, &format!("+++ {} ({now})", edited.file))
        );
        for hunk in unified.context_radius(2).iter_hunks() {
            let _ = writeln!(text, "{}", self.paint(CYAN, &hunk.header().to_string()));
            for change in hunk.iter_changes() {
                let (sign, colour) = match change.tag() {
                    ChangeTag::Delete => ("-", RED),
                    ChangeTag::Insert => ("+", GREEN),
                    ChangeTag::Equal => (" ", ""),
                };
                let line = visible(change.value().trim_end_matches(['\r', '\n']));
                let line = format!("{sign}{line}");
                let _ = writeln!(text, "{}", self.paint(colour, &line));
            }
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour && !colour.is_empty() {
            painted(colour, text)
        } else {
            text.to_owned()
        }
    }
}

/// What is done, in one word.
const fn verb(said: &Said) -> (&'static str, &'static str) {
    match said.action {
        Action::Deny => ("denied", RED),
        Action::Fill => ("filled", GREEN),
        _ => ("warned", YELLOW),
    }
}

/// Kind, namespace and name.
pub(super) fn object(judgement: &Judgement) -> String {
    let Judgement {
        kind,
        namespace,
        name,
        ..
    } = judgement;
    let name = if name.is_empty() { "(no name)" } else { name };
    let text = if namespace.is_empty() {
        format!("{kind} {name}")
    } else {
        format!("{kind} {namespace}/{name}")
    };
    visible(&text).replace('\n', " ")
}

/// What a manifest says must not steer the terminal of whoever reads it.
fn visible(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && !matches!(c, '\n' | '\t') {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// A fault with its line, for standard error.
pub(super) fn fault(fault: &Diagnostic, line: &str) -> String {
    let above = usize::try_from(fault.line)
        .unwrap_or_default()
        .saturating_sub(1);
    let source = PolicySource {
        file: fault.file.clone(),
        // Only the line itself is shown.
        text: format!("{}{line}\n", "\n".repeat(above)),
    };
    let sources = if fault.line > 0 {
        vec![source]
    } else {
        Vec::new()
    };
    let colour = has_colour(&std::io::stderr());
    report::diagnostics(std::slice::from_ref(fault), &sources, colour)
}
