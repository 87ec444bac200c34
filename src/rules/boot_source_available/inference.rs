//! Whether `KubeVirt` will find out from a boot source which instance type or preference is meant
//! (`pkg/instancetype/infer` in kubevirt/kubevirt). It refuses the machine where it does not.

use crate::admission::{FieldPath, Machine, Matcher, VolumeRequest};
use crate::cluster::{DataSource, Fact, InstanceDefaults, Kind, Known, SourceObject};
use crate::rules::Violation;
use crate::rules::told::detail;

use super::Fault;
use super::inquiry::Inquiry;
use super::words::Place;

/// What is inferred from one data volume.
pub(super) struct Inference<'o> {
    wanted: Vec<Wanted<'o>>,
}

/// One matcher that is to be inferred.
#[derive(Clone, Copy)]
struct Wanted<'o> {
    field: &'static str,
    noun: &'static str,
    label: &'static str,
    is_there: fn(InstanceDefaults) -> bool,
    matcher: &'o Matcher<'o>,
}

/// What a label says, or why it says nothing.
enum Found {
    /// It is there.
    Label,
    /// It is not. The policy `Ignore` lets that pass.
    NoLabel,
    /// Not even the claim is there on which it could be. No policy lets that pass.
    NoClaim,
    /// Nobody knows.
    Unknown,
}

impl<'o> Inference<'o> {
    pub(super) fn of(inquiry: &Inquiry<'o, '_>, volume: &VolumeRequest<'_>) -> Self {
        let wanted = inquiry
            .machine
            .as_ref()
            .map(|machine| wanted(machine, volume));
        Self {
            wanted: wanted.unwrap_or_default(),
        }
    }

    pub(super) fn is_none(&self) -> bool {
        self.wanted.is_empty()
    }

    /// What `KubeVirt` will not find out from a boot source that is there, in words for who can see it.
    pub(super) fn faults(
        &self,
        inquiry: &Inquiry<'_, '_>,
        place: Place<'_>,
        source: &DataSource,
    ) -> Vec<Fault> {
        let fault = |wanted: &Wanted<'o>| {
            let is_refused = match wanted.look(inquiry, place, source) {
                Found::Label | Found::Unknown => false,
                Found::NoLabel => {
                    wanted.matcher.infer_from_volume_failure_policy.get() != Some("Ignore")
                }
                Found::NoClaim => true,
            };
            let machine = inquiry.machine.as_ref()?;
            is_refused.then(|| {
                let path = machine.path(wanted.field).field("inferFromVolume");
                Fault::Refused(wanted.violation(place, path))
            })
        };
        self.wanted.iter().filter_map(fault).collect()
    }
}

fn wanted<'o>(machine: &Machine<'o>, volume: &VolumeRequest<'_>) -> Vec<Wanted<'o>> {
    let all = [
        (
            machine.instancetype,
            "instancetype",
            "instance type",
            "instancetype.kubevirt.io/default-instancetype",
            (|defaults| defaults.instancetype) as fn(InstanceDefaults) -> bool,
        ),
        (
            machine.preference,
            "preference",
            "preference",
            "instancetype.kubevirt.io/default-preference",
            |defaults| defaults.preference,
        ),
    ];
    let wanted =
        |(matcher, field, noun, label, is_there): (Option<&'o Matcher<'o>>, _, _, _, _)| {
            let matcher = matcher?;
            let from = matcher.infer_from_volume.get()?;
            is_of(machine, from, volume).then_some(Wanted {
                field,
                noun,
                label,
                is_there,
                matcher,
            })
        };
    all.into_iter().filter_map(wanted).collect()
}

/// Whether the volume of that name is the disk that a data volume template makes.
fn is_of(machine: &Machine<'_>, name: &str, volume: &VolumeRequest<'_>) -> bool {
    let Some(template) = machine.template else {
        return false;
    };
    let disk = template.volumes.iter().find_map(|(_, known)| {
        (known.name.get() == Some(name)).then(|| known.data_volume.get()?.name.get())?
    });
    disk.is_some() && disk == volume.template_name
}

impl Wanted<'_> {
    /// First the `DataSource`, then the claim it points at: as it is now, where the view knows of no label.
    fn look(&self, inquiry: &Inquiry<'_, '_>, place: Place<'_>, source: &DataSource) -> Found {
        let facts = inquiry.facts;
        if (self.is_there)(source.defaults) {
            return Found::Label;
        }
        let current = facts.current(Kind::DataSource, place.namespace, place.name);
        let Known::Known(Some(Fact::DataSource(source))) = current else {
            return Found::Unknown;
        };
        if (self.is_there)(source.defaults) {
            return Found::Label;
        }
        let claim = source
            .source
            .as_ref()
            .filter(|source| source.object == SourceObject::PersistentVolumeClaim);
        let Some(claim) = claim else {
            return Found::NoLabel;
        };
        let namespace = match &*claim.namespace {
            "" => place.namespace,
            namespace => namespace,
        };
        match facts.current(Kind::PersistentVolumeClaim, namespace, &claim.name) {
            Known::Known(Some(Fact::PersistentVolumeClaim(claim)))
                if (self.is_there)(claim.defaults) =>
            {
                Found::Label
            }
            Known::Known(Some(_)) => Found::NoLabel,
            Known::Known(None) => Found::NoClaim,
            Known::Unknown => Found::Unknown,
        }
    }

    fn violation(&self, place: Place<'_>, field: FieldPath) -> Violation {
        let Place {
            namespace, name, ..
        } = place;
        let Self {
            field: matcher,
            noun,
            label,
            ..
        } = *self;
        Violation {
            summary: format!(
                "KubeVirt can't infer the {noun} and will refuse: boot source {name} in {namespace} has no label {label}"
            ),
            let_through: None,
            field,
            found: self.matcher.infer_from_volume.or_empty().to_owned(),
            details: vec![detail(
                "instead",
                format!(
                    "name one: {matcher}: {{name: …}}; or write inferFromVolumeFailurePolicy: Ignore"
                ),
            )],
        }
    }
}
