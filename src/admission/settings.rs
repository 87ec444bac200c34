//! The platform's settings for boot images, at either of the paths that the two versions of the `HyperConverged` have.

use serde::Deserialize;

use super::object::{Claim, Template};
use super::tolerant::{Many, Maybe, Text};
use super::{FieldPath, Object};

/// `spec.workloadSources` of a `HyperConverged` v1.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct WorkloadSources<'a> {
    /// The golden namespace.
    #[serde(borrow)]
    pub common_boot_image_namespace: Text<'a>,
    /// Boot images of the administrator, and changes to those of the platform.
    #[serde(borrow)]
    pub data_import_cron_templates: Many<ImageTemplate<'a>>,
}

/// One of `dataImportCronTemplates`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageTemplate<'a> {
    /// `metadata`
    #[serde(borrow)]
    pub metadata: Maybe<ImageMetadata<'a>>,
    /// `spec` of the `DataImportCron`.
    #[serde(borrow)]
    pub spec: Maybe<ImageSpec<'a>>,
}

/// `metadata` of a template of a `DataImportCron`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageMetadata<'a> {
    /// Name of the `DataImportCron`.
    #[serde(borrow)]
    pub name: Text<'a>,
    /// Its namespace, if it is not to be the platform's.
    #[serde(borrow)]
    pub namespace: Text<'a>,
    /// Annotations.
    #[serde(borrow)]
    pub annotations: Maybe<ImageAnnotations<'a>>,
}

/// Annotations of a template of a `DataImportCron`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageAnnotations<'a> {
    /// `false`, in any case of letters, takes the image away (`pkg/util/consts.go` in
    /// kubevirt/hyperconverged-cluster-operator).
    #[serde(borrow, rename = "dataimportcrontemplate.kubevirt.io/enable")]
    pub enable: Text<'a>,
}

/// `spec` of a template of a `DataImportCron`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ImageSpec<'a> {
    /// The `DataSource` it keeps up to date.
    #[serde(borrow)]
    pub managed_data_source: Text<'a>,
    /// What its imports are made from.
    #[serde(borrow)]
    pub template: Maybe<Template<'a>>,
}

impl<'a> ImageTemplate<'a> {
    /// Name of the `DataImportCron`, `""` if there is none.
    pub fn name(&self) -> &str {
        self.metadata
            .get()
            .map(|metadata| metadata.name.or_empty())
            .unwrap_or_default()
    }

    /// The `DataSource` it keeps up to date, `""` if there is none.
    pub fn managed_data_source(&self) -> &str {
        self.spec
            .get()
            .map(|spec| spec.managed_data_source.or_empty())
            .unwrap_or_default()
    }

    /// Whether the image is kept at all.
    pub fn is_enabled(&self) -> bool {
        let annotations = self.metadata.get().and_then(|meta| meta.annotations.get());
        !annotations.is_some_and(|known| known.enable.or_empty().eq_ignore_ascii_case("false"))
    }

    /// The claim that its imports ask for, and which of the two fields it is.
    pub fn claim(&self) -> Option<(&'static str, &Claim<'a>)> {
        self.spec.get()?.template.get()?.claim()
    }
}

impl<'a> Template<'a> {
    /// `DataImportCron`: the claim that its imports ask for, and which of the two fields it is.
    pub fn claim(&self) -> Option<(&'static str, &Claim<'a>)> {
        let spec = self.spec.get()?;
        let storage = spec.storage.get().map(|claim| ("storage", claim));
        storage.or_else(|| Some(("pvc", spec.pvc.get()?)))
    }
}

/// The settings for boot images of a `HyperConverged`.
#[derive(Clone, Copy, Debug)]
pub struct ImageSettings<'o> {
    /// The golden namespace that is set; `null`, `""` and absent are one.
    pub common_boot_image_namespace: Option<&'o str>,
    /// Boot images of the administrator, and changes to those of the platform.
    pub templates: Option<&'o Many<ImageTemplate<'o>>>,
    base: &'static [&'static str],
}

impl<'o> ImageSettings<'o> {
    /// The settings of a `HyperConverged` in this version: what stands at the path of the other version means nothing.
    pub fn of(version: &str, object: &'o Object<'o>) -> Self {
        let spec = object.spec.get();
        if version == "v1" {
            let sources = spec.and_then(|spec| spec.workload_sources.get());
            return Self {
                common_boot_image_namespace: sources
                    .and_then(|sources| sources.common_boot_image_namespace.get()),
                templates: sources.map(|sources| &sources.data_import_cron_templates),
                base: &["spec", "workloadSources"],
            };
        }
        Self {
            common_boot_image_namespace: spec
                .and_then(|spec| spec.common_boot_image_namespace.get()),
            templates: spec.map(|spec| &spec.data_import_cron_templates),
            base: &["spec"],
        }
    }

    /// The templates with their indexes in the object.
    pub fn templates(&self) -> impl Iterator<Item = (usize, &'o ImageTemplate<'o>)> + use<'o> {
        self.templates.into_iter().flat_map(Many::iter)
    }

    /// Where a field of these settings is.
    pub fn path(&self, field: &'static str) -> FieldPath {
        FieldPath::of(self.base).field(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Object<'_> {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_version_has_its_own_path() {
        let json = r#"{"spec": {
            "commonBootImageNamespace": "old",
            "dataImportCronTemplates": [null, {"metadata": {"name": "a"}}],
            "workloadSources": {"commonBootImageNamespace": "new", "dataImportCronTemplates": []}}}"#;
        let object = read(json);
        let v1beta1 = ImageSettings::of("v1beta1", &object);
        assert_eq!(v1beta1.common_boot_image_namespace, Some("old"));
        let names: Vec<_> = v1beta1
            .templates()
            .map(|(index, template)| (index, template.name()))
            .collect();
        assert_eq!(names, [(1, "a")]);
        let v1 = ImageSettings::of("v1", &object);
        assert_eq!(v1.common_boot_image_namespace, Some("new"));
        assert_eq!(v1.templates().count(), 0);
        let path = v1.path("commonBootImageNamespace").to_string();
        assert_eq!(path, "spec.workloadSources.commonBootImageNamespace");
    }

    #[test]
    fn the_switch_of_a_template_reads_any_case_of_letters() {
        for (value, enabled) in [
            ("\"false\"", false),
            ("\"False\"", false),
            ("\"true\"", true),
            ("false", true),
            ("null", true),
        ] {
            let json = format!(
                r#"{{"metadata": {{"annotations": {{"dataimportcrontemplate.kubevirt.io/enable": {value}}}}}}}"#
            );
            let template: ImageTemplate = serde_json::from_str(&json).unwrap();
            assert_eq!(template.is_enabled(), enabled, "{value}");
        }
    }

    #[test]
    fn what_is_not_there_is_absent() {
        for json in [
            "{}",
            r#"{"spec": null}"#,
            r#"{"spec": {"workloadSources": []}}"#,
        ] {
            let object = read(json);
            for version in ["v1", "v1beta1"] {
                let settings = ImageSettings::of(version, &object);
                assert_eq!(settings.common_boot_image_namespace, None);
                assert_eq!(settings.templates().count(), 0);
            }
        }
    }
}
