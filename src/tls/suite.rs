//! Cipher suites by the names that administrators know them by.

use std::fmt;
use std::str::FromStr;

use rustls::SupportedCipherSuite;
use rustls::crypto::aws_lc_rs::cipher_suite as known;

/// A cipher suite that can be served.
#[derive(Clone, Copy)]
pub struct Suite {
    /// As Go and the IANA name it.
    name: &'static str,
    /// As OpenSSL names it; OpenShift's profiles are written so.
    openssl: &'static str,
    pub(super) inner: SupportedCipherSuite,
}

/// Every suite that can be served: those of TLS 1.3, and of TLS 1.2 those with forward secrecy and authenticated
/// encryption. The TLS library has no others.
const SUITES: [Suite; 9] = [
    Suite {
        name: "TLS_AES_128_GCM_SHA256",
        openssl: "TLS_AES_128_GCM_SHA256",
        inner: known::TLS13_AES_128_GCM_SHA256,
    },
    Suite {
        name: "TLS_AES_256_GCM_SHA384",
        openssl: "TLS_AES_256_GCM_SHA384",
        inner: known::TLS13_AES_256_GCM_SHA384,
    },
    Suite {
        name: "TLS_CHACHA20_POLY1305_SHA256",
        openssl: "TLS_CHACHA20_POLY1305_SHA256",
        inner: known::TLS13_CHACHA20_POLY1305_SHA256,
    },
    Suite {
        name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
        openssl: "ECDHE-ECDSA-AES128-GCM-SHA256",
        inner: known::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    },
    Suite {
        name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        openssl: "ECDHE-RSA-AES128-GCM-SHA256",
        inner: known::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    },
    Suite {
        name: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        openssl: "ECDHE-ECDSA-AES256-GCM-SHA384",
        inner: known::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    },
    Suite {
        name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        openssl: "ECDHE-RSA-AES256-GCM-SHA384",
        inner: known::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    },
    Suite {
        name: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        openssl: "ECDHE-ECDSA-CHACHA20-POLY1305",
        inner: known::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    },
    Suite {
        name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        openssl: "ECDHE-RSA-CHACHA20-POLY1305",
        inner: known::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    },
];

/// How alike two names have to be for one to be taken for the other, from 0 to 1.
const ALIKE: f64 = 0.9;

impl Suite {
    /// All that can be served, in the order of the library.
    pub const ALL: &[Self] = &SUITES;

    /// The suite of a name of OpenSSL's or Go's.
    pub fn find(name: &str) -> Option<Self> {
        // Go's older names of two suites, which `--tls-cipher-suites` of Kubernetes' own components still takes.
        let longer = format!("{name}_SHA256");
        let is_named = |suite: &&Self| {
            suite.name == name
                || suite.openssl == name
                || (name.ends_with("_CHACHA20_POLY1305") && suite.name == longer)
        };
        SUITES.iter().find(is_named).copied()
    }

    /// As Go and the IANA name it.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Whether it belongs to TLS 1.3.
    pub const fn is_tls13(&self) -> bool {
        matches!(self.inner, SupportedCipherSuite::Tls13(_))
    }
}

impl PartialEq for Suite {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Suite {}

impl FromStr for Suite {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let name = name.trim();
        if let Some(suite) = Self::find(name) {
            return Ok(suite);
        }
        let near = SUITES
            .iter()
            .map(|suite| (strsim::jaro(suite.name, &name.to_uppercase()), suite.name))
            .max_by(|one, other| one.0.total_cmp(&other.0))
            .filter(|(alike, _)| *alike >= ALIKE);
        let near = near.map(|(_, near)| format!("; did you mean {near}?"));
        let all: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
        Err(format!(
            "it is unknown, or can't be served{}\nsupported: {}",
            near.unwrap_or_default(),
            all.join(", ")
        ))
    }
}

impl fmt::Debug for Suite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name)
    }
}
