//! Where TLS ends: one configuration, swapped whole when a part of it changes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};

use super::files::{Reading, describe};
use super::{ClientCheck, Pair, Pem, Profile, TlsError, Version, provider};

/// What TLS is made of.
#[derive(Clone, Debug)]
struct Parts {
    pair: Pair,
    clients: Option<Arc<ClientCheck>>,
    profile: Profile,
}

/// How one of the followed files has fared since the start.
#[derive(Debug, Default)]
struct Standing {
    loaded: AtomicU64,
    rejected: AtomicU64,
    reason: ArcSwapOption<String>,
}

/// How one of the followed files has fared since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// How often a new one came into use.
    pub loaded: u64,
    /// How often a new one was refused.
    pub rejected: u64,
    /// Why the file as it is now is not in use.
    pub reason: Option<String>,
}

/// What is served now.
#[derive(Clone, Debug)]
pub struct State {
    /// The certificate.
    pub pair: Pair,
    /// Versions and cipher suites.
    pub profile: Profile,
    /// How certificate and key have fared.
    pub serving: Followed,
    /// How the authority for clients has fared; absent where clients are not checked.
    pub client_ca: Option<Followed>,
}

/// Where TLS ends.
pub struct Terminal {
    served: Arc<ArcSwap<ServerConfig>>,
    parts: ArcSwap<Parts>,
    /// Held while a part is changed, so that two changes do not undo each other.
    changing: Mutex<()>,
    client_names: Vec<String>,
    serving: Standing,
    client_ca: Standing,
}

impl Terminal {
    /// Serves this certificate, to these clients, in this profile. `client_names` go with an authority that is read later.
    ///
    /// # Errors
    /// [`TlsError::Setup`] if the library can't serve the profile.
    pub fn new(
        pair: Pair,
        clients: Option<Arc<ClientCheck>>,
        client_names: Vec<String>,
        profile: Profile,
    ) -> Result<Self, TlsError> {
        let parts = Parts {
            pair,
            clients,
            profile,
        };
        tell(&parts.profile);
        Ok(Self {
            served: Arc::new(ArcSwap::new(parts.config()?)),
            parts: ArcSwap::from_pointee(parts),
            changing: Mutex::default(),
            client_names,
            serving: Standing::default(),
            client_ca: Standing::default(),
        })
    }

    /// What the listener takes for each new connection.
    pub fn served(&self) -> Arc<ArcSwap<ServerConfig>> {
        self.served.clone()
    }

    /// What is served now.
    pub fn state(&self) -> State {
        let parts = self.parts.load();
        State {
            pair: parts.pair.clone(),
            profile: parts.profile.clone(),
            serving: self.serving.read(),
            client_ca: parts.clients.is_some().then(|| self.client_ca.read()),
        }
    }

    /// Takes what the files hold into use, where it can be used and is new. What can't be used is told, and what was in use
    /// stays.
    pub fn judge(&self, reading: &Reading) {
        if let Some(pair) = &reading.pair {
            let taken = self.take_pair(pair.as_ref());
            self.serving.note("certificate", &taken);
        }
        if let Some(authority) = &reading.client_ca {
            let taken = self.take_authority(authority.as_ref());
            self.client_ca
                .note("authority for client certificates", &taken);
        }
    }

    /// Serves another profile from the next connection on. What can't be met is told once.
    pub fn follow_profile(&self, profile: Profile) {
        if self.parts.load().profile == profile {
            return;
        }
        tracing::info!("{}", profile.describe());
        tell(&profile);
        if let Err(error) = self.change(|parts| parts.profile = profile) {
            tracing::error!("the TLS profile is not served: {}", describe(&error));
        }
    }

    /// Whether the pair is new; an error if it can't be used.
    fn take_pair(&self, read: Result<&(Pem, Pem), &String>) -> Result<bool, String> {
        let (certificate, key) = read.map_err(Clone::clone)?;
        let pair = Pair::from_pem(certificate, key).map_err(|error| describe(&error))?;
        let now = Timestamp::now();
        let before = self.parts.load().pair.clone();
        if pair.is(&before) {
            return Ok(false);
        }
        if !pair.is_valid(now) && before.is_valid(now) {
            return Err(describe(&pair.not_valid()));
        }
        self.change(|parts| parts.pair = pair.clone())
            .map_err(|error| describe(&error))?;
        tracing::info!(
            before = before.fingerprint(),
            certificate = pair.fingerprint(),
            until = %pair.until(),
            "new certificate in use"
        );
        Ok(true)
    }

    fn take_authority(&self, read: Result<&Pem, &String>) -> Result<bool, String> {
        let pem = read.map_err(Clone::clone)?;
        let check = ClientCheck::from_pem(pem, self.client_names.clone());
        let check = check.map_err(|error| describe(&error))?;
        let before = self.parts.load().clients.clone();
        if before.is_some_and(|before| before.trusts_as(&check)) {
            return Ok(false);
        }
        self.change(|parts| parts.clients = Some(check))
            .map_err(|error| describe(&error))?;
        tracing::info!("new authority for client certificates in use");
        Ok(true)
    }

    fn change(&self, change: impl FnOnce(&mut Parts)) -> Result<(), TlsError> {
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parts = Parts::clone(&self.parts.load());
        change(&mut parts);
        self.served.store(parts.config()?);
        self.parts.store(Arc::new(parts));
        Ok(())
    }
}

impl Parts {
    /// With HTTP/2 and HTTP/1.1. Sessions of an earlier configuration are not resumed: a client that is no longer let in
    /// can't come back by one.
    fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let mut provider = provider();
        provider.cipher_suites = self
            .profile
            .suites()
            .iter()
            .map(|suite| suite.inner)
            .collect();
        let versions: &[_] = match self.profile.minimum() {
            Version::Tls12 => &[&TLS13, &TLS12],
            Version::Tls13 => &[&TLS13],
        };
        let builder = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(versions)
            .map_err(TlsError::Setup)?;
        let builder = match &self.clients {
            Some(check) => builder.with_client_cert_verifier(check.clone()),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_cert_resolver(Arc::new(self.pair.clone()));
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

impl Standing {
    /// Counts what became of a reading, and logs a refusal.
    fn note(&self, what: &str, taken: &Result<bool, String>) {
        match taken {
            Ok(new) => {
                self.loaded.fetch_add(u64::from(*new), Ordering::Relaxed);
                if self.reason.swap(None).is_some() && !new {
                    tracing::info!("the files hold the {what} in use again");
                }
            }
            Err(reason) => {
                tracing::error!("new {what} refused, the old one stays in use: {reason}");
                self.rejected.fetch_add(1, Ordering::Relaxed);
                self.reason.store(Some(Arc::new(reason.clone())));
            }
        }
    }

    fn read(&self) -> Followed {
        Followed {
            loaded: self.loaded.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
            reason: self.reason.load().as_deref().cloned(),
        }
    }
}

/// Says what can't be had.
fn tell(profile: &Profile) {
    for note in profile.notes() {
        tracing::warn!("{note}");
    }
}
