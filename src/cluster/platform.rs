//! What is kept of namespaces and of CDI itself.

use serde::Deserialize;

use super::fact::RawMetadata;

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
