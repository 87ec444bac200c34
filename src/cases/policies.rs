//! The policies of a case.

use crate::document::{Diagnostic, Place};
use crate::policy::{PolicySet, PolicySource};

use super::format::Source;
use super::{Case, Files, RELATIVE};

impl Case {
    /// Compiles them all, or tells what is wrong with them.
    pub(super) fn policies(&self, files: &dyn Files) -> Result<PolicySet, Vec<Diagnostic>> {
        let mut sources = Vec::new();
        let mut places = Vec::new();
        for (index, source) in self.content.policies.iter().enumerate() {
            let place = self.places.policy(index);
            match source {
                Source::File(path) => {
                    let found = files.policies(&self.folder().join(path));
                    let found = found.map_err(|error| vec![self.fault(place, error, RELATIVE)])?;
                    places.extend(found.iter().map(|_| None));
                    sources.extend(found);
                }
                Source::Document(policy) => {
                    places.push(Some(place));
                    sources.push(PolicySource {
                        file: self.file.clone(),
                        text: policy.to_string(),
                    });
                }
            }
        }
        PolicySet::compile(&sources).map_err(|faults| self.placed(faults, &sources, &places))
    }

    /// Faults of documents in the case itself stand where the document does: it was read as one line.
    fn placed(
        &self,
        faults: Vec<Diagnostic>,
        sources: &[PolicySource],
        places: &[Option<Place>],
    ) -> Vec<Diagnostic> {
        let alone: Vec<Place> = places.iter().copied().flatten().collect();
        let mut placed = faults;
        for own in placed.iter_mut().filter(|own| own.file == self.file) {
            // Which of several it is can be told by compiling each alone.
            let place = sources.iter().zip(places).find_map(|(source, place)| {
                let place = (*place)?;
                let faults = PolicySet::compile(std::slice::from_ref(source)).err()?;
                faults.contains(own).then_some(place)
            });
            let place = place.or_else(|| alone.last().copied()).unwrap_or_default();
            (own.line, own.column) = (place.line, place.column);
        }
        placed
    }
}
