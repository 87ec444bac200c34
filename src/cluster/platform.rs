//! What is kept of namespaces and of CDI itself.

use serde::Deserialize;

use super::fact::RawMetadata;
use super::{ClusterView, Fact, Kind, Known};

/// What is kept of a `Namespace`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespace {
    /// Its labels, sorted by key.
    pub labels: Box<[(Box<str>, Box<str>)]>,
    /// Whether it is being deleted.
    pub terminating: bool,
}

impl Namespace {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        let found = self.labels.iter().find(|(name, _)| &**name == key);
        found.map(|(_, value)| &**value)
    }
}

#[derive(Deserialize)]
pub(super) struct RawNamespace {
    #[serde(default)]
    metadata: RawMetadata,
    status: Option<RawPhase>,
}

#[derive(Deserialize)]
struct RawPhase {
    phase: Option<Box<str>>,
}

impl From<RawNamespace> for Namespace {
    fn from(raw: RawNamespace) -> Self {
        let labels = raw.metadata.labels.unwrap_or_default().into_iter();
        let phase = raw.status.and_then(|status| status.phase);
        Self {
            labels: labels
                .filter_map(|(key, value)| Some((key.into(), value?.into())))
                .collect(),
            terminating: phase.as_deref() == Some("Terminating"),
        }
    }
}

/// What is kept of the `CDI`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cdi {
    /// The version that runs (`status.observedVersion`).
    pub version: Option<Box<str>>,
    /// `spec.cloneStrategyOverride`
    pub clone_strategy_override: Option<Box<str>>,
}

/// A version of CDI, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CdiVersion<'v> {
    /// As CDI reports it, without a leading `v`.
    pub text: &'v str,
    major: u32,
    minor: u32,
}

impl<'v> CdiVersion<'v> {
    /// Reads `v1.66.0`.
    pub fn read(text: &'v str) -> Option<Self> {
        let text = text.strip_prefix('v').unwrap_or(text);
        let mut numbers = text.split(['.', '-', '+']);
        Some(Self {
            text,
            major: numbers.next()?.parse().ok()?,
            minor: numbers.next()?.parse().ok()?,
        })
    }

    /// Major and minor version, as people say it.
    pub fn short(self) -> String {
        format!("{}.{}", self.major, self.minor)
    }

    /// Whether it imports a boot source again when its storage class changes: since 1.61 (kubevirt/
    /// containerized-data-importer pull request 3353). Red Hat's build counts as the product does: 4.18 holds 1.61.
    pub const fn follows_class_changes(self) -> Option<bool> {
        match self.major {
            1 => Some(self.minor >= 61),
            4 => Some(self.minor >= 18),
            _ => None,
        }
    }
}

impl ClusterView {
    /// The version of CDI that runs, if it is known.
    pub fn cdi_version(&self) -> Option<CdiVersion<'_>> {
        CdiVersion::read(self.cdi()?.version.as_deref()?)
    }

    /// CDI's own settings; there is at most one that counts.
    pub fn cdi(&self) -> Option<&Cdi> {
        let objects = self.objects(Kind::Cdi);
        match objects.first()?.fact {
            Known::Known(Fact::Cdi(cdi)) => Some(cdi),
            _ => None,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct RawCdi {
    spec: Option<RawCdiSpec>,
    status: Option<RawCdiStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCdiSpec {
    clone_strategy_override: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCdiStatus {
    observed_version: Option<Box<str>>,
}

impl From<RawCdi> for Cdi {
    fn from(raw: RawCdi) -> Self {
        Self {
            version: raw.status.unwrap_or_default().observed_version,
            clone_strategy_override: raw.spec.unwrap_or_default().clone_strategy_override,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_since_1_61_follow_the_class() {
        let table = [
            ("v1.61.0", Some(true)),
            ("1.66.0", Some(true)),
            ("v1.60.2", Some(false)),
            ("v4.17.3", Some(false)),
            ("v4.18.0-12", Some(true)),
            ("v2.0.0", None),
        ];
        for (text, expected) in table {
            let version = CdiVersion::read(text).unwrap();
            assert_eq!(version.follows_class_changes(), expected, "{text}");
        }
        for text in ["", "v", "latest", "v1"] {
            assert_eq!(CdiVersion::read(text), None, "{text}");
        }
    }
}
