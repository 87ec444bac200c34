//! `spec.matchConditions`: conditions in CEL that a request has to meet for a policy to look at it.
//!
//! ```yaml
//! matchConditions:
//! - name: not-the-installer
//!   expression: request.userInfo.username != "installer"
//! - name: large
//!   expression: object.spec.template.spec.domain.memory.?guest.orValue("") != "" &&
//!     quantity(object.spec.template.spec.domain.memory.guest).isGreaterThan(quantity("64Gi"))
//! ```
//!
//! All of them must be true. If one is false, the policy is not for the request, whatever the others are. If one gives no
//! answer (it reads a field that is not there, or would take too long) and none is false, `onMissingData` decides; write
//! `onMissingData: Deny` where nobody may slip through by an object that a condition can't do with. Everything is as
//! in the `matchConditions` of Kubernetes' webhooks.
//!
//! # What an expression may speak of
//! | name | what |
//! | --- | --- |
//! | `object` | the object as it would be stored; `null` on DELETE |
//! | `oldObject` | the object as it is stored; `null` on CREATE |
//! | `request` | `kind`, `resource`, `subResource`, `requestKind`, `requestResource`, `requestSubResource`, `name`, `namespace`, `operation`, `userInfo` (`username`, `uid`, `groups`, `extra`), `dryRun`, `options` |
//!
//! A field that may be missing is asked for by `has(object.spec.running)` or by `object.?spec.?running.orValue(false)`.
//! `name`, `namespace` and `subResource` are missing in `request` where they are empty.
//!
//! # Functions
//! Those of CEL (`size`, `matches`, `startsWith`, `timestamp`, …; `all`, `exists`, `exists_one`, `map`, `filter` over
//! lists and the keys of objects) and those of Kubernetes: texts (`split`, `replace`, `lowerAscii`, `format`, …), lists
//! (`sum`, `min`, `indexOf`, …), `sets.contains`, `quantity`, `semver`, `url`, `ip`, `cidr`, `math.…`, `base64.…`,
//! `optional.…`.
//!
//! # Bounds
//! An expression has at most 4 KiB, 9 brackets in one another, 32 operators in a row (without `&&` and `||`, of which there
//! may be any number), and two loops in one another; patterns and formats are
//! written in it and not taken from the request. An expression that could take too long on the request at hand is not
//! begun: it gives no answer. A request of more than 100,000 values gives no answer either.
//!
//! # Two examples
//! A policy for what people do, and not what the pipeline's accounts do:
//! ```text
//! !request.userInfo.groups.exists(g, g.startsWith("system:serviceaccounts:pipeline-"))
//! ```
//! A policy for updates that add a disk:
//! ```text
//! request.operation == "UPDATE" && object.spec.dataVolumeTemplates.exists(t,
//!   !oldObject.spec.dataVolumeTemplates.exists(old, old.metadata.name == t.metadata.name))
//! ```

use std::cell::OnceCell;

use crate::admission::{AdmissionRequest, Body};
use crate::document::{Decode, Decoder, Field, Fields, Node, Shape, Value};

use super::cel::{Fault, Program, Variables};
use super::{Doubt, Matches};

/// How many conditions a policy may have, as in Kubernetes.
pub(super) const MAX_CONDITIONS: usize = 64;

/// The longest name, as in Kubernetes.
const MAX_NAME: usize = 63;

/// The fields of a condition.
pub(super) const FIELDS: &[Field] = &[
    Field::required(
        "name",
        Shape::Form("^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$", "condition"),
    )
    .told("What messages call the condition; no other condition of the policy has it.")
    .example("\"not-the-installer\""),
    Field::required("expression", Shape::Form("\\S", "CEL"))
        .told(
            "A CEL expression that gives a boolean, over `object` (null on DELETE), `oldObject` (null on CREATE) and \
             `request` (`operation`, `namespace`, `name`, `userInfo.username`, `userInfo.groups`, `dryRun`, …), with the \
             functions of CEL and of Kubernetes.",
        )
        .example("\"request.userInfo.username != 'installer'\""),
];

/// One of `spec.matchConditions`.
#[derive(Debug)]
pub struct Condition {
    /// What it is called in messages.
    pub name: String,
    program: Program,
}

/// What the conditions of all policies look at in one request; read when the first of them asks, and once.
#[derive(Debug)]
pub struct Inputs<'r> {
    body: Option<Body<'r>>,
    variables: OnceCell<Result<Variables, String>>,
}

impl<'r> Inputs<'r> {
    /// The inputs of a request.
    pub const fn of(request: &AdmissionRequest<'r>) -> Self {
        Self {
            body: request.body,
            variables: OnceCell::new(),
        }
    }

    /// Whether all conditions are true. One that is false decides, even where another gives no answer.
    pub fn hold(&self, conditions: &[Condition]) -> Matches {
        let mut doubt = None;
        for condition in conditions {
            match self.evaluate(condition) {
                Ok(true) => {}
                Ok(false) => return Matches::No,
                Err(reason) => {
                    let name = condition.name.clone();
                    doubt.get_or_insert(Doubt::Condition { name, reason });
                }
            }
        }
        doubt.map_or(Matches::Yes, Matches::Unknown)
    }

    fn evaluate(&self, condition: &Condition) -> Result<bool, String> {
        let read = || match self.body {
            Some(body) => Variables::read(body),
            None => Err("the request is not at hand as it was sent".to_owned()),
        };
        match self.variables.get_or_init(read) {
            Ok(variables) => condition.program.evaluate(variables),
            Err(reason) => Err(reason.clone()),
        }
    }
}

/// Reads `spec.matchConditions`.
pub(super) fn decode(node: &Node, decoder: &mut Decoder) -> Option<Vec<Condition>> {
    let items = match &node.value {
        Value::List(items) if items.len() > MAX_CONDITIONS => {
            let message = format!("there are {} conditions", items.len());
            let help = format!("write at most {MAX_CONDITIONS}; join some by &&");
            decoder.error(node, message, help);
            return None;
        }
        Value::List(items) => items.as_slice(),
        _ => &[],
    };
    let conditions = Vec::<Condition>::decode(node, decoder);
    let mut seen: Vec<&str> = Vec::new();
    let mut sound = true;
    for (index, item) in items.iter().enumerate() {
        let Some((name, place)) = name_of(item) else {
            continue;
        };
        if seen.contains(&name) {
            decoder.enter_index(index);
            let message = format!("a condition named `{name}` stands above");
            decoder.error(place, message, "give one of the two another name");
            decoder.leave();
            sound = false;
        }
        seen.push(name);
    }
    conditions.filter(|_| sound)
}

/// The name that a condition has in the file, with its place.
fn name_of(node: &Node) -> Option<(&str, &Node)> {
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let (_, _, node) = entries.iter().find(|(field, ..)| field == "name")?;
    match &node.value {
        Value::Text(name) => Some((name, node)),
        _ => None,
    }
}

impl Decode for Condition {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(node, "a condition", FIELDS, decoder)?;
        let help = "name the condition; messages name it so";
        let name: Option<String> = fields.required("name", help, decoder);
        let name = name.filter(|name| {
            let sound = is_name(name);
            if !sound {
                let help =
                    "use letters, digits, - _ and . (63 at most), for example not-the-installer";
                fields.error("name", format!("`{name}` is not a name"), help, decoder);
            }
            sound
        });
        let help = "write a CEL expression, for example request.userInfo.username != 'installer'";
        let expression: Option<String> = fields.required("expression", help, decoder);
        let program = expression.and_then(|expression| {
            let faults = match Program::compile(&expression) {
                Ok(program) => return Some(program),
                Err(faults) => faults,
            };
            fields.within("expression", decoder, |node, decoder| {
                for fault in &faults {
                    tell(node, fault, decoder);
                }
            });
            None
        });
        Some(Self {
            name: name?,
            program: program?,
        })
    }
}

/// Reports a fault at its place within the expression, or at the expression with the place told in words.
fn tell(node: &Node, fault: &Fault, decoder: &mut Decoder) {
    if let Some(place) = decoder.place_within(node, fault.line, fault.column) {
        decoder.error_at(place, &fault.message, &fault.help);
        return;
    }
    let message = match fault.line {
        1 => format!(
            "{} (column {} of the expression)",
            fault.message, fault.column
        ),
        line => format!(
            "{} (line {line}, column {} of the expression)",
            fault.message, fault.column
        ),
    };
    decoder.error(node, message, &fault.help);
}

/// Whether a name is one that Kubernetes would take for a condition, without a prefix.
fn is_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric())
}
