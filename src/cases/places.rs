//! Where the parts of a case stand in its file.

use std::sync::Arc;

use crate::document::{self, Node, Place, Value};

/// Places of what is told of. All are the start of the file where it can't be told: a file may be larger than what is
/// read with places.
#[derive(Debug, Default)]
pub(super) struct Places {
    fields: Vec<(String, Place)>,
    policies: Vec<Place>,
    requests: Vec<Place>,
    expected: Vec<Place>,
}

impl Places {
    pub(super) fn of(file: &Arc<str>, text: &str) -> Self {
        let mut places = Self::default();
        let documents = document::parse(file, text).unwrap_or_default();
        if let Some(Value::Map(fields)) = documents.first().map(|node| &node.value) {
            for (name, place, node) in fields {
                places.fields.push((name.clone(), *place));
                match name.as_str() {
                    "policies" => places.policies = items(node),
                    "request" => places.requests = vec![*place],
                    "requests" => places.requests = items(node),
                    "expect" => places.expected = items(node),
                    _ => {}
                }
            }
        }
        places
    }

    /// Where a field of the case stands.
    pub(super) fn field(&self, name: &str) -> Place {
        let found = self.fields.iter().find(|(own, _)| own == name);
        found.map(|(_, place)| *place).unwrap_or_default()
    }

    /// Where a policy stands, or the name of its file.
    pub(super) fn policy(&self, index: usize) -> Place {
        self.policies.get(index).copied().unwrap_or_default()
    }

    /// Where a request stands.
    pub(super) fn request(&self, index: usize) -> Place {
        self.requests.get(index).copied().unwrap_or_default()
    }

    /// Where it stands what is expected of a request.
    pub(super) fn expected(&self, index: usize) -> Place {
        let item = self.expected.get(index).copied();
        item.unwrap_or_else(|| self.field("expect"))
    }
}

fn items(node: &Node) -> Vec<Place> {
    match &node.value {
        Value::List(items) => items.iter().map(|item| item.place).collect(),
        _ => Vec::new(),
    }
}

/// What stands before the field `expect`, and after its name.
pub(super) fn split_at_expect(text: &str) -> Option<(&str, &str)> {
    let at = if text.starts_with("expect:") {
        0
    } else {
        text.find("\nexpect:")? + 1
    };
    let (before, rest) = text.split_at(at);
    Some((before, rest.strip_prefix("expect:")?))
}

/// The first field of the file after `expect`.
pub(super) fn next_field(after: &str) -> Option<&str> {
    let is_own = |line: &&str| line.starts_with([' ', '-', '#', '\t', '}', ']']) || line.is_empty();
    let mut lines = after.lines().skip(1).skip_while(is_own);
    lines
        .next()
        .map(|line| line.split(':').next().unwrap_or(line))
}
