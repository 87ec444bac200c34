//! Which requests a policy is for.

use crate::admission::{AdmissionRequest, Resource};
use crate::cluster::{Fact, Facts, Kind, Known};
use crate::document::{Decode, Decoder, Field, Fields, Globs, Node, Shape, Value, suggest};

use super::Selector;
use super::never;

/// Whether a policy is for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matches {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It can't be told.
    Unknown(Doubt),
}

/// Why it can't be told whether a policy is for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The labels of the namespace are not known, and why.
    NamespaceLabels(String),
    /// One of its `matchConditions` gives no answer.
    Condition {
        /// The condition's name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// `spec.match`: all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct Match {
    /// Namespaces it is for; all if absent.
    pub namespaces: Option<Globs>,
    /// Namespaces it is not for.
    pub exclude_namespaces: Option<Globs>,
    /// Labels of the namespace.
    pub namespace_selector: Option<Selector>,
    /// Labels of the object.
    pub object_selector: Option<Selector>,
    /// Resources it is for; all of the rule's if absent.
    pub resources: Option<Vec<Resource>>,
}

/// The fields of `spec.match`.
pub(super) const FIELDS: &[Field] = &[
    Field::optional("namespaces", Shape::SOME_PATTERNS)
        .told("Names or patterns of the namespaces that the policy is for. `*` stands for any characters.")
        .default("[\"*\"]")
        .example("[\"team-*\"]"),
    Field::optional("excludeNamespaces", Shape::PATTERNS)
        .told("Names or patterns of namespaces that the policy is not for.")
        .default("[]")
        .example("[\"kube-system\"]"),
    Field::optional("namespaceSelector", Shape::Selector)
        .told("Labels of the namespaces that the policy is for.")
        .example("{\"matchLabels\": {\"tier\": \"production\"}}"),
    Field::optional("objectSelector", Shape::Selector)
        .told("Labels of the objects that the policy is for, as they were or as they will be.")
        .example("{\"matchExpressions\": [{\"key\": \"legacy\", \"operator\": \"DoesNotExist\"}]}"),
    Field::optional("resources", Shape::Resources)
        .told("The only resources that the policy is for; all that its kind looks at without it."),
];

impl Match {
    /// Whether all that can be told from the request alone holds.
    pub fn covers(&self, request: &AdmissionRequest<'_>, resource: Resource) -> bool {
        let namespace = request.namespace.or_empty();
        let objects = [request.object.get(), request.old_object.get()];
        // As in Kubernetes, it is enough that the object is selected as it was or as it will be.
        let selects = |selector: &Selector| {
            let mut objects = objects.into_iter().flatten();
            objects.any(|object| selector.selects(|key| object.metadata.get()?.labels.value(key)))
        };
        self.resources
            .as_ref()
            .is_none_or(|resources| resources.contains(&resource))
            && self
                .namespaces
                .as_ref()
                .is_none_or(|globs| globs.is_match(namespace))
            && !self
                .exclude_namespaces
                .as_ref()
                .is_some_and(|globs| globs.is_match(namespace))
            && self.object_selector.as_ref().is_none_or(selects)
    }

    /// Whether the labels of the request's namespace are selected.
    pub fn selects_namespace(&self, request: &AdmissionRequest<'_>, facts: &Facts<'_>) -> Matches {
        let Some(selector) = &self.namespace_selector else {
            return Matches::Yes;
        };
        let name = request.namespace.or_empty();
        match facts.seen_or_confirmed(Kind::Namespace, "", name) {
            Known::Known(Some(Fact::Namespace(namespace))) => {
                if selector.selects(|key| namespace.label(key)) {
                    Matches::Yes
                } else {
                    Matches::No
                }
            }
            Known::Known(_) => unknown_labels(format!("namespace {name} is not there yet")),
            Known::Unknown => unknown_labels(facts.why_unknown(Kind::Namespace).to_owned()),
        }
    }

    /// Reads `spec.match` of a rule that looks at `known` resources.
    pub(super) fn decode(node: &Node, known: &[Resource], decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(node, "spec.match", FIELDS, decoder)?;
        let namespaces = fields.optional("namespaces", decoder);
        let exclude_namespaces = fields.optional("excludeNamespaces", decoder);
        let namespace_selector = fields.optional("namespaceSelector", decoder);
        let object_selector = fields.optional("objectSelector", decoder);
        let resources = fields.within("resources", decoder, |node, decoder| {
            decode_resources(node, known, decoder)
        });
        let resources = match resources {
            Some(resources) => Some(resources?),
            None => None,
        };
        let matching = Self {
            namespaces: namespaces?,
            exclude_namespaces: exclude_namespaces?,
            namespace_selector: namespace_selector?,
            object_selector: object_selector?,
            resources,
        };
        never::check_match(&matching, &fields, decoder)?;
        Some(matching)
    }
}

const fn unknown_labels(reason: String) -> Matches {
    Matches::Unknown(Doubt::NamespaceLabels(reason))
}

fn decode_resources(
    node: &Node,
    known: &[Resource],
    decoder: &mut Decoder,
) -> Option<Vec<Resource>> {
    let names: Vec<&str> = known
        .iter()
        .map(|resource| resource.info().plural)
        .collect();
    let Value::List(items) = &node.value else {
        decoder.wrong_type(node, "a list of resources", &suggest("", &names));
        return None;
    };
    if items.is_empty() {
        decoder.error(
            node,
            "no resource is listed, so the policy can never match",
            suggest("", &names),
        );
        return None;
    }
    let mut resources = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        decoder.enter_index(index);
        if let Some(name) = String::decode(item, decoder) {
            if let Some(resource) =
                Resource::from_plural(&name).filter(|resource| known.contains(resource))
            {
                resources.push(resource);
            } else {
                let message =
                    format!("`{name}` is not a resource that this kind of policy looks at");
                let plural = name.split('.').next().unwrap_or_default();
                let help = if names.contains(&plural) {
                    format!("write {plural} without its group")
                } else {
                    suggest(&name, &names)
                };
                decoder.error(item, message, help);
            }
        }
        decoder.leave();
    }
    (resources.len() == items.len()).then_some(resources)
}
