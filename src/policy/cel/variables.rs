//! What an expression speaks of, read from the bytes of a request.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use kube_cel::cel::objects::{Key, Map};
use kube_cel::cel::{Context, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::admission::Body;

use super::check::VARIABLES;
use super::cost::BUDGET;
use super::library::LIBRARY;

/// How many values (objects, lists, texts, numbers) a request may have that a condition looks at. A virtual machine has
/// some 300; in memory, each takes up to 300 bytes.
const MAX_VALUES: usize = 100_000;

/// The fields of `request` that Kubernetes leaves out when they are empty.
const OMITTED_EMPTY: [&str; 4] = ["subResource", "requestSubResource", "name", "namespace"];

/// The variables of all conditions of one request, and the steps that may be spent on them.
pub(in crate::policy) struct Variables {
    values: Vec<(&'static str, Value)>,
    context: Context<'static>,
    weights: RefCell<HashMap<usize, u64>>,
    left: Cell<u64>,
}

impl Variables {
    /// Reads the variables.
    ///
    /// # Errors
    /// Why they can't be read, in the words of people.
    pub(in crate::policy) fn read(body: Body<'_>) -> Result<Self, String> {
        let request = match body {
            Body::Review(bytes) => parse(bytes, Review),
            Body::Request(bytes) => parse(bytes, Tree(&Cell::new(MAX_VALUES))),
        }?;
        let Value::Map(request) = request else {
            return Err("the request is no object".to_owned());
        };
        let mut request = Arc::unwrap_or_clone(request.map);
        let mut take = |name: &str| request.remove(&Key::from(name));
        let object = take("object").unwrap_or(Value::Null);
        let old_object = take("oldObject").unwrap_or(Value::Null);
        let _ = take("uid");
        Ok(Self::new([object, old_object, settled(request)]))
    }

    fn new(values: [Value; 3]) -> Self {
        let mut context = LIBRARY.new_inner_scope();
        let values: Vec<_> = VARIABLES.into_iter().zip(values).collect();
        for (name, value) in &values {
            context.add_variable_from_value(*name, value.clone());
        }
        Self {
            values,
            context,
            weights: RefCell::default(),
            left: Cell::new(BUDGET),
        }
    }

    /// The variables as the interpreter finds them.
    pub(super) const fn context(&self) -> &Context<'static> {
        &self.context
    }

    /// A variable.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.values
            .iter()
            .find_map(|(known, value)| (*known == name).then_some(value))
    }

    /// How much a value that the variables hold weighs; see [`super::cost`].
    pub(super) fn weight(&self, value: &Value) -> u64 {
        let address = std::ptr::from_ref(value).addr();
        if let Some(weight) = self.weights.borrow().get(&address) {
            return *weight;
        }
        let weight = weigh(value);
        self.weights.borrow_mut().insert(address, weight);
        weight
    }

    /// Takes steps out of what is left.
    ///
    /// # Errors
    /// That there are not so many.
    pub(super) fn spend(&self, steps: u64) -> Result<(), String> {
        match self.left.get().checked_sub(steps) {
            Some(left) => {
                self.left.set(left);
                Ok(())
            }
            None => Err(format!(
                "it may take more steps than are left of the {BUDGET} that the conditions have together for one request"
            )),
        }
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Variables")
    }
}

/// `request` as Kubernetes would show it, whoever wrote it down.
fn settled(mut request: HashMap<Key, Value>) -> Value {
    request.retain(|key, value| {
        let omitted = matches!(key, Key::String(name) if OMITTED_EMPTY.contains(&name.as_str()));
        !(omitted && matches!(value, Value::String(text) if text.is_empty()))
    });
    request
        .entry(Key::from("dryRun"))
        .or_insert(Value::Bool(false));
    Value::Map(Map {
        map: Arc::new(request),
    })
}

/// How much a text of so many bytes weighs.
pub(super) fn weigh_text(bytes: usize) -> u64 {
    1 + u64::try_from(bytes).unwrap_or(u64::MAX) / super::cost::BYTES
}

fn weigh(value: &Value) -> u64 {
    match value {
        Value::String(text) => weigh_text(text.len()),
        Value::List(list) => 1 + list.iter().map(weigh).sum::<u64>(),
        Value::Map(map) => {
            let entries = map.map.iter().map(|(key, value)| match key {
                Key::String(key) => weigh_text(key.len()) + weigh(value),
                _ => 1 + weigh(value),
            });
            1 + entries.sum::<u64>()
        }
        _ => 1,
    }
}

fn parse<'de, S: DeserializeSeed<'de, Value = Value>>(
    bytes: &'de [u8],
    seed: S,
) -> Result<Value, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    seed.deserialize(&mut deserializer)
        .map_err(|error| error.to_string())
}

/// Reads the `request` of a review.
struct Review;

impl<'de> DeserializeSeed<'de> for Review {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Review {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a review")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut request = Value::Null;
        while let Some(key) = map.next_key::<String>()? {
            if key == "request" {
                request = map.next_value_seed(Tree(&Cell::new(MAX_VALUES)))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(request)
    }
}

/// Reads any value, as long as so many are left.
#[derive(Clone, Copy)]
struct Tree<'c>(&'c Cell<usize>);

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let left = self.0.get().checked_sub(1).ok_or_else(|| {
            D::Error::custom(format_args!(
                "the request has more than {MAX_VALUES} values"
            ))
        })?;
        self.0.set(left);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    /// Kubernetes reads what is no `int64` as a `double`.
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        #[expect(clippy::cast_precision_loss, reason = "as in Kubernetes")]
        Ok(i64::try_from(number).map_or(Value::Float(number as f64), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::from(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element_seed(self)? {
            items.push(item);
        }
        Ok(Value::List(Arc::new(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = HashMap::new();
        while let Some(key) = map.next_key::<String>()? {
            entries.insert(Key::from(key), map.next_value_seed(self)?);
        }
        Ok(Value::Map(Map {
            map: Arc::new(entries),
        }))
    }
}
