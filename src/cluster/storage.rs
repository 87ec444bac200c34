//! Storage classes, and which of them is the default.

use std::cmp::Reverse;
use std::sync::Arc;

use serde::Deserialize;

use super::claim::VolumeMode;
use super::fact::RawMetadata;
use super::{ClaimField, ClusterView, Fact, Kind, Known};

/// What is kept of a `StorageClass`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageClass {
    /// The driver that makes its volumes.
    pub provisioner: Box<str>,
    /// `metadata.creationTimestamp`, RFC 3339 in UTC: sorts as text.
    pub created: Box<str>,
    /// Whether `storageclass.kubevirt.io/is-default-virt-class` is exactly `"true"`.
    pub virt_default: bool,
    /// Whether `storageclass.kubernetes.io/is-default-class` is exactly `"true"`.
    pub plain_default: bool,
}

#[derive(Deserialize)]
pub(super) struct RawStorageClass {
    #[serde(default)]
    metadata: RawMetadata,
    #[serde(default)]
    provisioner: Box<str>,
}

impl From<RawStorageClass> for StorageClass {
    fn from(raw: RawStorageClass) -> Self {
        let is_true = |key| raw.metadata.annotation(key).as_deref() == Some("true");
        Self {
            virt_default: is_true("storageclass.kubevirt.io/is-default-virt-class"),
            plain_default: is_true("storageclass.kubernetes.io/is-default-class"),
            provisioner: raw.provisioner,
            created: raw.metadata.creation_timestamp.unwrap_or_default(),
        }
    }
}

/// What is kept of a `StorageProfile`: its status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorageProfile {
    /// `status.cloneStrategy`: `snapshot` (the default), `csi-clone` or `copy`.
    pub clone_strategy: Option<Box<str>>,
    /// `status.dataImportCronSourceFormat`: `pvc` or `snapshot`.
    pub data_import_cron_source_format: Option<Box<str>>,
    /// `status.provisioner`
    pub provisioner: Option<Box<str>>,
    /// The volume mode that CDI gives a claim that names none (the first of `status.claimPropertySets`).
    pub volume_mode: Option<VolumeMode>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawStorageProfile {
    clone_strategy: Option<Box<str>>,
    data_import_cron_source_format: Option<Box<str>>,
    provisioner: Option<Box<str>>,
    claim_property_sets: Option<Vec<RawClaimProperties>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawClaimProperties {
    volume_mode: Option<Box<str>>,
}

impl From<RawStorageProfile> for StorageProfile {
    fn from(raw: RawStorageProfile) -> Self {
        let sets = raw.claim_property_sets.unwrap_or_default();
        let mode = sets.first().and_then(|set| set.volume_mode.as_deref());
        Self {
            clone_strategy: raw.clone_strategy,
            data_import_cron_source_format: raw.data_import_cron_source_format,
            provisioner: raw.provisioner,
            volume_mode: mode.and_then(VolumeMode::read),
        }
    }
}

/// The default storage classes, as CDI determines them, or as a change would make them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefaultClasses<'v> {
    /// For `spec.storage` of virtual machine disks: the default for virtualisation, else the plain one.
    pub virt: Option<&'v str>,
    /// For `spec.pvc`: the plain default of Kubernetes.
    pub plain: Option<&'v str>,
}

impl<'v> DefaultClasses<'v> {
    /// The default for a claim that names no class.
    pub const fn of(&self, field: ClaimField) -> Option<&'v str> {
        match field {
            ClaimField::Storage => self.virt,
            ClaimField::Pvc => self.plain,
        }
    }

    /// The defaults among classes. Among several the newest counts, then the first by name; a class that is being
    /// deleted counts until it is gone (`GetPlatformDefaultStorageClass` and `getFallbackStorageClass` in CDI's
    /// `pkg/controller/common/util.go`).
    pub fn among(classes: &[(&'v str, &StorageClass)]) -> Self {
        let newest = |is_default: fn(&StorageClass) -> bool| {
            let candidates = classes.iter().filter(|(_, class)| is_default(class));
            candidates
                .min_by_key(|(name, class)| (Reverse(&class.created), *name))
                .map(|(name, _)| *name)
        };
        let plain = newest(|class| class.plain_default);
        Self {
            virt: newest(|class| class.virt_default).or(plain),
            plain,
        }
    }
}

/// The names of the default classes, worked out once a view.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    virt: Option<Arc<str>>,
    plain: Option<Arc<str>>,
}

impl Defaults {
    pub(super) fn of(view: &ClusterView) -> Known<Self> {
        view.storage_classes().map(|classes| {
            let defaults = DefaultClasses::among(&classes);
            Self {
                virt: defaults.virt.map(Arc::from),
                plain: defaults.plain.map(Arc::from),
            }
        })
    }
}

impl ClusterView {
    /// The default storage classes. None at all is a known fact.
    pub fn default_classes(&self) -> Known<DefaultClasses<'_>> {
        self.defaults.as_ref().map(|defaults| DefaultClasses {
            virt: defaults.virt.as_deref(),
            plain: defaults.plain.as_deref(),
        })
    }

    /// The default storage classes if the class of this name were so, or were gone.
    pub fn default_classes_with<'v>(
        &'v self,
        name: &'v str,
        class: Option<&StorageClass>,
    ) -> Known<DefaultClasses<'v>> {
        self.storage_classes().map(|mut classes| {
            classes.retain(|(other, _)| *other != name);
            classes.extend(class.map(|class| (name, class)));
            DefaultClasses::among(&classes)
        })
    }

    /// All storage classes by name; unknown if any of them is.
    pub fn storage_classes(&self) -> Known<Vec<(&str, &StorageClass)>> {
        if !self.coverage(Kind::StorageClass).is_known() {
            return Known::Unknown;
        }
        let mut classes = Vec::new();
        for seen in self.objects(Kind::StorageClass) {
            match seen.fact {
                Known::Known(Fact::StorageClass(class)) => classes.push((seen.name, &**class)),
                _ => return Known::Unknown,
            }
        }
        Known::Known(classes)
    }

    /// A storage class, as far as the view goes.
    pub fn storage_class(&self, name: &str) -> Option<&StorageClass> {
        match self.object(Kind::StorageClass, "", name) {
            Known::Known(Some(Fact::StorageClass(class))) => Some(class),
            _ => None,
        }
    }

    /// The `StorageProfile` of a storage class, as far as the view goes.
    pub fn storage_profile(&self, class: &str) -> Option<&StorageProfile> {
        match self.object(Kind::StorageProfile, "", class) {
            Known::Known(Some(Fact::StorageProfile(profile))) => Some(profile),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Builder;
    use serde_json::json;

    const VIRT: &str = "storageclass.kubevirt.io/is-default-virt-class";
    const PLAIN: &str = "storageclass.kubernetes.io/is-default-class";

    /// A class: its name, the day of March 2026 it was made on, and its annotations.
    type Class = (
        &'static str,
        &'static str,
        &'static [(&'static str, &'static str)],
    );

    /// What it shows, the classes, and the two defaults.
    type Line = (
        &'static str,
        &'static [Class],
        Option<&'static str>,
        Option<&'static str>,
    );

    /// `getFallbackStorageClass` and `GetPlatformDefaultStorageClass` in `pkg/controller/common/util.go` of
    /// kubevirt/containerized-data-importer: the classes, then the default for `spec.storage` (content type kubevirt) and
    /// for `spec.pvc`.
    const TABLE: &[Line] = &[
        ("no class at all", &[], None, None),
        ("no default", &[("a", "01", &[])], None, None),
        (
            "plain",
            &[("a", "01", &[(PLAIN, "true")]), ("b", "02", &[])],
            Some("a"),
            Some("a"),
        ),
        (
            "virt only",
            &[("a", "01", &[(VIRT, "true")])],
            Some("a"),
            None,
        ),
        (
            "virt before plain, however old",
            &[
                ("a", "01", &[(VIRT, "true")]),
                ("b", "09", &[(PLAIN, "true")]),
            ],
            Some("a"),
            Some("b"),
        ),
        (
            "both on one",
            &[("a", "01", &[(VIRT, "true"), (PLAIN, "true")])],
            Some("a"),
            Some("a"),
        ),
        (
            "several plain: the newest",
            &[
                ("a", "02", &[(PLAIN, "true")]),
                ("b", "03", &[(PLAIN, "true")]),
                ("c", "01", &[(PLAIN, "true")]),
            ],
            Some("b"),
            Some("b"),
        ),
        (
            "several virt: the newest",
            &[
                ("a", "02", &[(VIRT, "true")]),
                ("b", "03", &[(VIRT, "true")]),
                ("c", "09", &[(PLAIN, "true")]),
            ],
            Some("b"),
            Some("c"),
        ),
        (
            "equal times: by name",
            &[
                ("b", "02", &[(PLAIN, "true")]),
                ("a", "02", &[(PLAIN, "true")]),
                ("0", "01", &[(PLAIN, "true")]),
            ],
            Some("a"),
            Some("a"),
        ),
        (
            "not quite true",
            &[
                ("a", "01", &[(PLAIN, "True")]),
                ("b", "01", &[(VIRT, "TRUE")]),
            ],
            None,
            None,
        ),
        (
            "false",
            &[
                ("a", "02", &[(VIRT, "false")]),
                ("b", "01", &[(PLAIN, "true")]),
            ],
            Some("b"),
            Some("b"),
        ),
        (
            "empty, and a number as text",
            &[("a", "01", &[(PLAIN, "")]), ("b", "01", &[(PLAIN, "1")])],
            None,
            None,
        ),
        (
            "with a blank",
            &[("a", "01", &[(PLAIN, "true ")])],
            None,
            None,
        ),
        (
            "no time is the oldest",
            &[
                ("a", "", &[(PLAIN, "true")]),
                ("b", "01", &[(PLAIN, "true")]),
            ],
            Some("b"),
            Some("b"),
        ),
        (
            "the old annotation means nothing",
            &[(
                "a",
                "01",
                &[("storageclass.beta.kubernetes.io/is-default-class", "true")],
            )],
            None,
            None,
        ),
    ];

    fn view(classes: &[Class], more: &serde_json::Value) -> std::sync::Arc<ClusterView> {
        let mut builder = Builder::complete();
        for (name, day, annotations) in classes {
            let annotations: serde_json::Map<_, _> = annotations
                .iter()
                .map(|(key, value)| ((*key).to_owned(), json!(value)))
                .collect();
            let created = (!day.is_empty()).then(|| format!("2026-03-{day}T00:00:00Z"));
            builder.fold(&json!({
                "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x",
                "metadata": {"name": name, "creationTimestamp": created, "annotations": annotations},
            }));
        }
        builder.fold(more);
        builder.build()
    }

    #[test]
    fn the_default_is_the_one_that_cdi_takes() {
        for (what, classes, virt, plain) in TABLE {
            let expected = DefaultClasses {
                virt: *virt,
                plain: *plain,
            };
            let mut turned = classes.to_vec();
            turned.reverse();
            for classes in [classes.to_vec(), turned] {
                let view = view(&classes, &json!({}));
                assert_eq!(view.default_classes(), Known::Known(expected), "{what}");
            }
        }
    }

    #[test]
    fn a_class_that_is_being_deleted_counts_until_it_is_gone() {
        let dying = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x",
            "metadata": {"name": "dying", "creationTimestamp": "2026-03-09T00:00:00Z",
                "deletionTimestamp": "2026-03-10T00:00:00Z", "finalizers": ["x"], "annotations": {PLAIN: "true"}},
        });
        let view = view(&[("a", "01", &[(PLAIN, "true")])], &dying);
        let virt =
            |defaults: Known<DefaultClasses<'_>>| defaults.known().unwrap().virt.map(str::to_owned);
        assert_eq!(virt(view.default_classes()).as_deref(), Some("dying"));
        let gone = view.default_classes_with("dying", None);
        assert_eq!(virt(gone).as_deref(), Some("a"));
    }

    #[test]
    fn a_class_that_cannot_be_read_leaves_the_default_unknown() {
        let broken = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": 7, "metadata": {"name": "b"},
        });
        let view = view(&[("a", "01", &[(PLAIN, "true")])], &broken);
        assert_eq!(view.default_classes(), Known::Unknown);
        assert_eq!(ClusterView::unknown().default_classes(), Known::Unknown);
    }
}
