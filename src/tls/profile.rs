//! Which versions and cipher suites are served.

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use serde_json::Value;

use super::suite::Suite;

/// The lowest version of TLS that is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2. The library has nothing lower.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl FromStr for Version {
    type Err = String;

    /// `1.2`, or `VersionTLS12` as Kubernetes' own components are told.
    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "1.2" | "VersionTLS12" => Ok(Self::Tls12),
            "1.3" | "VersionTLS13" => Ok(Self::Tls13),
            "1.0" | "1.1" | "VersionTLS10" | "VersionTLS11" => {
                Err("TLS 1.2 is the lowest that can be served; write 1.2 or 1.3".to_owned())
            }
            _ => Err("write 1.2 or 1.3 (or VersionTLS12, VersionTLS13)".to_owned()),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        })
    }
}

/// Which versions and cipher suites are served, and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    minimum: Version,
    suites: Vec<Suite>,
    origin: String,
    /// What was asked for and can't be had, one sentence each.
    notes: Vec<String>,
}

impl Default for Profile {
    /// OpenShift's `Intermediate`, as far as the library has its suites.
    fn default() -> Self {
        Self::new(Version::Tls12, &[], "the default".to_owned())
    }
}

/// `spec.tlsSecurityProfile` of `apiserver.config.openshift.io/cluster` (openshift/api
/// `config/v1/types_tlssecurityprofile.go`).
#[derive(Deserialize)]
struct Wire {
    #[serde(default, rename = "type")]
    kind: String,
    #[serde(default)]
    custom: Option<Custom>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Custom {
    #[serde(default)]
    ciphers: Vec<String>,
    #[serde(default, rename = "minTLSVersion")]
    minimum: String,
}

impl Profile {
    /// What flags ask for. As with Go, suites of TLS 1.2 leave those of TLS 1.3 as they are: to choose among these, one of
    /// them has to be named. No suite at all means every one.
    pub fn of_flags(minimum: Option<Version>, suites: &[Suite]) -> Self {
        Self::new(minimum.unwrap_or_default(), suites, "flags".to_owned())
    }

    /// What OpenShift asks for: `spec.tlsSecurityProfile`, absent where nothing is set.
    pub fn of_cluster(profile: Option<&Value>) -> Self {
        let Some(value) = profile.filter(|value| !value.is_null()) else {
            return Self::new(Version::Tls12, &[], named("Intermediate", " (none is set)"));
        };
        let Ok(wire) = Wire::deserialize(value) else {
            return Self::new(Version::Tls12, &[], named("Intermediate", ""))
                .noting("the cluster's TLS profile can't be read; Intermediate is served");
        };
        match (wire.kind.as_str(), wire.custom) {
            ("" | "Intermediate", _) => {
                Self::new(Version::Tls12, &[], named("Intermediate", ""))
            }
            ("Modern", _) => Self::new(Version::Tls13, &[], named("Modern", "")),
            ("Old", _) => Self::new(Version::Tls12, &[], named("Old", "")).noting(
                "the cluster's TLS profile Old can't be met; TLS 1.2 with forward secrecy is the lowest that is served",
            ),
            ("Custom", Some(custom)) => Self::custom(&custom),
            (kind, _) => {
                let note = format!(
                    "the cluster's TLS profile {kind:?} is unknown or says nothing; Intermediate is served"
                );
                Self::new(Version::Tls12, &[], named("Intermediate", "")).noting(&note)
            }
        }
    }

    fn custom(custom: &Custom) -> Self {
        let mut notes = Vec::new();
        let minimum = custom.minimum.parse().unwrap_or_else(|reason| {
            if !custom.minimum.is_empty() {
                notes.push(format!(
                    "the cluster's TLS profile asks for minTLSVersion {:?}; {reason}",
                    custom.minimum
                ));
            }
            Version::Tls12
        });
        let (mut suites, mut others) = (Vec::new(), Vec::new());
        for name in &custom.ciphers {
            match Suite::find(name) {
                Some(suite) => suites.push(suite),
                None => others.push(name.as_str()),
            }
        }
        if !others.is_empty() {
            notes.push(format!(
                "the cluster's TLS profile names cipher suites that can't be served and are left out: {}",
                others.join(" ")
            ));
        }
        if suites.is_empty() && !others.is_empty() {
            notes.push("none of its cipher suites is left; all are served".to_owned());
        }
        let profile = Self::new(minimum, &suites, named("Custom", ""));
        notes
            .iter()
            .fold(profile, |profile, note| profile.noting(note))
    }

    fn new(minimum: Version, asked: &[Suite], origin: String) -> Self {
        let chooses = |tls13: bool| asked.iter().any(|suite| suite.is_tls13() == tls13);
        let (chooses13, chooses12) = (chooses(true), chooses(false));
        let is_served = |suite: &&Suite| {
            let chosen = if suite.is_tls13() {
                chooses13
            } else {
                chooses12
            };
            // Who names suites of TLS 1.3 only wants nothing of TLS 1.2.
            let unasked = suite.is_tls13() || !chooses13;
            if chosen {
                asked.contains(suite)
            } else {
                unasked
            }
        };
        let is_in_version = |suite: &&Suite| suite.is_tls13() || minimum == Version::Tls12;
        Self {
            minimum,
            suites: Suite::ALL
                .iter()
                .filter(is_in_version)
                .filter(is_served)
                .copied()
                .collect(),
            origin,
            notes: Vec::new(),
        }
    }

    fn noting(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }

    /// The suites, none of them of a version that is not served. Those of TLS 1.3 are never all left out.
    pub fn suites(&self) -> &[Suite] {
        &self.suites
    }

    /// What was asked for and can't be had, one sentence each.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The lowest version that a client can have.
    pub fn minimum(&self) -> Version {
        if self.suites.iter().all(Suite::is_tls13) {
            Version::Tls13
        } else {
            self.minimum
        }
    }

    /// In words: `TLS 1.2 and up, 9 cipher suites, as Intermediate of the cluster says`.
    pub fn describe(&self) -> String {
        format!(
            "TLS {} and up, {} cipher suites, from {}",
            self.minimum(),
            self.suites.len(),
            self.origin
        )
    }
}

fn named(kind: &str, more: &str) -> String {
    format!("the cluster's TLS profile {kind}{more}")
}
