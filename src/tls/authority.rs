//! A certificate and its own authority, for a laptop or a cluster where nothing else makes them.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::TlsError;

/// The start lies this far back, so that a clock that is behind takes the certificate as well.
const SKEW: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);
/// The longest that a certificate may last, in days: past it no clock of an API server goes.
const MAX_DAYS: u32 = 36_500;

/// What was made, each as PEM.
#[derive(Clone)]
pub struct Made {
    /// The authority; its base64 is the caBundle.
    pub ca: String,
    /// The certificate of the server.
    pub certificate: String,
    /// Its private key. The authority's own key is gone: nobody can make more certificates that it vouches for.
    pub key: String,
}

/// Names and addresses that a certificate is for. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names(Vec<String>);

impl Names {
    /// DNS names and IP addresses as they are, and each Service, `NAME.NAMESPACE`, under the names that a cluster knows it
    /// by. The API server asks for `NAME.NAMESPACE.svc`. `None` if there is none at all.
    pub fn new(names: &[String], services: &[String]) -> Option<Self> {
        let mut all: Vec<String> = names.to_vec();
        for service in services {
            let service = service.trim_end_matches(".svc");
            all.push(format!("{service}.svc"));
            all.push(format!("{service}.svc.cluster.local"));
        }
        (!all.is_empty()).then_some(Self(all))
    }

    /// All of them.
    pub fn all(&self) -> &[String] {
        &self.0
    }
}

/// Makes an authority and a certificate that it vouches for, both valid from now on for so many days.
///
/// # Errors
/// [`TlsError`] if a name can't stand in a certificate, or the days are none or too many.
pub fn make(names: &Names, days: u32, now: SystemTime) -> Result<Made, TlsError> {
    if days == 0 || days > MAX_DAYS {
        return Err(TlsError::Days(days));
    }
    let until = now + DAY * days;
    let mut authority = params(Vec::new(), "goldkeeper's own authority", now, until)?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;

    let mut server = params(names.0.clone(), "goldkeeper", now, until)?;
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &authority)?;
    Ok(Made {
        ca: authority.pem(),
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

fn params(
    names: Vec<String>,
    common: &str,
    now: SystemTime,
    until: SystemTime,
) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common);
    params.not_before = (now - SKEW).into();
    params.not_after = until.into();
    Ok(params)
}
