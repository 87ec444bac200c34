//! The objects of a written-down cluster one after another, for what is not kept of them.

use std::cell::RefCell;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::cluster_files::{MAX_FILE, cluster_files};
use super::{StoreError, open};

/// How many objects are read ahead of whoever looks at them.
const AHEAD: usize = 64;
/// Why reading stops when nobody takes what is read.
const UNWANTED: &str = "nobody reads on";

/// The objects of files, read by a thread of its own that waits while nobody takes them: no more than [`AHEAD`] are held.
#[derive(Debug)]
pub struct Objects(Receiver<Result<Value, StoreError>>);

impl Iterator for Objects {
    type Item = Result<Value, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.recv().ok()
    }
}

/// Reads the objects of files and folders once more, in their order: those of Lists one by one, several documents, YAML
/// and JSON. What can't be read is the last that comes.
///
/// # Errors
/// [`StoreError`] if there are no such files.
pub fn read_objects(paths: &[PathBuf]) -> Result<Objects, StoreError> {
    let files = cluster_files(paths)?;
    let (sender, receiver) = sync_channel(AHEAD);
    std::thread::spawn(move || {
        for file in files {
            OUTLET.replace(Some(sender.clone()));
            if let Err(error) = read(&file) {
                // Nobody is left to be told if the receiver is gone.
                let _ = sender.send(Err(error));
                return;
            }
        }
    });
    Ok(Objects(receiver))
}

thread_local! {
    /// Where the objects of this thread go. The YAML reader takes no seed that could carry it.
    static OUTLET: RefCell<Option<SyncSender<Result<Value, StoreError>>>> = const { RefCell::new(None) };
}

fn hand_on(object: Value) -> Result<(), &'static str> {
    OUTLET.with_borrow(|outlet| {
        let outlet = outlet.as_ref().ok_or(UNWANTED)?;
        outlet.send(Ok(object)).map_err(|_| UNWANTED)
    })
}

fn read(path: &Path) -> Result<(), StoreError> {
    let fault = |reason: String| StoreError::Parse {
        path: path.to_owned(),
        reason,
    };
    let mut reader = BufReader::with_capacity(64 * 1024, open(path, MAX_FILE)?);
    let start = reader.fill_buf().map_err(|source| StoreError::Read {
        path: path.to_owned(),
        source,
    })?;
    if start.trim_ascii_start().starts_with(b"{") {
        let documents = serde_json::Deserializer::from_reader(reader).into_iter::<HandedOn>();
        for document in documents {
            document.map_err(|error| fault(error.to_string()))?;
        }
        return Ok(());
    }
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        budget: None,
    };
    for document in serde_saphyr::read_with_options::<_, HandedOn>(&mut reader, options) {
        document.map_err(|error| fault(error.without_snippet().to_string()))?;
    }
    Ok(())
}

/// A document whose objects are handed on as they are read.
struct HandedOn;

impl<'de> Deserialize<'de> for HandedOn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = HandedOn;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HandedOn, A::Error> {
        let mut object = Map::new();
        let mut is_list = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "items" {
                map.next_value::<Items>()?;
                is_list = true;
            } else {
                object.insert(key, map.next_value()?);
            }
        }
        if !is_list {
            hand_on(Value::Object(object)).map_err(A::Error::custom)?;
        }
        Ok(HandedOn)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HandedOn, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(HandedOn)
    }

    fn visit_bool<E>(self, _: bool) -> Result<HandedOn, E> {
        Ok(HandedOn)
    }

    fn visit_i64<E>(self, _: i64) -> Result<HandedOn, E> {
        Ok(HandedOn)
    }

    fn visit_u64<E>(self, _: u64) -> Result<HandedOn, E> {
        Ok(HandedOn)
    }

    fn visit_f64<E>(self, _: f64) -> Result<HandedOn, E> {
        Ok(HandedOn)
    }

    fn visit_str<E>(self, _: &str) -> Result<HandedOn, E> {
        Ok(HandedOn)
    }

    fn visit_unit<E>(self) -> Result<HandedOn, E> {
        Ok(HandedOn)
    }
}

/// The items of a `List`.
struct Items;

impl<'de> Deserialize<'de> for Items {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ItemsVisitor;
        impl<'de> Visitor<'de> for ItemsVisitor {
            type Value = Items;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a list of objects")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Items, A::Error> {
                while let Some(item) = list.next_element::<Value>()? {
                    hand_on(item).map_err(A::Error::custom)?;
                }
                Ok(Items)
            }

            fn visit_unit<E>(self) -> Result<Items, E> {
                Ok(Items)
            }

            fn visit_none<E>(self) -> Result<Items, E> {
                Ok(Items)
            }
        }
        deserializer.deserialize_any(ItemsVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let objects = read_objects(&[folder.to_owned()]).unwrap();
        let names = objects.map(|object| match object {
            Ok(object) => object["metadata"]["name"]
                .as_str()
                .unwrap_or("?")
                .to_owned(),
            Err(error) => error.to_string(),
        });
        names.collect()
    }

    #[test]
    fn objects_come_in_their_order_and_a_fault_comes_last() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "a.yaml",
            "items:\n- {metadata: {name: a}}\n- {metadata: {name: b}}\n---\nmetadata: {name: c}\n--- 7\n",
        );
        write(
            "b.json",
            r#"{"metadata": {"name": "d"}} {"items": [{"metadata": {"name": "e"}}]}"#,
        );
        assert_eq!(names(folder.path()), ["a", "b", "c", "d", "e"]);
        write("c.yaml", "items:\n- {metadata: {name: f}}\n- [\n");
        write("d.yaml", "metadata: {name: g}\n");
        let names = names(folder.path());
        assert_eq!(names.len(), 7, "{names:?}");
        assert!(names[6].contains("c.yaml"), "{names:?}");
    }

    #[test]
    fn whoever_stops_reading_stops_the_reader() {
        let folder = tempfile::tempdir().unwrap();
        let items = "{\"metadata\": {\"name\": \"a\"}},".repeat(10_000);
        let text = format!("{{\"items\": [{items}null]}}");
        std::fs::write(folder.path().join("a.json"), text).unwrap();
        let mut objects = read_objects(&[folder.path().to_owned()]).unwrap();
        assert!(objects.next().is_some());
        drop(objects);
    }
}
