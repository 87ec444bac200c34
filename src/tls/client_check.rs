//! Whether a client is the API server.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme,
};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::files::AUTHORITY;
use super::pair::certificates;
use super::{Pem, TlsError, provider};

/// Lets in only clients whose certificate an authority vouches for, and whose name is one of some. Others are refused in
/// the handshake: no byte of theirs is taken for HTTP.
#[derive(Debug)]
pub struct ClientCheck {
    inner: Arc<dyn ClientCertVerifier>,
    authorities: Vec<CertificateDer<'static>>,
    /// Common names or subject alternative names; any where there are none.
    names: Vec<String>,
}

impl ClientCheck {
    /// Reads the authorities from PEM. `names`: the common name or a subject alternative name of the client is one of
    /// them; where there are none, every client of the authorities is let in.
    ///
    /// # Errors
    /// [`TlsError`] if there is no authority in the text, or one can't be used.
    pub fn from_pem(authorities: &Pem, names: Vec<String>) -> Result<Arc<Self>, TlsError> {
        let mut roots = RootCertStore::empty();
        let authorities = certificates(authorities, AUTHORITY)?;
        for certificate in &authorities {
            roots
                .add(certificate.clone())
                .map_err(|error| TlsError::Authority(error.to_string()))?;
        }
        let provider = Arc::new(provider());
        let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| TlsError::Authority(error.to_string()))?;
        Ok(Arc::new(Self {
            inner,
            authorities,
            names,
        }))
    }

    /// Whether both trust the same authorities.
    pub(super) fn trusts_as(&self, other: &Self) -> bool {
        self.authorities == other.authorities
    }

    fn is_named(&self, certificate: &CertificateDer<'_>) -> bool {
        let Ok((_, certificate)) = X509Certificate::from_der(certificate) else {
            return false;
        };
        let is_meant = |name: &str| self.names.iter().any(|known| known == name);
        let common = certificate.subject().iter_common_name();
        if common.filter_map(|name| name.as_str().ok()).any(is_meant) {
            return true;
        }
        let Ok(Some(others)) = certificate.subject_alternative_name() else {
            return false;
        };
        others.value.general_names.iter().any(|name| match name {
            GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => {
                is_meant(name)
            }
            _ => false,
        })
    }
}

impl ClientCertVerifier for ClientCheck {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)?;
        if !self.names.is_empty() && !self.is_named(end_entity) {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(verified)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
