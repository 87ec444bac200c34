//! Policies tried out: a case is one world, one request or several, and what must come of each.
//!
//! The manual of the format is `tests/cases/README.md`. This module reads and judges cases and touches no file: whoever
//! runs them brings [`Files`], and may bring a judge of his own that holds more than the case asks for.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod answer;
mod format;
mod places;
mod policies;
mod request;
mod world;

use std::path::Path;
use std::sync::Arc;

use jiff::civil::Date;
use serde_json::Value;

use crate::cluster::ClusterView;
use crate::document::{Diagnostic, Place};
use crate::engine::World;
use crate::policy::PolicySource;

pub use answer::{Answer, Outcome, judge};

use format::{CaseFile, Expect};
use places::Places;
use request::Request;

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
        let lines: Vec<&str> = diff
            .lines()
            .filter(|line| !line.starts_with("@@"))
            .collect();
        lines.join("\n") + "\n"
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
            Diagnostic::error(&file, place, message, HELP)
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
        let (field, message, help) = match &self.content.expect {
            _ if self.content.request.is_some() && !self.content.requests.is_empty() => (
                "requests",
                "`request` and `requests` stand side by side".to_owned(),
                "write one of the two",
            ),
            _ if requests == 0 => ("requests", "there is no request".to_owned(), HELP),
            Some(Expect::One(_)) if self.content.request.is_none() => (
                "expect",
                format!("`expect` is an object and there are {requests} `requests`"),
                "write a list, one element a request in the same order",
            ),
            Some(Expect::Many(_)) if self.content.request.is_some() => (
                "expect",
                "`expect` is a list and there is one `request`".to_owned(),
                "write an object, or `requests` as a list",
            ),
            Some(Expect::Many(expected)) if expected.len() != requests => (
                "expect",
                format!(
                    "{} are expected and there are {requests} requests",
                    expected.len()
                ),
                "write one element a request in the same order; {} where nothing is said",
            ),
            _ => return Ok(()),
        };
        Err(self.fault(self.places.field(field), message, help))
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
        Err(self.fault(Place::default(), message, help))
    }

    /// Judges the requests.
    ///
    /// # Errors
    /// What keeps them from being judged: faults of the policies, files that can't be read.
    pub fn run(&self, files: &dyn Files, judge: &Judge<'_>) -> Result<Vec<Tried>, Vec<Diagnostic>> {
        let policies = self.policies(files)?;
        let (view, read) = world::of(&self.content, self.folder(), files).map_err(|error| {
            let live = self.content.live.is_some();
            let field = if live { "live" } else { "cluster" };
            vec![self.fault(self.places.field(field), error, RELATIVE)]
        })?;
        let world = World {
            policies: &policies,
            view: &view,
            read: &*read,
            today: self.today()?,
        };
        let requests = self.content.requests().iter().enumerate();
        requests
            .map(|(index, request)| self.try_one(&world, index, request, judge))
            .collect()
    }

    fn today(&self) -> Result<Date, Vec<Diagnostic>> {
        let day = self.content.now.as_deref().map_or(Ok(TODAY), str::parse);
        day.map_err(|error| {
            let help = "write a day, as in 2026-11-25";
            vec![self.fault(self.places.field("now"), format!("now: {error}"), help)]
        })
    }

    fn try_one(
        &self,
        world: &World<'_>,
        index: usize,
        request: &Request,
        judge: &Judge<'_>,
    ) -> Result<Tried, Vec<Diagnostic>> {
        let outcome = request.review().and_then(|review| judge(world, &review));
        let outcome =
            outcome.map_err(|error| vec![self.fault(self.places.request(index), error, HELP)])?;
        let (expected, found) = answer::compare(
            self.content.expected(index),
            &outcome,
            self.content.mutation_skipped,
        );
        let all = self.content.requests().len();
        let number = || format!("request {} of {all}", index + 1);
        let name = request.name.clone();
        Ok(Tried {
            name: name.or_else(|| self.content.request.is_none().then(number)),
            place: self.places.expected(index),
            expected,
            found,
        })
    }

    /// What file names are relative to.
    fn folder(&self) -> &Path {
        Path::new(&*self.file).parent().unwrap_or(Path::new(""))
    }

    fn fault(&self, place: Place, message: String, help: &str) -> Diagnostic {
        Diagnostic::error(&self.file, place, message, help)
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
            return Err(self.fault(self.places.field("expect"), message, help));
        }
        Ok(format!("{before}expect:{found}"))
    }
}

const HELP: &str = "a case has `policies`, `cluster` or `live`, `request` or `requests`, and `expect`: see `goldkeeper test --help`";

const RELATIVE: &str = "files are named relative to the folder of the case";
