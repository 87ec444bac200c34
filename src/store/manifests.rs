//! Files of manifests: found, and read within bounds.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::folders::{Ending, files_below};

/// The largest manifest file that is read, in bytes.
const MAX_MANIFEST: u64 = 64 * 1024 * 1024;

/// The manifests of a path: the file itself, or the `*.yaml`, `*.yml` and `*.json` of a folder and of the folders in it,
/// sorted, without hidden ones.
///
/// # Errors
/// [`StoreError`] if a folder can't be read or holds none.
pub fn manifest_files(path: &Path) -> Result<Vec<PathBuf>, StoreError> {
    files_below(path, Ending::YamlOrJson)
}

/// Reads a manifest file.
///
/// # Errors
/// [`StoreError`] if it can't be read, is larger than 64 MiB, or is not UTF-8.
pub fn read_manifest(path: &Path) -> Result<String, StoreError> {
    let failed = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    read_bounded(path, file, size)
}

/// Reads manifests from a stream; `name` is what it is called in messages.
///
/// # Errors
/// As of [`read_manifest`].
pub fn read_manifest_stream(name: &str, stream: impl Read) -> Result<String, StoreError> {
    read_bounded(Path::new(name), stream, 0)
}

/// What has no size of its own, as a pipe, is bounded all the same.
fn read_bounded(path: &Path, stream: impl Read, size: u64) -> Result<String, StoreError> {
    let too_large = |size| StoreError::TooLarge {
        path: path.to_owned(),
        size,
        limit: MAX_MANIFEST,
    };
    if size > MAX_MANIFEST {
        return Err(too_large(size));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
    let read = stream.take(MAX_MANIFEST + 1).read_to_end(&mut bytes);
    read.map_err(|source| StoreError::Read {
        path: path.to_owned(),
        source,
    })?;
    if bytes.len() as u64 > MAX_MANIFEST {
        return Err(too_large(bytes.len() as u64));
    }
    String::from_utf8(bytes).map_err(|error| StoreError::Parse {
        path: path.to_owned(),
        reason: format!(
            "not UTF-8 at byte {}: save it as UTF-8",
            error.utf8_error().valid_up_to()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn shown(folder: &Path) -> Vec<String> {
        let files = manifest_files(folder).unwrap().into_iter();
        files
            .map(|file| file.strip_prefix(folder).unwrap().display().to_string())
            .collect()
    }

    #[test]
    fn folders_are_looked_through() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.yaml",
            "a/z.YML",
            "a/.git/x.yaml",
            "c.json",
            ".h.yaml",
            "n.txt",
        ] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        assert_eq!(shown(folder.path()), ["a/z.YML", "b.yaml", "c.json"]);
        let text = folder.path().join("n.txt");
        assert_eq!(manifest_files(&text).unwrap(), [text]);
        symlink(folder.path(), folder.path().join("a/circle")).unwrap();
        assert!(manifest_files(folder.path()).is_err());
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(
            manifest_files(empty.path()),
            Err(StoreError::Empty { .. })
        ));
    }

    #[test]
    fn bounds_hold_for_streams_too() {
        let endless = read_manifest_stream("-", std::io::repeat(b' '));
        assert!(matches!(endless, Err(StoreError::TooLarge { .. })));
        let bytes = read_manifest_stream("x", &b"a\xff"[..]).unwrap_err();
        assert_eq!(
            bytes.to_string(),
            "x: not UTF-8 at byte 1: save it as UTF-8"
        );
    }
}
