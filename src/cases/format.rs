//! A case as it stands in a file. Unknown fields are faults.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::request::Request;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CaseFile {
    pub(super) policies: Vec<Source>,
    #[serde(default)]
    pub(super) cluster: Cluster,
    pub(super) live: Option<Live>,
    pub(super) now: Option<String>,
    pub(super) request: Option<Request>,
    #[serde(default)]
    pub(super) requests: Vec<Request>,
    #[serde(default)]
    pub(super) mutation_skipped: bool,
    pub(super) expect: Option<Expect>,
}

impl CaseFile {
    /// The requests, be it one or several.
    pub(super) fn requests(&self) -> &[Request] {
        match &self.request {
            Some(request) => std::slice::from_ref(request),
            None => &self.requests,
        }
    }

    /// What is expected of a request.
    pub(super) fn expected(&self, index: usize) -> Option<&Expected> {
        match self.expect.as_ref()? {
            Expect::One(expected) => Some(expected),
            Expect::Many(expected) => expected.get(index),
        }
    }
}

/// A file, relative to the case, or a document in its place.
#[derive(Clone, Debug)]
pub(super) enum Source {
    File(PathBuf),
    Document(Value),
}

/// A cluster written down: a file, or a list of files and documents.
#[derive(Debug, Default)]
pub(super) struct Cluster(pub(super) Vec<Source>);

/// What is expected of the request, or of each.
#[derive(Debug)]
pub(super) enum Expect {
    One(Expected),
    Many(Vec<Expected>),
}

/// A cluster that is followed by watches and asked by live reads.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Live {
    #[serde(default)]
    pub(super) seen: Vec<Source>,
    #[serde(default)]
    pub(super) unknown: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) present: Vec<Source>,
    #[serde(default)]
    pub(super) absent: Vec<Key>,
    #[serde(default)]
    pub(super) allowed: Vec<Right>,
    #[serde(default)]
    pub(super) denied: Vec<Right>,
}

/// What an access review says; what is left out goes for all.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Right {
    pub(super) user: Option<String>,
    pub(super) group: Option<String>,
    pub(super) verb: Option<String>,
    pub(super) resource: Option<String>,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Key {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) namespace: String,
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Expected {
    #[serde(default)]
    pub(super) mutate: ExpectedAnswer,
    #[serde(default)]
    pub(super) validate: ExpectedAnswer,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct ExpectedAnswer {
    pub(super) allowed: bool,
    pub(super) message: Option<String>,
    pub(super) patch: Vec<Value>,
    pub(super) warnings: Vec<String>,
    pub(super) audit_annotations: Option<BTreeMap<String, String>>,
}

impl Default for ExpectedAnswer {
    fn default() -> Self {
        Self {
            allowed: true,
            message: None,
            patch: Vec::new(),
            warnings: Vec::new(),
            audit_annotations: None,
        }
    }
}

/// One of three shapes, read as it comes: serde's untagged enums would read it first and lose the places of faults.
trait Shapes: Sized {
    const EXPECTED: &str;

    fn of_text(_: String) -> Option<Self> {
        None
    }

    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        drop(map);
        Err(A::Error::custom(Self::EXPECTED))
    }

    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        drop(list);
        Err(A::Error::custom(Self::EXPECTED))
    }
}

impl Shapes for Source {
    const EXPECTED: &str = "expected a file name or a document";

    fn of_text(text: String) -> Option<Self> {
        Some(Self::File(text.into()))
    }

    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(map)).map(Self::Document)
    }
}

impl Shapes for Cluster {
    const EXPECTED: &str = "expected a file name, or a list of file names and documents";

    fn of_text(text: String) -> Option<Self> {
        Some(Self(vec![Source::File(text.into())]))
    }

    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Self)
    }
}

impl Shapes for Expect {
    const EXPECTED: &str = "expected an object with `mutate` and `validate`, or a list of them";

    fn of_map<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        Expected::deserialize(MapAccessDeserializer::new(map)).map(Self::One)
    }

    fn of_list<'de, A: SeqAccess<'de>>(list: A) -> Result<Self, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(Self::Many)
    }
}

struct ShapesVisitor<T>(PhantomData<T>);

impl<'de, T: Shapes> Visitor<'de> for ShapesVisitor<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(T::EXPECTED.trim_start_matches("expected "))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        T::of_text(text.to_owned()).ok_or_else(|| E::custom(T::EXPECTED))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::of_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }
}

macro_rules! read_by_shape {
    ($($name:ty),*) => {$(
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(ShapesVisitor(PhantomData))
            }
        }
    )*};
}

read_by_shape!(Source, Cluster, Expect);
