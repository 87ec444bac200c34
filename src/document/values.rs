//! Reading of single values, lists and maps.

use std::collections::BTreeMap;

use super::{Decode, Decoder, Node, Value};

impl Decode for String {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::Text(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::Text(_) => {
                decoder.error(
                    node,
                    "the text is empty",
                    "give it a value or remove the line",
                );
                None
            }
            Value::Bool(_) | Value::Number(_) => {
                decoder.wrong_type(node, "a text", "put it in quotes");
                None
            }
            _ => {
                decoder.wrong_type(node, "a text", "one word or one sentence");
                None
            }
        }
    }
}

impl Decode for bool {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        decoder.wrong_type(
            node,
            "true or false",
            "write `true` or `false` without quotes",
        );
        None
    }
}

/// How many entries a list may have: comparing names with patterns takes time for each.
pub const MAX_ITEMS: usize = 500;

/// Holds that a list is not too long; `None` if it is (already reported).
pub(super) fn within_bounds(node: &Node, items: usize, decoder: &mut Decoder) -> Option<()> {
    if items <= MAX_ITEMS {
        return Some(());
    }
    let message = format!("the list has {items} entries; at most {MAX_ITEMS} are allowed");
    let help = "write patterns like \"team-*\" in place of names, or several policies";
    decoder.error(node, message, help);
    None
}

/// How to make a list of what was found.
pub(super) fn list_help(found: &Value) -> String {
    match found {
        Value::Text(text) => format!("write [\"{text}\"]"),
        Value::Map(_) => "begin each entry of the list with `- `".to_owned(),
        _ => "write each entry on a line that begins with `- `, or [] for an empty list".to_owned(),
    }
}

impl<T: Decode> Decode for Vec<T> {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Value::List(items) = &node.value else {
            decoder.wrong_type(node, "a list", &list_help(&node.value));
            return None;
        };
        within_bounds(node, items.len(), decoder)?;
        let mut list = Self::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            decoder.enter_index(index);
            list.extend(T::decode(item, decoder));
            decoder.leave();
        }
        (list.len() == items.len()).then_some(list)
    }
}

/// A text that may be empty, as the value of a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelValue(pub String);

impl Decode for LabelValue {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match &node.value {
            Value::Text(text) => Some(Self(text.clone())),
            _ => String::decode(node, decoder).map(Self),
        }
    }
}

impl Decode for BTreeMap<String, LabelValue> {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            decoder.wrong_type(node, "an object of texts", "for example {team: blue}");
            return None;
        };
        let mut map = Self::new();
        for (name, place, value) in entries {
            decoder.enter(name);
            if let Some(text) = LabelValue::decode(value, decoder)
                && map.insert(name.clone(), text).is_some()
            {
                let help = "keep one of the two; YAML objects have each key once";
                decoder.error_at(*place, format!("`{name}` stands twice"), help);
            }
            decoder.leave();
        }
        (map.len() == entries.len()).then_some(map)
    }
}

impl Decode for jiff::civil::Date {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let help = "write it as year-month-day, for example 2027-01-31";
        let Value::Text(text) = &node.value else {
            decoder.wrong_type(node, "a date", help);
            return None;
        };
        let is_form = |(at, byte): (usize, u8)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        };
        let is_formed = text.len() == 10 && text.bytes().enumerate().all(is_form);
        let date = is_formed.then(|| text.parse().ok()).flatten();
        if date.is_none() {
            decoder.error(node, format!("`{text}` is not a date"), help);
        }
        date
    }
}
