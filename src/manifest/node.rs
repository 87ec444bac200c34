//! The tree of a document, each node with its place in the text.

use std::ops::Range;

use json_patch::jsonptr::Pointer;
use serde_json::{Map, Number, Value};

/// Where something starts: byte from 0, line and column (in characters) from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Byte in the text of the file, from 0.
    pub byte: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it starts: for a block mapping its first key, for an alias the alias.
    pub place: Place,
    /// The byte after its last, in the text of the file.
    pub end: u32,
    /// Whether it came by an alias or a merge key: what is written there is read elsewhere too.
    pub shared: bool,
    /// What it is.
    pub content: Content,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Content {
    /// Nothing, `null` or `~`.
    Null,
    /// `true`, `no`, …
    Bool(bool),
    /// A number.
    Number(Number),
    /// Text; `block` is that of `|` and `>`.
    Text {
        /// The text.
        text: String,
        /// Whether it is written over lines of its own.
        block: bool,
    },
    /// A list.
    List(Vec<Node>),
    /// An object; `flow` is that of `{}`, as in JSON.
    Map {
        /// In the order of the text. A key may stand twice: the last counts, as in Kubernetes.
        entries: Vec<Entry>,
        /// Whether it stands in braces.
        flow: bool,
    },
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where it starts.
    pub place: Place,
    /// The byte after its last, in the text of the file.
    pub end: u32,
    /// Its value.
    pub value: Node,
}

impl Entry {
    /// The bytes of the key.
    pub(super) fn range(&self) -> Range<usize> {
        range(self.place.byte, self.end)
    }
}

/// Offsets are kept narrow, since there are many; a text has at most 4 GiB.
pub(super) fn range(start: u32, end: u32) -> Range<usize> {
    let wide = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    wide(start)..wide(end.max(start))
}

impl Node {
    /// The bytes of the node.
    pub(super) fn range(&self) -> Range<usize> {
        range(self.place.byte, self.end)
    }

    /// The entry of a key that counts, if it is an object that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map { entries, .. } => entries.iter().rev().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value of a key, if it is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The text of a key, if there is one that is not empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        match &self.get(key)?.content {
            Content::Text { text, .. } if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    pub fn items(&self) -> &[Self] {
        match &self.content {
            Content::List(items) => items,
            _ => &[],
        }
    }

    /// Follows a JSON pointer as far as it leads: where the field stands (its key, if it has one), or the nearest that is
    /// there above it.
    pub fn place_of(&self, pointer: &Pointer) -> Place {
        let mut node = self;
        let mut place = self.place;
        for token in pointer.tokens() {
            let token = token.decoded();
            let (next, at) = match &node.content {
                Content::Map { .. } => match node.entry(&token) {
                    Some(entry) => (&entry.value, entry.place),
                    None => return place,
                },
                Content::List(items) => {
                    let index = token.parse().ok();
                    match index.and_then(|index: usize| items.get(index)) {
                        Some(item) => (item, item.place),
                        None => return place,
                    }
                }
                _ => return place,
            };
            (node, place) = (next, at);
        }
        place
    }

    /// The value as JSON.
    pub fn to_json(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number) => Value::Number(number.clone()),
            Content::Text { text, .. } => Value::String(text.clone()),
            Content::List(items) => Value::Array(items.iter().map(Self::to_json).collect()),
            Content::Map { entries, .. } => {
                let entries = entries.iter();
                let fields: Map<String, Value> = entries
                    .map(|entry| (entry.key.clone(), entry.value.to_json()))
                    .collect();
                Value::Object(fields)
            }
        }
    }
}
