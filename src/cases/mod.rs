//! Policies tried out: a case is one world, one request or several, and what must come of each.
//!
//! The manual of the format is `tests/cases/README.md`. This module reads and judges cases and touches no file: whoever
//! runs them brings [`Files`], and may bring a judge of his own that holds more than the case asks for.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod answer;
mod format;
mod places;
mod request;
mod world;

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use crate::cluster::ClusterView;
use crate::document::{Diagnostic, Place, Severity};
use crate::engine::World;
use crate::policy::{PolicySet, PolicySource};

pub use answer::{Answer, Outcome, judge};

use format::{CaseFile, Expect};
use places::Places;

/// The day of a case that names none.
const TODAY: Date = Date::constant(2026, 1, 1);

/// What cases need of the files they name. Paths are relative to where the program runs; errors are one line.
pub trait Files {
    /// The policy file, or those of a folder.
    ///
    /// # Errors
    /// Why it can't be read.
    fn policies(&self, path: &Path) -> Result<Vec<PolicySource>, String>;

    /// The documents of a file.
    ///
    /// # Errors
    /// Why it can't be read.
    fn documents(&self, path: &Path) -> Result<Vec<Value>, String>;

    /// A cluster that was written down in these files.
    ///
    /// # Errors
    /// Why it can't be read.
    fn cluster(&self, paths: &[&Path]) -> Result<Arc<ClusterView>, String>;
}

/// Takes a request all the way; the error is why it can't be.
pub type Judge<'j> = dyn Fn(&World<'_>, &Value) -> Result<Outcome, String> + 'j;

/// A case that was read.
#[derive(Debug)]
pub struct Case {
    file: Arc<str>,
    content: CaseFile,
    places: Places,
}

/// What came of one request of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Its name, or its number where there are several.
    pub name: Option<String>,
    /// Where what is expected of it stands.
    pub place: Place,
    /// What is expected, in the words of a case.
    pub expected: String,
    /// What came of it, in the words of a case.
    pub found: String,
}

impl Tried {
    /// Whether it is what was expected.
    pub fn is_as_expected(&self) -> bool {
        self.expected == self.found
    }

    /// Both side by side, line by line.
    pub fn diff(&self) -> String {
        let diff = similar::TextDiff::from_lines(&self.expected, &self.found);
        let diff = diff.unified_diff().context_radius(20).to_string();
        // The line numbers of a hunk are of no file.
        let lines = diff.lines().filter(|line| !line.starts_with("@@"));
        lines.map(|line| format!("{line}\n")).collect()
    }
}

impl Case {
    /// Reads a case file.
    ///
    /// # Errors
    /// What is wrong, with its place.
    pub fn read(file: &str, text: &str) -> Result<Self, Diagnostic> {
        let file: Arc<str> = Arc::from(file);
        let content: CaseFile = serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(Place::from).unwrap_or_default();
            let words = error.without_snippet().to_string();
            let message = format!("not a case: {}", words.lines().next().unwrap_or_default());
            fault(&file, place, message, HELP)
        })?;
        let places = Places::of(&file, text);
        let case = Self {
            file,
            content,
            places,
        };
        case.check()?;
        Ok(case)
    }

    /// What the types can't say.
    fn check(&self) -> Result<(), Diagnostic> {
        let requests = self.content.requests().len();
        let (message, help) = match &self.content.expect {
            _ if self.content.request.is_some() && !self.content.requests.is_empty() => (
                "`request` and `requests` stand side by side".to_owned(),
                "write one of the two",
            ),
            _ if requests == 0 => ("there is no request".to_owned(), HELP),
            Some(Expect::One(_)) if self.content.request.is_none() => (
                format!("`expect` is an object and there are {requests} `requests`"),
                "write a list, one element a request in the same order",
            ),
            Some(Expect::Many(_)) if self.content.request.is_some() => (
                "`expect` is a list and there is one `request`".to_owned(),
                "write an object, or `requests` as a list",
            ),
            Some(Expect::Many(expected)) if expected.len() != requests => (
                format!(
                    "{} are expected and there are {requests} requests",
                    expected.len()
                ),
                "write one element a request in the same order; {} where nothing is said",
            ),
            _ => return Ok(()),
        };
        Err(fault(&self.file, self.places.expect, message, help))
    }

    /// That the file says what must come of its requests.
    ///
    /// # Errors
    /// That it does not: a case that expects nothing can't fail.
    pub fn must_expect(&self) -> Result<(), Diagnostic> {
        if self.content.expect.is_some() {
            return Ok(());
        }
        let help = "let `goldkeeper test --update` write what comes of it, and read it";
        let message = "the case does not say what it expects".to_owned();
        Err(fault(&self.file, Place::default(), message, help))
    }

    /// Judges the requests.
    ///
    /// # Errors
    /// What keeps them from being judged: faults of the policies, files that can't be read.
    pub fn run(&self, files: &dyn Files, judge: &Judge<'_>) -> Result<Vec<Tried>, Vec<Diagnostic>> {
        let policies = self.policies(files)?;
        let alone = |message: String| vec![fault(&self.file, Place::default(), message, HELP)];
        let folder = Path::new(&*self.file).parent().unwrap_or(Path::new(""));
        let (view, read) = world::of(&self.content, folder, files).map_err(alone)?;
        let today = self.content.now.as_deref().map_or(Ok(TODAY), str::parse);
        let world = World {
            policies: &policies,
            view: &view,
            read: &*read,
            today: today.map_err(|error| alone(format!("now: {error}")))?,
        };
        let requests = self.content.requests();
        let several = self.content.request.is_none();
        let tried = requests.iter().enumerate().map(|(index, request)| {
            let place = self.places.expected(index);
            let outcome = request
                .review()
                .and_then(|review| judge(&world, &review))
                .map_err(|error| {
                    vec![fault(&self.file, self.places.request(index), error, HELP)]
                })?;
            let expect = self.content.expected(index);
            let (expected, found) =
                answer::compare(expect, &outcome, self.content.mutation_skipped);
            let number = several.then(|| format!("request {} of {}", index + 1, requests.len()));
            Ok(Tried {
                name: request.name.clone().or(number),
                place,
                expected,
                found,
            })
        });
        tried.collect()
    }

    fn policies(&self, files: &dyn Files) -> Result<PolicySet, Vec<Diagnostic>> {
        let folder = Path::new(&*self.file).parent().unwrap_or(Path::new(""));
        let mut sources = Vec::new();
        let mut places = Vec::new();
        for (index, source) in self.content.policies.iter().enumerate() {
            let place = self.places.policy(index);
            match source {
                format::Source::File(path) => {
                    let found = files.policies(&folder.join(path));
                    let found =
                        found.map_err(|error| vec![fault(&self.file, place, error, HELP)])?;
                    places.extend(found.iter().map(|_| None));
                    sources.extend(found);
                }
                format::Source::Document(policy) => {
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

    /// The text of the file with what came of the requests in place of what was expected; the rest stays as it is.
    ///
    /// # Errors
    /// Where `expect` does not stand last, so that something else would be lost.
    pub fn updated(&self, text: &str, tried: &[Tried]) -> Result<String, Diagnostic> {
        let several = self.content.request.is_none();
        let found = tried
            .iter()
            .map(|tried| answer::item(&tried.found, several));
        let mut found: String = found.collect();
        if several {
            found.push('\n');
        }
        let Some((before, after)) = places::split_at_expect(text) else {
            let end = if text.ends_with('\n') || text.is_empty() {
                ""
            } else {
                "\n"
            };
            return Ok(format!("{text}{end}expect:{found}"));
        };
        if let Some(line) = places::next_field(after) {
            let message = format!("`{line}` stands after `expect`, and would be lost");
            let help = "let `expect` stand last in the file";
            return Err(fault(&self.file, self.places.expect, message, help));
        }
        Ok(format!("{before}expect:{found}"))
    }
}

const HELP: &str = "a case has `policies`, `cluster` or `live`, `request` or `requests`, and `expect`: see `goldkeeper test --help`";

fn fault(file: &Arc<str>, place: Place, message: String, help: &str) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message,
        file: file.clone(),
        line: place.line,
        column: place.column,
        help: help.to_owned(),
    }
}
