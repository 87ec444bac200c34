//! Files of manifests: found, read within bounds, and replaced as a whole.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use super::StoreError;
use super::folders::{Ending, files_below};

/// The largest manifest file that is read, in bytes.
pub const MAX_MANIFEST: u64 = 64 * 1024 * 1024;

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
/// [`StoreError`] if it can't be read, is larger than [`MAX_MANIFEST`], or is not UTF-8.
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

/// Puts a new text in the place of a file that still holds the old one: whole or not at all, in the file that a link
/// leads to, with its permissions and its owner.
///
/// # Errors
/// [`StoreError::Write`] if it can't be done, is no regular file, or holds another text by now.
pub fn replace_manifest(path: &Path, old: &str, new: &str) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write {
        path: path.to_owned(),
        source,
    };
    let target = path.canonicalize().map_err(failed)?;
    let metadata = target.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(failed(std::io::Error::other("it is no regular file")));
    }
    let mut name = std::ffi::OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.partial", std::process::id()));
    let partial = target.with_file_name(name);
    let replaced = write_partial(&partial, new, &metadata)
        .and_then(|()| still_holds(&target, old))
        .and_then(|()| std::fs::rename(&partial, &target));
    replaced.map_err(|error| {
        if error.kind() != ErrorKind::AlreadyExists {
            // Left behind only if the disk refuses that too.
            let _ = std::fs::remove_file(&partial);
        }
        failed(error)
    })
}

/// A new file of one's own: nobody can have put a link in its place.
fn write_partial(path: &Path, text: &str, like: &Metadata) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    keep_owner(&file, like);
    file.set_permissions(like.permissions())?;
    file.sync_all()
}

/// Only an administrator can give a file to somebody else; for everybody else it is theirs already.
fn keep_owner(file: &File, like: &Metadata) {
    use std::os::unix::fs::MetadataExt;
    let _ = std::os::unix::fs::fchown(file, Some(like.uid()), Some(like.gid()));
}

fn still_holds(path: &Path, text: &str) -> std::io::Result<()> {
    if std::fs::read(path)? == text.as_bytes() {
        return Ok(());
    }
    Err(std::io::Error::other(
        "somebody else has changed it meanwhile",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

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

    #[test]
    fn a_file_is_replaced_where_it_is_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let link = folder.path().join("link.yaml");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        symlink("a.yaml", &link).unwrap();
        replace_manifest(&link, "old", "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let error = replace_manifest(&file, "old", "newer").unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("meanwhile"), "{cause}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
