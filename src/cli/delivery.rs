//! Whether the cluster delivers what the policies want to see, looked at while serving.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use crate::diagnosis::REGISTER;
use crate::engine::{MUTATING, Registered, VALIDATING};
use crate::policy::{PolicySet, Standing};
use crate::watch::{self, Configuration};

/// How often new policies are looked for, and how many times that until the cluster is asked again.
const INTERVAL: Duration = Duration::from_secs(3);
const ASK_EVERY: u32 = 20;

const CONFIGURATIONS: [Configuration; 2] = [
    (
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        MUTATING,
    ),
    (
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        VALIDATING,
    ),
];

/// Compares what is registered with the policies in force: when these change, and once a minute. What is missing is
/// logged when it changes, and kept in the standing. Runs until dropped.
pub(super) async fn follow(
    client: kube::Client,
    policies: Arc<ArcSwap<PolicySet>>,
    standing: Arc<Standing>,
) {
    let mut told: Option<Result<Vec<String>, String>> = None;
    loop {
        let set = policies.load_full();
        let found = watch::webhook_configurations(&client, &CONFIGURATIONS).await;
        let missing = found.map(|found| missing(&Registered::read(&found), &set));
        if told.as_ref() != Some(&missing) {
            tell(&missing);
        }
        standing.compared(missing.as_ref().ok().cloned());
        told = Some(missing);
        for _ in 0..ASK_EVERY {
            tokio::time::sleep(INTERVAL).await;
            if policies.load().digest() != set.digest() {
                break;
            }
        }
    }
}

fn missing(registered: &Registered, set: &PolicySet) -> Vec<String> {
    let missing = registered.undelivered(set).into_iter();
    missing.map(|one| one.to_string()).collect()
}

fn tell(missing: &Result<Vec<String>, String>) {
    match missing {
        Ok(missing) => {
            for one in missing {
                tracing::warn!("{one}; to register what the policies need: {REGISTER}");
            }
        }
        Err(reason) => {
            tracing::info!(
                "whether the webhooks deliver what the policies want is not known: {reason}"
            );
        }
    }
}
