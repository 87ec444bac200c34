//! Files that are written whole or not at all.

use std::fs::{File, Metadata};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::StoreError;

/// Writes a file whole or not at all: whoever reads it meanwhile sees the old one.
///
/// # Errors
/// [`StoreError::Write`]
pub fn write_whole(path: &Path, text: &str) -> Result<(), StoreError> {
    write_whole_as(path, text, 0o666)
}

/// As [`write_whole`], for a file of this mode, less the process' mask: nobody else can read a secret for a moment.
///
/// # Errors
/// [`StoreError::Write`]
pub fn write_whole_as(path: &Path, text: &str, mode: u32) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let partial = path.with_file_name(name);
    // What an earlier run left may be readable for everybody.
    let _ = std::fs::remove_file(&partial);
    let mut options = File::options();
    options.write(true).create_new(true).mode(mode);
    let written = options
        .open(&partial)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| std::fs::rename(&partial, path));
    written.map_err(|source| {
        // Left behind only if the disk refuses that too.
        let _ = std::fs::remove_file(&partial);
        StoreError::Write {
            path: path.to_owned(),
            source,
        }
    })
}

/// Puts a new text in the place of a file that still holds the old one: whole or not at all, in the file that a link
/// leads to, with its permissions and its owner.
///
/// # Errors
/// [`StoreError::Write`] if it can't be done, is no regular file, or holds another text by now.
pub fn replace_text(path: &Path, old: &str, new: &str) -> Result<(), StoreError> {
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

    #[test]
    fn a_file_is_replaced_where_it_is_with_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.yaml");
        let link = folder.path().join("link.yaml");
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
        symlink("a.yaml", &link).unwrap();
        replace_text(&link, "old", "new").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        let error = replace_text(&file, "old", "newer").unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("meanwhile"), "{cause}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
    }
}
