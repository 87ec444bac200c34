//! `goldkeeper policies`

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::diagnosis::REGISTER;
use crate::document::{Diagnostic, Place, Severity};
use crate::engine::Registered;
use crate::policy::{Exemption, Policy, PolicySet, PolicySource};
use crate::report::{self, POLICY_FILE, RuleText};
use crate::store::{self, StoreError};

use super::screen::print;
use super::words::{counted, policies};
use super::{Verdict, has_colour, today};

/// Arguments of `goldkeeper policies`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper policies                                         check policies/ and show what is in force
  goldkeeper policies policies/ my-policy.yaml -o wide        several folders and files, with all columns
  goldkeeper policies --now 2027-02-01                        which exemptions will be over by then
  goldkeeper policies -o github                               annotations for a pull request
  kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml |
    goldkeeper policies --webhooks -                          does the cluster deliver what they want to see

Exit codes: 0 clean, 1 a fault in the files or in what is registered, 2 a path can't be read.")]
pub(super) struct Policies {
    /// Policy files, and folders of such
    #[arg(
        env = "GOLDKEEPER_POLICIES",
        default_value = "policies",
        value_name = "PATH"
    )]
    paths: Vec<PathBuf>,
    /// Go on without any policy if a folder holds none
    #[arg(long = "allow-no-policies", env = "GOLDKEEPER_ALLOW_NO_POLICIES")]
    allow_none: bool,
    /// How the answer looks
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// The day by which exemptions end, in UTC; today without it
    #[arg(long, value_name = "DATE")]
    now: Option<Date>,
    /// Webhook configurations to compare with, as YAML or JSON; `-` is standard input
    #[arg(long, value_name = "FILE")]
    webhooks: Option<PathBuf>,
}

/// How the answer looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A table
    #[default]
    Text,
    /// A table with all columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub
    Github,
}

/// What is said of the files.
struct Answer {
    /// The policies, if there is no fault in the files.
    set: Option<PolicySet>,
    sources: Vec<PolicySource>,
    /// Faults, then notices.
    told: Vec<Diagnostic>,
    /// The last line of text.
    summary: String,
}

impl Policies {
    /// Checks the files and shows what is in force.
    pub(super) fn run(self) -> Result<Verdict> {
        let today = self.now.unwrap_or_else(today);
        let answer = self.answer(today)?;
        let text = match self.output {
            Output::Text | Output::Wide => answer.text(
                self.output == Output::Wide,
                has_colour(&std::io::stdout()),
                today,
            ),
            Output::Json => format!("{:#}\n", answer.json(today)),
            Output::Yaml => serde_saphyr::to_string(&answer.json(today))?,
            Output::Sarif => format!("{:#}\n", report::sarif(&rules(), &answer.remarks())),
            Output::Github => report::github(&answer.remarks()),
        };
        print(&text)?;
        let is_fault = |one: &Diagnostic| one.severity == Severity::Error;
        Ok(if answer.told.iter().any(is_fault) {
            Verdict::Found
        } else {
            Verdict::Clean
        })
    }

    fn answer(&self, today: Date) -> Result<Answer> {
        let sources = store::read_policies(&self.paths, self.allow_none)?;
        let registered = self.webhooks.as_deref().map(read_webhooks).transpose()?;
        match store::compile(sources.clone()) {
            Ok(set) => {
                let mut told = registered.map_or_else(Vec::new, |registered| {
                    undelivered(&registered, &set, &self.paths)
                });
                told.extend(set.notices(today));
                let summary = summary(&set, sources.len());
                Ok(Answer {
                    set: Some(set),
                    sources,
                    told,
                    summary,
                })
            }
            Err(error) => {
                let summary = format!("error: {error}");
                let StoreError::Policies { faults, sources } = error else {
                    return Err(error.into());
                };
                Ok(Answer {
                    set: None,
                    sources,
                    told: faults,
                    summary,
                })
            }
        }
    }
}

fn read_webhooks(file: &Path) -> Result<Registered> {
    let text = if file == Path::new("-") {
        store::read_manifest_stream("standard input", std::io::stdin().lock())?
    } else {
        store::read_manifest(file)?
    };
    let objects: Vec<Value> = serde_saphyr::from_multiple(&text)
        .with_context(|| format!("{} is neither YAML nor JSON", file.display()))?;
    Ok(Registered::read(&objects))
}

/// What the registered webhooks do not deliver, as faults of the policies.
fn undelivered(registered: &Registered, set: &PolicySet, paths: &[PathBuf]) -> Vec<Diagnostic> {
    let folder = match paths {
        [one] if one.is_dir() => one.display().to_string(),
        _ => "DIR".to_owned(),
    };
    let missing = registered.undelivered(set).into_iter();
    let fault = missing.map(|missing| {
        let place = Place {
            line: missing.policy.line,
            column: 1,
        };
        let help = REGISTER.replace("DIR", &folder);
        Diagnostic::error(&missing.policy.file, place, missing.to_string(), help)
    });
    fault.collect()
}

fn summary(set: &PolicySet, files: usize) -> String {
    let (policies, files) = (policies(set.policies().len()), counted(files, "file"));
    format!("{policies} in {files}, {}", set.digest())
}

/// The rules that a remark of this command can be of.
fn rules() -> Vec<RuleText> {
    vec![RuleText {
        id: POLICY_FILE.to_owned(),
        summary: "A policy file of goldkeeper is sound and does what it seems to do".to_owned(),
        manual: String::new(),
    }]
}

impl Answer {
    fn remarks(&self) -> Vec<report::Remark> {
        report::remarks(&self.told, &self.sources)
    }

    fn text(&self, wide: bool, colour: bool, today: Date) -> String {
        let mut text = String::new();
        if let Some(set) = self.set.as_ref().filter(|set| !set.policies().is_empty()) {
            text.push_str(&table(set, wide, today));
            text.push('\n');
        }
        text.push_str(&report::diagnostics(&self.told, &self.sources, colour));
        text.push_str(&self.summary);
        text.push('\n');
        text
    }

    fn json(&self, today: Date) -> Value {
        let policies = self.set.as_ref().map_or(&[][..], PolicySet::policies);
        let policies: Vec<Value> = policies
            .iter()
            .map(|policy| policy_json(policy, today))
            .collect();
        let digest = self.set.as_ref().map(PolicySet::digest);
        json!({
            "digest": digest,
            "policies": policies,
            "remarks": report::json(&self.remarks()),
        })
    }
}

fn table(set: &PolicySet, wide: bool, today: Date) -> String {
    let mut header = vec!["NAME", "KIND", "ACTIONS", "WHERE", "EXEMPT", "FILE"];
    if wide {
        header.extend(["MISSING DATA", "WHY EXEMPT", "MESSAGE"]);
    }
    let row = |policy: &Policy| {
        let mut row = vec![
            policy.name.clone(),
            policy.rule.kind.to_owned(),
            policy.describe_actions(),
            place(policy),
            exempt(policy, wide, today),
            format!("{}:{}", policy.file, policy.line),
        ];
        if wide {
            let reasons = policy
                .exemptions
                .iter()
                .map(|exemption| exemption.reason.as_str());
            row.push(format!("{:?}", policy.on_missing_data));
            row.push(or_dash(reasons.collect::<Vec<_>>().join("; ")));
            row.push(or_dash(policy.message.clone().unwrap_or_default()).replace('\n', " "));
        }
        row
    };
    let rows: Vec<Vec<String>> = set.policies().iter().map(row).collect();
    report::table(&header, &rows)
}

fn or_dash(text: String) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text
    }
}

/// Where a policy looks, in few words.
fn place(policy: &Policy) -> String {
    let matching = &policy.matching;
    let mut words = Vec::new();
    let bound = policy
        .judge
        .namespaces()
        .map(|globs| globs.patterns().join(" "));
    let chosen = matching.namespaces.as_ref();
    let chosen = chosen.map(|globs| globs.patterns().join(" "));
    match (bound, chosen) {
        (Some(bound), Some(chosen)) => words.push(format!("{bound} within {chosen}")),
        (Some(one), None) | (None, Some(one)) => words.push(one),
        (None, None) => {}
    }
    if let Some(excluded) = &matching.exclude_namespaces
        && !excluded.patterns().is_empty()
    {
        words.push(format!("not {}", excluded.patterns().join(" ")));
    }
    if let Some(selector) = &matching.namespace_selector {
        words.push(format!("namespaces with {selector}"));
    }
    if let Some(selector) = &matching.object_selector {
        words.push(format!("objects with {selector}"));
    }
    if let Some(resources) = &matching.resources {
        let plurals: Vec<&str> = resources
            .iter()
            .map(|resource| resource.info().plural)
            .collect();
        words.push(format!("only {}", plurals.join(" ")));
    }
    if words.is_empty() {
        "all".to_owned()
    } else {
        words.join("; ")
    }
}

/// Who is exempt and until when; the first only, unless all is asked for.
fn exempt(policy: &Policy, all: bool, today: Date) -> String {
    let shown = if all { policy.exemptions.len() } else { 1 };
    let one = |exemption: &Exemption| {
        let who = exemption.describe();
        match exemption.expires {
            Some(last) if exemption.is_in_force(today) => format!("{who} until {last}"),
            Some(last) => format!("{who} until {last} (over)"),
            None => who,
        }
    };
    let mut words: Vec<String> = policy.exemptions.iter().take(shown).map(one).collect();
    let rest = policy.exemptions.len() - words.len();
    if rest > 0 {
        words.push(format!("{rest} more"));
    }
    or_dash(words.join("; "))
}

fn policy_json(policy: &Policy, today: Date) -> Value {
    let exemptions: Vec<Value> = policy
        .exemptions
        .iter()
        .map(|exemption| {
            let list = |globs: &Option<crate::document::Globs>| {
                globs.as_ref().map(|globs| globs.patterns().to_vec())
            };
            json!({
                "reason": exemption.reason,
                "owner": exemption.owner,
                "expires": exemption.expires.map(|last| last.to_string()),
                "inForce": exemption.is_in_force(today),
                "users": list(&exemption.users),
                "groups": list(&exemption.groups),
                "serviceAccounts": list(&exemption.service_accounts),
            })
        })
        .collect();
    json!({
        "name": policy.name,
        "kind": policy.rule.kind,
        "actions": policy.describe_actions().split('+').collect::<Vec<_>>(),
        "where": place(policy),
        "exemptions": exemptions,
        "onMissingData": format!("{:?}", policy.on_missing_data),
        "message": policy.message,
        "file": &*policy.file,
        "line": policy.line,
    })
}
