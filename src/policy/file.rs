//! One document of a policy file.

use crate::document::{Decode, Decoder, Field, Fields, Node, Shape, Value, is_dns_label, suggest};
use crate::rules::{self, RULES, Rule};

use super::{Match, OnMissingData, Policy, ValidationActions};
use super::{condition, exemption, matching, never};

/// The only `apiVersion` there is.
const API_VERSION: &str = "goldkeeper.io/v1";

/// The fields of a policy.
pub(super) const POLICY: &[Field] = &[
    Field::required("apiVersion", Shape::Word(&[API_VERSION])).told("Always goldkeeper.io/v1."),
    Field::required("kind", Shape::Text).told("The rule."),
    Field::required("metadata", Shape::Object(METADATA)).told("Names the policy."),
    Field::required("spec", Shape::Object(SPEC)).told("What the policy does, where, and for whom."),
];

/// What may stand in `validationActions`.
pub(super) const ACTIONS: [&str; 3] = ["Deny", "Warn", "Audit"];

/// What `onMissingData` may be.
const ON_MISSING_DATA: &[&str] = &["Allow", "Warn", "Deny"];

const METADATA: &[Field] = &[Field::required(
    "name",
    Shape::Form("^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$", "DNS label"),
)
.told("The name that messages give to the policy; no other policy of its kind has it.")
.example("\"no-vms-in-openshift-namespaces\"")];

/// The fields of `spec`.
pub const SPEC: &[Field] = &[
    Field::required("validationActions", Shape::Actions)
        .told(
            "What is done with a violation: `Deny` refuses, `Warn` lets through and tells the user, `Audit` leaves a \
             note in the audit log of the cluster. `Deny` and `Warn` exclude each other.",
        )
        .example("[\"Warn\"]"),
    Field::optional("match", Shape::Object(matching::FIELDS))
        .told("Which requests the policy is for; all that is given must hold. Without it: all that its kind looks at."),
    Field::optional(
        "matchConditions",
        Shape::ShortList(condition::MAX_CONDITIONS, &Shape::Object(condition::FIELDS)),
    )
    .told(
        "Conditions in CEL over `object`, `oldObject` and `request`; the policy is for a request if all are true. If one \
         gives no answer and none is false, `onMissingData` decides.",
    )
    .default("[]")
    .example(
        "[{\"name\": \"not-the-installer\", \"expression\": \"request.userInfo.username != 'installer'\"}]",
    ),
    Field::optional(
        "exemptions",
        Shape::List(
            0,
            &Shape::ObjectWith(exemption::FIELDS, exemption::FOR_SOMEBODY),
        ),
    )
    .told("Break glass: who is let through, why, and until when.")
    .default("[]")
    .example(
        "[{\"reason\": \"migration wave 3, ticket 4711\", \"expires\": \"2027-01-31\", \"groups\": [\"migration-operators\"]}]",
    ),
    Field::optional("onMissingData", Shape::Word(ON_MISSING_DATA))
        .told("What is done when a fact about the cluster is missing, so that nothing can be said.")
        .default("\"Warn\""),
    Field::optional("message", Shape::Text)
        .told("Added to every message of this policy.")
        .example("\"ask #virt-admins\""),
    Field::optional("parameters", Shape::Parameters).told("What the rule is told."),
];

/// Reads a policy, or reports all that is wrong with it.
pub(super) fn decode(node: &Node, decoder: &mut Decoder) -> Option<Policy> {
    let fields = Fields::of(node, "a policy", POLICY, decoder)?;
    let api_version =
        fields.required::<String>("apiVersion", "write apiVersion: goldkeeper.io/v1", decoder);
    if let (Some(found), Some(node)) = (&api_version, fields.node("apiVersion"))
        && found != API_VERSION
    {
        decoder.error(
            node,
            format!("unknown apiVersion `{found}`"),
            format!("write {API_VERSION}"),
        );
    }
    let rule = decode_kind(&fields, decoder);
    let name = decode_name(&fields, decoder);
    let spec = fields.within("spec", decoder, |spec, decoder| {
        decode_spec(spec, rule?, decoder)
    });
    if spec.is_none() {
        let help = "write at least spec: {validationActions: [Warn]}";
        fields.missing("spec", help, decoder);
    }
    api_version.filter(|found| found == API_VERSION)?;
    let mut policy = spec??;
    policy.name = name?;
    policy.line = node.place.line;
    Some(policy)
}

fn decode_kind(fields: &Fields<'_>, decoder: &mut Decoder) -> Option<&'static Rule> {
    let kinds: Vec<&str> = RULES.iter().map(|rule| rule.kind).collect();
    let kind: String = fields.required("kind", &suggest("", &kinds), decoder)?;
    let rule = rules::find(&kind);
    if let (None, Some(node)) = (rule, fields.node("kind")) {
        decoder.error(
            node,
            format!("unknown kind `{kind}`"),
            suggest(&kind, &kinds),
        );
    }
    rule
}

fn decode_name(fields: &Fields<'_>, decoder: &mut Decoder) -> Option<String> {
    let help = "write metadata: {name: …}; messages name the policy by it";
    let name = fields.within("metadata", decoder, |node, decoder| {
        let metadata = Fields::of(node, "metadata", METADATA, decoder)?;
        let name: String = metadata.required("name", help, decoder)?;
        if is_dns_label(&name) {
            return Some(name);
        }
        let help = "use lower-case letters, digits and - (63 at most), for example no-vms-here";
        metadata.error("name", format!("`{name}` is not a name"), help, decoder);
        None
    });
    if name.is_none() {
        fields.missing("metadata", help, decoder);
    }
    name?
}

fn decode_spec(node: &Node, rule: &'static Rule, decoder: &mut Decoder) -> Option<Policy> {
    let fields = Fields::of(node, &format!("{}.spec", rule.kind), SPEC, decoder)?;
    let help = "write validationActions: [Deny], [Warn] or [Audit]";
    let actions = fields.required("validationActions", help, decoder);
    let conditions = fields.within("matchConditions", decoder, condition::decode);
    let conditions = conditions.unwrap_or_else(|| Some(Vec::new()));
    let exemptions = fields.or_default("exemptions", decoder);
    let on_missing_data = fields.or_default("onMissingData", decoder);
    let message = fields.optional("message", decoder);
    let matching = fields.within("match", decoder, |node, decoder| {
        Match::decode(node, &rule.resources(), decoder)
    });
    let matching = matching.unwrap_or_else(|| Some(Match::default()));
    decoder.owner_at(node.place);
    let judge = fields.within("parameters", decoder, |node, decoder| {
        (rule.decode)(Some(node), decoder)
    });
    let judge = judge.unwrap_or_else(|| (rule.decode)(None, decoder));
    let (matching, judge) = (matching?, judge?);
    never::check_reach(&matching, judge.as_ref(), &fields, decoder)?;
    Some(Policy {
        name: String::new(),
        rule,
        file: decoder.file().clone(),
        line: 0,
        actions: actions?,
        matching,
        conditions: conditions?,
        exemptions: exemptions?,
        on_missing_data: on_missing_data?,
        message: message?,
        judge,
    })
}

impl Decode for ValidationActions {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let Value::List(items) = &node.value else {
            decoder.wrong_type(
                node,
                "a list of Deny, Warn, Audit",
                "write [Deny], [Warn] or [Audit]",
            );
            return None;
        };
        let mut actions = Self::default();
        let mut sound = !items.is_empty();
        if items.is_empty() {
            decoder.error(
                node,
                "no action is listed",
                "write [Audit] if nobody is to be told",
            );
        }
        for (index, item) in items.iter().enumerate() {
            decoder.enter_index(index);
            let name = String::decode(item, decoder);
            let action = match name.as_deref() {
                Some("Deny") => Some(&mut actions.deny),
                Some("Warn") => Some(&mut actions.warn),
                Some("Audit") => Some(&mut actions.audit),
                Some(other) => {
                    decoder.error(
                        item,
                        format!("unknown action `{other}`"),
                        suggest(other, &ACTIONS),
                    );
                    None
                }
                None => None,
            };
            match action {
                Some(action) if *action => {
                    decoder.error(item, "the action stands twice", "remove one of the two");
                    sound = false;
                }
                Some(action) => *action = true,
                None => sound = false,
            }
            decoder.leave();
        }
        if actions.deny && actions.warn {
            let help = "keep Deny to refuse, or Warn to let through with a warning";
            decoder.error(node, "Deny and Warn exclude each other", help);
            sound = false;
        }
        sound.then_some(actions)
    }
}

impl Decode for OnMissingData {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        match String::decode(node, decoder)?.as_str() {
            "Allow" => Some(Self::Allow),
            "Warn" => Some(Self::Warn),
            "Deny" => Some(Self::Deny),
            other => {
                decoder.error(
                    node,
                    format!("unknown value `{other}`"),
                    suggest(other, ON_MISSING_DATA),
                );
                None
            }
        }
    }
}
