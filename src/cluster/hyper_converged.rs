//! What is kept of the `HyperConverged`: the platform's own settings.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::cron::{ImportClaim, RawCronSpec};

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

    /// Where this version keeps the switch for the platform's own boot images.
    pub const fn import_field(self) -> &'static str {
        match self {
            Self::V1 => "spec.workloadSources.enableCommonBootImageImport",
            Self::V1beta1 => "spec.enableCommonBootImageImport",
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
    /// Whether the platform imports its own boot images (`enableCommonBootImageImport`, true if absent).
    pub imports_boot_images: bool,
    /// `status.dataImportCronTemplates`, at the same path in both versions.
    pub templates: Vec<ImageTemplate>,
    /// The templates in `spec` that an annotation switches off: the names of their `DataSources`.
    pub switched_off: Vec<Box<str>>,
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
    /// What its imports ask for.
    pub claim: ImportClaim,
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
        let (version, sources) = if raw.api_version.ends_with("/v1") {
            (
                HyperConvergedVersion::V1,
                spec.workload_sources.unwrap_or_default(),
            )
        } else {
            let sources = RawWorkloadSources {
                common_boot_image_namespace: spec.common_boot_image_namespace,
                enable_common_boot_image_import: spec.enable_common_boot_image_import,
                data_import_cron_templates: spec.data_import_cron_templates,
            };
            (HyperConvergedVersion::V1beta1, sources)
        };
        let templates = raw.status.unwrap_or_default().data_import_cron_templates;
        let own = sources.data_import_cron_templates.unwrap_or_default();
        Some(Self {
            version,
            common_boot_image_namespace: sources
                .common_boot_image_namespace
                .filter(|name| !name.is_empty()),
            imports_boot_images: sources.enable_common_boot_image_import.unwrap_or(true),
            templates: templates
                .unwrap_or_default()
                .into_iter()
                .map(ImageTemplate::from)
                .collect(),
            switched_off: own
                .iter()
                .filter_map(RawImageTemplate::switched_off)
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
    enable_common_boot_image_import: Option<bool>,
    data_import_cron_templates: Option<Vec<RawImageTemplate>>,
    workload_sources: Option<RawWorkloadSources>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawWorkloadSources {
    common_boot_image_namespace: Option<Box<str>>,
    enable_common_boot_image_import: Option<bool>,
    data_import_cron_templates: Option<Vec<RawImageTemplate>>,
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

impl RawImageTemplate {
    /// The `DataSource` of a template that is switched off. A shipped template is switched off by its name alone, which
    /// is that of its `DataSource` and `-image-cron` (`assets/dataImportCronTemplates` in
    /// kubevirt/hyperconverged-cluster-operator).
    fn switched_off(&self) -> Option<Box<str>> {
        let annotations = self.metadata.annotations.as_ref()?;
        let switch = annotations.get("dataimportcrontemplate.kubevirt.io/enable")?;
        if !switch.as_deref()?.eq_ignore_ascii_case("false") {
            return None;
        }
        let spec = self.spec.as_ref();
        let managed = spec.and_then(|spec| spec.managed_data_source.as_deref());
        let by_name = || self.metadata.name.as_deref()?.strip_suffix("-image-cron");
        managed.or_else(by_name).map(Box::from)
    }
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
            claim: spec.claim(),
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
