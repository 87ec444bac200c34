//! Label selectors, with the meaning that Kubernetes gives to them.

use std::collections::BTreeMap;
use std::fmt;

use crate::document::{Decode, Decoder, Field, Fields, LabelValue, Node, Shape, suggest};

/// The fields of a label selector.
pub(super) const FIELDS: &[Field] = &[
    Field::optional("matchLabels", Shape::Labels)
        .told("Labels that must be there with these values.")
        .example("{\"tier\": \"production\"}"),
    Field::optional(
        "matchExpressions",
        Shape::List(0, &Shape::ObjectWith(REQUIREMENT, VALUES)),
    )
    .told("Requirements that must all hold."),
];

/// The fields of a requirement.
const REQUIREMENT: &[Field] = &[
    Field::required("key", Shape::Text).told("The label."),
    Field::required("operator", Shape::Word(OPERATORS)).told(
        "`In` and `NotIn` want `values`, `Exists` and `DoesNotExist` have none. `NotIn` selects what does not have the \
         label, too.",
    ),
    Field::optional("values", Shape::List(0, &Shape::LabelValue)).told("What the label is compared with."),
];

/// Some operators want values, the others have none.
const VALUES: &str = r#"{
    "if": {"properties": {"operator": {"enum": ["In", "NotIn"]}}},
    "then": {"required": ["values"], "properties": {"values": {"minItems": 1}}},
    "else": {"properties": {"values": {"maxItems": 0}}}
}"#;

/// What a requirement can ask.
const OPERATORS: &[&str] = &["In", "NotIn", "Exists", "DoesNotExist"];

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

    /// Why no labels can ever be selected, if that is so: the labels concerned and what they are asked for.
    pub(super) fn contradiction(&self) -> Option<String> {
        self.0.iter().find_map(|requirement| {
            let of_key = || self.0.iter().filter(|other| other.key == requirement.key);
            let asks = |operator| of_key().any(|other| other.operator == operator);
            let key = &requirement.key;
            if asks(Operator::DoesNotExist) && (asks(Operator::Exists) || asks(Operator::In)) {
                return Some(format!("label `{key}` must be there and must not be there"));
            }
            // What one requirement lists must be left over by all the others on that label.
            let can_be = |value: &String| {
                of_key().all(|other| match other.operator {
                    Operator::In => other.values.contains(value),
                    Operator::NotIn => !other.values.contains(value),
                    Operator::Exists | Operator::DoesNotExist => true,
                })
            };
            let is_left = requirement.values.iter().any(can_be);
            (requirement.operator == Operator::In && !is_left)
                .then(|| format!("no value of label `{key}` is everything that is asked of it"))
        })
    }
}

/// As `kubectl get -l` takes it.
impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            let (key, values) = (&requirement.key, requirement.values.join(","));
            match (requirement.operator, requirement.values.as_slice()) {
                (Operator::In, [value]) => write!(formatter, "{separator}{key}={value}")?,
                (Operator::NotIn, [value]) => write!(formatter, "{separator}{key}!={value}")?,
                (Operator::In, _) => write!(formatter, "{separator}{key} in ({values})")?,
                (Operator::NotIn, _) => write!(formatter, "{separator}{key} notin ({values})")?,
                (Operator::Exists, _) => write!(formatter, "{separator}{key}")?,
                (Operator::DoesNotExist, _) => write!(formatter, "{separator}!{key}")?,
            }
        }
        Ok(())
    }
}

impl Decode for Selector {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(node, "a label selector", FIELDS, decoder)?;
        let labels = fields.or_default::<BTreeMap<String, LabelValue>>("matchLabels", decoder);
        let expressions = fields.or_default::<Vec<Requirement>>("matchExpressions", decoder);
        let labels = labels?.into_iter().map(|(key, value)| Requirement {
            key,
            operator: Operator::In,
            values: vec![value.0],
        });
        Some(Self(labels.chain(expressions?).collect()))
    }
}

impl Decode for Requirement {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(node, "a label requirement", REQUIREMENT, decoder)?;
        let key = fields.required("key", "name the label", decoder);
        let operator = fields.required(
            "operator",
            "write In, NotIn, Exists or DoesNotExist",
            decoder,
        );
        let values: Vec<LabelValue> = fields.or_default("values", decoder)?;
        let values: Vec<String> = values.into_iter().map(|value| value.0).collect();
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
        let found = match text.as_str() {
            "In" => Some(Self::In),
            "NotIn" => Some(Self::NotIn),
            "Exists" => Some(Self::Exists),
            "DoesNotExist" => Some(Self::DoesNotExist),
            _ => None,
        };
        if found.is_none() {
            let message = format!("unknown operator `{text}`");
            decoder.error(node, message, suggest(&text, OPERATORS));
        }
        found
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
