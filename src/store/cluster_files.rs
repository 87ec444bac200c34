//! A cluster written down: what `kubectl get -o yaml` prints.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::cluster::{Builder, ClusterView, Kind, Pruned};

use super::folders::{Ending, files_in};
use super::{StoreError, open};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 512 * 1024 * 1024;

/// A view made from files, and what was in them.
#[derive(Clone, Debug)]
pub struct ClusterFiles {
    /// The view. Complete for every kind, unless a snapshot says what it holds.
    pub view: Arc<ClusterView>,
    /// How many objects were of a kind that the view keeps.
    pub objects: usize,
    /// When the snapshots among the files were taken, RFC 3339 in UTC; none if all of them are plain files.
    pub taken_at: Vec<String>,
}

impl ClusterFiles {
    /// In a few words what is known of the cluster and why.
    pub fn describe(&self) -> String {
        let objects = self.objects;
        if self.taken_at.is_empty() {
            return format!("{objects} objects, taken for the whole cluster");
        }
        format!(
            "{objects} objects, snapshot of {}",
            self.taken_at.join(" and ")
        )
    }
}

/// Reads a cluster from files and folders: Lists, several documents, YAML and JSON.
///
/// # Errors
/// [`StoreError`] if one of them can't be read; nothing is left out silently.
pub fn read_cluster(paths: &[PathBuf]) -> Result<ClusterFiles, StoreError> {
    let mut builder = Builder::complete();
    let mut objects = 0;
    let mut taken_at = Vec::new();
    for file in cluster_files(paths)? {
        each_document(&file, &mut |pruned: Pruned| {
            taken_at.extend(take_times(&pruned)?);
            objects += builder.add(pruned);
            Ok(())
        })?;
    }
    Ok(ClusterFiles {
        view: builder.build(),
        objects,
        taken_at,
    })
}

/// The files that paths name: each as it is, and those of folders.
pub(super) fn cluster_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(files_in(path, Ending::YamlOrJson)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// When the snapshots of a document were taken. One that holds less than it says was cut short on its way, and what it
/// lacks must not be taken for absent.
fn take_times(document: &Pruned) -> Result<Vec<String>, String> {
    let mut times = Vec::new();
    for snapshot in document.snapshots() {
        let snapshot = snapshot.as_ref().map_err(Clone::clone)?;
        for kind in Kind::ALL {
            let (found, name) = (document.count(kind), kind.info().kind);
            if let Some(promised) = snapshot.promised(kind).filter(|own| *own != found) {
                return Err(format!(
                    "the snapshot says that it holds {promised} {name} objects and holds {found}: take a new one"
                ));
            }
        }
        times.push(snapshot.taken_at.clone());
    }
    Ok(times)
}

/// Reads the documents of a file as a stream, YAML or JSON: none is held after the visitor has had it.
pub(super) fn each_document<T: DeserializeOwned>(
    path: &Path,
    visit: &mut dyn FnMut(T) -> Result<(), String>,
) -> Result<(), StoreError> {
    let read = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let fault = |reason: String| StoreError::Parse {
        path: path.to_owned(),
        reason,
    };
    let mut reader = BufReader::with_capacity(64 * 1024, open(path, MAX_FILE)?);
    let start = reader.fill_buf().map_err(read)?;
    if start.trim_ascii_start().starts_with(b"{") {
        for document in serde_json::Deserializer::from_reader(reader).into_iter::<T>() {
            let document = document.map_err(|error| fault(error.to_string()))?;
            visit(document).map_err(fault)?;
        }
        return Ok(());
    }
    let options = serde_saphyr::options! {
        legacy_octal_numbers: true,
        budget: None,
    };
    for document in serde_saphyr::read_with_options::<_, T>(&mut reader, options) {
        let document = document.map_err(|error| fault(error.without_snippet().to_string()))?;
        visit(document).map_err(fault)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Kind;

    #[test]
    fn lists_documents_and_folders_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write(
            "a.yaml",
            "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n",
        );
        write(
            "b.yml",
            "---\n{apiVersion: v1, kind: Namespace, metadata: {name: b}}\n---\n---\nkind: Pod\n--- text\n--- [1, {}]\n--- 7\n---\nitems: null\n",
        );
        write(
            "c.json",
            r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "c"}}"#,
        );
        write("notes.txt", "not read");
        let files = read_cluster(&[folder.path().to_owned()]).unwrap();
        assert_eq!(files.objects, 3);
        assert_eq!(files.view.count(Kind::Namespace), 3);
    }

    #[test]
    fn what_can_t_be_read_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let missing = read_cluster(&[folder.path().join("none.yaml")]).unwrap_err();
        assert!(missing.to_string().starts_with("can't read "));
        let empty = read_cluster(&[folder.path().to_owned()]).unwrap_err();
        assert!(empty.to_string().contains("holds no *.yaml"));
        std::fs::write(folder.path().join("bad.yaml"), "a: [1\n").unwrap();
        let bad = read_cluster(&[folder.path().to_owned()])
            .unwrap_err()
            .to_string();
        assert!(bad.contains("bad.yaml: ") && bad.contains("line"), "{bad}");
    }
}
