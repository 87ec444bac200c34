//! Which images are golden, and in which namespace each of them is.
//!
//! There is no one golden namespace: an image whose template an administrator customised stays where its template says
//! (`controllers/handlers/golden-images/golden_images.go` in kubevirt/hyperconverged-cluster-operator).

use std::collections::HashMap;
use std::sync::Arc;

use super::{ClusterView, Fact, HyperConverged, HyperConvergedVersion, Kind, Known};

/// Where Red Hat's build of SSP keeps boot sources.
const OPENSHIFT_DEFAULT: &str = "openshift-virtualization-os-images";
/// Where the upstream build of SSP keeps them (`internal/constants.go` in kubevirt/ssp-operator).
const UPSTREAM_DEFAULT: &str = "kubevirt-os-images";

/// Why a namespace is golden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The HyperConverged setting, read in this version.
    Setting(HyperConvergedVersion),
    /// The image's own template says so.
    Template,
    /// A policy's parameter.
    Parameter,
    /// The boot sources of the platform's own templates are there.
    Found,
    /// The platform's built-in default.
    BuiltIn,
}

impl Origin {
    /// What to tell people.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Setting(HyperConvergedVersion::V1) => {
                "HyperConverged v1 spec.workloadSources.commonBootImageNamespace"
            }
            Self::Setting(HyperConvergedVersion::V1beta1) => {
                "HyperConverged v1beta1 spec.commonBootImageNamespace"
            }
            Self::Template => "HyperConverged status.dataImportCronTemplates[].metadata.namespace",
            Self::Parameter => "the policy's parameters.defaultNamespace",
            Self::Found => "where the platform's own boot sources are",
            Self::BuiltIn => "the platform's built-in default",
        }
    }
}

/// A namespace and why it is golden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoldenNamespace<'v> {
    /// Its name.
    pub name: &'v str,
    /// Why.
    pub origin: Origin,
}

/// An image that the platform or an administrator keeps for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GoldenImage<'v> {
    /// Where its `DataSource` is.
    pub namespace: GoldenNamespace<'v>,
}

/// What the HyperConverged and the `DataSources` say of golden images, worked out once a view.
#[derive(Clone, Debug, Default)]
pub(super) struct Golden {
    /// The setting.
    setting: Known<Option<(Box<str>, HyperConvergedVersion)>>,
    /// Where images are that neither template nor setting places.
    default: Box<str>,
    default_is_found: bool,
    /// For each managed `DataSource` where its template places it.
    templates: Arc<HashMap<Box<str>, Placement>>,
    /// All namespaces that hold golden images, sorted.
    namespaces: Arc<[Box<str>]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Placement {
    Own(Box<str>),
    Setting,
    Default,
}

impl Golden {
    /// All namespaces that hold golden images, sorted.
    pub(super) fn namespaces(&self) -> impl Iterator<Item = &str> {
        self.namespaces.iter().map(|name| &**name)
    }

    pub(super) fn of(view: &ClusterView) -> Self {
        let hyper_converged = view.hyper_converged();
        let templates = match hyper_converged {
            Known::Known(Some(settings)) => placements(settings),
            _ => HashMap::new(),
        };
        let found = match hyper_converged {
            Known::Known(Some(settings)) => find_default(view, settings),
            _ => None,
        };
        let setting = hyper_converged.map(|settings| {
            let settings = settings?;
            let namespace = settings.common_boot_image_namespace.clone()?;
            Some((namespace, settings.version))
        });
        let default: Box<str> = found.unwrap_or(built_in(view)).into();
        Self {
            namespaces: namespaces(&setting, &default, &templates),
            setting,
            default_is_found: found.is_some(),
            default,
            templates: Arc::new(templates),
        }
    }
}

/// All namespaces that hold golden images, sorted.
fn namespaces(
    setting: &Known<Option<(Box<str>, HyperConvergedVersion)>>,
    default: &str,
    templates: &HashMap<Box<str>, Placement>,
) -> Arc<[Box<str>]> {
    let own = templates.values().filter_map(|placement| match placement {
        Placement::Own(namespace) => Some(namespace.clone()),
        Placement::Setting | Placement::Default => None,
    });
    let mut namespaces: Vec<Box<str>> = own.collect();
    namespaces.push(default.into());
    if let Known::Known(Some((name, _))) = setting {
        namespaces.push(name.clone());
    }
    namespaces.sort_unstable();
    namespaces.dedup();
    namespaces.retain(|name| !name.is_empty());
    namespaces.into()
}

fn built_in(view: &ClusterView) -> &'static str {
    if view.is_openshift() {
        OPENSHIFT_DEFAULT
    } else {
        UPSTREAM_DEFAULT
    }
}

fn placements(settings: &HyperConverged) -> HashMap<Box<str>, Placement> {
    let mut placements = HashMap::new();
    for template in &settings.templates {
        for name in template.data_sources() {
            let placement = match &template.namespace {
                Some(namespace) => Placement::Own(namespace.clone()),
                None if template.follows_setting() => Placement::Setting,
                None => Placement::Default,
            };
            placements.entry(name.into_boxed_str()).or_insert(placement);
        }
    }
    placements
}

/// The namespace in which the `DataSources` of templates without a namespace of their own are.
///
/// The built-in names go first. Another one counts only if the operator that keeps the boot sources made the namespace,
/// and it alone holds all of them, each with the label of its cron. In their own namespaces users can write all of that
/// but the labels of the namespace itself.
fn find_default<'v>(view: &'v ClusterView, settings: &HyperConverged) -> Option<&'v str> {
    let wanted: Vec<(&str, &str)> = settings
        .templates
        .iter()
        .filter(|template| template.common && template.namespace.is_none())
        .map(|template| (&*template.managed_data_source, &*template.name))
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let holds = |namespace: &str, (name, cron): &(&str, &str)| {
        let object = view.object(Kind::DataSource, namespace, name);
        matches!(object, Known::Known(Some(Fact::DataSource(source))) if source.cron.as_deref() == Some(*cron))
    };
    let built_in = [built_in(view), OPENSHIFT_DEFAULT, UPSTREAM_DEFAULT];
    let known = built_in
        .into_iter()
        .find(|name| wanted.iter().any(|image| holds(name, image)));
    if known.is_some() {
        return known;
    }
    let namespaces = view.namespaces_of(Kind::DataSource).into_iter();
    let mut candidates = namespaces.filter(|name| {
        is_made_by_platform(view, name) && wanted.iter().all(|image| holds(name, image))
    });
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Whether SSP made the namespace (`AddAppLabels` in `internal/common/labels.go` of kubevirt/ssp-operator).
fn is_made_by_platform(view: &ClusterView, name: &str) -> bool {
    let object = view.object(Kind::Namespace, "", name);
    matches!(object, Known::Known(Some(Fact::Namespace(namespace)))
        if namespace.label("app.kubernetes.io/managed-by") == Some("ssp-operator"))
}

impl ClusterView {
    /// The HyperConverged, if the cluster has one. Only the singleton's name counts.
    pub fn hyper_converged(&self) -> Known<Option<&HyperConverged>> {
        let mut found = None;
        for seen in self.objects(Kind::HyperConverged) {
            if seen.name != HyperConverged::NAME {
                continue;
            }
            let rank = usize::from(seen.namespace != "openshift-cnv");
            if found.as_ref().is_none_or(|(best, _)| rank < *best) {
                found = Some((rank, seen.fact));
            }
        }
        match found {
            Some((_, Known::Known(Fact::HyperConverged(settings)))) => Known::Known(Some(settings)),
            None if self.coverage(Kind::HyperConverged).is_known() => Known::Known(None),
            _ => Known::Unknown,
        }
    }

    /// The namespace of the images that no template of their own places. `default` is a policy's word on the
    /// platform's default.
    pub fn golden_namespace<'v>(&'v self, default: Option<&'v str>) -> Known<GoldenNamespace<'v>> {
        self.golden.setting.as_ref().map(|setting| match setting {
            Some((name, version)) => GoldenNamespace {
                name,
                origin: Origin::Setting(*version),
            },
            None => self.default_namespace(default),
        })
    }

    /// The namespace in which the platform keeps images that neither their template nor the setting places.
    pub fn platform_namespace(&self) -> GoldenNamespace<'_> {
        self.default_namespace(None)
    }

    /// The same, or what a policy says of it.
    pub fn default_namespace<'v>(&'v self, parameter: Option<&'v str>) -> GoldenNamespace<'v> {
        let found = (&*self.golden.default, self.golden.default_is_found);
        let (name, origin) = match (parameter, found) {
            (Some(name), _) => (name, Origin::Parameter),
            (None, (name, true)) => (name, Origin::Found),
            (None, (name, false)) => (name, Origin::BuiltIn),
        };
        GoldenNamespace { name, origin }
    }

    /// The golden image of a `DataSource` name, if there is one: the platform manages a `DataSource` of that name, or
    /// an administrator keeps one in the golden namespace.
    pub fn golden_image<'v>(
        &'v self,
        name: &str,
        default: Option<&'v str>,
    ) -> Known<Option<GoldenImage<'v>>> {
        let Known::Known(golden) = self.golden_namespace(default) else {
            return Known::Unknown;
        };
        let namespace = match self.golden.templates.get(name) {
            Some(Placement::Own(namespace)) => GoldenNamespace {
                name: namespace,
                origin: Origin::Template,
            },
            Some(Placement::Setting) => golden,
            Some(Placement::Default) => self.default_namespace(default),
            None => {
                let kept = self.object(Kind::DataSource, golden.name, name);
                return kept.map(|object| object.map(|_| GoldenImage { namespace: golden }));
            }
        };
        Known::Known(Some(GoldenImage { namespace }))
    }

    /// The names of all golden images, sorted.
    pub fn golden_names(&self, default: Option<&str>) -> Vec<String> {
        let mut names: Vec<String> = self
            .golden
            .templates
            .keys()
            .map(ToString::to_string)
            .collect();
        if let Known::Known(golden) = self.golden_namespace(default) {
            let kept = self.objects_in(Kind::DataSource, golden.name);
            names.extend(kept.into_iter().map(|seen| seen.name.to_owned()));
        }
        names.sort_unstable();
        names.dedup();
        names
    }

    /// All namespaces that hold golden images, sorted.
    pub fn golden_namespaces(&self) -> Vec<String> {
        self.golden.namespaces().map(str::to_owned).collect()
    }

    /// Whether a namespace holds golden images.
    pub fn is_golden_namespace(&self, name: &str) -> bool {
        let namespaces = &self.golden.namespaces;
        namespaces
            .binary_search_by(|golden| (**golden).cmp(name))
            .is_ok()
    }

    /// The names of the `DataSources` that the platform manages, each with its namespace, sorted.
    pub(super) fn managed_data_sources(&self) -> Vec<(&str, &str)> {
        let names = self.golden.templates.keys();
        let mut managed: Vec<(&str, &str)> = names
            .filter_map(|name| {
                let image = self.golden_image(name, None).known()??;
                Some((image.namespace.name, &**name))
            })
            .collect();
        managed.sort_unstable();
        managed
    }

    /// Whether golden images are kept in a namespace, or were before an administrator moved them: it is one of those
    /// that hold some now, or a built-in default of the platform.
    pub fn is_golden_place(&self, namespace: &str) -> bool {
        [OPENSHIFT_DEFAULT, UPSTREAM_DEFAULT].contains(&namespace)
            || self.is_golden_namespace(namespace)
    }
}
