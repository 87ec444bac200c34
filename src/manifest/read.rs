//! From text to trees.

use std::collections::HashMap;

use granit_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StructureStyle, Tag};

use super::split::{Chunk, Chunks};
use super::{Content, Entry, Node, Place, scalar};

/// How deep a document may nest. Kubernetes' own objects need less than thirty levels.
const MAX_DEPTH: usize = 100;
/// How many nodes aliases and merge keys may add to a document.
const MAX_SHARED: usize = 200_000;

/// One document of a text.
#[derive(Debug)]
pub struct Document<'t> {
    pub(super) chunk: Chunk<'t>,
    /// Which of its chunk, from 0.
    pub(super) index: usize,
    /// Its root.
    pub node: Node,
}

/// Why a part of a text can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// The documents of a text, one at a time; empty ones are left out. A fault ends its document and no other.
pub fn documents(text: &str) -> impl Iterator<Item = Result<Document<'_>, Fault>> {
    Chunks::of(text).flat_map(|chunk| {
        let (nodes, fault) = read(chunk);
        let documents = nodes
            .into_iter()
            .enumerate()
            .filter(|(_, node)| !matches!(node.content, Content::Null))
            .map(move |(index, node)| Ok(Document { chunk, index, node }));
        documents.chain(fault.map(Err))
    })
}

/// The trees of a chunk up to its end or its first fault.
pub(super) fn read(chunk: Chunk<'_>) -> (Vec<Node>, Option<Fault>) {
    let options = granit_parser::options! { emit_comments: false };
    let mut reader = Reader {
        chunk,
        done: Vec::new(),
        open: Vec::new(),
        anchors: HashMap::new(),
        shared: 0,
    };
    for event in Parser::new_from_str_with_options(chunk.text, options) {
        let outcome = event
            .map_err(|error| reader.scan_fault(&error))
            .and_then(|(event, span)| reader.take(event, span));
        if let Err(fault) = outcome {
            return (reader.done, Some(fault));
        }
    }
    (reader.done, None)
}

struct Reader<'t> {
    chunk: Chunk<'t>,
    done: Vec<Node>,
    open: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    shared: usize,
}

/// A list or object that has begun.
struct Frame {
    place: Place,
    anchor: usize,
    flow: bool,
    content: Open,
}

enum Open {
    List(Vec<Node>),
    Map(Vec<Entry>, Option<Key>),
}

struct Key {
    text: String,
    place: Place,
    end: u32,
    merge: bool,
}

impl Reader<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let merge = text == "<<" && style == ScalarStyle::Plain;
                let node = Node {
                    place: self.place(span.start),
                    end: self.end(span),
                    shared: false,
                    content: content(&text, style, tag.as_deref()),
                };
                self.close(node, anchor, merge)
            }
            Event::SequenceStart(style, anchor, _) => {
                self.begin(style, anchor, span, Open::List(Vec::new()))
            }
            Event::MappingStart(style, anchor, _) => {
                self.begin(style, anchor, span, Open::Map(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let end = self.end(span);
                let Some(frame) = self.open.pop() else {
                    return Ok(());
                };
                let content = match frame.content {
                    Open::List(items) => Content::List(items),
                    Open::Map(entries, _) => Content::Map {
                        entries,
                        flow: frame.flow,
                    },
                };
                let node = Node {
                    place: frame.place,
                    end,
                    shared: false,
                    content,
                };
                self.close(node, frame.anchor, false)
            }
            Event::Alias(anchor) => {
                let place = self.place(span.start);
                let Some(target) = self.anchors.get(&anchor).cloned() else {
                    return Err(fault(place, "an alias stands inside what it refers to"));
                };
                let mut node = self.share(target, place)?;
                node.place = place;
                node.end = self.end(span);
                self.close(node, 0, false)
            }
            Event::DocumentStart(..) => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(
        &mut self,
        style: StructureStyle,
        anchor: usize,
        span: Span,
        content: Open,
    ) -> Result<(), Fault> {
        let place = self.place(span.start);
        if self.open.len() >= MAX_DEPTH {
            return Err(fault(
                place,
                &format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.open.push(Frame {
            place,
            anchor,
            flow: style == StructureStyle::Flow,
            content,
        });
        Ok(())
    }

    /// A node is whole: it goes where it belongs.
    fn close(&mut self, node: Node, anchor: usize, merge: bool) -> Result<(), Fault> {
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
            self.count(&node)?;
        }
        match self.open.last_mut().map(|frame| &mut frame.content) {
            None => self.done.push(node),
            Some(Open::List(items)) => items.push(node),
            Some(Open::Map(_, key @ None)) => *key = Some(as_key(&node, merge)?),
            Some(Open::Map(entries, key)) => match key.take() {
                Some(key) if key.merge => {
                    // An object is its own way to be merged; of a list the first goes before the rest.
                    let sources = match node.content {
                        Content::List(items) => items.into_iter().rev().collect(),
                        _ => vec![node],
                    };
                    return self.merge(sources, key.place);
                }
                Some(key) => entries.push(Entry {
                    key: key.text,
                    place: key.place,
                    end: key.end,
                    value: node,
                }),
                None => {}
            },
        }
        Ok(())
    }

    fn merge(&mut self, sources: Vec<Node>, place: Place) -> Result<(), Fault> {
        for source in sources {
            let source = self.share(source, place)?;
            let Content::Map {
                entries: merged, ..
            } = source.content
            else {
                return Err(fault(place, "`<<` merges objects and nothing else"));
            };
            if let Some(Open::Map(entries, _)) = self.open.last_mut().map(|it| &mut it.content) {
                entries.extend(merged);
            }
        }
        Ok(())
    }

    /// Marks a copy as one that is read in several places.
    fn share(&mut self, mut node: Node, place: Place) -> Result<Node, Fault> {
        self.count(&node).map_err(|it| Fault { place, ..it })?;
        mark(&mut node);
        Ok(node)
    }

    /// Copies are bounded, so that a small text can't become a large tree.
    fn count(&mut self, node: &Node) -> Result<(), Fault> {
        self.shared += size(node);
        if self.shared > MAX_SHARED {
            let message = format!("anchors and aliases add more than {MAX_SHARED} values");
            return Err(fault(node.place, &message));
        }
        Ok(())
    }

    fn place(&self, mark: Marker) -> Place {
        let byte = mark.byte_offset().unwrap_or_default();
        Place {
            byte: narrow(self.chunk.byte + byte),
            line: narrow(self.chunk.lines + mark.line().max(1)),
            column: narrow(mark.col() + 1),
        }
    }

    fn end(&self, span: Span) -> u32 {
        narrow(self.chunk.byte + span.end.byte_offset().unwrap_or_default())
    }

    fn scan_fault(&self, error: &ScanError) -> Fault {
        let message = error.info();
        let message = message.lines().next().unwrap_or("not valid");
        fault(
            self.place(*error.marker()),
            &format!("not valid YAML: {message}"),
        )
    }
}

fn fault(place: Place, message: &str) -> Fault {
    Fault {
        place,
        message: message.to_owned(),
    }
}

fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn size(node: &Node) -> usize {
    1 + match &node.content {
        Content::List(items) => items.iter().map(size).sum(),
        Content::Map { entries, .. } => entries.iter().map(|entry| size(&entry.value)).sum(),
        _ => 0,
    }
}

fn mark(node: &mut Node) {
    node.shared = true;
    match &mut node.content {
        Content::List(items) => items.iter_mut().for_each(mark),
        Content::Map { entries, .. } => {
            for entry in entries {
                mark(&mut entry.value);
            }
        }
        _ => {}
    }
}

fn as_key(node: &Node, merge: bool) -> Result<Key, Fault> {
    let text = match &node.content {
        Content::Text { text, .. } => text.clone(),
        Content::Number(number) => number.to_string(),
        Content::Bool(value) => value.to_string(),
        Content::Null => "null".to_owned(),
        Content::List(_) | Content::Map { .. } => {
            return Err(fault(node.place, "a key is a list or an object"));
        }
    };
    Ok(Key {
        text,
        place: node.place,
        end: node.end,
        merge,
    })
}

fn content(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Content {
    let core = tag.and_then(Tag::core_suffix);
    match (style, core) {
        (ScalarStyle::Literal | ScalarStyle::Folded, _) => Content::Text {
            text: text.to_owned(),
            block: true,
        },
        (ScalarStyle::Plain, None) | (_, Some("null" | "bool" | "int" | "float")) => {
            scalar::plain(text)
        }
        _ => scalar::written(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use json_patch::jsonptr::PointerBuf;
    use serde_json::{Value, json};

    fn values(text: &str) -> Vec<Value> {
        documents(text)
            .map(|document| document.unwrap().node.to_json())
            .collect()
    }

    fn first_fault(text: &str) -> Fault {
        documents(text).find_map(Result::err).unwrap()
    }

    #[test]
    fn yaml_and_json_are_read() {
        let text = "# Source: x\n---\na: [1, yes, ~]\nb: |\n  x\n  y\n---\n---\n'c': \"d\"\n";
        let expected = [
            json!({"a": [1, true, null], "b": "x\ny\n"}),
            json!({"c": "d"}),
        ];
        assert_eq!(values(text), expected);
        let text =
            "{\"a\": \"\\ud83d\\ude00\\/\",\n\t\"b\": {\"c\": [1.5, true, null]}}\n{\"d\": 1}";
        let expected = [
            json!({"a": "😀/", "b": {"c": [1.5, true, null]}}),
            json!({"d": 1}),
        ];
        assert_eq!(values(text), expected);
    }

    #[test]
    fn anchors_aliases_and_merge_keys_are_resolved() {
        let text = "a: &a {x: 1, z: 2}\nb: *a\nc: {<<: *a, z: 3}\nd: {<<: [{x: 4}, *a]}\n";
        let expected = json!({
            "a": {"x": 1, "z": 2}, "b": {"x": 1, "z": 2}, "c": {"x": 1, "z": 3}, "d": {"x": 4, "z": 2},
        });
        assert_eq!(values(text), [expected]);
        let document = documents(text).next().unwrap().unwrap();
        let shared = |pointer: &[&str]| {
            let node = pointer
                .iter()
                .try_fold(&document.node, |it, key| it.get(key));
            node.unwrap().shared
        };
        assert!(!shared(&["a", "x"]) && shared(&["b", "x"]) && shared(&["c", "x"]));
        assert!(!shared(&["c", "z"]));
    }

    #[test]
    fn a_fault_has_a_place_and_leaves_the_rest_alone() {
        let text = "a: 1\n---\nb: [1,\n---\nc: 2\n";
        let found: Vec<_> = documents(text).collect();
        assert_eq!(found.len(), 3);
        let fault = found[1].as_ref().unwrap_err();
        assert_eq!(fault.place.line, 3, "{fault:?}");
        assert!(fault.message.starts_with("not valid YAML: "), "{fault:?}");
        assert!(found[2].is_ok());
        assert_eq!(first_fault("x: 1\na: b: c\n").place.line, 2);
        assert!(first_fault("? [a]\n: 1\n").message.contains("key"));
        assert!(first_fault("{<<: 1}").message.contains("<<"));
    }

    #[test]
    fn bombs_and_towers_are_refused() {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (previous, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            let aliases = vec![format!("*{previous}"); 10].join(",");
            text.extend([next.to_string(), format!(": &{next} [{aliases}]\n")]);
        }
        assert!(first_fault(&text).message.contains("anchors"));
        let tower = format!("{}{}", "[".repeat(120), "]".repeat(120));
        assert!(first_fault(&tower).message.contains("deeper"));
        let tower = format!("{}{}", "{\"a\":".repeat(200_000), "}".repeat(200_000));
        assert!(first_fault(&tower).message.contains("deeper"));
        assert!(first_fault("a: &a [*a]\n").message.contains("alias"));
    }

    #[test]
    fn a_field_or_its_nearest_ancestor_has_a_line() {
        let text = "\u{feff}---\na:\n  b:\n  - c: 1\n  - d: {e: 2}\n";
        let document = documents(text).next().unwrap().unwrap();
        let line = |pointer: &str| {
            let place = document.node.place_of(&PointerBuf::parse(pointer).unwrap());
            (place.line, place.column)
        };
        assert_eq!(line("/a/b/1/d/e"), (5, 9));
        assert_eq!(line("/a/b/1/d/x/y"), (5, 5));
        assert_eq!(line("/a/b/0"), (4, 5));
        assert_eq!(line("/a/b/7/x"), (3, 3));
        assert_eq!(line(""), (2, 1));
    }
}
