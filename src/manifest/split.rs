//! A text cut into its documents before any of it is read, so that a fault in one leaves the others alone, and so that
//! only one of them is in memory as a tree.

use serde::de::IgnoredAny;

/// A part of a text that holds one document, seldom more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'t> {
    /// The text.
    pub(super) text: &'t str,
    /// The byte of the file at which it starts.
    pub(super) byte: usize,
    /// How many lines of the file are before it.
    pub(super) lines: usize,
}

/// The chunks of a text. A byte-order mark at its start belongs to none.
pub(super) struct Chunks<'t> {
    rest: &'t str,
    byte: usize,
    lines: usize,
    json: bool,
}

const BYTE_ORDER_MARK: char = '\u{feff}';

impl<'t> Chunks<'t> {
    pub(super) fn of(text: &'t str) -> Self {
        let rest = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        Self {
            rest,
            byte: text.len() - rest.len(),
            lines: 0,
            json: true,
        }
    }

    fn take(&mut self, length: usize) -> Chunk<'t> {
        let (text, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        let chunk = Chunk {
            text,
            byte: self.byte,
            lines: self.lines,
        };
        self.rest = rest;
        self.byte += text.len();
        self.lines += text.bytes().filter(|byte| *byte == b'\n').count();
        chunk
    }
}

impl<'t> Iterator for Chunks<'t> {
    type Item = Chunk<'t>;

    fn next(&mut self) -> Option<Chunk<'t>> {
        if self.rest.trim_ascii().is_empty() {
            return None;
        }
        // What starts like JSON but is none is YAML in braces.
        self.json = self.json && self.rest.trim_ascii_start().starts_with('{');
        let length = self.json.then(|| json_length(self.rest)).flatten();
        self.json = length.is_some();
        Some(self.take(length.unwrap_or_else(|| yaml_length(self.rest))))
    }
}

/// How long the JSON value at the start of a text is, with the space before it.
fn json_length(text: &str) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    Some(values.byte_offset())
}

/// How long the first document of a text is, with its `---`. Directives belong to the document that follows them.
fn yaml_length(text: &str) -> usize {
    let mut length = 0;
    let mut directives = false;
    let mut begun = false;
    for line in text.split_inclusive('\n') {
        let is_marker = line
            .strip_prefix("---")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']));
        if is_marker && length > 0 && (begun || !directives) {
            return length;
        }
        let blank = line.trim_start();
        directives |= line.starts_with('%');
        begun |= is_marker || !(blank.is_empty() || blank.starts_with(['#', '%']));
        length += line.len();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        Chunks::of(text).map(|chunk| chunk.text).collect()
    }

    #[test]
    fn documents_are_told_apart() {
        let table: [(&str, &[&str]); 8] = [
            ("a: 1\n---\nb: 2\n", &["a: 1\n", "---\nb: 2\n"]),
            (
                "---\n# Source: x\n---\r\nb: 2",
                &["---\n# Source: x\n", "---\r\nb: 2"],
            ),
            ("a: |\n  ---\n  x\n", &["a: |\n  ---\n  x\n"]),
            ("a: ---b\n---c: 1\n", &["a: ---b\n---c: 1\n"]),
            ("%YAML 1.1\n---\na: 1\n", &["%YAML 1.1\n---\na: 1\n"]),
            ("{\"a\": 1}\n {\"b\": 2}", &["{\"a\": 1}", "\n {\"b\": 2}"]),
            ("{a: 1}\n--- {b: 1}\n", &["{a: 1}\n", "--- {b: 1}\n"]),
            (" \n\n", &[]),
        ];
        for (text, expected) in table {
            assert_eq!(texts(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_chunk_knows_where_it_starts() {
        let chunks: Vec<Chunk> = Chunks::of("\u{feff}a: ä\n---\nb: 2\n").collect();
        let places: Vec<(usize, usize)> = chunks.iter().map(|it| (it.byte, it.lines)).collect();
        assert_eq!(places, [(3, 0), (9, 1)]);
    }
}
