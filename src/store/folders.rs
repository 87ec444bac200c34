//! The files of folders, by their endings. Hidden ones are left out, as is what a mounted ConfigMap keeps behind its links.

use std::path::{Path, PathBuf};

use super::StoreError;

/// How deep folders are looked through; links to folders are followed, and may lead in circles.
const MAX_FOLDERS: usize = 64;

/// Which files of a folder are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    /// `*.yaml` and `*.yml`
    Yaml,
    /// These and `*.json`
    YamlOrJson,
}

impl Ending {
    const fn words(self) -> &'static str {
        match self {
            Self::Yaml => "*.yaml or *.yml",
            Self::YamlOrJson => "*.yaml, *.yml or *.json",
        }
    }

    fn is_of(self, path: &Path) -> bool {
        let ending = path.extension().unwrap_or_default().to_string_lossy();
        match ending.to_lowercase().as_str() {
            "yaml" | "yml" => true,
            "json" => matches!(self, Self::YamlOrJson),
            _ => false,
        }
    }
}

/// The files of a folder, sorted by name, without those of the folders in it.
pub(super) fn files_in(folder: &Path, ending: Ending) -> Result<Vec<PathBuf>, StoreError> {
    let mut files = visible(folder)?;
    files.retain(|path| path.is_file() && ending.is_of(path));
    some(files, folder, ending)
}

/// The files of a path: itself, or those of a folder and of the folders in it, sorted.
pub(super) fn files_below(path: &Path, ending: Ending) -> Result<Vec<PathBuf>, StoreError> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    walk(path, 0, ending, &mut files)?;
    some(files, path, ending)
}

fn walk(
    folder: &Path,
    depth: usize,
    ending: Ending,
    files: &mut Vec<PathBuf>,
) -> Result<(), StoreError> {
    if depth > MAX_FOLDERS {
        let reason = format!("more than {MAX_FOLDERS} folders in each other");
        return Err(StoreError::Read {
            path: folder.to_owned(),
            source: std::io::Error::other(reason),
        });
    }
    for path in visible(folder)? {
        if path.is_dir() {
            walk(&path, depth + 1, ending, files)?;
        } else if ending.is_of(&path) {
            files.push(path);
        }
    }
    Ok(())
}

/// What is in a folder and not hidden, sorted.
fn visible(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn some(files: Vec<PathBuf>, folder: &Path, ending: Ending) -> Result<Vec<PathBuf>, StoreError> {
    if files.is_empty() {
        return Err(StoreError::Empty {
            folder: folder.to_owned(),
            wanted: ending.words(),
        });
    }
    Ok(files)
}
