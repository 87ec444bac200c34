//! Which kinds the cluster serves, and in which version.
//!
//! One task asks for each group and version that the view needs, every ten seconds or so: CRDs come and go, and
//! `hco.kubevirt.io/v1` appears with an upgrade. A group may be served without all of its kinds (an operator installs
//! CRDs one by one), so the list of resources is what counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use kube::Client;
use kube::api::GetParams;
use kube::core::Request;
use serde::de::IgnoredAny;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::failure::{Failure, describe, is_not_found};
use super::task::jittered;
use crate::cluster::{Kind, Scope};

/// Time between two looks, before jitter.
const INTERVAL: Duration = Duration::from_secs(8);
/// Time between two looks while the API server can't be asked, before jitter.
const RETRY: Duration = Duration::from_secs(2);
/// Longest that one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether a kind is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Availability {
    /// Not asked yet.
    #[default]
    Unasked,
    /// Could not be asked, and why.
    Failed(Arc<str>),
    /// There is no such kind.
    NotServed,
    /// Served in this version, the first of those that can be read.
    Served(&'static str),
}

/// What the cluster serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Served {
    pub(super) kinds: BTreeMap<Kind, Availability>,
    /// Whether `config.openshift.io` is served, once that is known.
    pub(super) openshift: Option<bool>,
    /// How often the API server has come back, after it could not be asked. Whoever backs off need not wait any longer.
    pub(super) returns: u64,
}

impl Served {
    /// Whether a kind is served. The core group always is.
    pub(super) fn of(&self, kind: Kind) -> Availability {
        let info = kind.info();
        match (info.group, info.versions.first()) {
            ("", Some(version)) => Availability::Served(version),
            _ => self.kinds.get(&kind).cloned().unwrap_or_default(),
        }
    }
}

/// Looks again and again, until nobody wants to know any more.
pub(super) async fn discover(client: Client, sender: watch::Sender<Served>) {
    let mut doubts = Vec::new();
    let mut away = false;
    while !sender.is_closed() {
        let (found, complete) = look(&client, &wanted()).await;
        let returned = std::mem::replace(&mut away, !complete) && complete;
        sender.send_if_modified(|served| {
            served.returns += u64::from(returned);
            served.update(found, &mut doubts) || returned
        });
        sleep(jittered(if complete { INTERVAL } else { RETRY })).await;
    }
}

/// Which kinds are to be followed.
fn wanted() -> Vec<Kind> {
    let mut kinds = Kind::ALL.to_vec();
    kinds.retain(|kind| kind.info().scope != Scope::OnDemand);
    kinds
}

type Resources = Result<Option<Vec<String>>, Arc<str>>;

/// Which of these kinds are served now, and whether every question was answered.
pub(super) async fn look(client: &Client, kinds: &[Kind]) -> (Served, bool) {
    let kinds = kinds.iter().filter(|kind| !kind.info().group.is_empty());
    let mut questions: Vec<(&str, &str)> = kinds
        .clone()
        .flat_map(|kind| {
            let info = kind.info();
            info.versions
                .iter()
                .map(move |version| (info.group, *version))
        })
        .collect();
    questions.sort_unstable();
    questions.dedup();
    let asked = questions
        .iter()
        .map(|(group, version)| resources(client, group, version));
    let (answers, openshift) = tokio::join!(join_all(asked), is_openshift(client));
    let complete = openshift.is_some() && answers.iter().all(Result::is_ok);
    let answers = questions.into_iter().zip(answers).collect();
    let kinds = kinds.map(|kind| (*kind, judge(*kind, &answers))).collect();
    let found = Served {
        kinds,
        openshift,
        returns: 0,
    };
    (found, complete)
}

fn judge(kind: Kind, answers: &BTreeMap<(&str, &str), Resources>) -> Availability {
    let info = kind.info();
    for version in info.versions {
        match answers.get(&(info.group, *version)) {
            Some(Ok(Some(plurals))) if plurals.iter().any(|plural| plural == info.plural) => {
                return Availability::Served(version);
            }
            Some(Err(reason)) => return Availability::Failed(reason.clone()),
            _ => {}
        }
    }
    Availability::NotServed
}

/// The plural names that a version of a group holds; `None` if it is not served.
async fn resources(client: &Client, group: &str, version: &str) -> Resources {
    let api_version = format!("{group}/{version}");
    match timeout(PATIENCE, client.list_api_group_resources(&api_version)).await {
        Ok(Ok(list)) => Ok(Some(
            list.resources.into_iter().map(|own| own.name).collect(),
        )),
        Ok(Err(error)) if is_not_found(&error) => Ok(None),
        Ok(Err(error)) => Err(describe(&error)),
        Err(_) => Err(Failure::late().reason),
    }
}

async fn is_openshift(client: &Client) -> Option<bool> {
    let request = Request::new("/apis")
        .get("config.openshift.io", &GetParams::default())
        .ok()?;
    match timeout(PATIENCE, client.request::<IgnoredAny>(request)).await {
        Ok(Ok(_)) => Some(true),
        Ok(Err(error)) if is_not_found(&error) => Some(false),
        _ => None,
    }
}

impl Served {
    /// Takes over what was found; returns whether that changes anything.
    ///
    /// What could not be asked stays as it was. That a served kind is gone is believed when it is seen twice in a row:
    /// an API server that is starting may answer 404 until it has read its CRDs. `doubts` remembers the first time.
    fn update(&mut self, found: Self, doubts: &mut Vec<Kind>) -> bool {
        let before = self.clone();
        for (kind, availability) in found.kinds {
            let own = self.kinds.entry(kind).or_default();
            let doubted = doubts.contains(&kind);
            doubts.retain(|other| *other != kind);
            match (&own, &availability) {
                (Availability::Served(_) | Availability::NotServed, Availability::Failed(_)) => {}
                (Availability::Served(_), Availability::NotServed) if !doubted => doubts.push(kind),
                _ => *own = availability,
            }
        }
        // A cluster does not cease to be an OpenShift.
        if self.openshift != Some(true) {
            self.openshift = found.openshift.or(self.openshift);
        }
        *self != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(availability: Availability) -> Served {
        Served {
            kinds: [(Kind::Cdi, availability)].into(),
            ..Served::default()
        }
    }

    #[test]
    fn a_kind_is_gone_when_it_is_missed_twice_in_a_row() {
        let (mut served, mut doubts) = (Served::default(), Vec::new());
        let mut see = |availability| {
            served.update(found(availability), &mut doubts);
            served.of(Kind::Cdi)
        };
        let here = Availability::Served("v1beta1");
        assert_eq!(see(Availability::NotServed), Availability::NotServed);
        assert_eq!(see(here.clone()), here);
        assert_eq!(see(Availability::NotServed), here);
        assert_eq!(see(here.clone()), here);
        assert_eq!(see(Availability::NotServed), here);
        assert_eq!(see(Availability::Failed("down".into())), here);
        assert_eq!(see(Availability::NotServed), here);
        assert_eq!(see(Availability::NotServed), Availability::NotServed);
    }

    #[test]
    fn the_first_version_that_can_be_read_and_holds_the_kind_is_taken() {
        let group = Kind::HyperConverged.info().group;
        let plural = || Ok(Some(vec!["hyperconvergeds".to_owned(), "other".to_owned()]));
        let mut answers: BTreeMap<(&str, &str), Resources> =
            [((group, "v1"), Ok(None)), ((group, "v1beta1"), plural())].into();
        let judged = |answers: &_| judge(Kind::HyperConverged, answers);
        assert_eq!(judged(&answers), Availability::Served("v1beta1"));
        answers.insert((group, "v1"), plural());
        assert_eq!(judged(&answers), Availability::Served("v1"));
        answers.insert((group, "v1"), Ok(Some(vec!["other".to_owned()])));
        answers.insert((group, "v1beta1"), Ok(None));
        assert_eq!(judged(&answers), Availability::NotServed);
    }
}
