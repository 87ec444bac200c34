//! A cluster with all that it holds: its view, and the objects that no view keeps.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use indicatif::ProgressBar;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cluster::{ClusterView, Coverage, Kind};
use crate::inventory::{Gap, Listing};
use crate::store;
use crate::watch::Pager;

use super::cluster_args::{Cluster, ClusterArgs, open, runtime};
use super::progress;

/// Why a kind that is not part of snapshots is not known.
const NOT_IN_SNAPSHOTS: &str = "a snapshot does not hold them";

/// A cluster, from files or live.
pub(super) struct Estate {
    pub(super) cluster: Cluster,
    pub(super) runtime: Runtime,
    files: Vec<PathBuf>,
    /// The arguments that name this cluster, as they would be typed.
    pub(super) typed: String,
}

impl Estate {
    /// Reads the files, or lists what is looked at in a live cluster.
    pub(super) fn open(arguments: ClusterArgs) -> Result<Self> {
        let runtime = runtime()?;
        let files = arguments.files().to_vec();
        let typed = arguments.typed();
        let cluster = runtime.block_on(open(arguments))?;
        Ok(Self {
            cluster,
            runtime,
            files,
            typed,
        })
    }

    /// What is known of the cluster.
    pub(super) fn view(&self) -> Arc<ClusterView> {
        self.cluster.view.load_full()
    }

    /// Shows every object of some kinds, one after another; no more than a page of them is held. Returns the kinds that
    /// could not be shown whole, and why.
    ///
    /// # Errors
    /// What the visitor returns, and files that can't be read.
    pub(super) fn each(
        &self,
        kinds: &[Listing],
        visit: &mut dyn FnMut(&Listing, Value) -> Result<()>,
    ) -> Result<Vec<Gap>> {
        let progress = progress::line("{spinner} {pos} {msg} {elapsed}");
        let gaps = match &self.cluster.client {
            None => self.each_of_files(kinds, &progress, visit),
            Some(client) => self.each_live(client, kinds, &progress, visit),
        };
        progress.finish_and_clear();
        gaps
    }

    fn each_of_files(
        &self,
        kinds: &[Listing],
        progress: &ProgressBar,
        visit: &mut dyn FnMut(&Listing, Value) -> Result<()>,
    ) -> Result<Vec<Gap>> {
        progress.set_message("objects of the files");
        for object in store::read_objects(&self.files)? {
            let object = object?;
            if let Some(listing) = kinds.iter().find(|listing| listing.is_of(&object)) {
                visit(listing, object)?;
                progress.inc(1);
            }
        }
        let gaps = kinds.iter().filter_map(|listing| {
            let reason = self.why_not_in_files(listing)?;
            Some(Gap {
                kind: listing.kind,
                reason,
            })
        });
        Ok(gaps.collect())
    }

    /// Plain files are taken for the whole cluster; a snapshot says what it holds.
    fn why_not_in_files(&self, listing: &Listing) -> Option<String> {
        if !self.cluster.is_snapshot {
            return None;
        }
        let kind = Kind::ALL.into_iter().find(|kind| {
            let info = kind.info();
            info.kind == listing.kind && info.group == listing.group
        });
        let Some(kind) = kind else {
            return Some(NOT_IN_SNAPSHOTS.to_owned());
        };
        match self.view().coverage(kind) {
            Coverage::Unknown(reason) => Some(reason.to_string()),
            _ => None,
        }
    }

    fn each_live(
        &self,
        client: &kube::Client,
        kinds: &[Listing],
        progress: &ProgressBar,
        visit: &mut dyn FnMut(&Listing, Value) -> Result<()>,
    ) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        for listing in kinds {
            progress.set_message(listing.plural);
            let mut pager = Pager::new(client.clone(), *listing);
            loop {
                match self.runtime.block_on(pager.next()) {
                    Ok(None) => break,
                    Ok(Some(page)) => {
                        for object in page {
                            visit(listing, object)?;
                            progress.inc(1);
                        }
                    }
                    Err(error) => {
                        gaps.push(Gap {
                            kind: listing.kind,
                            reason: error.reason,
                        });
                        break;
                    }
                }
            }
        }
        Ok(gaps)
    }
}
