//! The certificate that the API server sees.

mod inspect;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use inspect::fingerprint;
pub use inspect::{Chain, Details};

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or holds no PEM of the expected kind.
    #[error("can't read {what} from {}", path.display())]
    Read {
        /// `a certificate` or `a private key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: pem::Error,
    },
    /// Certificate and key are not a pair, or can't be used for TLS.
    #[error("the certificate and the private key can't be used together")]
    Pair(#[source] rustls::Error),
    /// No certificate could be made.
    #[error("can't make a self-signed certificate")]
    SelfSigned(#[from] rcgen::Error),
    /// TLS 1.2 and 1.3 are not available.
    #[error("can't set up TLS")]
    Setup(#[source] rustls::Error),
}

/// The certificate in use; a new one is swapped in whole and counts from the next handshake on.
#[derive(Debug)]
pub struct Certificate(ArcSwap<CertifiedKey>);

impl Certificate {
    /// Reads a certificate chain and its private key from PEM files, and checks that they are a pair.
    ///
    /// # Errors
    /// [`TlsError`] if a file can't be read or the two don't fit.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |what, path: &Path, source| TlsError::Read {
            what,
            path: path.to_owned(),
            source,
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .and_then(|chain| {
                if chain.is_empty() {
                    return Err(pem::Error::NoItemsFound);
                }
                Ok(chain)
            })
            .map_err(|error| read("a certificate", certificate, error))?;
        let private =
            PrivateKeyDer::from_pem_file(key).map_err(|error| read("a private key", key, error))?;
        Self::new(chain, private)
    }

    /// Makes a certificate for names and addresses that nobody vouches for. Its key never leaves the process.
    ///
    /// # Errors
    /// [`TlsError::SelfSigned`] if a name can't stand in a certificate.
    pub fn self_signed(names: Vec<String>) -> Result<Self, TlsError> {
        let mut params = CertificateParams::new(names)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "goldkeeper, self-signed");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        Self::new(vec![certificate.der().clone()], private)
    }

    fn new(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let certified = CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Pair)?;
        Ok(Self(ArcSwap::from_pointee(certified)))
    }

    /// The SHA-256 of the certificate in use, as `9b:41:…`.
    pub fn fingerprint(&self) -> String {
        let certified = self.0.load();
        let certificate = certified
            .cert
            .first()
            .map(AsRef::as_ref)
            .unwrap_or_default();
        fingerprint(certificate)
    }

    /// The certificate in use in one line: `sha256 9b:41:…, expires 2027-01-31T00:00:00Z, issued by CN=…`.
    pub fn describe(&self) -> String {
        let certified = self.0.load();
        let details = certified.cert.first().map(Details::read);
        match details {
            Some(Ok(Details {
                fingerprint,
                expires,
                issuer,
            })) => {
                format!("sha256 {fingerprint}, expires {expires}, issued by {issuer}")
            }
            Some(Err(reason)) => format!("sha256 {}, {reason}", self.fingerprint()),
            None => "none".to_owned(),
        }
    }

    /// The chain in use, as PEM. Every client is shown it.
    pub fn chain(&self) -> String {
        inspect::pem(&self.0.load().cert)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}

/// TLS 1.2 and 1.3 with HTTP/2 and HTTP/1.1, serving this certificate.
///
/// # Errors
/// [`TlsError::Setup`] if the TLS library offers neither version.
pub fn server_config(certificate: Arc<Certificate>) -> Result<Arc<ServerConfig>, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Setup)?;
    let mut config = builder
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(folder: &Path, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let paths = (
            folder.join(format!("{name}.crt")),
            folder.join(format!("{name}.key")),
        );
        std::fs::write(&paths.0, certificate.pem()).unwrap();
        std::fs::write(&paths.1, key.serialize_pem()).unwrap();
        paths
    }

    #[test]
    fn a_pair_from_files_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = pair(folder.path(), "a");
        let certificate = Certificate::from_files(&certificate, &key).unwrap();
        assert_eq!(certificate.fingerprint().len(), 32 * 3 - 1);
        let config = server_config(Arc::new(certificate)).unwrap();
        assert_eq!(
            config.alpn_protocols,
            [b"h2".to_vec(), b"http/1.1".to_vec()]
        );
    }

    #[test]
    fn what_is_no_pair_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = pair(folder.path(), "a");
        let (_, other) = pair(folder.path(), "b");
        let refused = |certificate: &Path, key: &Path| {
            Certificate::from_files(certificate, key)
                .unwrap_err()
                .to_string()
        };
        assert!(refused(&certificate, &other).contains("can't be used together"));
        assert!(refused(&key, &key).starts_with("can't read a certificate from"));
        assert!(refused(&certificate, &certificate).starts_with("can't read a private key from"));
        assert!(
            refused(&folder.path().join("none"), &key).starts_with("can't read a certificate from")
        );
    }
}
