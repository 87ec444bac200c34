//! What the API server meets: the certificate, who may call, and which versions and cipher suites.
//!
//! ```text
//! files --(Reading, followed by content)--+
//! flags, or the cluster's TLS profile ----+--> Terminal --(one ServerConfig, swapped whole)--> the HTTPS listener
//! ```
//!
//! A connection keeps what it was made with; a new one gets what counts now.

mod authority;
mod client_check;
mod files;
mod inspect;
mod pair;
mod profile;
mod suite;
mod terminal;

#[cfg(test)]
mod tests;

use std::path::PathBuf;

use rustls::crypto::CryptoProvider;

pub use authority::{Made, Names, make};
pub use client_check::ClientCheck;
pub use files::{Files, Pem, Reading};
pub use inspect::{Chain, Details};
pub use pair::Pair;
pub use profile::{Profile, Version};
pub use suite::Suite;
pub use terminal::{Followed, State, Terminal};

/// Why a certificate, or a setting of TLS, can't be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file can't be read, or holds no PEM of the expected kind.
    #[error("can't read {what} from {}: {reason}", path.display())]
    Read {
        /// `a certificate`, `a private key`, …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A certificate does not say how long it is valid.
    #[error("the certificate is none of X.509")]
    Certificate,
    /// Certificate and key are not a pair, or can't be used for TLS.
    #[error("the certificate and the private key can't be used together")]
    Pair(#[source] rustls::Error),
    /// A certificate is not valid now, and the one in use is.
    #[error("the certificate is valid from {from} until {until} only")]
    NotValid {
        /// From then on, as in RFC 3339.
        from: String,
        /// Until then.
        until: String,
    },
    /// The authority that vouches for clients can't be used.
    #[error("the authority for client certificates can't be used: {0}")]
    Authority(String),
    /// No certificate could be made.
    #[error("can't make a certificate")]
    Make(#[from] rcgen::Error),
    /// A certificate is asked for a time that there is not.
    #[error("a certificate can't be valid for {0} days")]
    Days(u32),
    /// TLS is not available as it is asked for.
    #[error("can't set up TLS")]
    Setup(#[source] rustls::Error),
}

fn provider() -> CryptoProvider {
    rustls::crypto::aws_lc_rs::default_provider()
}
