//! The files that TLS rests on.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{ClientCheck, Pair, TlsError};

/// The largest file that is read, in bytes: a Secret holds no more.
const LIMIT: u64 = 1024 * 1024;

/// Where certificates are.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The certificate chain and its private key; absent where goldkeeper made its own.
    pub pair: Option<(PathBuf, PathBuf)>,
    /// The authorities that vouch for clients; absent where every client is let in.
    pub client_ca: Option<PathBuf>,
}

/// What a PEM file held. It may be a private key: it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Pem {
    pub(super) path: PathBuf,
    pub(super) bytes: Vec<u8>,
}

/// What files held when they were looked at, or why they can't be read.
#[derive(Clone, PartialEq, Eq)]
pub struct Reading {
    pub(super) pair: Option<Result<(Pem, Pem), String>>,
    pub(super) client_ca: Option<Result<Pem, String>>,
}

pub(super) const AUTHORITY: &str = "the authority for client certificates";

impl Files {
    /// Reads all files.
    pub fn read(&self) -> Reading {
        let pair = self.read_pair().transpose();
        let client_ca = self.read_authority().transpose();
        Reading {
            pair: pair.map(|read| read.map_err(|error| describe(&error))),
            client_ca: client_ca.map(|read| read.map_err(|error| describe(&error))),
        }
    }

    /// The certificate and its key, where they come from files.
    ///
    /// # Errors
    /// [`TlsError`] if a file can't be read, or the two are no pair.
    pub fn pair(&self) -> Result<Option<Pair>, TlsError> {
        let read = self.read_pair()?;
        read.map(|(certificate, key)| Pair::from_pem(&certificate, &key))
            .transpose()
    }

    /// The check of clients, where one is asked for.
    ///
    /// # Errors
    /// [`TlsError`] if the file can't be read, or holds no authority.
    pub fn client_check(&self, names: &[String]) -> Result<Option<Arc<ClientCheck>>, TlsError> {
        let read = self.read_authority()?;
        read.map(|pem| ClientCheck::from_pem(&pem, names.to_vec()))
            .transpose()
    }

    fn read_pair(&self) -> Result<Option<(Pem, Pem)>, TlsError> {
        let Some((certificate, key)) = &self.pair else {
            return Ok(None);
        };
        let certificate = Pem::read("a certificate", certificate)?;
        Ok(Some((certificate, Pem::read("a private key", key)?)))
    }

    fn read_authority(&self) -> Result<Option<Pem>, TlsError> {
        let path = self.client_ca.as_deref();
        path.map(|path| Pem::read(AUTHORITY, path)).transpose()
    }
}

impl Pem {
    /// Reads a file.
    ///
    /// # Errors
    /// [`TlsError::Read`] if it can't be read.
    pub fn read(what: &'static str, path: &Path) -> Result<Self, TlsError> {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path);
        let read = file.and_then(|file| file.take(LIMIT).read_to_end(&mut bytes));
        let pem = Self {
            path: path.to_owned(),
            bytes,
        };
        match read {
            Ok(_) => Ok(pem),
            Err(error) => Err(pem.unreadable(what, error.to_string())),
        }
    }

    pub(super) fn unreadable(&self, what: &'static str, reason: String) -> TlsError {
        TlsError::Read {
            what,
            path: self.path.clone(),
            reason,
        }
    }
}

/// The error with its cause, on one line.
pub(super) fn describe(error: &TlsError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}
