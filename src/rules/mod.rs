//! The rules, and the catalogue that all else derives from.
//!
//! One file is one rule: its manual (the doc comment of its file), its parameters, its judgement and its tests. A rule
//! returns findings and nothing else: it knows no mode, builds no response and cannot fail.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod boot_image_namespace;
mod boot_source_available;
mod boot_source_namespace;
mod boot_source_storage_class;
mod finding;
mod platform;
mod protected_namespaces;
mod rights;
mod told;

use std::fmt;

use crate::admission::{AdmissionRequest, Object, Operation, Resource};
use crate::cluster::Facts;
use crate::document::{Decoder, Field, Globs, Node, Shape};

pub use finding::{Detail, Finding, Undetermined, Violation};

/// What is asked: to fill in what is missing, or to judge what will be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// `/mutate`: rules propose edits, and tell what nobody would hear of later.
    Fill,
    /// `/validate`: rules judge the object as it will be stored.
    Validate,
}

impl Stage {
    /// Its name in metrics and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fill => "mutate",
            Self::Validate => "validate",
        }
    }
}

/// Which part of a webhook configuration delivers a rule's requests, by blast radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Webhook {
    /// Refuses virtual machines in protected namespaces: closed when goldkeeper is down.
    ProtectedNamespaces,
    /// Only warns of virtual machines in protected namespaces: open when goldkeeper is down.
    ProtectedNamespacesWarnings,
    /// Boot sources of virtual machines: open when goldkeeper is down.
    BootSources,
    /// Settings of the platform and storage classes, whatever the rule: open when goldkeeper is down.
    ClusterSettings,
}

/// What a rule wants to see.
#[derive(Clone, Copy, Debug)]
pub struct Trigger {
    /// The resources.
    pub resources: &'static [Resource],
    /// The operations on them.
    pub operations: &'static [Operation],
}

/// What asks for data volumes: machines and pools also when they change, as new ones may be added then.
const ASKS_FOR_VOLUMES: &[Trigger] = &[
    Trigger {
        resources: &[Resource::VirtualMachines, Resource::VirtualMachinePools],
        operations: &[Operation::Create, Operation::Update],
    },
    Trigger {
        resources: &[Resource::DataVolumes],
        operations: &[Operation::Create],
    },
];

/// `parameters.defaultNamespace`, by which several rules know golden images.
const DEFAULT_NAMESPACE: Field = Field::optional("defaultNamespace", Shape::Text)
    .example("\"openshift-virtualization-os-images\"");

/// Reads the parameters of a policy.
pub type DecodeParameters = fn(Option<&Node>, &mut Decoder) -> Option<Box<dyn Judge>>;

/// One kind of policy.
pub struct Rule {
    /// The `kind` of its policy files.
    pub kind: &'static str,
    /// One sentence for tables.
    pub summary: &'static str,
    /// The source of the rule's file; its doc comment is the manual ([`Rule::manual`]).
    pub source: &'static str,
    /// Which requests it fills in, or foretells something of.
    pub fills: &'static [Trigger],
    /// Which requests it judges.
    pub validates: &'static [Trigger],
    /// Which webhook delivers the requests it judges; those for settings of the cluster come by one of their own
    /// ([`Rule::webhook`]).
    pub webhook: Webhook,
    /// Whether the first line of a refusal rests on the request and the policy alone. All who see the namespace may read
    /// it then; what rests on the cluster is for the user who asked, by that user's rights.
    pub is_public: bool,
    /// The fields of `spec.parameters`, for the decoder and the schema. The manual says what each is for, in a list item
    /// under `## Parameters` that begins with its name.
    pub parameters: &'static [Field],
    /// Reads `spec.parameters` of a policy of this kind; `None` if there is a fault (already reported). The node is
    /// absent where the policy has no parameters.
    pub decode: DecodeParameters,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.kind)
    }
}

/// A rule with its parameters.
pub trait Judge: fmt::Debug + Send + Sync {
    /// Looks at a request and says what it found.
    fn judge(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Vec<Finding>;

    /// The only namespaces in which this policy can ever find anything, if it is bound to some.
    fn namespaces(&self) -> Option<&Globs> {
        None
    }

    /// Whether the policy fills anything in.
    fn fills(&self) -> bool {
        false
    }

    /// Namespaces whose boot-source references the policy replaces.
    fn redirects(&self) -> &[String] {
        &[]
    }

    /// Whether the policy tells what other webhooks are about to refuse, while a request is filled in.
    fn foretells(&self) -> bool {
        false
    }
}

/// What a rule judges.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'r> {
    /// What is asked of the rule.
    pub stage: Stage,
    /// The request.
    pub request: &'r AdmissionRequest<'r>,
    /// Its resource.
    pub resource: Resource,
    /// The namespace of the request; every decision goes by it.
    pub namespace: &'r str,
}

impl<'r> Subject<'r> {
    /// The object as it would be stored, unless it is being deleted: that is let go. Nor is there one where a data volume
    /// is populated already: nobody will look at its source.
    fn object_with_a_source(&self) -> Option<&'r Object<'r>> {
        let object = self.request.object.get()?;
        let is_populated = self.resource == Resource::DataVolumes && object.is_populated_already();
        (!object.is_being_deleted() && !is_populated).then_some(object)
    }

    /// The object as it is stored, where it is to be changed.
    fn stored(&self) -> Option<&'r Object<'r>> {
        match self.request.operation {
            Operation::Update => self.request.old_object.get(),
            _ => None,
        }
    }
}

/// The catalogue. Rules are judged, and their edits proposed, in this order.
pub const RULES: &[&Rule] = &[
    &protected_namespaces::RULE,
    &boot_source_namespace::RULE,
    &boot_source_available::RULE,
    &boot_source_storage_class::RULE,
    &boot_image_namespace::RULE,
];

/// The rule of a policy kind.
pub fn find(kind: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.kind == kind)
}

impl Rule {
    /// The requests of a stage that the rule wants to see.
    pub const fn triggers(&self, stage: Stage) -> &'static [Trigger] {
        match stage {
            Stage::Fill => self.fills,
            Stage::Validate => self.validates,
        }
    }

    /// Which webhook delivers the requests for a resource: settings of the cluster are apart from what users make.
    pub const fn webhook(&self, resource: Resource) -> Webhook {
        match resource {
            Resource::HyperConvergeds | Resource::StorageClasses => Webhook::ClusterSettings,
            _ => self.webhook,
        }
    }

    /// Whether the rule wants to see such a request.
    pub fn wants(&self, stage: Stage, resource: Resource, operation: Operation) -> bool {
        self.triggers(stage).iter().any(|trigger| {
            trigger.resources.contains(&resource) && trigger.operations.contains(&operation)
        })
    }

    /// The manual: the doc comment of the rule's file, as Markdown.
    pub fn manual(&self) -> String {
        let lines = self
            .source
            .lines()
            .map_while(|line| line.strip_prefix("//!"));
        let text: Vec<&str> = lines
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        text.join("\n")
    }

    /// What the manual says of a parameter, as Markdown on one line; empty if nothing.
    pub fn parameter_text(&self, name: &str) -> String {
        let manual = self.manual();
        let section = manual.lines().skip_while(|line| *line != "## Parameters");
        let section = section.skip(1).take_while(|line| !line.starts_with("## "));
        let begins = format!("- `{name}`: ");
        let mut text: Vec<&str> = Vec::new();
        for line in section {
            if let Some(first) = line.strip_prefix(&begins) {
                text.push(first);
            } else if !text.is_empty() {
                if !line.starts_with("  ") {
                    break;
                }
                text.push(line.trim());
            }
        }
        text.join(" ")
    }

    /// All resources that the rule looks at, in the order of [`Resource::ALL`].
    pub fn resources(&self) -> Vec<Resource> {
        let triggers: Vec<_> = self.fills.iter().chain(self.validates).collect();
        let wanted = |resource: &Resource| {
            triggers
                .iter()
                .any(|trigger| trigger.resources.contains(resource))
        };
        Resource::ALL.into_iter().filter(wanted).collect()
    }
}
