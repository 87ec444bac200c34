//! What is handed over as a whole: annotations, code scanning, test reports.

use std::sync::Arc;

use anyhow::Result;

use crate::document::Diagnostic;
use crate::engine::Action;
use crate::report::{self, Case, CaseOutcome, Level, Remark, RuleText, Suite};
use crate::rules::RULES;

use super::FailOn;
use super::file::Edited;
use super::judge::{Decision, Judgement, Said, UNKNOWN_FIELD};
use super::output::Format;
use super::text::object;

/// The rule id of files that can't be read.
const MANIFEST_FILE: &str = "manifest-file";

/// What was found so far.
pub(super) struct Collected {
    format: Format,
    fail_on: FailOn,
    remarks: Vec<Remark>,
    suites: Vec<Suite>,
}

impl Collected {
    pub(super) const fn new(format: Format, fail_on: FailOn) -> Self {
        Self {
            format,
            fail_on,
            remarks: Vec::new(),
            suites: Vec::new(),
        }
    }

    pub(super) fn judged(&mut self, file: &Arc<str>, judgement: &Judgement) {
        if self.format == Format::Junit {
            self.add_case(file, case(judgement, self.fail_on));
            return;
        }
        let remarks = judgement
            .said
            .iter()
            .map(|said| remark(file, judgement, said));
        self.remarks.extend(remarks);
        if let Some(reason) = &judgement.reason {
            self.remarks.push(Remark {
                level: Level::Warning,
                rule: MANIFEST_FILE.to_owned(),
                message: format!("{} could not be judged: {reason}", object(judgement)),
                help: String::new(),
                file: file.clone(),
                line: judgement.place.line,
                column: judgement.place.column,
                end_column: None,
            });
        }
    }

    pub(super) fn fault(&mut self, fault: &Diagnostic) {
        if self.format != Format::Junit {
            self.remarks.push(remark_of(fault));
            return;
        }
        let case = Case {
            name: format!("line {}", fault.line),
            outcome: CaseOutcome::Errored(fault.message.clone()),
        };
        self.add_case(&fault.file, case);
    }

    /// What can't be put into a file is told; test reports have no word for it.
    pub(super) fn edited(&mut self, edited: &Edited<'_>) {
        let declined = edited.declined.iter().map(|declined| Remark {
            level: Level::Warning,
            rule: MANIFEST_FILE.to_owned(),
            message: format!(
                "{} is not put in: {}",
                declined.insertion.pointer.as_str(),
                declined.reason
            ),
            help: String::new(),
            file: edited.file.clone(),
            line: declined.place.line,
            column: declined.place.column,
            end_column: None,
        });
        self.remarks.extend(declined);
    }

    pub(super) fn finish(&self) -> Result<String> {
        Ok(match self.format {
            Format::Junit => report::junit("goldkeeper check", &self.suites)?,
            Format::Github => report::github(&self.remarks),
            _ => {
                let log = report::sarif(&rules(), &self.remarks);
                format!("{}\n", serde_json::to_string_pretty(&log)?)
            }
        })
    }

    fn add_case(&mut self, file: &Arc<str>, case: Case) {
        match self.suites.last_mut() {
            Some(suite) if *suite.name == **file => suite.cases.push(case),
            _ => self.suites.push(Suite {
                name: file.to_string(),
                cases: vec![case],
            }),
        }
    }
}

/// A fault in a manifest file, in the form for machines.
pub(super) fn remark_of(fault: &Diagnostic) -> Remark {
    Remark {
        rule: MANIFEST_FILE.to_owned(),
        ..Remark::from(fault)
    }
}

fn remark(file: &Arc<str>, judgement: &Judgement, said: &Said) -> Remark {
    let (level, message) = match said.action {
        Action::Deny => (Level::Error, said.text.clone()),
        Action::Fill => (Level::Note, format!("filled in: {}", said.text)),
        _ => (Level::Warning, said.text.clone()),
    };
    Remark {
        level,
        rule: said.rule.to_owned(),
        message: format!("{}: {message}", object(judgement)),
        help: String::new(),
        file: file.clone(),
        line: said.place.line,
        column: said.place.column,
        end_column: None,
    }
}

/// A case fails where the exit code does.
fn case(judgement: &Judgement, fail_on: FailOn) -> Case {
    let outcome = match judgement.decision {
        Decision::Denied => failed(judgement),
        Decision::Warned if fail_on >= FailOn::Warn => failed(judgement),
        Decision::Filled if fail_on >= FailOn::Fill => failed(judgement),
        Decision::NotCovered => CaseOutcome::Skipped("no policy is for it".to_owned()),
        Decision::NotJudged => CaseOutcome::Errored(judgement.reason.clone().unwrap_or_default()),
        Decision::Allowed | Decision::Filled | Decision::Warned => CaseOutcome::Passed,
    };
    Case {
        name: format!("{} (line {})", object(judgement), judgement.place.line),
        outcome,
    }
}

fn failed(judgement: &Judgement) -> CaseOutcome {
    // The gravest first.
    let order = [Action::Deny, Action::Warn, Action::Fill];
    let said = order.iter().flat_map(|action| {
        let said = judgement.said.iter();
        said.filter(move |said| said.action == *action)
    });
    let text = said.fold(String::new(), |text, said| text + &said.text + "\n");
    let message = text.lines().next().unwrap_or_default().to_owned();
    CaseOutcome::Failed { message, text }
}

fn rules() -> Vec<RuleText> {
    let kinds = RULES.iter().map(|rule| RuleText {
        id: rule.kind.to_owned(),
        summary: rule.summary.to_owned(),
        manual: rule.manual(),
    });
    let own = [
        (
            UNKNOWN_FIELD,
            "Fields that the version of an object does not have",
        ),
        (MANIFEST_FILE, "Manifests that can't be read or judged"),
    ];
    let own = own.map(|(id, summary)| RuleText {
        id: id.to_owned(),
        summary: summary.to_owned(),
        manual: String::new(),
    });
    kinds.chain(own).collect()
}
