//! Policies, from a folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::policy::{PolicySet, PolicySource};

use super::folders::{Ending, files_in};
use super::{StoreError, read_text};

/// The largest policy file that is looked at, in bytes. The loader tells of a smaller limit with a cure.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// Reads the policy files of a folder, sorted by name. A folder without any is an error unless it is meant.
pub(super) fn read_sources(
    folder: &Path,
    allow_none: bool,
) -> Result<Vec<PolicySource>, StoreError> {
    let files = match files_in(folder, Ending::Yaml) {
        Err(StoreError::Empty { .. }) if allow_none => Vec::new(),
        Err(StoreError::Empty { folder, .. }) => return Err(StoreError::NoPolicies(folder)),
        files => files?,
    };
    files.iter().map(|path| read_source(path)).collect()
}

/// Reads policy files and folders of such, each file once, in the order in which they are named.
///
/// # Errors
/// [`StoreError`] for the first that can't be read.
pub fn read_policies(paths: &[PathBuf], allow_none: bool) -> Result<Vec<PolicySource>, StoreError> {
    let mut sources: Vec<PolicySource> = Vec::new();
    for path in paths {
        let found = if path.is_file() {
            vec![read_source(path)?]
        } else {
            read_sources(path, allow_none)?
        };
        for source in found {
            if !sources.iter().any(|known| known.file == source.file) {
                sources.push(source);
            }
        }
    }
    Ok(sources)
}

fn read_source(path: &Path) -> Result<PolicySource, StoreError> {
    Ok(PolicySource {
        file: Arc::from(path.display().to_string()),
        text: read_text(path, MAX_FILE)?,
    })
}

/// Reads and compiles the policy files of a folder. A folder without any is an error, because a set that was emptied by
/// mistake lets everything through; `allow_none` says that it is meant.
///
/// # Errors
/// [`StoreError`] if they can't be read, or with every fault in them.
pub fn compile_folder(folder: &Path, allow_none: bool) -> Result<PolicySet, StoreError> {
    compile(read_sources(folder, allow_none)?)
}

/// Compiles policy files that were read.
///
/// # Errors
/// [`StoreError::Policies`] with every fault in them.
pub fn compile(sources: Vec<PolicySource>) -> Result<PolicySet, StoreError> {
    PolicySet::compile(&sources).map_err(|faults| StoreError::Policies { faults, sources })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_an_error_unless_it_is_meant() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("..data.yaml")).unwrap();
        std::fs::write(folder.path().join(".hidden.yaml"), "not: a policy").unwrap();
        let error = compile_folder(folder.path(), false).unwrap_err();
        assert!(error.to_string().contains("holds no *.yaml"), "{error}");
        assert!(
            compile_folder(folder.path(), true)
                .unwrap()
                .policies()
                .is_empty()
        );
    }

    #[test]
    fn faults_of_all_files_are_told_together() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.yaml"), "kind: Nonsense\n").unwrap();
        std::fs::write(folder.path().join("b.yml"), "a: [1\n").unwrap();
        let Err(StoreError::Policies { faults, .. }) = compile_folder(folder.path(), true) else {
            panic!("both files are broken");
        };
        let files = |name: &str| {
            faults
                .iter()
                .filter(|fault| fault.file.ends_with(name))
                .count()
        };
        assert!(files("a.yaml") > 1 && files("b.yml") == 1, "{faults:?}");
    }
}
