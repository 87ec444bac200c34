//! The files that cases name.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::cases::Files;
use crate::cluster::ClusterView;
use crate::policy::PolicySource;

use super::cluster_files::each_document;
use super::folders::{Ending, files_below};
use super::{StoreError, describe, read_cluster, read_policies, read_text};

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
        let mut documents = Vec::new();
        let read = each_document(path, &mut |document: Value| {
            documents.extend(Some(document).filter(|document| !document.is_null()));
            Ok(())
        });
        read.map_err(|error| describe(&error))?;
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

/// The case files of a path, sorted: itself, or every `*.yaml` and `*.yml` below the folder. Hidden ones are left out.
///
/// # Errors
/// [`StoreError`] if it can't be read, or holds no case.
pub fn case_paths(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    files_below(path, Ending::Yaml)
}

/// The text of a case.
///
/// # Errors
/// [`StoreError`] if it can't be read.
pub fn read_case(path: &Path) -> Result<String, StoreError> {
    read_text(path, MAX_CASE)
}
