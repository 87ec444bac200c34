//! The command line: one file a subcommand, and the only place that knows every adapter.

mod api_args;
mod audit;
mod banner;
mod boot_sources;
mod certs;
mod check;
mod cluster_args;
mod completions;
mod delivery;
mod doctor;
mod estate;
mod help;
mod policies;
mod policy_args;
mod progress;
mod rbac;
mod rehearse;
mod rules;
mod schema;
mod screen;
mod serve;
mod snapshot;
mod test;
mod webhook_config;
mod words;

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{FromArgMatches, Parser, Subcommand};

use crate::report;
use crate::store::StoreError;

/// Found something.
const FOUND: u8 = 1;
/// Could not do its work.
const FAILED: u8 = 2;

/// What a command that did its work found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing to complain of.
    Clean,
    /// What it was asked to look for.
    Found,
}

/// Keeps virtual machines and golden images in order on OpenShift Virtualization.
#[derive(Debug, Parser)]
#[command(name = "goldkeeper", version, about, max_term_width = 110, after_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 clean, 1 found something, 2 could not do its work.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Judges manifests as the API server would, and fills them in
    Check(Box<check::Check>),
    /// Answers the API server's admission reviews over HTTPS
    Serve(Box<serve::Serve>),
    /// Writes down what is looked at in a cluster, for --cluster-from
    Snapshot(snapshot::TakeSnapshot),
    /// Tells what is wrong with an installation, and what to do about it
    Doctor(doctor::Doctor),
    /// Runs cases: policies, a cluster, requests, and what must come of them
    Test(test::Test),
    /// Checks policy files, and shows what is in force
    Policies(policies::Policies),
    /// Judges what is there already by the policies in force
    Audit(audit::Audit),
    /// Shows every golden image: where it is kept, whether it is up to date, and who uses it
    BootSources(boot_sources::BootSources),
    /// Tells what a change of the platform's settings would bring about, before it is made
    Rehearse(rehearse::Rehearse),
    /// Prints the JSON Schema of policy files, for editors
    Schema(schema::Schema),
    /// Tells what kinds of policy there are, and prints their manuals
    Rules(rules::Rules),
    /// Prints the completions of a shell, or of kubectl for its plugin
    Completions(completions::Completions),
    /// Prints the webhook configurations that deliver what the policies want to see
    WebhookConfig(webhook_config::WebhookConfig),
    /// Prints the service account of goldkeeper with the rights that it needs
    Rbac(rbac::Rbac),
    /// Makes a certificate and its own authority, where nothing else makes them
    Certs(certs::Certs),
}

/// Runs the command line of this process: exit code 0 clean, 1 found something, 2 could not do its work, whether or not
/// anybody reads the output to its end.
pub fn main() -> ExitCode {
    let called = std::env::args_os().next().map(PathBuf::from);
    let matches = help::command(called.as_deref()).get_matches();
    let Cli { command } = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let outcome = match command {
        Command::Audit(audit) => audit.run(),
        Command::BootSources(sources) => sources.run(),
        Command::Check(check) => check.run(),
        Command::Doctor(doctor) => doctor.run(),
        Command::Policies(policies) => policies.run(),
        Command::Rbac(rbac) => rbac.run(),
        Command::Rehearse(rehearse) => rehearse.run(),
        Command::Schema(schema) => schema.run(),
        Command::Serve(serve) => serve.run(),
        Command::Snapshot(snapshot) => snapshot.run(),
        Command::Rules(rules) => rules.run(),
        Command::Certs(certs) => certs.run(),
        Command::Completions(completions) => completions.run(),
        Command::Test(test) => test.run(),
        Command::WebhookConfig(config) => config.run(),
    };
    match outcome {
        Ok(Verdict::Clean) => ExitCode::SUCCESS,
        Ok(Verdict::Found) => ExitCode::from(FOUND),
        Err(error) => {
            let mut out = std::io::stderr();
            if let Some(StoreError::Policies { faults, sources }) = error.downcast_ref() {
                let colour = has_colour(&out);
                let _ = write!(out, "{}", report::diagnostics(faults, sources, colour));
            }
            let _ = writeln!(out, "error: {}", describe(&error));
            ExitCode::from(FAILED)
        }
    }
}

/// Colours only on a terminal, and not where `NO_COLOR` asks for none (<https://no-color.org>).
fn has_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// The date in UTC, by which exemptions end.
fn today() -> jiff::civil::Date {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date()
}

/// The chain of causes on one line, each cause once.
fn describe(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !text.contains(&cause) {
            let separator = if text.is_empty() { "" } else { ": " };
            text.push_str(separator);
            text.push_str(&cause);
        }
    }
    text
}

/// A moment as people give it: a time, or a date, which means its first moment in UTC.
fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    let date = |_| {
        let date: jiff::civil::Date = text.parse()?;
        Ok(date.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp())
    };
    let moment = text.parse().or_else(date);
    moment.map_err(|_: jiff::Error| {
        "write a date or a time in UTC: 2026-11-25 or 2026-11-25T03:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn moments_are_times_or_dates() {
        for text in ["2026-11-25", "2026-11-25T00:00:00Z"] {
            assert_eq!(moment(text).unwrap().to_string(), "2026-11-25T00:00:00Z");
        }
        assert!(moment("yesterday").unwrap_err().contains("2026-11-25"));
    }

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
