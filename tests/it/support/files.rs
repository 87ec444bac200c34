//! Files of the project.

use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder with this extension, sorted.
pub(crate) fn below(folder: impl AsRef<Path>, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.as_ref().to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries {
            let path = entry.expect("a folder can be read").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|own| own == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Swaps a folder's content as the kubelet does for a ConfigMap or Secret: a new hidden folder, and `..data` renamed onto
/// it. The first time the files' own links are made too.
pub(crate) fn swap(folder: &Path, version: &str, files: &[(&str, &str)]) {
    let hidden = PathBuf::from(format!("..{version}"));
    fs::create_dir(folder.join(&hidden)).unwrap();
    for (name, text) in files {
        fs::write(folder.join(&hidden).join(name), text).unwrap();
    }
    std::os::unix::fs::symlink(&hidden, folder.join("..tmp")).unwrap();
    let first = !folder.join("..data").exists();
    fs::rename(folder.join("..tmp"), folder.join("..data")).unwrap();
    for (name, _) in files.iter().filter(|_| first) {
        let target = Path::new("..data").join(name);
        std::os::unix::fs::symlink(target, folder.join(name)).unwrap();
    }
}
