//! Brings together what the adapters know: the cluster, the certificates, the policies.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use futures::future::join_all;
use jiff::Timestamp;
use tokio::time::Instant;

use crate::cluster::{Access, Answer, ClusterView, Known, Question};
use crate::diagnosis::{
    Evidence, Live, Served, Told, Trust, account_questions, clone_question, golden_namespaces,
    trusting,
};
use crate::policy::{PolicySet, PolicySource};
use crate::store;
use crate::tls::Chain;

use super::super::cluster_args::Cluster;

/// Longest that all questions about rights may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Everything that is judged, and owns what the evidence borrows.
pub(super) struct Collected {
    view: Arc<ClusterView>,
    live: Option<Live>,
    policies: Told<PolicySet>,
    now: Timestamp,
    certificates: Vec<Told<Served>>,
    trust: Vec<Trust>,
    account: Vec<(Access, Known<bool>)>,
    cloners: Vec<(String, Known<bool>)>,
}

impl Collected {
    /// Reads the policies, looks at the certificates and asks about rights.
    pub(super) async fn of(
        cluster: &Cluster,
        live: Option<Live>,
        policies: Option<&Path>,
        now: Timestamp,
    ) -> Result<Self> {
        let policies = match policies {
            Some(folder) => Ok(store::compile_folder(folder, false)?),
            None => deployed(live.as_ref()),
        };
        let view = cluster.view.load_full();
        let (account, cloners) = rights(cluster, live.as_ref(), &view).await;
        let (certificates, trust) = live
            .as_ref()
            .map(|live| certificates(live, now))
            .unwrap_or_default();
        Ok(Self {
            view,
            live,
            policies,
            now,
            certificates,
            trust,
            account,
            cloners,
        })
    }

    /// What is judged.
    pub(super) fn evidence(&self) -> Evidence<'_> {
        Evidence {
            view: &self.view,
            policies: self.policies.as_ref().map_err(Clone::clone),
            now: self.now,
            live: self.live.as_ref(),
            certificates: self.certificates.clone(),
            trust: self.trust.clone(),
            account: self.account.clone(),
            cloners: self.cloners.clone(),
        }
    }
}

/// The policies of the ConfigMap.
fn deployed(live: Option<&Live>) -> Told<PolicySet> {
    let hint = "name a folder with --policies";
    let Some(live) = live else {
        return Err(hint.to_owned());
    };
    let files = match &live.policies {
        Ok(Some(files)) => files,
        Ok(None) => {
            return Err(format!(
                "there is no ConfigMap goldkeeper-policies in {}: {hint}",
                live.namespace
            ));
        }
        Err(reason) => {
            return Err(format!(
                "the ConfigMap goldkeeper-policies can't be read ({reason}): {hint}"
            ));
        }
    };
    let sources: Vec<PolicySource> = files
        .iter()
        .filter(|(name, _)| {
            let extension = Path::new(name).extension();
            extension.is_some_and(|extension| extension == "yaml" || extension == "yml")
        })
        .map(|(name, text)| PolicySource {
            file: Arc::from(&**name),
            text: text.clone(),
        })
        .collect();
    PolicySet::compile(&sources).map_err(|faults| {
        let first = faults
            .first()
            .map(|fault| fault.message.clone())
            .unwrap_or_default();
        format!(
            "the ConfigMap goldkeeper-policies holds {} faults: {first}",
            faults.len()
        )
    })
}

/// What each pod serves, and whether each webhook that is registered trusts it.
fn certificates(live: &Live, now: Timestamp) -> (Vec<Told<Served>>, Vec<Trust>) {
    let webhooks = trusting(live);
    let mut certificates = Vec::new();
    let mut trust = Vec::new();
    for pod in live.pods.iter().flatten() {
        // A pod that does not answer is told elsewhere.
        let Ok(said) = &pod.said else { continue };
        let read = Chain::read(said).and_then(|chain| Ok((chain.details()?, chain)));
        let (details, chain) = match read {
            Ok(read) => read,
            Err(reason) => {
                certificates.push(Err(format!("pod {}: {reason}", pod.name)));
                continue;
            }
        };
        certificates.push(Ok(Served {
            pod: pod.name.clone(),
            expires: details.expires,
            issuer: details.issuer,
        }));
        trust.extend(webhooks.iter().map(|own| Trust {
            webhook: own.webhook.clone(),
            pod: pod.name.clone(),
            outcome: chain.is_trusted(&own.bundle, &own.server, now),
        }));
    }
    (certificates, trust)
}

type Rights = (Vec<(Access, Known<bool>)>, Vec<(String, Known<bool>)>);

/// What goldkeeper's account may do, and from where everybody may clone; nothing without a live cluster.
async fn rights(cluster: &Cluster, live: Option<&Live>, view: &ClusterView) -> Rights {
    let (Some(live), Some(reader)) = (live, cluster.live()) else {
        return (Vec::new(), Vec::new());
    };
    let deadline = Instant::now() + PATIENCE;
    let ask = |access: Access| {
        let reader = reader.clone();
        async move {
            let question = Question::Access(access.clone());
            let answer = match reader.read(&question, deadline).await {
                Known::Known(Answer::Access(allowed)) => Known::Known(allowed),
                _ => Known::Unknown,
            };
            (access, answer)
        }
    };
    let pods = live.pods.as_deref().unwrap_or_default();
    let account = pods.first().map_or("goldkeeper", |pod| &*pod.account);
    let own = account_questions(&live.namespace, account).into_iter();
    let golden = golden_namespaces(view).into_iter();
    let cloners = golden.map(|namespace| {
        let asked = ask(clone_question(&namespace));
        async move { (namespace, asked.await.1) }
    });
    tokio::join!(join_all(own.map(ask)), join_all(cloners))
}
