//! Objects as they are read from files: pruned one by one, so that a large file costs what is kept of it and no more.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::{Map, Value};

use super::{Fact, Kind, Known, ObjectKey, Snapshot};

/// What is kept of an object, or of the items of a `List`.
#[derive(Debug, Default)]
pub struct Pruned {
    pub(super) openshift: bool,
    pub(super) objects: Vec<(Kind, ObjectKey, Known<Fact>)>,
    /// Headers of snapshots, or what is wrong with them.
    pub(super) snapshots: Vec<Result<Snapshot, String>>,
}

impl Pruned {
    /// How many objects of a kind there are.
    pub fn count(&self, kind: Kind) -> usize {
        self.objects.iter().filter(|(own, ..)| *own == kind).count()
    }

    /// The headers of snapshots among them, or what is wrong with one.
    pub fn snapshots(&self) -> &[Result<Snapshot, String>] {
        &self.snapshots
    }

    /// Prunes an object, or the items of a `List`.
    pub fn of(object: &Value) -> Self {
        if let Some(items) = object.get("items").and_then(Value::as_array) {
            let mut together = Self::default();
            together.extend(items.iter().map(Self::of));
            return together;
        }
        let text = |field| {
            object
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let api_version = text("apiVersion");
        let group = api_version.split('/').next().unwrap_or_default();
        let kind = Kind::of(api_version, text("kind"));
        let kept = kind.and_then(|kind| {
            let (key, fact) = Fact::read(kind, object)?;
            Some((kind, key, fact))
        });
        Self {
            openshift: group.ends_with(".openshift.io") || looks_like_openshift(object),
            objects: kept.map_or_else(Vec::new, |kept| vec![kept]),
            snapshots: Snapshot::of(object).into_iter().collect(),
        }
    }
}

impl Extend<Self> for Pruned {
    fn extend<I: IntoIterator<Item = Self>>(&mut self, more: I) {
        for one in more {
            self.openshift |= one.openshift;
            self.objects.extend(one.objects);
            self.snapshots.extend(one.snapshots);
        }
    }
}

/// Signs of an OpenShift in objects that a plain List of a cluster holds.
fn looks_like_openshift(object: &Value) -> bool {
    let name = object.pointer("/metadata/name").and_then(Value::as_str);
    let is_namespace = object.get("kind").and_then(Value::as_str) == Some("Namespace");
    is_namespace
        && matches!(
            name,
            Some("openshift-cnv" | "openshift-virtualization-os-images")
        )
}

impl<'de> Deserialize<'de> for Pruned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut together = Self::default();
        each_object(deserializer, &mut |object| {
            together.extend([Self::of(&object)]);
            Ok(())
        })?;
        Ok(together)
    }
}

/// Shows the objects of a document one by one: an object, or the items of a `List`, each before the next is read. A
/// document that is neither holds none.
///
/// # Errors
/// What the document or the visitor is wrong with.
pub fn each_object<'de, D: Deserializer<'de>>(
    deserializer: D,
    visit: &mut dyn FnMut(Value) -> Result<(), &'static str>,
) -> Result<(), D::Error> {
    deserializer.deserialize_any(DocumentVisitor(visit))
}

struct DocumentVisitor<'v>(&'v mut dyn FnMut(Value) -> Result<(), &'static str>);

impl<'de> Visitor<'de> for DocumentVisitor<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut object = Map::new();
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                is_list = map.next_value_seed(Items(&mut *self.0))?;
            } else {
                object.insert(key, map.next_value()?);
            }
        }
        if !is_list {
            (self.0)(Value::Object(object)).map_err(A::Error::custom)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// The items of a `List`, and whether there is a list at all: `null` in an object is none.
struct Items<'v>(&'v mut dyn FnMut(Value) -> Result<(), &'static str>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        while let Some(item) = list.next_element::<Value>()? {
            (self.0)(item).map_err(A::Error::custom)?;
        }
        Ok(true)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_none<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}
