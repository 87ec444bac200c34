//! Where findings go as they are made.

use std::io::{BufWriter, Write};

use anyhow::Result;
use jiff::Timestamp;

use crate::cli::screen::Screen;
use crate::engine::Action;

use super::policy_report::Reports;
use super::{Format, Found, Summary, json, sarif, table};

/// Findings that are shown first.
const FIRST: usize = 20;
/// How many of them one policy may have, so that each is seen.
const OF_ONE: usize = 5;

/// What is told beside the findings.
pub(super) struct Settings {
    pub(super) all: bool,
    pub(super) only_summary: bool,
    pub(super) now: Timestamp,
    /// The command that shows the rest.
    pub(super) rest: String,
    pub(super) policies: usize,
    pub(super) digest: String,
    pub(super) cluster: String,
}

/// Findings on their way out. What is held does not grow with them, but for the bounded results of reports.
pub(super) struct Output {
    format: Format,
    settings: Settings,
    out: BufWriter<Screen>,
    /// Those that people read first: what would be refused, and the rest.
    first: [Vec<Found>; 2],
    reports: Reports,
    written: u64,
}

impl Output {
    pub(super) fn new(format: Format, settings: Settings) -> Result<Self> {
        let mut output = Self {
            format,
            settings,
            out: BufWriter::new(Screen::locked()),
            first: [Vec::new(), Vec::new()],
            reports: Reports::default(),
            written: 0,
        };
        match format {
            Format::Json => output.out.write_all(b"{\"findings\": [")?,
            Format::Sarif => output.out.write_all(sarif::head()?.as_bytes())?,
            Format::Table | Format::Policyreport => {}
        }
        Ok(output)
    }

    /// Takes a finding.
    pub(super) fn add(&mut self, found: Found) -> Result<()> {
        self.written += 1;
        match self.format {
            Format::Table if self.settings.only_summary => {}
            Format::Table if self.settings.all => {
                self.out.write_all(table::line(&found).as_bytes())?;
            }
            Format::Table => {
                let [refused, rest] = &mut self.first;
                let place = if found.action == Action::Deny {
                    refused
                } else {
                    rest
                };
                let alike = place.iter().filter(|other| other.policy == found.policy);
                if place.len() < FIRST && alike.count() < OF_ONE {
                    place.push(found);
                }
            }
            Format::Json => self.item(&json::finding(&found))?,
            Format::Sarif => self.item(&sarif::result(&found))?,
            Format::Policyreport => self.reports.add(&found, self.settings.now),
        }
        Ok(())
    }

    /// An element of a list, with a comma where one stands before it.
    fn item(&mut self, item: &serde_json::Value) -> Result<()> {
        let separator: &[u8] = if self.written == 1 { b"\n" } else { b",\n" };
        self.out.write_all(separator)?;
        serde_json::to_writer(&mut self.out, item)?;
        Ok(())
    }

    /// Everything was looked at.
    pub(super) fn finish(mut self, summary: &Summary) -> Result<()> {
        match self.format {
            Format::Table => {
                let [mut first, rest] = self.first;
                first.extend(rest);
                first.truncate(FIRST);
                let text = table::table(&self.settings, summary, &first);
                self.out.write_all(text.as_bytes())?;
            }
            Format::Json => {
                let summary = serde_json::to_string(&json::summary(&self.settings, summary))?;
                writeln!(self.out, "\n], \"summary\": {summary}}}")?;
            }
            Format::Sarif => self.out.write_all(sarif::TAIL.as_bytes())?,
            Format::Policyreport => {
                for report in self.reports.finish() {
                    let report = serde_saphyr::to_string(&report)?;
                    write!(self.out, "---\n{report}")?;
                }
            }
        }
        self.out.flush()?;
        Ok(())
    }
}
