//! Which requests a policy is for.

use std::collections::BTreeMap;

use crate::admission::{AdmissionRequest, Resource};
use crate::cluster::{Fact, Facts, Kind, Known};
use crate::document::{Decode, Decoder, Fields, Globs, Node, Value, suggest};

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

const FIELDS: &[&str] = &[
    "namespaces",
    "excludeNamespaces",
    "namespaceSelector",
    "objectSelector",
    "resources",
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
        decoder.enter("resources");
        let resources = fields
            .node("resources")
            .map(|node| decode_resources(node, known, decoder));
        decoder.leave();
        let resources = match resources {
            Some(resources) => Some(resources?),
            None => None,
        };
        Some(Self {
            namespaces: namespaces?,
            exclude_namespaces: exclude_namespaces?,
            namespace_selector: namespace_selector?,
            object_selector: object_selector?,
            resources,
        })
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
                decoder.error(item, message, suggest(&name, &names));
            }
        }
        decoder.leave();
    }
    (resources.len() == items.len()).then_some(resources)
}

/// A `LabelSelector`; the empty one selects everything.
#[derive(Clone, Debug, Default)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Whether labels are selected, with the meaning that Kubernetes gives to selectors: `NotIn` selects what does not
    /// have the label.
    pub fn selects<'l>(&self, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.0.iter().all(|requirement| {
            let value = label(&requirement.key);
            let listed =
                value.is_some_and(|value| requirement.values.iter().any(|one| one == value));
            match requirement.operator {
                Operator::In => listed,
                Operator::NotIn => !listed,
                Operator::Exists => value.is_some(),
                Operator::DoesNotExist => value.is_none(),
            }
        })
    }
}

impl Decode for Selector {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(
            node,
            "a label selector",
            &["matchLabels", "matchExpressions"],
            decoder,
        )?;
        let labels = fields.or_default::<BTreeMap<String, String>>("matchLabels", decoder);
        let expressions = fields.or_default::<Vec<Requirement>>("matchExpressions", decoder);
        let labels = labels?.into_iter().map(|(key, value)| Requirement {
            key,
            operator: Operator::In,
            values: vec![value],
        });
        Some(Self(labels.chain(expressions?).collect()))
    }
}

impl Decode for Requirement {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(
            node,
            "a label requirement",
            &["key", "operator", "values"],
            decoder,
        )?;
        let key = fields.required("key", "name the label", decoder);
        let operator = fields.required(
            "operator",
            "write In, NotIn, Exists or DoesNotExist",
            decoder,
        );
        let values: Vec<String> = fields.or_default("values", decoder)?;
        let operator: Operator = operator?;
        let wants_values = matches!(operator, Operator::In | Operator::NotIn);
        if wants_values == values.is_empty() {
            let (message, help) = if wants_values {
                ("In and NotIn need values", "add values: [\"…\"]")
            } else {
                (
                    "Exists and DoesNotExist take no values",
                    "remove the values",
                )
            };
            decoder.error(node, message, help);
            return None;
        }
        Some(Self {
            key: key?,
            operator,
            values,
        })
    }
}

impl Decode for Operator {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let text = String::decode(node, decoder)?;
        let known = [
            ("In", Self::In),
            ("NotIn", Self::NotIn),
            ("Exists", Self::Exists),
            ("DoesNotExist", Self::DoesNotExist),
        ];
        let found = known.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names = known.map(|(name, _)| name);
            decoder.error(
                node,
                format!("unknown operator `{text}`"),
                suggest(&text, &names),
            );
        }
        found.map(|(_, operator)| *operator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirement(operator: Operator, values: &[&str]) -> Selector {
        let values = values.iter().map(ToString::to_string).collect();
        Selector(vec![Requirement {
            key: "team".to_owned(),
            operator,
            values,
        }])
    }

    #[test]
    fn requirements_mean_what_kubernetes_says() {
        let table = [
            (Operator::In, vec!["a", "b"], Some("a"), true),
            (Operator::In, vec!["a"], Some("c"), false),
            (Operator::In, vec!["a"], None, false),
            (Operator::NotIn, vec!["a"], Some("c"), true),
            (Operator::NotIn, vec!["a"], Some("a"), false),
            (Operator::NotIn, vec!["a"], None, true),
            (Operator::Exists, vec![], Some(""), true),
            (Operator::Exists, vec![], None, false),
            (Operator::DoesNotExist, vec![], None, true),
            (Operator::DoesNotExist, vec![], Some("a"), false),
        ];
        for (operator, values, label, expected) in table {
            let selector = requirement(operator, &values);
            assert_eq!(
                selector.selects(|_| label),
                expected,
                "{operator:?} {values:?} {label:?}"
            );
        }
        assert!(Selector::default().selects(|_| None));
    }
}
