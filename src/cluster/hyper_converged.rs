//! What is kept of the `HyperConverged`: the platform's own settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::boot_source::RawCronSpec;

/// Which path a `HyperConverged` keeps its settings under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HyperConvergedVersion {
    /// `hco.kubevirt.io/v1`: `spec.workloadSources`.
    V1,
    /// `hco.kubevirt.io/v1beta1`: `spec`.
    V1beta1,
}

impl HyperConvergedVersion {
    /// Where this version keeps the golden namespace (`api/v1/hyperconverged_types.go` and
    /// `api/v1beta1/hyperconverged_types.go` in kubevirt/hyperconverged-cluster-operator).
    pub const fn namespace_field(self) -> &'static str {
        match self {
            Self::V1 => "spec.workloadSources.commonBootImageNamespace",
            Self::V1beta1 => "spec.commonBootImageNamespace",
        }
    }

    /// The version, as in `apiVersion`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V1beta1 => "v1beta1",
        }
    }
}

/// The settings of the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HyperConverged {
    /// The version it was read in.
    pub version: HyperConvergedVersion,
    /// The golden namespace, if one is set; `null`, `""` and absent are one.
    pub common_boot_image_namespace: Option<Box<str>>,
    /// `status.dataImportCronTemplates`, at the same path in both versions.
    pub templates: Vec<ImageTemplate>,
}

/// One of `status.dataImportCronTemplates`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageTemplate {
    /// Name of the `DataImportCron`.
    pub name: Box<str>,
    /// Its namespace; `None` where SSP's built-in one is meant.
    pub namespace: Option<Box<str>>,
    /// `spec.managedDataSource`
    pub managed_data_source: Box<str>,
    /// `spec.template.spec.storage.storageClassName`, or `.pvc.`
    pub storage_class: Option<Box<str>>,
    /// Whether it is one that the platform ships.
    pub common: bool,
    /// Whether an administrator changed a shipped one; its namespace then no longer follows the setting.
    pub modified: bool,
    /// Architectures of a multi-architecture image: each has a `DataSource` named `<name>-<architecture>`.
    pub architectures: Vec<Box<str>>,
}

impl ImageTemplate {
    /// Whether its namespace follows the HyperConverged setting (`controllers/handlers/golden-images/golden_images.go`).
    pub const fn follows_setting(&self) -> bool {
        self.common && !self.modified
    }

    /// The names of the `DataSources` it stands for: its own and one for each architecture.
    pub fn data_sources(&self) -> impl Iterator<Item = String> {
        let own = std::iter::once(self.managed_data_source.to_string());
        own.chain(
            self.architectures
                .iter()
                .map(|arch| format!("{}-{arch}", self.managed_data_source)),
        )
    }
}

impl HyperConverged {
    /// The one name that it may have (`pkg/util/consts.go`).
    pub const NAME: &str = "kubevirt-hyperconverged";

    pub(super) fn read(object: &Value) -> Option<Self> {
        let raw = RawHyperConverged::deserialize(object).ok()?;
        let spec = raw.spec.unwrap_or_default();
        let (version, namespace) = if raw.api_version.ends_with("/v1") {
            let sources = spec.workload_sources.unwrap_or_default();
            (
                HyperConvergedVersion::V1,
                sources.common_boot_image_namespace,
            )
        } else {
            (
                HyperConvergedVersion::V1beta1,
                spec.common_boot_image_namespace,
            )
        };
        let templates = raw.status.unwrap_or_default().data_import_cron_templates;
        Some(Self {
            version,
            common_boot_image_namespace: namespace.filter(|name| !name.is_empty()),
            templates: templates
                .unwrap_or_default()
                .into_iter()
                .map(ImageTemplate::from)
                .collect(),
        })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawHyperConverged {
    api_version: String,
    spec: Option<RawHyperConvergedSpec>,
    status: Option<RawHyperConvergedStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawHyperConvergedSpec {
    common_boot_image_namespace: Option<Box<str>>,
    workload_sources: Option<RawWorkloadSources>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawWorkloadSources {
    common_boot_image_namespace: Option<Box<str>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawHyperConvergedStatus {
    data_import_cron_templates: Option<Vec<RawImageTemplate>>,
}

#[derive(Deserialize)]
struct RawImageTemplate {
    #[serde(default)]
    metadata: RawTemplateMetadata,
    spec: Option<RawCronSpec>,
    status: Option<RawTemplateStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawTemplateMetadata {
    name: Option<Box<str>>,
    namespace: Option<Box<str>>,
    annotations: Option<BTreeMap<String, Option<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawTemplateStatus {
    common_template: Option<bool>,
    modified: Option<bool>,
}

impl From<RawImageTemplate> for ImageTemplate {
    fn from(raw: RawImageTemplate) -> Self {
        let spec = raw.spec.unwrap_or_default();
        let status = raw.status.unwrap_or_default();
        let annotations = raw.metadata.annotations.unwrap_or_default();
        let architectures = annotations.get("ssp.kubevirt.io/dict.architectures");
        Self {
            name: raw.metadata.name.unwrap_or_default(),
            namespace: raw.metadata.namespace.filter(|name| !name.is_empty()),
            storage_class: spec.storage_class(),
            managed_data_source: spec.managed_data_source.unwrap_or_default(),
            common: status.common_template.unwrap_or_default(),
            modified: status.modified.unwrap_or_default(),
            architectures: architectures
                .and_then(Option::as_deref)
                .unwrap_or_default()
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .map(Box::from)
                .collect(),
        }
    }
}
