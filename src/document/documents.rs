//! A file with several documents of which one is broken: the others are read all the same, so that all faults are told in
//! one go.

use std::sync::Arc;

use super::{Diagnostic, Node, Value, parse};

/// How many documents a broken file may have for each to be looked at.
const MAX_DOCUMENTS: usize = 1_000;

/// Reads all documents of a file that can be read, and tells of those that can't, with the bounds of [`parse`].
pub fn parse_each(file: &Arc<str>, text: &str) -> (Vec<Node>, Vec<Diagnostic>) {
    let fault = match parse(file, text) {
        Ok(documents) => return (documents, Vec::new()),
        Err(fault) => fault,
    };
    let pieces = split(text);
    // A fault of the file as a whole has no line.
    if fault.line == 0 || pieces.len() > MAX_DOCUMENTS {
        return (Vec::new(), vec![fault]);
    }
    let (mut documents, mut faults) = (Vec::new(), Vec::new());
    for (before, piece) in pieces {
        match parse(file, piece) {
            Ok(found) => documents.extend(found.into_iter().map(|node| moved(node, before))),
            Err(fault) => faults.push(Diagnostic {
                line: fault.line + before,
                ..fault
            }),
        }
    }
    if faults.is_empty() {
        // Only together are they too much.
        return (Vec::new(), vec![fault]);
    }
    (documents, faults)
}

/// The text between the lines that begin a document, each with the number of lines before it. Such a line can't be inside
/// a document (YAML 1.2.2, 9.1.2).
fn split(text: &str) -> Vec<(u32, &str)> {
    let mut pieces = Vec::new();
    let (mut start, mut at) = (0, 0);
    let (mut before, mut line) = (0, 0);
    for one in text.split_inclusive('\n') {
        let is_begin = one
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_begin && at > start {
            pieces.push((before, text.get(start..at).unwrap_or_default()));
            (start, before) = (at, line);
        }
        at += one.len();
        line += 1;
    }
    pieces.push((before, text.get(start..).unwrap_or_default()));
    pieces
}

/// The node so many lines further down.
fn moved(mut node: Node, lines: u32) -> Node {
    node.place.line += lines;
    node.value = match node.value {
        Value::List(items) => {
            Value::List(items.into_iter().map(|item| moved(item, lines)).collect())
        }
        Value::Map(entries) => {
            let entries = entries.into_iter().map(|(name, mut place, value)| {
                place.line += lines;
                (name, place, moved(value, lines))
            });
            Value::Map(entries.collect())
        }
        other => other,
    };
    node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_document_does_not_hide_the_others() {
        let text = "a: 1\n---\nb: [\n---\n# c\nc:\n  d: 2\n--- # e\n\"e\n";
        let (documents, faults) = parse_each(&Arc::from("t.yaml"), text);
        let lines: Vec<u32> = faults.iter().map(|fault| fault.line).collect();
        assert_eq!(lines, [3, 9], "{faults:?}");
        assert_eq!(documents.len(), 2);
        let Value::Map(entries) = &documents[1].value else {
            panic!("{documents:?}")
        };
        assert_eq!((entries[0].1.line, entries[0].2.place.line), (6, 7));
    }
}
