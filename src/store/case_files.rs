//! The files that cases name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cases::Files;
use crate::cluster::ClusterView;
use crate::policy::PolicySource;

use super::{StoreError, describe, read_cluster, read_policies, read_text};

/// The largest file of objects that a case may name, in bytes.
const MAX_FILE: u64 = 64 * 1024 * 1024;

/// Reads what cases name. A cluster that several of them name is read once.
#[derive(Debug, Default)]
pub struct CaseFiles {
    clusters: RefCell<HashMap<Vec<PathBuf>, Arc<ClusterView>>>,
}

impl Files for CaseFiles {
    fn policies(&self, path: &Path) -> Result<Vec<PolicySource>, String> {
        let sources = read_policies(&[path.to_owned()], false);
        sources.map_err(|error| describe(&error))
    }

    fn documents(&self, path: &Path) -> Result<Vec<Value>, String> {
        let text = read_text(path, MAX_FILE).map_err(|error| describe(&error))?;
        let options = serde_saphyr::options! {
            legacy_octal_numbers: true,
            budget: None,
        };
        let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(&text, options)
            .map_err(|error| format!("{}: {}", path.display(), error.without_snippet()))?;
        let mut documents = documents;
        documents.retain(|document| !document.is_null());
        Ok(documents)
    }

    fn cluster(&self, paths: &[&Path]) -> Result<Arc<ClusterView>, String> {
        // Cases in different folders name one file by different ways.
        let real = |path: &&Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let paths: Vec<PathBuf> = paths.iter().map(real).collect();
        if let Some(view) = self.clusters.borrow().get(&paths) {
            return Ok(view.clone());
        }
        let view = read_cluster(&paths).map_err(|error| describe(&error))?.view;
        self.clusters.borrow_mut().insert(paths, view.clone());
        Ok(view)
    }
}

/// The largest case, in bytes.
const MAX_CASE: u64 = 4 * 1024 * 1024;

/// How deep folders of cases may nest: links that go round in circles end.
const MAX_DEPTH: usize = 32;

/// The case files of a path, sorted: itself, or every `*.yaml` and `*.yml` below the folder. Hidden ones are left out.
///
/// # Errors
/// [`StoreError`] if it can't be read, or holds no case.
pub fn case_paths(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    collect(path, 0, &mut found)?;
    if found.is_empty() {
        return Err(StoreError::Empty(path.to_owned()));
    }
    found.sort_unstable();
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<(), StoreError> {
    let read = |source| StoreError::Read {
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(read)? {
        let path = entry.map_err(read)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') {
            continue;
        }
        let ending = path.extension().unwrap_or_default();
        if path.is_dir() && depth < MAX_DEPTH {
            collect(&path, depth + 1, found)?;
        } else if path.is_file() && (ending == "yaml" || ending == "yml") {
            found.push(path);
        }
    }
    Ok(())
}

/// The text of a case.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub fn read_case(path: &Path) -> Result<String, StoreError> {
    read_text(path, MAX_CASE)
}
