//! Faults in files, each with the line it is in.

use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::renderer::{DEFAULT_TERM_WIDTH, Renderer};
use annotate_snippets::{AnnotationKind, Group, Level, Origin, Snippet};

use crate::document::{Diagnostic, Severity};
use crate::policy::PolicySource;

use super::Remark;

/// How many faults are shown at once.
const MAX_SHOWN: usize = 100;

/// Lines that are longer are not shown, in bytes.
const MAX_LINE: usize = 1_000;

/// Prints faults in the order they were found, each with place, source line and cure, then how many there are.
/// `colour` is for terminals.
pub fn diagnostics(faults: &[Diagnostic], sources: &[PolicySource], colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer.term_width(DEFAULT_TERM_WIDTH);
    let mut text = String::new();
    for fault in faults.iter().take(MAX_SHOWN) {
        let source = sources.iter().find(|source| source.file == fault.file);
        let source = source.map_or("", text_of);
        let _ = writeln!(text, "{}\n", renderer.render(&[group(fault, source)]));
    }
    let rest = faults.len().saturating_sub(MAX_SHOWN);
    if rest > 0 {
        let _ = writeln!(text, "and {rest} more\n");
    }
    text
}

fn group<'f>(fault: &'f Diagnostic, source: &'f str) -> Group<'f> {
    let level = match fault.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(fault.message.as_str());
    let help = Level::HELP.message(fault.help.as_str());
    let number = usize::try_from(fault.line).unwrap_or_default();
    match number
        .checked_sub(1)
        .and_then(|skipped| source.lines().nth(skipped))
    {
        Some(line) if line.len() > MAX_LINE => {
            let column = usize::try_from(fault.column).unwrap_or_default();
            let origin = Origin::path(&*fault.file).line(number).char_column(column);
            title.element(origin).element(help)
        }
        Some(line) => {
            let snippet = Snippet::source(line)
                .line_start(number)
                .path(&*fault.file)
                .annotation(AnnotationKind::Primary.span(token(line, fault.column)));
            title.element(snippet).element(help)
        }
        None => title.element(Origin::path(&*fault.file)).element(help),
    }
}

/// The text of a file as columns count it: without a byte order mark.
fn text_of(source: &PolicySource) -> &str {
    source.text.strip_prefix('\u{feff}').unwrap_or(&source.text)
}

/// Faults as remarks for machines; with the sources at hand they also know where they end.
pub fn remarks(faults: &[Diagnostic], sources: &[PolicySource]) -> Vec<Remark> {
    let remark = |fault: &Diagnostic| Remark {
        end_column: end_column(fault, sources),
        ..Remark::from(fault)
    };
    faults.iter().map(remark).collect()
}

fn end_column(fault: &Diagnostic, sources: &[PolicySource]) -> Option<u32> {
    let source = sources.iter().find(|source| source.file == fault.file)?;
    let skipped = usize::try_from(fault.line).ok()?.checked_sub(1)?;
    let line = text_of(source).lines().nth(skipped)?;
    let length = line.get(token(line, fault.column))?.chars().count();
    Some(fault.column + u32::try_from(length).ok()?)
}

/// The bytes of what starts at a column (in characters, from 1): a word, a quoted text, a list or an object that ends on
/// the same line.
fn token(line: &str, column: u32) -> Range<usize> {
    let skipped = usize::try_from(column)
        .unwrap_or_default()
        .saturating_sub(1);
    let start = line
        .char_indices()
        .nth(skipped)
        .map_or(line.len(), |(start, _)| start);
    let rest = line.get(start..).unwrap_or_default();
    let end = match rest.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(rest, quote),
        Some('[' | '{') => bracketed(rest),
        _ => None,
    };
    // A colon ends a key only where something else could follow: `system:masters` is one word.
    let is_end = |(at, found): (usize, char)| {
        let after = rest.get(at + found.len_utf8()..).unwrap_or_default();
        matches!(found, ' ' | ',' | ']' | '}')
            || found == ':' && (after.is_empty() || after.starts_with(' '))
    };
    let word = || rest.char_indices().find(|place| is_end(*place));
    let end = end.or_else(|| word().map(|(at, _)| at));
    let least = rest.chars().next().map_or(0, char::len_utf8);
    start..start + end.unwrap_or(rest.len()).max(least)
}

/// The length of a quoted text; `None` if it does not end on this line.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (at, found) in text.char_indices().skip(1) {
        match found {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            _ if found == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of a list or an object; `None` if it does not end on this line.
fn bracketed(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut skip_to = 0;
    for (at, found) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        match found {
            '[' | '{' => depth += 1,
            ']' | '}' => depth = depth.saturating_sub(1),
            '"' | '\'' => skip_to = at + quoted(text.get(at..)?, found)?,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::PolicySet;
    use std::sync::Arc;

    #[test]
    fn a_fault_shows_its_line_and_its_cure() {
        let text = "apiVersion: goldkeeper.io/v1\nkind: BootSourceNamespace\nmetadata: {name: a}\nspec:\n  \
                    validationAction: [Warn]\n  validationActions: [Warn]\n";
        let sources = [PolicySource {
            file: Arc::from("p/a.yaml"),
            text: text.to_owned(),
        }];
        let faults = PolicySet::compile(&sources).unwrap_err();
        let text = diagnostics(&faults, &sources, false);
        let expected = "\
error: spec: unknown field `validationAction`: not a field of BootSourceNamespace.spec
 --> p/a.yaml:5:3
  |
5 |   validationAction: [Warn]
  |   ^^^^^^^^^^^^^^^^
  |
  = help: did you mean `validationActions`? known here: exemptions, match, matchConditions, message, onMissingData, parameters, \
validationActions

";
        assert_eq!(text, expected);
        assert!(diagnostics(&faults, &sources, true).contains("\u{1b}["));
    }

    #[test]
    fn a_fault_of_the_whole_file_has_no_line() {
        let sources = [PolicySource {
            file: Arc::from("p/a.yaml"),
            text: "# nothing\n".to_owned(),
        }];
        let faults = PolicySet::compile(&sources).unwrap_err();
        let text = diagnostics(&faults, &sources, false);
        assert!(
            text.starts_with("error: the file holds no policy\n--> p/a.yaml\n"),
            "{text}"
        );
    }

    #[test]
    fn places_past_the_end_are_no_reason_to_fail() {
        for (line, column, expected) in [
            ("", 1, 0..0),
            ("ab", 9, 2..2),
            ("ä: b", 1, 0..2),
            ("a: ]", 4, 3..4),
            ("a: \"b c\" # d", 4, 3..8),
            ("a: \"b\\\" c\"", 4, 3..10),
            ("a: [b, \"]\", {c: d}] # e", 4, 3..19),
            ("a: [b,", 4, 3..5),
            ("- system:masters, b", 3, 2..16),
            ("ä", 1, 0..2),
        ] {
            assert_eq!(token(line, column), expected, "{line:?}");
        }
    }
}
