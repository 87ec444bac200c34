//! What is printed, in whatever form.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use indicatif::ProgressBar;

use crate::cli::screen::print;
use crate::cli::words::counted;
use crate::document::Diagnostic;

use super::FailOn;
use super::file::Edited;
use super::json::Listed;
use super::judge::Judgement;
use super::machine::Collected;
use super::text::Text;

/// How the outcome is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people: what was found, how the files would change, and how many there were
    #[default]
    Text,
    /// Every object with its decision, one a line
    Json,
    /// The same as YAML
    Yaml,
    /// A test case for each object
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// What the judgements rest on.
#[derive(Clone, Debug)]
pub(super) struct Header {
    /// Digest of the policies.
    pub(super) policies: String,
    /// Where the cluster comes from.
    pub(super) cluster: String,
    /// Whether files are changed.
    pub(super) write: bool,
    /// Whether files could be.
    pub(super) hint: bool,
}

/// How much there was of what.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) files: usize,
    /// Objects that a policy is for, and that were judged.
    pub(super) judged: usize,
    /// Objects that no policy is for, by kind.
    pub(super) not_covered: BTreeMap<String, usize>,
    /// Objects of which it can't be told.
    pub(super) not_judged: usize,
    /// Documents that are no objects of Kubernetes.
    pub(super) foreign: usize,
    /// Objects that are denied, warned of, filled in: one may be several.
    pub(super) denied: usize,
    pub(super) warned: usize,
    pub(super) filled: usize,
    /// Fields filled in that are not in the files.
    pub(super) open_fields: usize,
    /// Fields that can't be put into the files.
    pub(super) declined: usize,
    /// Files that were changed.
    pub(super) written: usize,
    /// Files, and parts of them, that could not be read or written.
    pub(super) faults: usize,
}

impl Summary {
    /// How many objects no policy is for.
    pub(super) fn all_not_covered(&self) -> usize {
        self.not_covered.values().sum()
    }

    /// One line, and what it rests on.
    pub(super) fn text(&self, header: &Header) -> String {
        let mut text = format!("{} judged", counted(self.judged, "object"));
        let not_covered = self.all_not_covered();
        if not_covered > 0 {
            let _ = write!(text, ", {not_covered} not covered by any policy");
            let _ = write!(text, " ({})", self.kinds());
        }
        if self.not_judged > 0 {
            let _ = write!(text, ", {} could not be told", self.not_judged);
        }
        let counts = [
            (self.denied, "denied"),
            (self.warned, "warned"),
            (self.filled, "filled in"),
        ];
        let counts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let found = if counts.is_empty() {
            "nothing to say".to_owned()
        } else {
            counts.join(", ")
        };
        let _ = write!(text, ": {found}");
        if self.written > 0 {
            let _ = write!(text, " (written into {})", counted(self.written, "file"));
        } else if self.open_fields > self.declined && header.hint {
            text.push_str(" (goldkeeper check --write puts them into the files)");
        }
        if self.foreign > 0 {
            let are = if self.foreign == 1 {
                "document is no Kubernetes object"
            } else {
                "documents are no Kubernetes objects"
            };
            let _ = write!(text, "\n{} {are}", self.foreign);
        }
        let _ = writeln!(
            text,
            "\npolicies {}  cluster {}",
            header.policies, header.cluster
        );
        text
    }

    /// The kinds that are not covered, the most frequent first.
    fn kinds(&self) -> String {
        const SHOWN: usize = 5;
        let mut kinds: Vec<(&String, &usize)> = self.not_covered.iter().collect();
        kinds.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        let more = kinds
            .iter()
            .skip(SHOWN)
            .map(|(_, count)| **count)
            .sum::<usize>();
        let shown = kinds.iter().take(SHOWN);
        let mut texts: Vec<String> = shown
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        if more > 0 {
            texts.push(format!("{more} more"));
        }
        texts.join(", ")
    }
}

/// Prints as it goes where the form allows it.
pub(super) struct Output {
    header: Header,
    progress: ProgressBar,
    form: Form,
}

enum Form {
    Text(Text),
    Listed(Listed),
    Collected(Collected),
}

impl Output {
    /// Begins the output.
    pub(super) fn new(
        format: Format,
        header: Header,
        fail_on: FailOn,
        progress: ProgressBar,
    ) -> Result<Self> {
        let form = match format {
            Format::Text => Form::Text(Text::new(header.write)),
            Format::Json | Format::Yaml => Form::Listed(Listed::new(format == Format::Yaml)),
            Format::Junit | Format::Sarif | Format::Github => {
                Form::Collected(Collected::new(format, fail_on))
            }
        };
        let output = Self {
            header,
            progress,
            form,
        };
        if let Form::Listed(listed) = &output.form {
            let start = listed.start(&output.header)?;
            output.print(&start)?;
        }
        Ok(output)
    }

    /// An object was judged.
    pub(super) fn judged(&mut self, file: &Arc<str>, judgement: &Judgement) -> Result<()> {
        let text = match &mut self.form {
            Form::Text(text) => text.judged(file, judgement),
            Form::Listed(listed) => listed.judged(file, judgement)?,
            Form::Collected(collected) => {
                collected.judged(file, judgement);
                String::new()
            }
        };
        self.print(&text)
    }

    /// A file, or the document that has this line, could not be read.
    pub(super) fn fault(&mut self, fault: &Diagnostic, line: &str) {
        let told = super::text::fault(fault, line);
        // What can't be told there is in the output and in the exit code.
        let _ = (self.progress).suspend(|| std::io::stderr().write_all(told.as_bytes()));
        match &mut self.form {
            Form::Text(_) => {}
            Form::Listed(listed) => listed.fault(fault),
            Form::Collected(collected) => collected.fault(fault),
        }
    }

    /// What is filled in into a file.
    pub(super) fn edited(&mut self, edited: &Edited<'_>) -> Result<()> {
        match &mut self.form {
            Form::Text(text) => {
                let text = text.edited(edited);
                self.print(&text)?;
            }
            Form::Listed(listed) => listed.edited(edited),
            Form::Collected(collected) => collected.edited(edited),
        }
        Ok(())
    }

    /// Everything was judged.
    pub(super) fn finish(&mut self, summary: &Summary) -> Result<()> {
        let told = summary.text(&self.header);
        let text = match &mut self.form {
            Form::Text(text) => text.finish(&told),
            Form::Listed(listed) => listed.finish(summary)?,
            Form::Collected(collected) => {
                let text = collected.finish()?;
                // Standard output is for machines; people read this beside it.
                let _ = std::io::stderr().write_all(told.as_bytes());
                text
            }
        };
        self.print(&text)
    }

    fn print(&self, text: &str) -> Result<()> {
        if !text.is_empty() {
            self.progress.suspend(|| print(text))?;
        }
        Ok(())
    }
}
