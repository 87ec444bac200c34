//! Fields put into a text that touch nothing else in it.
//!
//! What is inserted is worked out from the places of the tree, then the new text is read again: it must be the old
//! object with exactly the insertions, or else nothing is done and the reason is told.

use std::ops::Range;

use json_patch::jsonptr::{Pointer, PointerBuf};
use json_patch::{AddOperation, Patch, PatchOperation};
use serde::de::IgnoredAny;
use serde_json::Value;

use super::split::Chunk;
use super::{Content, Document, Entry, Node, Place, read, scalar};

/// How many insertions of one document are tried one by one if they can't be made together.
const MAX_TRIED: usize = 32;

/// A field to be put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insertion {
    /// Where, in the document.
    pub pointer: PointerBuf,
    /// Its value.
    pub value: String,
}

/// A field that can't be put in safely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// Where it would have been.
    pub place: Place,
    /// Which.
    pub insertion: Insertion,
    /// Why not.
    pub reason: &'static str,
}

/// A piece of text in the place of another, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

/// How fields get into the text of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// The changes, in the order of the text, none over another.
    pub changes: Vec<Change>,
    /// What can't be put in.
    pub declined: Vec<Declined>,
}

const SHARED: &str = "it comes by an alias or a merge key: other places read it too";
const NO_PLACE: &str = "there is no line or brace to put it next to";
const ANOTHER_MEANING: &str = "the text with it would not read as the same object with the field";

/// Works out how fields get into the text of a document.
pub fn fill(document: &Document<'_>, insertions: &[Insertion]) -> Filled {
    let mut filled = Filled::default();
    let mut made = Vec::new();
    for insertion in insertions {
        match change(document, insertion) {
            Ok(change) => made.push((insertion, change)),
            Err(reason) => filled.declined.push(decline(document, insertion, reason)),
        }
    }
    made.sort_by_key(|(_, change)| change.range.start);
    if !holds(document, &made) {
        let all = std::mem::take(&mut made);
        let few = all.len() <= MAX_TRIED;
        for one in all {
            if few && holds(document, std::slice::from_ref(&one)) {
                made.push(one);
            } else {
                filled
                    .declined
                    .push(decline(document, one.0, ANOTHER_MEANING));
            }
        }
        if !holds(document, &made) {
            let rest = made.drain(..);
            filled
                .declined
                .extend(rest.map(|(it, _)| decline(document, it, ANOTHER_MEANING)));
        }
    }
    filled.changes = made.into_iter().map(|(_, change)| change).collect();
    filled
}

/// A text with changes, which are in the order of the text.
pub fn apply(text: &str, changes: &[Change]) -> String {
    let mut new = String::with_capacity(text.len() + 64 * changes.len());
    let mut done = 0;
    for change in changes {
        new.push_str(text.get(done..change.range.start).unwrap_or_default());
        new.push_str(&change.text);
        done = change.range.end;
    }
    new.push_str(text.get(done..).unwrap_or_default());
    new
}

fn decline(document: &Document<'_>, insertion: &Insertion, reason: &'static str) -> Declined {
    Declined {
        place: document.node.place_of(&insertion.pointer),
        insertion: insertion.clone(),
        reason,
    }
}

/// Whether the new text reads as the old objects with exactly these insertions.
fn holds(document: &Document<'_>, made: &[(&Insertion, Change)]) -> bool {
    if made.is_empty() {
        return true;
    }
    let chunk = document.chunk;
    let changes: Vec<Change> = made
        .iter()
        .map(|(_, change)| Change {
            range: change.range.start - chunk.byte..change.range.end - chunk.byte,
            text: change.text.clone(),
        })
        .collect();
    let text = apply(chunk.text, &changes);
    let values = |text| {
        let (nodes, fault) = read::read(Chunk { text, ..chunk });
        fault
            .is_none()
            .then(|| nodes.iter().map(Node::to_json).collect::<Vec<Value>>())
    };
    let is_json = |text| serde_json::from_str::<IgnoredAny>(text).is_ok();
    let Some(mut expected) = values(chunk.text) else {
        return false;
    };
    let additions = made.iter().map(|(insertion, _)| {
        PatchOperation::Add(AddOperation {
            path: insertion.pointer.clone(),
            value: Value::from(insertion.value.as_str()),
        })
    });
    let patched = expected
        .get_mut(document.index)
        .map(|value| json_patch::patch(value, &Patch(additions.collect())));
    matches!(patched, Some(Ok(())))
        && values(&text) == Some(expected)
        && (!is_json(chunk.text) || is_json(&text))
}

fn change(document: &Document<'_>, insertion: &Insertion) -> Result<Change, &'static str> {
    let (parent, field) = insertion.pointer.split_back().ok_or(NO_PLACE)?;
    let field = field.decoded();
    let parent = find(&document.node, parent)?;
    let Content::Map { entries, flow } = &parent.content else {
        return Err(NO_PLACE);
    };
    let text = Text {
        text: document.chunk.text,
        start: document.chunk.byte,
    };
    let neighbour = entries.iter().rev().find(|entry| text.is_neighbour(entry));
    if let Some(entry) = parent.entry(&field) {
        return text.replace(entry, neighbour, &insertion.value);
    }
    let beside = neighbour.ok_or(NO_PLACE)?;
    Ok(if *flow {
        text.insert_flow(beside, &field, &insertion.value)
    } else {
        text.insert_block(beside, &field, &insertion.value)
    })
}

/// Follows a pointer where nothing on the way is read elsewhere too.
fn find<'n>(root: &'n Node, pointer: &Pointer) -> Result<&'n Node, &'static str> {
    let mut node = root;
    for token in pointer.tokens() {
        let token = token.decoded();
        node = match &node.content {
            Content::List(items) => {
                let index = token.parse().ok();
                index.and_then(|index: usize| items.get(index))
            }
            _ => node.get(&token),
        }
        .ok_or(NO_PLACE)?;
        if node.shared {
            return Err(SHARED);
        }
    }
    Ok(node)
}

/// The text of a document in its file.
#[derive(Clone, Copy)]
struct Text<'t> {
    text: &'t str,
    /// The byte of the file at which it starts.
    start: usize,
}

impl<'t> Text<'t> {
    fn slice(self, range: Range<usize>) -> &'t str {
        let start = range.start.saturating_sub(self.start);
        let end = range.end.saturating_sub(self.start);
        self.text.get(start..end).unwrap_or_default()
    }

    fn before(self, byte: usize) -> &'t str {
        self.slice(self.start..byte)
    }

    fn after(self, byte: usize) -> &'t str {
        self.slice(byte..self.start + self.text.len())
    }

    /// What stands on the line before a byte.
    fn line_before(self, byte: usize) -> &'t str {
        let before = self.before(byte);
        before.rsplit('\n').next().unwrap_or_default()
    }

    /// What stands on the line after a byte, without its end.
    fn line_after(self, byte: usize) -> &'t str {
        let after = self.after(byte);
        after.split(['\n', '\r']).next().unwrap_or_default()
    }

    /// How lines end here.
    fn line_end(self, byte: usize) -> &'static str {
        let after = self.after(byte);
        let rest = after.get(self.line_after(byte).len()..).unwrap_or_default();
        let windows = rest.starts_with("\r\n") || rest.is_empty() && self.text.contains("\r\n");
        if windows { "\r\n" } else { "\n" }
    }

    /// Whether a field can be put next to an entry: a value that is there, on the line of its key, and nowhere else.
    fn is_neighbour(self, entry: &Entry) -> bool {
        let value = &entry.value;
        let written = self.slice(value.range()).trim_end();
        let plain = match value.content {
            Content::List(_) | Content::Map { .. } => false,
            Content::Text { block, .. } => !block,
            _ => true,
        };
        plain
            && !value.shared
            && value.place.line == entry.place.line
            && !written.is_empty()
            && !written.contains('\n')
    }

    /// `null` and `""` give way to the value.
    fn replace(
        self,
        entry: &Entry,
        neighbour: Option<&Entry>,
        value: &str,
    ) -> Result<Change, &'static str> {
        if entry.value.shared {
            return Err(SHARED);
        }
        let range = entry.value.range();
        let written = self.slice(range.clone());
        if !written.trim().is_empty() {
            let quote = quote_of(written).or_else(|| self.value_quote(neighbour.unwrap_or(entry)));
            let end = range.start + written.trim_end().len();
            return Ok(Change {
                range: range.start..end,
                text: scalar_text(value, quote),
            });
        }
        // Nothing stands there: the value goes behind the colon.
        let key_end = entry.range().end;
        let line = self.line_after(key_end);
        let blanks = line.len() - line.trim_start_matches([' ', '\t']).len();
        let colon = key_end + blanks;
        if !self.after(colon).starts_with(':') {
            return Err(NO_PLACE);
        }
        let quote = neighbour.and_then(|neighbour| self.value_quote(neighbour));
        Ok(Change {
            range: colon + 1..colon + 1,
            text: format!(" {}", scalar_text(value, quote)),
        })
    }

    /// Behind the value of a neighbour, on a line of its own where the neighbour has one.
    fn insert_flow(self, entry: &Entry, field: &str, value: &str) -> Change {
        let end = self.written_end(entry);
        let indent = self.line_before(entry.range().start);
        let rest = self.line_after(end).trim_start();
        let rest = rest.strip_prefix(',').unwrap_or(rest).trim();
        let text = self.field_text(entry, field, value);
        let text = if indent.trim().is_empty() && rest.is_empty() {
            format!(",{}{indent}{text}", self.line_end(end))
        } else {
            format!(", {text}")
        };
        Change {
            range: end..end,
            text,
        }
    }

    /// On a line of its own after that of a neighbour.
    fn insert_block(self, entry: &Entry, field: &str, value: &str) -> Change {
        let end = self.written_end(entry);
        let line_end = end + self.line_after(end).len();
        let before = self.line_before(entry.range().start);
        let indent = if before.trim().is_empty() {
            before.to_owned()
        } else {
            " ".repeat(before.chars().count())
        };
        let text = self.field_text(entry, field, value);
        Change {
            range: line_end..line_end,
            text: format!("{}{indent}{text}", self.line_end(end)),
        }
    }

    fn written_end(self, entry: &Entry) -> usize {
        let range = entry.value.range();
        range.start + self.slice(range.clone()).trim_end().len()
    }

    /// Quotes as the neighbour has them.
    fn value_quote(self, neighbour: &Entry) -> Option<char> {
        let key = quote_of(self.slice(neighbour.range()));
        key.filter(|quote| *quote == '"')
            .or_else(|| quote_of(self.slice(neighbour.value.range())))
    }

    fn field_text(self, neighbour: &Entry, field: &str, value: &str) -> String {
        let key = scalar_text(field, quote_of(self.slice(neighbour.range())));
        let value = scalar_text(value, self.value_quote(neighbour));
        format!("{key}: {value}")
    }
}

fn quote_of(text: &str) -> Option<char> {
    text.chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))
}

/// A text as it is written: in these quotes, or without any where it means itself.
fn scalar_text(text: &str, quote: Option<char>) -> String {
    match quote {
        Some('\'') => format!("'{}'", text.replace('\'', "''")),
        None if scalar::is_safe_plain(text) => text.to_owned(),
        _ => Value::from(text).to_string(),
    }
}
