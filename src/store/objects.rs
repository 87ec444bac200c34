//! The objects of a written-down cluster one after another, for what is not kept of them.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use crate::cluster::each_object;

use super::StoreError;
use super::cluster_files::{cluster_files, each_document};

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
            if let Err(error) = each_document::<HandedOn>(&file, &mut |_| Ok(())) {
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

/// A document whose objects are handed on as they are read.
struct HandedOn;

impl<'de> Deserialize<'de> for HandedOn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        each_object(deserializer, &mut hand_on)?;
        Ok(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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
