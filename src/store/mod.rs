//! What is read from files: policies, and a cluster written down.

mod case_files;
mod cluster_files;
mod folders;
mod follow;
mod manifests;
mod objects;
mod policies;
mod reload;
mod snapshot;
mod whole;

pub use case_files::{CaseFiles, case_paths, read_case};
pub use cluster_files::{ClusterFiles, read_cluster};
pub use follow::follow;
pub use manifests::{manifest_files, read_manifest, read_manifest_stream};
pub use objects::{Objects, read_objects};
pub use policies::{compile, compile_folder, read_policies};
pub use reload::Reload;
pub use snapshot::SnapshotText;
pub use whole::{replace_text, write_whole, write_whole_as};

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::document::Diagnostic;
use crate::policy::PolicySource;

/// Why something can't be read from files.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file can't be written.
    #[error("can't write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A folder holds no file that could be meant.
    #[error("{} holds no {wanted} file", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
        /// How those that could be meant are called.
        wanted: &'static str,
    },
    /// A folder holds no policy file, and nobody said that this is meant.
    #[error("{} holds no *.yaml or *.yml file; with --allow-no-policies that is meant", .0.display())]
    NoPolicies(PathBuf),
    /// A file is larger than what is read.
    #[error("{} has {size} bytes; at most {limit} are read", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A file is neither YAML nor JSON.
    #[error("{}: {reason}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// Policies have faults; none of them is in force.
    #[error("{}", count_faults(faults, sources))]
    Policies {
        /// All of them.
        faults: Vec<Diagnostic>,
        /// The files that were read.
        sources: Vec<PolicySource>,
    },
}

/// The error with its cause, on one line.
fn describe(error: &StoreError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

/// How many faults there are, and in how many of the files.
fn count_faults(faults: &[Diagnostic], sources: &[PolicySource]) -> String {
    let is_broken = |source: &&PolicySource| faults.iter().any(|fault| fault.file == source.file);
    let broken = sources.iter().filter(is_broken).count();
    let several = |count: usize| if count == 1 { "" } else { "s" };
    format!(
        "{} fault{} in {broken} of {} policy file{}; nothing was loaded",
        faults.len(),
        several(faults.len()),
        sources.len(),
        several(sources.len())
    )
}

/// Opens a file that is at most `limit` bytes long.
fn open(path: &Path, limit: u64) -> Result<std::fs::File, StoreError> {
    let read = |source| StoreError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(read)?;
    let size = file.metadata().map_err(read)?.len();
    if size > limit {
        return Err(StoreError::TooLarge {
            path: path.to_owned(),
            size,
            limit,
        });
    }
    Ok(file)
}

/// Reads a text file that is at most `limit` bytes long. What is no UTF-8 becomes U+FFFD, so that whoever reads the text
/// can tell where it is.
fn read_text(path: &Path, limit: u64) -> Result<String, StoreError> {
    let mut bytes = Vec::new();
    // The file may grow after its size was looked at.
    let read = open(path, limit)?.take(limit).read_to_end(&mut bytes);
    read.map_err(|source| StoreError::Read {
        path: path.to_owned(),
        source,
    })?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}
