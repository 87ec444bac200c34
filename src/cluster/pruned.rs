//! Objects as they are read from files: pruned one by one, so that a large file costs what is kept of it and no more.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
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
        deserializer.deserialize_any(PrunedVisitor)
    }
}

/// Reads an object or a `List` of objects. A document that is neither holds nothing.
struct PrunedVisitor;

impl<'de> Visitor<'de> for PrunedVisitor {
    type Value = Pruned;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pruned, A::Error> {
        let mut object = Map::new();
        let mut items = None;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                items = map.next_value::<Items>()?.0;
            } else {
                object.insert(key, map.next_value()?);
            }
        }
        Ok(items.unwrap_or_else(|| Pruned::of(&Value::Object(object))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Pruned, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Pruned::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Pruned, E> {
        Ok(Pruned::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Pruned, E> {
        Ok(Pruned::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Pruned, E> {
        Ok(Pruned::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Pruned, E> {
        Ok(Pruned::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Pruned, E> {
        Ok(Pruned::default())
    }

    fn visit_unit<E>(self) -> Result<Pruned, E> {
        Ok(Pruned::default())
    }
}

/// The items of a `List`, each pruned before the next is read; `null` in an object that is none.
struct Items(Option<Pruned>);

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
                let mut together = Pruned::default();
                while let Some(item) = list.next_element::<Value>()? {
                    together.extend([Pruned::of(&item)]);
                }
                Ok(Items(Some(together)))
            }

            fn visit_unit<E>(self) -> Result<Items, E> {
                Ok(Items(None))
            }

            fn visit_none<E>(self) -> Result<Items, E> {
                Ok(Items(None))
            }
        }
        deserializer.deserialize_any(ItemsVisitor)
    }
}
