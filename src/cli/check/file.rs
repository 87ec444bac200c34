//! One file: its objects judged, and what is filled in put into it.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use crate::document::{Diagnostic, Place};
use crate::engine::Action;
use crate::manifest::{self, Change, Declined, Document, Fault, Insertion, Manifest};
use crate::store::{self, StoreError};

use super::judge::{Decision, Judge, Judgement};
use super::output::{Output, Summary};
use super::{is_stdin, label};

/// What is to be done with files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// Put what is filled in into them.
    pub(super) write: bool,
    /// Work out how that would look.
    pub(super) edits: bool,
}

/// How a file would look, or looks by now.
#[derive(Debug)]
pub(super) struct Edited<'t> {
    pub(super) file: &'t Arc<str>,
    pub(super) old: &'t str,
    pub(super) new: &'t str,
    pub(super) declined: &'t [Declined],
}

/// Goes through files.
pub(super) struct Checker<'w> {
    pub(super) judge: Judge<'w>,
    pub(super) settings: Settings,
    pub(super) output: Output,
    pub(super) summary: Summary,
}

impl Checker<'_> {
    /// Judges what is in a file. The error is one of the output; whatever is wrong with the file is told and counted.
    pub(super) fn check(&mut self, path: &Path) -> Result<()> {
        let text = if is_stdin(path) {
            store::read_manifest_stream("standard input", std::io::stdin().lock())
        } else {
            store::read_manifest(path)
        };
        let text = match text {
            Ok(text) => text,
            Err(error) => {
                self.unreadable(&error);
                return Ok(());
            }
        };
        let file = label(path);
        self.summary.files += 1;
        let mut changes = Vec::new();
        let mut declined = Vec::new();
        for document in manifest::documents(&text) {
            match document {
                Ok(document) => {
                    let insertions = self.document(&file, &document)?;
                    if self.settings.edits && !insertions.is_empty() {
                        let filled = manifest::fill(&document, &insertions);
                        changes.extend(filled.changes);
                        declined.extend(filled.declined);
                    }
                }
                Err(fault) => self.fault(&file, &text, &fault),
            }
        }
        self.edit(path, &file, &text, &changes, &declined)
    }

    /// Tells of a path that can't be read.
    pub(super) fn unreadable(&mut self, error: &StoreError) {
        self.summary.faults += 1;
        let (path, message) = match error {
            StoreError::Read { path, source } => (path.clone(), format!("can't be read: {source}")),
            StoreError::Parse { path, reason } => (path.clone(), reason.clone()),
            StoreError::TooLarge { path, size, limit } => {
                let message = format!("has {size} bytes; at most {limit} are read");
                (path.clone(), message)
            }
            StoreError::Empty { folder, wanted } => {
                (folder.clone(), format!("holds no {wanted} file"))
            }
            other => (std::path::PathBuf::new(), other.to_string()),
        };
        let fault = Fault {
            place: manifest::Place::default(),
            message,
        };
        let help = "name a readable file or folder; split what is too large";
        self.told(&label(&path), "", &fault, help);
    }

    /// Ends the output.
    pub(super) fn finish(mut self) -> Result<Summary> {
        self.output.finish(&self.summary)?;
        Ok(self.summary)
    }

    fn fault(&mut self, file: &Arc<str>, text: &str, fault: &Fault) {
        self.summary.faults += 1;
        let line = usize::try_from(fault.place.line).unwrap_or_default();
        let shown = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        let help = "mend the YAML at this place; the rest of the file was judged";
        self.told(file, shown, fault, help);
    }

    fn told(&mut self, file: &Arc<str>, line: &str, fault: &Fault, help: &str) {
        let place = Place {
            line: fault.place.line,
            column: fault.place.column,
        };
        let diagnostic = Diagnostic::error(file, place, fault.message.as_str(), help);
        self.output.fault(&diagnostic, line);
    }

    /// Judges the objects of a document; returns what would be filled in.
    fn document(&mut self, file: &Arc<str>, document: &Document<'_>) -> Result<Vec<Insertion>> {
        let mut insertions = Vec::new();
        let mut outcome = Ok(());
        let mut foreign = 0;
        let mut visit = |manifest: Manifest<'_>| {
            if outcome.is_err() {
                return;
            }
            let judgement = self.judge.judge(&manifest);
            self.summary.count(&judgement);
            outcome = self.output.judged(file, &judgement);
            insertions.extend(judgement.insertions);
        };
        manifest::objects(&document.node, &mut visit, &mut |_| foreign += 1);
        self.summary.foreign += foreign;
        outcome.map(|()| insertions)
    }

    fn edit(
        &mut self,
        path: &Path,
        file: &Arc<str>,
        old: &str,
        changes: &[Change],
        declined: &[Declined],
    ) -> Result<()> {
        self.summary.declined += declined.len();
        if self.settings.write {
            self.summary.open_fields -= changes.len().min(self.summary.open_fields);
        }
        if changes.is_empty() && declined.is_empty() {
            return Ok(());
        }
        let new = manifest::apply(old, changes);
        if self.settings.write && !changes.is_empty() {
            if let Err(error) = store::replace_text(path, old, &new) {
                self.summary.open_fields += changes.len();
                self.unwritten(file, &error);
                return Ok(());
            }
            self.summary.written += 1;
        }
        self.output.edited(&Edited {
            file,
            old,
            new: &new,
            declined,
        })
    }

    fn unwritten(&mut self, file: &Arc<str>, error: &StoreError) {
        self.summary.faults += 1;
        let source = std::error::Error::source(error).map_or_else(String::new, ToString::to_string);
        let fault = Fault {
            place: manifest::Place::default(),
            message: format!("can't be written: {source}"),
        };
        self.told(file, "", &fault, "nothing was changed in the file");
    }
}

impl Summary {
    fn count(&mut self, judgement: &Judgement) {
        let done = |action| judgement.said.iter().any(|said| said.action == action);
        match judgement.decision {
            Decision::NotJudged => self.not_judged += 1,
            _ if judgement.covered => self.judged += 1,
            _ => *self.not_covered.entry(judgement.kind.clone()).or_default() += 1,
        }
        self.denied += usize::from(done(Action::Deny));
        self.warned += usize::from(done(Action::Warn));
        self.filled += usize::from(done(Action::Fill));
        self.open_fields += judgement.insertions.len();
    }
}
