//! `goldkeeper test`

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::cases::{self, Case, Tried};
use crate::document::Diagnostic;
use crate::policy::PolicySource;
use crate::report::{self, CaseOutcome, Suite};
use crate::store::{self, CaseFiles};

use super::screen::{painted, print};
use super::words::counted;
use super::{Verdict, has_colour};

/// Arguments of `goldkeeper test`.
#[derive(Debug, Args)]
#[command(after_help = "\
A case is a YAML file: policies, a cluster, a request, and what must come of it.

  policies: [../policies]      # files and folders relative to the case, or documents
  cluster: ../cluster.yaml     # what `goldkeeper snapshot` wrote, or a list of documents
  now: 2026-11-25              # the day; 2026-01-01 without it
  request:                     # or `requests`: a list, and `expect` a list alike
    operation: CREATE
    user: alice
    groups: [developers]
    object:
      apiVersion: kubevirt.io/v1
      kind: VirtualMachine
      metadata: {name: web, namespace: openshift-cnv}
  expect:                      # last in the file; --update writes it
    validate:
      allowed: false
      message: |
        ...

tests/cases/README.md has the whole format, examples/policy-tests cases to copy.

Examples:
  goldkeeper test policy-tests                         every case below a folder
  goldkeeper test policy-tests --filter exemption      those with this in their path
  goldkeeper test policy-tests --update                write what came out, then read it
  goldkeeper test policy-tests -o junit > report.xml   for a CI server

Exit codes: 0 all passed, 1 a case failed, 2 a case could not be run.")]
pub(super) struct Test {
    /// Case files, and folders of them; every *.yaml below a folder is a case
    #[arg(default_value = "policy-tests", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only cases with this in their path
    #[arg(short, long, value_name = "TEXT")]
    filter: Option<String>,
    /// Write what came out into the files
    #[arg(long)]
    update: bool,
    /// How to report
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Differences, and a summary
    #[default]
    Text,
    /// One object with every case
    Json,
    /// XML for CI servers
    Junit,
}

/// What became of a case file.
struct Ran {
    file: String,
    text: String,
    outcome: Result<Vec<Tried>, Vec<Diagnostic>>,
    updated: bool,
}

#[derive(Default)]
struct Summary {
    passed: usize,
    failed: usize,
    faulty: usize,
    updated: usize,
}

impl Test {
    /// Runs the cases.
    pub(super) fn run(self) -> Result<Verdict> {
        let mut found = Vec::new();
        for path in &self.paths {
            found.extend(store::case_paths(path)?);
        }
        let wanted = |path: &PathBuf| {
            let filter = self.filter.as_deref().unwrap_or_default();
            path.to_string_lossy().contains(filter)
        };
        let all = found.len();
        found.retain(wanted);
        if found.is_empty() {
            return Err(anyhow!(
                "none of {all} cases has `{}` in its path",
                self.filter.unwrap_or_default()
            ));
        }
        let files = CaseFiles::default();
        let ran: Result<Vec<Ran>> = found
            .iter()
            .map(|path| self.try_case(path, &files))
            .collect();
        let ran = ran?;
        let summary = Summary::of(&ran);
        let text = match self.output {
            Output::Text => text(&ran, &summary, has_colour(&std::io::stdout())),
            Output::Json => json_text(&ran, &summary)?,
            Output::Junit => junit(&ran)?,
        };
        print(&text)?;
        match summary {
            Summary {
                faulty: 0,
                failed: 0,
                ..
            } => Ok(Verdict::Clean),
            Summary { faulty: 0, .. } => Ok(Verdict::Found),
            Summary { faulty, .. } => Err(anyhow!("{} could not be run", counted(faulty, "case"))),
        }
    }

    fn try_case(&self, path: &Path, files: &CaseFiles) -> Result<Ran> {
        let text = store::read_case(path)?;
        let file = path.display().to_string();
        let mut updated = false;
        let outcome = Case::read(&file, &text)
            .map_err(|fault| vec![fault])
            .and_then(|case| {
                let tried = case.run(files, &cases::judge)?;
                if self.update {
                    let new = case.updated(&text, &tried).map_err(|fault| vec![fault])?;
                    updated = new != text;
                    return Ok((tried, Some(new)));
                }
                case.must_expect().map_err(|fault| vec![fault])?;
                Ok((tried, None))
            });
        if let Ok((_, Some(new))) = &outcome
            && updated
        {
            store::replace_text(path, &text, new)?;
        }
        Ok(Ran {
            file,
            text,
            outcome: outcome.map(|(tried, _)| tried),
            updated,
        })
    }
}

impl Ran {
    fn is_passed(&self) -> bool {
        self.outcome
            .as_ref()
            .is_ok_and(|tried| self.updated || tried.iter().all(Tried::is_as_expected))
    }
}

impl Summary {
    fn of(ran: &[Ran]) -> Self {
        let count = |is: fn(&Ran) -> bool| ran.iter().filter(|ran| is(ran)).count();
        Self {
            passed: count(Ran::is_passed),
            failed: count(|ran| ran.outcome.is_ok() && !ran.is_passed()),
            faulty: count(|ran| ran.outcome.is_err()),
            updated: count(|ran| ran.updated),
        }
    }

    fn line(&self) -> String {
        let mut parts = vec![format!("{} passed", self.passed)];
        let others = [
            (self.failed, "failed"),
            (self.faulty, "could not be run"),
            (self.updated, "updated"),
        ];
        for (number, what) in others.into_iter().filter(|(number, _)| *number > 0) {
            parts.push(format!("{number} {what}"));
        }
        let all = self.passed + self.failed + self.faulty;
        format!("{}: {}\n", counted(all, "case"), parts.join(", "))
    }
}

/// Where a request's expectation stands: what editors and terminals make a link of.
fn place(file: &str, tried: &Tried) -> String {
    format!("{file}:{}", tried.place.line.max(1))
}

fn text(ran: &[Ran], summary: &Summary, colour: bool) -> String {
    let mut text = String::new();
    for one in ran {
        match &one.outcome {
            Err(faults) => {
                text.push_str(&report::diagnostics(faults, &sources(one, faults), colour));
            }
            Ok(_) if one.updated => {
                let _ = writeln!(text, "updated {}", one.file);
            }
            Ok(tried) => {
                for tried in tried.iter().filter(|tried| !tried.is_as_expected()) {
                    let name = tried.name.as_ref().map(|name| format!(" ({name})"));
                    let place = place(&one.file, tried);
                    let name = name.unwrap_or_default();
                    let _ = writeln!(text, "FAILED  {place}{name}\n-expected +found");
                    text.push_str(&paint(&tried.diff(), colour));
                    text.push('\n');
                }
            }
        }
    }
    text.push_str(&summary.line());
    text
}

/// The files that faults are in, as far as they can be read: the case, and policies that it names.
fn sources(ran: &Ran, faults: &[Diagnostic]) -> Vec<PolicySource> {
    let own = PolicySource {
        file: ran.file.as_str().into(),
        text: ran.text.clone(),
    };
    let mut sources = vec![own];
    for fault in faults {
        if sources.iter().all(|source| source.file != fault.file) {
            sources.push(PolicySource {
                file: fault.file.clone(),
                text: store::read_case(Path::new(&*fault.file)).unwrap_or_default(),
            });
        }
    }
    sources
}

fn paint(diff: &str, colour: bool) -> String {
    if !colour {
        return diff.to_owned();
    }
    let paint = |line: &str| match line.chars().next() {
        Some('-') => painted("31", line) + "\n",
        Some('+') => painted("32", line) + "\n",
        _ => format!("{line}\n"),
    };
    diff.lines().map(paint).collect()
}

fn json_text(ran: &[Ran], summary: &Summary) -> Result<String> {
    let cases = ran.iter().map(|one| {
        let (status, faults, requests) = match &one.outcome {
            Err(faults) => ("error", faults.iter().map(fault_json).collect(), Vec::new()),
            Ok(tried) => {
                let status = if one.updated {
                    "updated"
                } else if one.is_passed() {
                    "passed"
                } else {
                    "failed"
                };
                (status, Vec::new(), tried.iter().map(tried_json).collect())
            }
        };
        json!({"file": one.file, "status": status, "faults": Value::Array(faults), "requests": Value::Array(requests)})
    });
    let report = json!({
        "cases": cases.collect::<Value>(),
        "passed": summary.passed, "failed": summary.failed, "errors": summary.faulty, "updated": summary.updated,
    });
    let text = serde_json::to_string_pretty(&report).context("the report is no JSON")?;
    Ok(text + "\n")
}

fn fault_json(fault: &Diagnostic) -> Value {
    json!({"file": &*fault.file, "line": fault.line, "column": fault.column, "message": fault.message, "help": fault.help})
}

fn tried_json(tried: &Tried) -> Value {
    json!({"name": tried.name, "line": tried.place.line, "passed": tried.is_as_expected(),
        "expected": tried.expected, "found": tried.found})
}

fn junit(ran: &[Ran]) -> Result<String> {
    let suites: Vec<Suite> = ran.iter().map(suite).collect();
    Ok(report::junit("goldkeeper test", &suites)?)
}

/// A case file is a suite: its requests are what CI servers call cases.
fn suite(ran: &Ran) -> Suite {
    let stem = Path::new(&ran.file).file_stem();
    let stem = stem.map(|stem| stem.to_string_lossy().into_owned());
    let case = |name: Option<String>, outcome| report::Case {
        name: name.or_else(|| stem.clone()).unwrap_or_default(),
        outcome,
    };
    let cases = match &ran.outcome {
        Err(faults) => {
            let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
            vec![case(None, CaseOutcome::Errored(faults.join("\n")))]
        }
        Ok(tried) => {
            let tried = tried.iter().map(|tried| {
                let outcome = if ran.updated || tried.is_as_expected() {
                    CaseOutcome::Passed
                } else {
                    CaseOutcome::Failed {
                        message: format!("{}: not as expected", place(&ran.file, tried)),
                        text: tried.diff(),
                    }
                };
                case(tried.name.clone(), outcome)
            });
            tried.collect()
        }
    };
    Suite {
        name: ran.file.clone(),
        cases,
    }
}
