//! Looking at certificates as the API server does that calls a webhook.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::provider;

/// What is told of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details {
    /// When it ends.
    pub expires: Timestamp,
    /// Who signed it, as `CN=…`.
    pub issuer: String,
}

impl Details {
    pub(super) fn read(certificate: &CertificateDer<'_>) -> Result<Self, String> {
        let (_, parsed) = X509Certificate::from_der(certificate)
            .map_err(|error| format!("the certificate can't be read: {error}"))?;
        let end = parsed.validity().not_after.timestamp();
        let expires = Timestamp::from_second(end)
            .map_err(|error| format!("the end of the certificate can't be read: {error}"))?;
        Ok(Self {
            expires,
            issuer: parsed.issuer().to_string(),
        })
    }
}

/// A chain that a server has shown.
#[derive(Clone, Debug)]
pub struct Chain(Vec<CertificateDer<'static>>);

impl Chain {
    /// Reads the chain in what `/readyz?verbose` says: a line `certificate chain` with base64 of each certificate.
    ///
    /// # Errors
    /// Why there is none.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines();
        let chain = lines.find_map(|line| line.strip_prefix("certificate chain "));
        let chain = chain.ok_or("it does not tell its certificate: is it an older version?")?;
        let decoded = chain.split_whitespace().map(|one| STANDARD.decode(one));
        let decoded: Result<Vec<_>, _> = decoded.map(|one| one.map(CertificateDer::from)).collect();
        decoded
            .map(Self)
            .map_err(|error| format!("its certificate can't be read: {error}"))
    }

    /// What is told of the first one.
    ///
    /// # Errors
    /// Why it can't be read.
    pub fn details(&self) -> Result<Details, String> {
        let first = self.0.first().ok_or("the chain is empty")?;
        Details::read(first)
    }

    /// Whether a client that trusts a bundle (PEM in base64, as in `caBundle`) takes the chain for a server of this name,
    /// a DNS name or an address, at a time.
    ///
    /// # Errors
    /// Why not, in one line.
    pub fn is_trusted(&self, bundle: &str, server: &str, now: Timestamp) -> Result<(), String> {
        let bundle = STANDARD
            .decode(bundle.trim())
            .map_err(|error| format!("caBundle is no base64: {error}"))?;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(
            certificates(&bundle).map_err(|reason| format!("caBundle: {reason}"))?,
        );
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(provider()));
        let verifier = verifier
            .build()
            .map_err(|error| format!("caBundle can't be used: {error}"))?;
        let name =
            ServerName::try_from(server).map_err(|_| format!("{server} is no name of a server"))?;
        let (first, rest) = self.0.split_first().ok_or("the chain is empty")?;
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let verified = verifier.verify_server_cert(first, rest, &name, &[], now);
        verified
            .map(|_| ())
            .map_err(|error| describe(&error, server))
    }
}

/// Why a chain is refused, in words of people.
fn describe(error: &rustls::Error, server: &str) -> String {
    let rustls::Error::InvalidCertificate(fault) = error else {
        return error.to_string();
    };
    match fault {
        // A bundle with the right name and another key, as after a CA was made anew.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "it was signed by somebody else".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            format!("it is not for {server}")
        }
        _ => error.to_string(),
    }
}

fn certificates(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found = CertificateDer::pem_slice_iter(text).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|error| format!("it can't be read: {error}"))?;
    if found.is_empty() {
        return Err("it holds no certificate".to_owned());
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::Pair;
    use super::*;

    #[test]
    fn a_chain_is_trusted_as_the_api_server_would() {
        let of = |name: &str| {
            let pair = Pair::self_signed(vec![name.to_owned()]).unwrap();
            let chain: Vec<String> = pair.chain().map(|one| STANDARD.encode(one)).collect();
            Chain::read(&format!(
                "policies x\ncertificate chain {}\nok\n",
                chain.join(" ")
            ))
            .unwrap()
        };
        let (served, other) = (
            of("goldkeeper.goldkeeper.svc"),
            of("goldkeeper.goldkeeper.svc"),
        );
        let bundle = |chain: &Chain| {
            let body = STANDARD.encode(&chain.0[0]);
            STANDARD.encode(format!(
                "-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n"
            ))
        };
        let now = Timestamp::now();
        let trusted = |bundle: &str, server: &str, now| served.is_trusted(bundle, server, now);
        assert_eq!(
            trusted(&bundle(&served), "goldkeeper.goldkeeper.svc", now),
            Ok(())
        );
        for (bundle, server, now, reason) in [
            (
                bundle(&other),
                "goldkeeper.goldkeeper.svc",
                now,
                "signed by somebody else",
            ),
            (
                bundle(&served),
                "goldkeeper.elsewhere.svc",
                now,
                "it is not for goldkeeper.elsewhere.svc",
            ),
            (
                bundle(&served),
                "goldkeeper.goldkeeper.svc",
                Timestamp::MAX,
                "it has expired",
            ),
            ("!".to_owned(), "a", now, "no base64"),
            (STANDARD.encode("x"), "a", now, "no certificate"),
        ] {
            let told = trusted(&bundle, server, now).unwrap_err();
            assert!(told.contains(reason), "{told}");
        }
        let details = served.details().unwrap();
        assert!(
            details.issuer.contains("CN=goldkeeper, self-signed"),
            "{}",
            details.issuer
        );
        assert!(details.expires > now);
        assert!(Chain::read("ok\n").unwrap_err().contains("older version"));
    }
}
