//! A certificate chain and its private key.

use std::sync::Arc;

use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;

use super::{Pem, TlsError, provider};

/// A certificate chain and its private key, found to belong together.
#[derive(Clone, Debug)]
pub struct Pair {
    certified: Arc<CertifiedKey>,
    from: Timestamp,
    until: Timestamp,
}

impl Pair {
    /// Reads both from PEM, and checks that they are a pair.
    ///
    /// # Errors
    /// [`TlsError`] if one of them is no PEM of its kind, or the two don't fit.
    pub fn from_pem(certificate: &Pem, key: &Pem) -> Result<Self, TlsError> {
        let chain = certificates(certificate, "a certificate")?;
        let private = PrivateKeyDer::from_pem_slice(&key.bytes)
            .map_err(|error| key.unreadable("a private key", describe(&error)))?;
        Self::new(chain, private)
    }

    /// Makes a certificate for names and addresses that nobody vouches for, valid for a year. Its key never leaves the
    /// process.
    ///
    /// # Errors
    /// [`TlsError::Make`] if a name can't stand in a certificate.
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
        let leaf = certified.cert.first();
        let (from, until) = leaf.and_then(validity).ok_or(TlsError::Certificate)?;
        Ok(Self {
            certified: Arc::new(certified),
            from,
            until,
        })
    }

    /// The SHA-256 of the certificate, as `9b:41:…`.
    pub fn fingerprint(&self) -> String {
        let leaf = self.chain().next().unwrap_or_default();
        let bytes = Sha256::digest(leaf);
        let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.join(":")
    }

    /// The certificates in DER, that of the server first.
    pub fn chain(&self) -> impl Iterator<Item = &[u8]> {
        self.certified.cert.iter().map(AsRef::as_ref)
    }

    /// When the certificate ends.
    pub const fn until(&self) -> Timestamp {
        self.until
    }

    /// Seconds until the certificate ends; below 0 when it has.
    pub fn seconds_left(&self, now: Timestamp) -> i64 {
        self.until.as_second() - now.as_second()
    }

    /// Whether a client whose clock is right takes the certificate now.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.from <= now && now <= self.until
    }

    pub(super) fn not_valid(&self) -> TlsError {
        TlsError::NotValid {
            from: self.from.to_string(),
            until: self.until.to_string(),
        }
    }

    /// Whether both are of the same certificate. A key of its own has each of them.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

impl ResolvesServerCert for Pair {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.certified.clone())
    }
}

/// All certificates of a PEM text; there is at least one.
pub(super) fn certificates(
    pem: &Pem,
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem.bytes).collect();
    let chain = chain.and_then(|chain| {
        if chain.is_empty() {
            return Err(pem::Error::NoItemsFound);
        }
        Ok(chain)
    });
    chain.map_err(|error| pem.unreadable(what, describe(&error)))
}

fn describe(error: &pem::Error) -> String {
    match error {
        pem::Error::NoItemsFound => "it holds no such PEM block".to_owned(),
        error => error.to_string(),
    }
}

/// From when until when a certificate is valid.
fn validity(certificate: &CertificateDer<'_>) -> Option<(Timestamp, Timestamp)> {
    let (_, certificate) = X509Certificate::from_der(certificate).ok()?;
    let validity = certificate.validity();
    let at = |time: x509_parser::time::ASN1Time| Timestamp::from_second(time.timestamp()).ok();
    Some((at(validity.not_before)?, at(validity.not_after)?))
}
