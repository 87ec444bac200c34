//! What is served over TLS, and from where.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::store;
use crate::telemetry::{TlsFile, TlsPulse, TlsState};
use crate::tls::{Files, Followed, Pair, Profile, Suite, Terminal, Version};
use crate::watch;

/// What is served over TLS.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(super) struct TlsArgs {
    /// PEM file with the certificate chain, followed while running; self-signed without it
    #[arg(
        long,
        env = "GOLDKEEPER_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key, followed while running
    #[arg(
        long,
        env = "GOLDKEEPER_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    tls_key: Option<PathBuf>,
    /// Lowest version of TLS, 1.2 or 1.3; without this and --tls-cipher-suites, OpenShift's TLS profile is followed
    #[arg(long, env = "GOLDKEEPER_TLS_MIN_VERSION", value_name = "VERSION")]
    tls_min_version: Option<Version>,
    /// Cipher suites by Go's names, separated by commas; those of TLS 1.3 are all served unless one of them is named
    #[arg(
        long,
        env = "GOLDKEEPER_TLS_CIPHER_SUITES",
        value_name = "NAMES",
        value_delimiter = ','
    )]
    tls_cipher_suites: Vec<Suite>,
    /// PEM file with the authorities of client certificates, followed while running; only clients with a certificate
    /// of theirs are let in
    #[arg(long, env = "GOLDKEEPER_CLIENT_CA", value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Common name or subject alternative name that a client's certificate must have; may be repeated
    #[arg(
        long,
        env = "GOLDKEEPER_CLIENT_NAME",
        value_name = "NAME",
        value_delimiter = ',',
        requires = "client_ca"
    )]
    client_name: Vec<String>,
}

/// TLS as it is served, and what keeps it so.
pub(super) struct Tls {
    /// Where TLS ends.
    pub(super) terminal: Arc<Terminal>,
    /// What is said of the certificate at the start: `self-signed, ` or nothing.
    pub(super) signed: &'static str,
    files: Files,
    follows_cluster: bool,
}

impl TlsArgs {
    /// Reads the files.
    pub(super) fn open(self, listen: SocketAddr) -> Result<Tls> {
        let Self {
            tls_cert,
            tls_key,
            tls_min_version,
            tls_cipher_suites,
            client_ca,
            client_name,
        } = self;
        let files = Files {
            pair: tls_cert.zip(tls_key),
            client_ca,
        };
        let (pair, signed) = match files.pair()? {
            Some(pair) => (pair, ""),
            None => (self_signed(listen)?, "self-signed, "),
        };
        let follows_cluster = tls_min_version.is_none() && tls_cipher_suites.is_empty();
        let profile = if follows_cluster {
            Profile::default()
        } else {
            Profile::of_flags(tls_min_version, &tls_cipher_suites)
        };
        let clients = files.client_check(&client_name)?;
        Ok(Tls {
            terminal: Arc::new(Terminal::new(pair, clients, client_name, profile)?),
            signed,
            files,
            follows_cluster,
        })
    }
}

fn self_signed(listen: SocketAddr) -> Result<Pair> {
    let names = vec![
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
        listen.ip().to_string(),
    ];
    Ok(Pair::self_signed(names)?)
}

impl Tls {
    /// Follows the files, and the cluster's profile where there is a cluster and flags say nothing else, in tasks of the
    /// current runtime.
    pub(super) fn follow(&self, client: Option<kube::Client>) {
        let (files, terminal) = (self.files.clone(), self.terminal.clone());
        let follow = store::follow(
            move || files.read(),
            move |reading| terminal.judge(reading),
            || {},
        );
        tokio::spawn(follow);
        if let Some(client) = client.filter(|_| self.follows_cluster) {
            let terminal = self.terminal.clone();
            tokio::spawn(watch::follow_tls_profile(client, move |profile| {
                terminal.follow_profile(Profile::of_cluster(profile));
            }));
        }
    }

    /// What metrics and readiness tell of it.
    pub(super) fn pulse(&self) -> TlsPulse {
        let terminal = self.terminal.clone();
        let has_files = self.files.pair.is_some();
        Box::new(move || {
            let state = terminal.state();
            let serving = has_files.then(|| file("serving", state.serving));
            let client_ca = state.client_ca.map(|followed| file("client-ca", followed));
            TlsState {
                fingerprint: state.pair.fingerprint(),
                chain: state.pair.chain().map(|der| STANDARD.encode(der)).collect(),
                until: state.pair.until(),
                profile: state.profile.describe(),
                notes: state.profile.notes().to_vec(),
                files: serving.into_iter().chain(client_ca).collect(),
            }
        })
    }
}

fn file(name: &'static str, followed: Followed) -> TlsFile {
    let Followed {
        loaded,
        rejected,
        reason,
    } = followed;
    TlsFile {
        name,
        loaded,
        rejected,
        reason,
    }
}
