//! Policies, from a folder.

use std::path::Path;
use std::sync::Arc;

use crate::policy::{PolicySet, PolicySource};

use super::{StoreError, files_of, read_text};

/// The largest policy file that is looked at, in bytes. The loader tells of a smaller limit with a cure.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Reads the policy files of a folder, sorted by name.
fn read_sources(folder: &Path) -> Result<Vec<PolicySource>, StoreError> {
    let files = files_of(folder, &["yaml", "yml"])?.into_iter();
    files
        .map(|path| {
            Ok(PolicySource {
                file: Arc::from(path.display().to_string()),
                text: read_text(&path, MAX_FILE)?,
            })
        })
        .collect()
}

/// Reads and compiles the policy files of a folder.
///
/// # Errors
/// [`StoreError`] if they can't be read, or with every fault in them.
pub fn compile_folder(folder: &Path) -> Result<PolicySet, StoreError> {
    let sources = read_sources(folder)?;
    PolicySet::compile(&sources).map_err(|faults| StoreError::Policies { faults })
}
