//! The tree of a YAML document, each node with its place.

use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, MergeKeyPolicy, Spanned};

use super::{Diagnostic, yaml_fault};

/// The largest policy file that is read, in bytes.
const MAX_BYTES: usize = 1024 * 1024;

/// How deep a file may nest. A policy needs less than ten levels; reading one takes some 30 KiB of stack in a debug build,
/// and threads have 2 MiB.
pub(super) const MAX_DEPTH: usize = 24;

/// How much aliases may expand to, in nodes of a file.
pub(super) const MAX_REPLAYED: usize = 10_000;

/// How many bytes of text a file may hold when its aliases are expanded.
const MAX_TEXT: usize = 4 * MAX_BYTES;

/// Where a node starts, from 1; the default is the file as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it starts.
    pub place: Place,
    /// What it is.
    pub value: Value,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// `true`, `no`, …
    Bool(bool),
    /// A number, as it reads.
    Number(String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// Keys with their places, and values. A key may stand twice.
    Map(Vec<(String, Place, Node)>),
}

impl Value {
    /// What people call it.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("the boolean `{value}`"),
            Self::Number(number) => format!("the number `{number}`"),
            Self::Text(text) if text.chars().count() <= 40 => format!("the text `{text}`"),
            Self::Text(_) => "a long text".to_owned(),
            Self::List(_) => "a list".to_owned(),
            Self::Map(_) => "an object".to_owned(),
        }
    }
}

/// Reads all documents of a file; empty documents are skipped. A byte order mark is accepted, as are line ends of
/// Windows.
///
/// # Errors
/// One diagnostic with the place where the text stops being YAML, or where it goes over a limit: 1 MiB of text, or the
/// parser's own bounds on depth, nodes and expanded aliases.
pub fn parse(file: &Arc<str>, text: &str) -> Result<Vec<Node>, Diagnostic> {
    if text.len() > MAX_BYTES {
        let message = format!(
            "the file has {} bytes; a policy file has at most {MAX_BYTES}",
            text.len()
        );
        let help = "split it into several files, and keep only policies in this folder";
        return Err(Diagnostic::error(file, Place::default(), message, help));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(place) = place_of(text, char::REPLACEMENT_CHARACTER) {
        let help = "save the file in UTF-8, without the character \u{fffd}";
        let message = "this is no text in UTF-8";
        return Err(Diagnostic::error(file, place, message, help));
    }
    let options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        merge_keys: MergeKeyPolicy::Error,
        budget: serde_saphyr::budget! { max_depth: MAX_DEPTH, max_total_scalar_bytes: MAX_TEXT },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MAX_REPLAYED },
    };
    serde_saphyr::from_multiple_with_options::<Spanned<Raw>>(text, options)
        .map(|documents| documents.into_iter().map(Node::from).collect())
        .map_err(|error| {
            let place = error.location().map(Place::from).unwrap_or_default();
            let (message, help) = yaml_fault::describe(&error);
            Diagnostic::error(file, place, format!("not valid YAML: {message}"), help)
        })
}

/// Where a character stands first.
fn place_of(text: &str, wanted: char) -> Option<Place> {
    let at = text.find(wanted)?;
    let before = text.get(..at)?;
    let line = before.rsplit('\n').next().unwrap_or_default();
    let narrow = |number: usize| u32::try_from(number + 1).unwrap_or(u32::MAX);
    Some(Place {
        line: narrow(before.matches('\n').count()),
        column: narrow(line.chars().count()),
    })
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Self {
        let narrow = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Self {
            line: narrow(location.line()),
            column: narrow(location.column()),
        }
    }
}

impl From<Spanned<Raw>> for Node {
    fn from(spanned: Spanned<Raw>) -> Self {
        Self {
            place: Place::from(spanned.referenced),
            value: spanned.value.0,
        }
    }
}

/// A value as the YAML reader hands it over.
struct Raw(Value);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RawVisitor;
        impl<'de> Visitor<'de> for RawVisitor {
            type Value = Raw;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("any YAML value")
            }

            fn visit_unit<E>(self) -> Result<Raw, E> {
                Ok(Raw(Value::Null))
            }

            fn visit_none<E>(self) -> Result<Raw, E> {
                Ok(Raw(Value::Null))
            }

            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Raw, D::Error> {
                Raw::deserialize(inner)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Raw, E> {
                Ok(Raw(Value::Bool(value)))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
                Ok(Raw(Value::Number(number.to_string())))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
                Ok(Raw(Value::Number(number.to_string())))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
                Ok(Raw(Value::Number(number.to_string())))
            }

            fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
                Ok(Raw(Value::Text(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element::<Spanned<Raw>>()? {
                    items.push(Node::from(item));
                }
                Ok(Raw(Value::List(items)))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Spanned<Raw>>()? {
                    let place = Place::from(key.referenced);
                    let name = match key.value.0 {
                        Value::Text(text) | Value::Number(text) => text,
                        other => other.describe(),
                    };
                    let value = map.next_value::<Spanned<Raw>>()?;
                    entries.push((name, place, Node::from(value)));
                }
                Ok(Raw(Value::Map(entries)))
            }
        }
        deserializer.deserialize_any(RawVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Node>, Diagnostic> {
        parse(&Arc::from("t.yaml"), text)
    }

    #[test]
    fn every_node_knows_its_place() {
        let documents = read("a: 1\n---\nb:\n  - x\n  - c: [true]\n").unwrap();
        assert_eq!(documents.len(), 2);
        let Value::Map(entries) = &documents[1].value else {
            panic!("{documents:?}")
        };
        let (name, place, node) = &entries[0];
        assert_eq!((name.as_str(), *place), ("b", Place { line: 3, column: 1 }));
        let Value::List(items) = &node.value else {
            panic!("{node:?}")
        };
        assert_eq!(items[1].place, Place { line: 5, column: 5 });
    }

    #[test]
    fn a_key_may_stand_twice_for_the_decoder_to_tell() {
        let documents = read("a: 1\na: 2\n").unwrap();
        let Value::Map(entries) = &documents[0].value else {
            panic!()
        };
        assert_eq!(entries.len(), 2);
        assert_eq!(entries[1].1, Place { line: 2, column: 1 });
    }

    #[test]
    fn broken_yaml_has_a_place() {
        let fault = read("a: 1\nb: [1, 2\n").unwrap_err();
        assert!(fault.line >= 2, "{fault}");
        assert!(fault.message.starts_with("not valid YAML: "), "{fault}");
    }

    #[test]
    fn a_byte_order_mark_and_line_ends_of_windows_move_nothing() {
        let documents = read("\u{feff}a: 1\r\nbc: d\r\n").unwrap();
        let Value::Map(entries) = &documents[0].value else {
            panic!("{documents:?}")
        };
        assert_eq!(entries[0].1, Place { line: 1, column: 1 });
        assert_eq!(entries[1].2.place, Place { line: 2, column: 5 });
        assert!(matches!(&entries[1].2.value, Value::Text(text) if text == "d"));
    }

    #[test]
    fn what_is_no_text_has_a_place() {
        let fault = read("a: 1\nb: \u{fffd}\n").unwrap_err();
        assert_eq!((fault.line, fault.column), (2, 4), "{fault}");
    }

    #[test]
    fn a_long_text_can_t_be_multiplied() {
        let text = format!(
            "a: &a {}\nb: [{}]\n",
            "x".repeat(500_000),
            "*a, ".repeat(50)
        );
        assert!(read(&text).is_err());
    }

    #[test]
    fn alias_bombs_are_refused() {
        let mut text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for (previous, next) in "abcdefgh".chars().zip("bcdefghi".chars()) {
            let aliases = vec![format!("*{previous}"); 10].join(",");
            text.extend([next.to_string(), format!(": &{next} [{aliases}]\n")]);
        }
        assert!(read(&text).is_err());
    }
}
