//! `goldkeeper rehearse`

mod class;
mod namespace;

use anyhow::{Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use crate::cluster::ClusterView;
use crate::inventory::{Census, Gap, Users};

use super::Verdict;
use super::cluster_args::ClusterArgs;
use super::estate::Estate;
use super::screen::print;
use super::words::{bytes, counted};

/// Arguments of `goldkeeper rehearse`.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is changed: what would come of it is worked out from what is there. What can't be told is said.

Examples:
  goldkeeper rehearse default-storage-class fast-b                         of the current context
  goldkeeper rehearse default-storage-class fast-b --cluster-from c.yaml   without a cluster
  goldkeeper rehearse boot-image-namespace gold-images -o wide             names who is concerned")]
pub(super) struct Rehearse {
    #[command(subcommand)]
    change: Change,
}

#[derive(Debug, Subcommand)]
enum Change {
    /// Another default storage class: what is imported again and by whom, what stays, which clones become full copies
    DefaultStorageClass(Wish),
    /// Another namespace for boot images: what moves, what stays, whose references break, which rights are missing
    BootImageNamespace(Wish),
}

/// What would be set, and where.
#[derive(Debug, Args)]
struct Wish {
    /// Its name
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// How the outcome is printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// How the outcome is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For people, with names.
    Wide,
    /// For machines.
    Json,
    /// For machines.
    Yaml,
}

/// A change that is rehearsed: what is known, and how it is told.
struct Rehearsal<'r> {
    estate: &'r Estate,
    view: &'r ClusterView,
    census: &'r Census<'r>,
    gaps: &'r [Gap],
    name: &'r str,
    wide: bool,
}

/// Works a change out, for people and for machines.
type Tell = fn(&Rehearsal<'_>) -> Result<(String, Value)>;

impl Rehearse {
    /// Works it out, and prints it.
    pub(super) fn run(self) -> Result<Verdict> {
        let (wish, tell): (Wish, Tell) = match self.change {
            Change::DefaultStorageClass(wish) => (wish, class::tell),
            Change::BootImageNamespace(wish) => (wish, namespace::tell),
        };
        if wish.name.is_empty() {
            bail!("a name is needed");
        }
        let estate = Estate::open(wish.cluster)?;
        let view = estate.view();
        let mut census = Census::new(&view);
        let gaps = estate.each(&Census::KINDS, &mut |_, object| {
            census.add(&object);
            Ok(())
        })?;
        let (text, json) = tell(&Rehearsal {
            estate: &estate,
            view: &view,
            census: &census,
            gaps: &gaps,
            name: &wish.name,
            wide: wish.output == Format::Wide,
        })?;
        let text = match wish.output {
            Format::Text | Format::Wide => text,
            Format::Json => serde_json::to_string_pretty(&json)? + "\n",
            Format::Yaml => serde_saphyr::to_string(&json)?,
        };
        print(&text)?;
        Ok(Verdict::Clean)
    }
}

impl Rehearsal<'_> {
    /// What could not be counted.
    fn gaps(&self) -> impl Iterator<Item = String> {
        // Clones under way matter to deletions only, and there are none to be made here.
        let gaps = self.gaps.iter();
        let gaps = gaps.filter(|gap| !matches!(gap.kind, "DataVolume" | "VolumeCloneSource"));
        gaps.map(|gap| format!("{} objects were not counted: {}", gap.kind, gap.reason))
    }
}

/// Lines of two columns: what becomes of things, and which. What is long goes on below itself.
struct Lines(String);

/// The width of the first column.
const FIRST: usize = 28;
/// The width of a line.
const WIDTH: usize = 110;

impl Lines {
    /// A line with its label; nothing if there is nothing to say.
    fn add(&mut self, label: &str, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut line = format!("  {label:FIRST$}");
        for word in text.split(' ') {
            if line.chars().count() + word.chars().count() + 1 > WIDTH {
                self.0.push_str(line.trim_end());
                self.0.push('\n');
                line = format!("  {:FIRST$}", "");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn gap(&mut self) {
        if !self.0.ends_with("\n\n") {
            self.0.push('\n');
        }
    }

    /// The bytes that imports take, and how many images are of unknown size; nothing if there are none.
    fn space(&mut self, (space, unknown): (u64, usize), place: &str) {
        let more = match unknown {
            0 if space == 0 => return,
            0 => String::new(),
            some => format!(", and {} of unknown size", counted(some, "image")),
        };
        self.add("space needed", &format!("{}{place}{more}", bytes(space)));
    }

    /// Who is concerned, one a line.
    fn names(&mut self, users: &Users) {
        for name in &users.names {
            self.add("", name);
        }
        let shown = users.names.len() as u64;
        if users.total() > shown {
            self.add("", &format!("and {} more", users.total() - shown));
        }
    }

    fn unknown(&mut self, unknown: &[String]) {
        self.0
            .extend(unknown.iter().flat_map(|one| ["  Not known: ", one, "\n"]));
    }

    /// The text, with one end of line.
    fn end(mut self) -> String {
        self.0.truncate(self.0.trim_end().len());
        self.0 + "\n"
    }
}
