//! References that keep naming where golden images were before an administrator moved them.

use crate::admission::{BootReference, Edit};
use crate::cluster::{DataSource, Fact, Facts, Kind, Known};
use crate::document::{Decode, Decoder, Field, Fields, Node, Shape, suggest};
use crate::rules::rights::{requester, sees};
use crate::rules::told::{expected, write_namespace};
use crate::rules::{Finding, Stage, Subject, Undetermined, Violation};

/// The fields of `parameters.retiredNamespaces`.
pub(super) const FIELDS: &[Field] = &[
    Field::required("namespaces", Shape::List(0, &Shape::Text))
        .told("Where golden images were before, by exact name.")
        .example("[\"openshift-virtualization-os-images\"]"),
    Field::optional("action", Shape::Word(&["Redirect", "Warn"]))
        .told("`Warn` tells of it; `Redirect` replaces the namespace where that can only help.")
        .default("\"Warn\""),
];

/// `parameters.retiredNamespaces`
#[derive(Debug)]
pub(super) struct Retired {
    /// By exact name.
    pub(super) namespaces: Vec<String>,
    pub(super) action: Action,
}

/// What is done with a reference into a retired namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// It is told.
    Warn,
    /// It is replaced where that can only help.
    Redirect,
}

impl Decode for Retired {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(node, "retiredNamespaces", FIELDS, decoder)?;
        let help =
            "write where images were before: namespaces: [openshift-virtualization-os-images]";
        let namespaces = fields.required("namespaces", help, decoder);
        let action = fields.optional("action", decoder);
        Some(Self {
            namespaces: namespaces?,
            action: action?.unwrap_or(Action::Warn),
        })
    }
}

impl Decode for Action {
    fn decode(node: &Node, decoder: &mut Decoder) -> Option<Self> {
        let text = String::decode(node, decoder)?;
        let known = [("Redirect", Self::Redirect), ("Warn", Self::Warn)];
        let found = known.iter().find(|(name, _)| *name == text);
        if found.is_none() {
            let names = known.map(|(name, _)| name);
            let message = format!("unknown action `{text}`");
            decoder.error(node, message, suggest(&text, &names));
        }
        found.map(|(_, action)| *action)
    }
}

/// A reference into a retired namespace.
#[derive(Clone, Copy)]
struct Stray<'a> {
    reference: BootReference<'a>,
    name: &'a str,
    /// The namespace that it names.
    namespace: &'a str,
    /// Where the golden image of that name is.
    home: &'a str,
}

impl Retired {
    /// What is to be done or said of a reference, if it is one into a retired namespace. `before` are the references of
    /// the object as it is stored: what was there is left as it is.
    pub(super) fn judge(
        &self,
        reference: &BootReference<'_>,
        before: &[BootReference<'_>],
        default_namespace: Option<&str>,
        subject: &Subject<'_>,
        facts: &Facts<'_>,
    ) -> Option<Finding> {
        let source_ref = reference.source_ref;
        let (name, namespace) = (source_ref.name.get()?, source_ref.namespace.get()?);
        let is_retired = source_ref.kind.get() == Some("DataSource")
            && self.namespaces.iter().any(|retired| retired == namespace);
        let was_there = before.iter().any(|old| {
            reference.is_twin_of(old) && old.source_ref.namespace.get() == Some(namespace)
        });
        if !is_retired || was_there {
            return None;
        }
        // The image may have stayed, or its place may not be known: then nothing is known to be retired.
        let image = facts.view().golden_image(name, default_namespace);
        let home = image.known()??.namespace.name;
        let stray = Stray {
            reference: *reference,
            name,
            namespace,
            home,
        };
        (home != namespace).then(|| match (subject.stage, self.action) {
            (Stage::Fill, Action::Warn) => None,
            (Stage::Fill, Action::Redirect) => stray.redirect(facts),
            (Stage::Validate, Action::Warn) => stray.told(subject, facts),
            (Stage::Validate, Action::Redirect) => {
                stray.unknown(facts).or_else(|| stray.told(subject, facts))
            }
        })?
    }
}

impl Stray<'_> {
    /// Only where it is certain that the reference leads nowhere and that the image is where it should be.
    fn redirect(&self, facts: &Facts<'_>) -> Option<Finding> {
        // Both are asked for together.
        let (here, there) = self.look(facts);
        if here.known()? || !there.known()? {
            return None;
        }
        let Self {
            name,
            namespace,
            home,
            ..
        } = *self;
        Some(Finding::Fill(Edit {
            path: self.reference.namespace_path(),
            value: home.to_owned(),
            notice: Some(format!(
                "sourceRef names {namespace} which no longer holds {name}: {home} was written instead"
            )),
        }))
    }

    /// Whether it is ready in the retired namespace, and in its own.
    fn look(&self, facts: &Facts<'_>) -> (Known<bool>, Known<bool>) {
        let ready = |namespace| {
            let object = facts.current(Kind::DataSource, namespace, self.name);
            object.map(is_ready)
        };
        (ready(self.namespace), ready(self.home))
    }

    /// What could not be redirected because nobody knows whether that would help.
    fn unknown(&self, facts: &Facts<'_>) -> Option<Finding> {
        let ((Known::Unknown, _) | (Known::Known(false), Known::Unknown)) = self.look(facts) else {
            return None;
        };
        Some(Finding::Undetermined(Undetermined {
            summary: format!(
                "boot source {} is named in retired {} and could not be looked up: it stays there",
                self.name, self.namespace
            ),
            field: self.reference.namespace_path(),
            reason: facts.why_unknown(Kind::DataSource).to_owned(),
        }))
    }

    /// An image that is still there, though nobody keeps it up to date any more, for those who may see it. Of one that is
    /// not there, or not ready, `BootSourceAvailable` tells.
    fn told(&self, subject: &Subject<'_>, facts: &Facts<'_>) -> Option<Finding> {
        let Self {
            name,
            namespace,
            home,
            ..
        } = *self;
        let here = facts.view().object(Kind::DataSource, namespace, name);
        if !is_ready(here.known()?) {
            return None;
        }
        let reader = requester(&subject.request.user_info);
        sees(facts, &reader, Kind::DataSource, namespace).then(|| {
            Finding::Violation(Violation {
                summary: format!(
                    "sourceRef names {namespace} where {name} is no longer kept up to date: use {home}"
                ),
                let_through: None,
                field: self.reference.namespace_path(),
                found: namespace.to_owned(),
                details: vec![expected(home, name), write_namespace(home, name)],
            })
        })
    }
}

fn is_ready(object: Option<&Fact>) -> bool {
    matches!(object, Some(Fact::DataSource(source)) if DataSource::is_ready(source))
}
