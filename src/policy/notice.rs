//! What is to be told of a good set: exemptions that end, and what is probably not meant.

use std::sync::Arc;

use jiff::civil::Date;

use crate::document::{Diagnostic, Severity};

use super::{Exemption, Policy, PolicySet};

/// From so many days before its end on, an exemption is told of.
pub const ENDING_SOON: i64 = 14;

/// An exemption that ends.
#[derive(Clone, Copy, Debug)]
pub struct Ending<'p> {
    /// The policy it is from.
    pub policy: &'p Policy,
    /// The exemption.
    pub exemption: &'p Exemption,
    /// Its last day.
    pub last: Date,
}

impl PolicySet {
    /// What is to be told of a set that is in force, in the order of files and lines: warnings of its files, exemptions
    /// that are over or end within [`ENDING_SOON`] days. `today` is the date in UTC.
    pub fn notices(&self, today: Date) -> Vec<Diagnostic> {
        let endings = self.endings().filter_map(|ending| ending.notice(today));
        let mut notices: Vec<Diagnostic> = self.warnings().iter().cloned().chain(endings).collect();
        notices.sort_by(|one, other| {
            let place = |notice: &Diagnostic| (notice.line, notice.column);
            (&one.file, place(one)).cmp(&(&other.file, place(other)))
        });
        notices
    }

    /// The exemptions that have a last day, in the order of the policies.
    pub fn endings(&self) -> impl Iterator<Item = Ending<'_>> {
        self.policies().iter().flat_map(|policy| {
            policy.exemptions.iter().filter_map(move |exemption| {
                let last = exemption.expires?;
                Some(Ending {
                    policy,
                    exemption,
                    last,
                })
            })
        })
    }
}

impl Ending<'_> {
    /// Days from a day to the last one, below 0 if that is over.
    pub fn days_left(&self, today: Date) -> i64 {
        let span = today.until(self.last);
        span.map_or(i64::MAX, |span| i64::from(span.get_days()))
    }

    fn notice(&self, today: Date) -> Option<Diagnostic> {
        let (last, left) = (self.last, self.days_left(today));
        let (who, name) = (self.exemption.describe(), &self.policy.name);
        let when = match left {
            ..0 => "is over",
            0 => "ends today",
            1 => "ends tomorrow",
            2..=ENDING_SOON => "ends soon",
            _ => return None,
        };
        let message = if left < 0 {
            format!(
                "the exemption of {who} from {name} {when}: its last day was {last}; they are no longer let through"
            )
        } else {
            format!("the exemption of {who} from {name} {when}: its last day is {last}")
        };
        let ask = match &self.exemption.owner {
            Some(owner) => format!(" (ask {owner})"),
            None => String::new(),
        };
        Some(Diagnostic {
            severity: Severity::Warning,
            message,
            file: Arc::clone(&self.policy.file),
            line: self.exemption.place.line,
            column: self.exemption.place.column,
            help: format!(
                "write a later day into `expires` if it is still needed{ask}, else remove the exemption"
            ),
        })
    }
}
