//! `goldkeeper boot-sources`

mod commands;
mod json;
mod text;

use anyhow::{Result, bail};
use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::cluster::{Coverage, Kind};
use crate::inventory::{Census, Gap, Shelf, deletions};

use super::Verdict;
use super::cluster_args::ClusterArgs;
use super::estate::Estate;
use super::screen::print;

/// Arguments of `goldkeeper boot-sources`.
#[derive(Debug, Args)]
#[command(after_help = "\
A boot source is stale if it is on another storage class than the one on which it would be imported
today: CLASS shows both. UPDATES says whether newer images are imported, or by which switch they are not.
VMS counts the virtual machines whose dataVolumeTemplates name the boot source; `?` where they could not
be counted.

--delete-commands prints kubectl lines and runs none. Only what a live DataImportCron imports again is
deleted; older imports are there for a way back and stand behind a #, for you to choose; uploaded images
are never deleted.

Examples:
  goldkeeper boot-sources                                     of the current context
  goldkeeper boot-sources --cluster-from cluster.yaml         without a cluster
  goldkeeper boot-sources --stale                             in a pipeline: exit code 1 if any is stale
  goldkeeper boot-sources --stale --delete-commands           what to delete to have it imported again

Exit codes: 0 clean, 1 --stale and some are, 2 the cluster could not be asked.")]
pub(super) struct BootSources {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Only those on another class than they should be, and older imports left behind; exit code 1 if any is stale
    #[arg(long)]
    stale: bool,
    /// Print the commands that delete what is imported again, and run none
    #[arg(long)]
    delete_commands: bool,
    /// The time by which ages are told, as in 2026-11-25T12:00:00Z; now if absent
    #[arg(long, value_name = "TIME", value_parser = super::moment)]
    now: Option<Timestamp>,
    /// How they are printed
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// How boot sources are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Table,
    /// For people with wide screens.
    Wide,
    /// For machines.
    Json,
    /// For machines.
    Yaml,
}

/// What is printed, and by which time.
struct Picture<'p> {
    shelf: &'p Shelf<'p>,
    census: &'p Census<'p>,
    gaps: &'p [Gap],
    now: Timestamp,
    only_stale: bool,
    /// Where the cluster is taken from; `None` for a live one.
    files: Option<&'p str>,
}

impl BootSources {
    /// Counts, and prints.
    pub(super) fn run(self) -> Result<Verdict> {
        let estate = Estate::open(self.cluster)?;
        let view = estate.view();
        if let Coverage::Unknown(reason) = view.coverage(Kind::DataSource) {
            bail!("DataSources can't be listed: {reason}");
        }
        let mut census = Census::new(&view);
        let gaps = estate.each(&Census::KINDS, &mut |_, object| {
            census.add(&object);
            Ok(())
        })?;
        let shelf = Shelf::of(&view, &census);
        let picture = Picture {
            shelf: &shelf,
            census: &census,
            gaps: &gaps,
            now: self.now.unwrap_or_else(Timestamp::now),
            only_stale: self.stale,
            files: (!estate.cluster.is_live()).then_some(&*estate.cluster.origin),
        };
        let text = if self.delete_commands {
            let deletions = deletions(&census, &shelf.spots, &gaps);
            commands::commands(&view, &shelf, &deletions)
        } else {
            match self.output {
                Format::Table => text::table(&picture, false),
                Format::Wide => text::table(&picture, true),
                Format::Json => serde_json::to_string_pretty(&json::json(&picture))? + "\n",
                Format::Yaml => serde_saphyr::to_string(&json::json(&picture))?,
            }
        };
        print(&text)?;
        Ok(if self.stale && shelf.stale() > 0 {
            Verdict::Found
        } else {
            Verdict::Clean
        })
    }
}

impl<'p> Picture<'p> {
    /// The boot sources that are shown.
    fn spots(&self) -> impl Iterator<Item = &'p crate::inventory::Spot<'p>> + use<'p> {
        let only_stale = self.only_stale;
        let spots = self.shelf.spots.iter();
        spots.filter(move |spot| !only_stale || spot.standing.is_stale())
    }

    /// Why virtual machines could not be counted, if so.
    fn uncounted(&self) -> Option<&'p str> {
        let mut gaps = self.gaps.iter();
        let gap = gaps.find(|gap| gap.kind == "VirtualMachine")?;
        Some(&gap.reason)
    }
}
