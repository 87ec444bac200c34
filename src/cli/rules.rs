//! `goldkeeper rules`

use std::collections::BTreeSet;
use std::fmt::Write as _;

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::admission::Operation;
use crate::document::suggest;
use crate::report;
use crate::rules::{self, RULES, Rule};

use super::screen::print;
use super::{Verdict, has_colour};

/// How wide lists of resources are.
const WIDTH: usize = 100;

/// Arguments of `goldkeeper rules`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper rules                        what there is
  goldkeeper rules ProtectedNamespaces    the manual of one, with examples
  goldkeeper rules -o json                everything, for programs")]
pub(super) struct Rules {
    /// Kind of policy whose manual is wanted
    #[arg(value_name = "KIND")]
    kind: Option<String>,
    /// How to print
    #[arg(short, long, value_enum, default_value_t, value_name = "FORMAT")]
    output: Output,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

impl Rules {
    /// Prints the catalogue, or one manual.
    pub(super) fn run(self) -> Result<Verdict> {
        let rule = self.kind.as_deref().map(find).transpose()?;
        let text = match (rule, self.output) {
            (None, Output::Text) => catalogue(),
            (Some(rule), Output::Text) => manual(rule, has_colour(&std::io::stdout())),
            (rule, Output::Json) => {
                let all = || RULES.iter().map(|rule| describe(rule)).collect();
                let value: Value = rule.map_or_else(all, describe);
                serde_json::to_string_pretty(&value).context("the catalogue is no JSON")? + "\n"
            }
        };
        print(&text)?;
        Ok(Verdict::Clean)
    }
}

/// The rule of a kind, whose capital letters nobody need remember.
fn find(kind: &str) -> Result<&'static Rule> {
    let mut rules = RULES.iter().copied();
    let alike = rules.find(|rule| rule.kind.eq_ignore_ascii_case(kind));
    rules::find(kind).or(alike).ok_or_else(|| {
        let kinds: Vec<&str> = RULES.iter().map(|rule| rule.kind).collect();
        anyhow!("there is no rule `{kind}`: {}", suggest(kind, &kinds))
    })
}

fn catalogue() -> String {
    let widest = RULES.iter().map(|rule| rule.kind.len()).max();
    let width = widest.unwrap_or_default();
    let mut text = String::new();
    for rule in RULES {
        let _ = writeln!(text, "{:width$}  {}", rule.kind, rule.summary);
        for line in looks_at(rule) {
            let _ = writeln!(text, "{:width$}  {line}", "");
        }
    }
    text.push_str("\n`goldkeeper rules KIND` prints the manual of one.\n");
    text
}

/// The operations and the resources that a rule looks at, in lines.
fn looks_at(rule: &Rule) -> Vec<String> {
    let operations: Vec<&str> = operations(rule)
        .into_iter()
        .map(Operation::as_str)
        .collect();
    let mut lines = vec![format!("on {} of", operations.join(" and "))];
    let resources = rule.resources();
    for (number, resource) in resources.iter().enumerate() {
        let comma = if number + 1 < resources.len() {
            ","
        } else {
            ""
        };
        let word = format!("{}{comma}", resource.info().plural);
        match lines.last_mut() {
            Some(line) if line.len() + word.len() < WIDTH => {
                line.push(' ');
                line.push_str(&word);
            }
            _ => lines.push(format!("   {word}")),
        }
    }
    lines
}

fn operations(rule: &Rule) -> Vec<Operation> {
    let triggers = rule.fills.iter().chain(rule.validates);
    let wanted: BTreeSet<&str> = triggers
        .flat_map(|trigger| trigger.operations)
        .map(|operation| operation.as_str())
        .collect();
    let all = [
        Operation::Create,
        Operation::Update,
        Operation::Delete,
        Operation::Connect,
    ];
    let all = all.into_iter();
    all.filter(|operation| wanted.contains(operation.as_str()))
        .collect()
}

fn webhook(rule: &Rule) -> String {
    format!("{}.goldkeeper.io", rule.webhook.slug())
}

fn manual(rule: &Rule, colour: bool) -> String {
    let text = rule.manual();
    let (title, rest) = text.split_once('\n').unwrap_or((&text, ""));
    let mut facts = format!("# {}\n{title}\n\n", rule.kind);
    for line in looks_at(rule) {
        let _ = writeln!(facts, "    {line}");
    }
    let _ = writeln!(facts, "    told by the webhook {}", webhook(rule));
    report::manual(&format!("{facts}{rest}"), colour)
}

fn describe(rule: &Rule) -> Value {
    let resources = rule.resources().into_iter();
    let resources: Vec<String> = resources
        .map(|resource| {
            let info = resource.info();
            format!("{}.{}", info.plural, info.group)
        })
        .collect();
    let operations: Vec<&str> = operations(rule)
        .into_iter()
        .map(Operation::as_str)
        .collect();
    json!({
        "kind": rule.kind,
        "summary": rule.summary,
        "resources": resources,
        "operations": operations,
        "fills": !rule.fills.is_empty(),
        "webhook": webhook(rule),
        "manual": rule.manual(),
    })
}
