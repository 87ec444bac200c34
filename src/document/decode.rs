//! Typed reading of a tree that reports every fault and goes on.

use std::sync::Arc;

use super::{Diagnostic, Field, Node, Place, Severity, Shape, Value};

/// A type that can be read from a node.
pub trait Decode: Sized {
    /// Reads the value, or reports why not and returns `None`.
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self>;
}

/// Collects the faults of one file, and knows the path of the field being read.
#[derive(Debug)]
pub struct Decoder {
    file: Arc<str>,
    lines: Vec<String>,
    path: Vec<String>,
    owner: Place,
    diagnostics: Vec<Diagnostic>,
    errors: usize,
}

/// How many faults of one file are told; who mends them is told the next ones.
const MAX_FAULTS: usize = 500;

/// How long a message may be, in characters: it may quote what was found.
const MAX_MESSAGE: usize = 500;

impl Decoder {
    /// A decoder for a file of this name.
    pub fn new(file: Arc<str>) -> Self {
        Self::with_text(file, "")
    }

    /// A decoder for a file of this name and text, which can tell places within the texts of the file.
    pub fn with_text(file: Arc<str>, text: &str) -> Self {
        Self {
            file,
            lines: text
                .trim_start_matches('\u{feff}')
                .lines()
                .map(str::to_owned)
                .collect(),
            path: Vec::new(),
            owner: Place::default(),
            diagnostics: Vec::new(),
            errors: 0,
        }
    }

    /// The file being read.
    pub fn file(&self) -> &Arc<str> {
        &self.file
    }

    /// How many errors there were so far.
    pub const fn errors(&self) -> usize {
        self.errors
    }

    /// What was found wrong.
    pub fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Steps into a field. Every `enter` has its [`Decoder::leave`].
    pub fn enter(&mut self, field: &str) {
        self.path.push(if self.path.is_empty() {
            field.to_owned()
        } else {
            format!(".{field}")
        });
    }

    /// Steps into a list element.
    pub fn enter_index(&mut self, index: usize) {
        self.path.push(format!("[{index}]"));
    }

    /// Steps out again.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// Reports a fault at a node; the field's path is added to the message.
    pub fn error(&mut self, node: &Node, message: impl AsRef<str>, help: impl Into<String>) {
        self.error_at(node.place, message, help);
    }

    /// Reports a fault at a place; the path of the field being read is added to the message.
    pub fn error_at(&mut self, place: Place, message: impl AsRef<str>, help: impl Into<String>) {
        self.report(Severity::Error, place, message.as_ref(), help.into());
    }

    /// Reports what is probably not meant, but no reason to refuse the file.
    pub fn warn_at(&mut self, place: Place, message: impl AsRef<str>, help: impl Into<String>) {
        self.report(Severity::Warning, place, message.as_ref(), help.into());
    }

    fn report(&mut self, severity: Severity, place: Place, message: &str, help: String) {
        // A file with an error has one told, whatever else is left out.
        self.errors += usize::from(severity == Severity::Error);
        let told = match severity {
            Severity::Error => self.errors,
            Severity::Warning => self.diagnostics.len(),
        };
        if told > MAX_FAULTS {
            return;
        }
        let path = self.path.concat();
        let mut message = if path.is_empty() {
            message.to_owned()
        } else {
            format!("{path}: {message}")
        };
        if let Some((end, _)) = message.char_indices().nth(MAX_MESSAGE) {
            message.truncate(end);
            message.push('…');
        }
        self.diagnostics.push(Diagnostic {
            severity,
            message,
            file: self.file.clone(),
            line: place.line,
            column: place.column,
            help,
        });
    }

    /// Whether no further fault is told.
    const fn is_full(&self) -> bool {
        self.errors >= MAX_FAULTS
    }

    /// The place in the file of a line and column (both from 1, in characters) within a node's text, if the text stands
    /// there as it is: plain or quoted on one line, or as a block (`|`) of several.
    pub fn place_within(&self, node: &Node, line: usize, column: usize) -> Option<Place> {
        let Value::Text(text) = &node.value else {
            return None;
        };
        let first = usize::try_from(node.place.line).ok()?.checked_sub(1)?;
        let before = usize::try_from(node.place.column).ok()?.checked_sub(1)?;
        let opening = self.lines.get(first)?.chars().nth(before);
        let indent = before + usize::from(matches!(opening, Some('"' | '\'')));
        let mut lines = text.lines().zip(self.lines.iter().skip(first));
        let stands = |(wanted, found): (&str, &String)| {
            let found: String = found.chars().skip(indent).collect();
            found.starts_with(wanted)
        };
        let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        lines.all(stands).then(|| Place {
            line: narrow(first + line),
            column: narrow(indent + column),
        })
    }

    /// The object at this place is the one that [`Decoder::missing`] speaks of.
    pub const fn owner_at(&mut self, place: Place) {
        self.owner = place;
    }

    /// Reports that a field of the object last begun is missing.
    pub fn missing(&mut self, field: &str, help: &str) {
        self.error_at(self.owner, format!("field `{field}` is missing"), help);
    }

    /// Reports that a node is of the wrong type.
    pub fn wrong_type(&mut self, node: &Node, expected: &str, help: &str) {
        let found = node.value.describe();
        let help = match node.value {
            Value::Null => format!("remove the line, or give it a value: {help}"),
            _ => help.to_owned(),
        };
        self.error(node, format!("expected {expected}, found {found}"), help);
    }
}

/// The fields of an object node: unknown and repeated ones are reported at once.
pub struct Fields<'n> {
    entries: Vec<(&'n str, &'n Node)>,
    /// Fields that are there under a name much like theirs: told once is enough.
    misspelt: Vec<&'static str>,
    place: Place,
}

impl<'n> Fields<'n> {
    /// Reads an object that may have these fields and no others. `owner` is what the message calls the object.
    pub fn of(node: &'n Node, owner: &str, known: &[Field], decoder: &mut Decoder) -> Option<Self> {
        let table = known;
        let known: Vec<&str> = table.iter().map(|field| field.name).collect();
        let Value::Map(entries) = &node.value else {
            let mut help = format!("its fields are: {}", known.join(", "));
            if matches!(&node.value, Value::Text(text) if text.contains(':')) {
                help = format!("write `name: value` with a blank after the colon; {help}");
            }
            decoder.wrong_type(node, "an object", &help);
            return None;
        };
        decoder.owner = node.place;
        let mut kept: Vec<(&str, &Node)> = Vec::new();
        let mut misspelt = Vec::new();
        for (name, place, value) in entries {
            if !known.contains(&name.as_str()) && decoder.is_full() {
                // What is not told need not be put into words.
                decoder.errors += 1;
            } else if !known.contains(&name.as_str()) {
                misspelt.extend(nearest(name, known.iter().copied()));
                decoder.error_at(
                    *place,
                    format!("unknown field `{name}`: not a field of {owner}"),
                    belongs(name, table).unwrap_or_else(|| suggest(name, &known)),
                );
            } else if kept.iter().any(|(seen, _)| seen == name) {
                let help = "keep one of the two; YAML objects have each key once";
                decoder.error_at(*place, format!("field `{name}` stands twice"), help);
            } else {
                kept.push((name, value));
            }
        }
        Some(Self {
            entries: kept,
            misspelt,
            place: node.place,
        })
    }

    /// The same, where no fields at all are as good as an object without any.
    pub fn of_any(
        node: Option<&'n Node>,
        owner: &str,
        known: &[Field],
        decoder: &mut Decoder,
    ) -> Option<Self> {
        match node {
            Some(node) => Self::of(node, owner, known, decoder),
            None => Some(Self {
                entries: Vec::new(),
                misspelt: Vec::new(),
                place: decoder.owner,
            }),
        }
    }

    /// The node of a field, if it is there.
    pub fn node(&self, name: &str) -> Option<&'n Node> {
        self.entries
            .iter()
            .find_map(|(field, node)| (*field == name).then_some(*node))
    }

    /// Reads a field. The outer `None` is a fault (already reported), the inner one means that it is not there.
    pub fn optional<T: Decode>(&self, name: &str, decoder: &mut Decoder) -> Option<Option<T>> {
        match self.within(name, decoder, T::decode) {
            Some(value) => value.map(Some),
            None => Some(None),
        }
    }

    /// Does something with a field's node while the decoder is in it; `None` if the field is not there.
    pub fn within<T>(
        &self,
        name: &str,
        decoder: &mut Decoder,
        act: impl FnOnce(&'n Node, &mut Decoder) -> T,
    ) -> Option<T> {
        let node = self.node(name)?;
        decoder.enter(name);
        let done = act(node, decoder);
        decoder.leave();
        Some(done)
    }

    /// Reports a fault of a field, at the place of the object if the field is not there.
    pub fn error(
        &self,
        name: &str,
        message: impl AsRef<str>,
        help: impl Into<String>,
        decoder: &mut Decoder,
    ) {
        let place = self.node(name).map_or(self.place, |node| node.place);
        decoder.enter(name);
        decoder.error_at(place, message, help);
        decoder.leave();
    }

    /// Reads a field, or takes the default when it is not there.
    pub fn or_default<T: Decode + Default>(&self, name: &str, decoder: &mut Decoder) -> Option<T> {
        self.optional(name, decoder).map(Option::unwrap_or_default)
    }

    /// Reads a field that must be there.
    pub fn required<T: Decode>(&self, name: &str, help: &str, decoder: &mut Decoder) -> Option<T> {
        let value = self.optional(name, decoder)?;
        if value.is_none() {
            self.missing(name, help, decoder);
        }
        value
    }

    /// Reports that a field is missing, unless it is there under a name much like its own.
    pub fn missing(&self, name: &str, help: &str, decoder: &mut Decoder) {
        if !self.misspelt.contains(&name) {
            decoder.error_at(self.place, format!("field `{name}` is missing"), help);
        }
    }
}

/// Where a field belongs that stands one level too high.
fn belongs(name: &str, known: &[Field]) -> Option<String> {
    let holds = |field: &&Field| match field.shape {
        Shape::Object(fields) => fields.iter().any(|inner| inner.name == name),
        _ => false,
    };
    let outer = known.iter().find(holds)?.name;
    Some(format!(
        "it belongs into `{outer}`: write {outer}: {{{name}: …}}"
    ))
}

/// The known name that is most like another one, if it is much like it: one letter in three may be wrong.
pub fn nearest<'k>(found: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let near = known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(found, name), name))
        .filter(|(distance, name)| *distance <= (name.len() / 3).max(1))
        .min();
    near.map(|(_, name)| name)
}

/// "did you mean", and what is known.
pub fn suggest(found: &str, known: &[&str]) -> String {
    let mut sorted = known.to_vec();
    sorted.sort_unstable();
    let list = format!("known here: {}", sorted.join(", "));
    match nearest(found, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`? {list}"),
        None => list,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pair {
        left: String,
        right: Vec<bool>,
    }

    impl Decode for Pair {
        fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
            const FIELDS: &[Field] = &[
                Field::required("left", Shape::Text),
                Field::optional("right", Shape::List(0, &Shape::Switch)),
            ];
            let fields = Fields::of(node, "Pair", FIELDS, decoder)?;
            let left = fields.required("left", "name it", decoder);
            let right = fields.or_default("right", decoder);
            Some(Self {
                left: left?,
                right: right?,
            })
        }
    }

    fn decode(text: &str) -> (Option<Pair>, Vec<String>) {
        let file: Arc<str> = Arc::from("f.yaml");
        let documents = super::super::parse(&file, text).unwrap();
        let mut decoder = Decoder::new(file);
        let pair = Pair::decode(&documents[0], &mut decoder);
        let told = decoder.finish().iter().map(ToString::to_string).collect();
        (pair, told)
    }

    #[test]
    fn a_sound_object_is_read() {
        let (pair, told) = decode("left: a\nright: [true, false]\n");
        let pair = pair.unwrap();
        assert_eq!(
            (pair.left.as_str(), pair.right.as_slice()),
            ("a", [true, false].as_slice())
        );
        assert!(told.is_empty());
    }

    #[test]
    fn every_fault_is_told_with_place_path_and_cure() {
        let (pair, told) = decode("lefd: a\nright: [1, maybe, true]\nright: []\n");
        assert!(pair.is_none());
        assert_eq!(
            told,
            [
                "error: unknown field `lefd`: not a field of Pair\n  --> f.yaml:1:1\n  \
                 = help: did you mean `left`? known here: left, right",
                "error: field `right` stands twice\n  --> f.yaml:3:1\n  \
                 = help: keep one of the two; YAML objects have each key once",
                "error: right[0]: expected true or false, found the number `1`\n  --> f.yaml:2:9\n  \
                 = help: write `true` or `false` without quotes",
                "error: right[1]: expected true or false, found the text `maybe`\n  --> f.yaml:2:12\n  \
                 = help: write `true` or `false` without quotes",
            ]
        );
    }

    #[test]
    fn a_bare_key_is_told_how_to_mend() {
        let (_, told) = decode("left: a\nright:\n");
        assert_eq!(
            told,
            [
                "error: right: expected a list, found nothing\n  --> f.yaml:2:6\n  \
              = help: remove the line, or give it a value: write each entry on a line that begins with `- `, or [] for an empty list"
            ]
        );
    }

    #[test]
    fn only_names_that_are_near_are_suggested() {
        let known = ["centos-stream9", "fedora", "rhel8", "rhel9"];
        let table = [
            ("rhel99", Some("rhel9")),
            ("fedroa", Some("fedora")),
            ("centos-stream10", Some("centos-stream9")),
            ("windows", None),
            ("", None),
        ];
        for (name, expected) in table {
            assert_eq!(nearest(name, known), expected, "{name}");
        }
    }
}
