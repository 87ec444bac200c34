//! `goldkeeper webhook-config`

use std::path::PathBuf;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::engine::{ClientConfig, mutating_configuration, validating_configuration};
use crate::store;

use super::Verdict;
use super::policy_args::PolicyArgs;
use super::screen::print;

/// Arguments of `goldkeeper webhook-config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper webhook-config --policies policies > deploy/base/webhooks.yaml
  goldkeeper webhook-config --url https://127.0.0.1:8443 --ca-bundle ca.crt | kubectl apply -f -")]
pub(super) struct WebhookConfig {
    #[command(flatten)]
    policies: PolicyArgs,
    /// Address of a goldkeeper outside the cluster, without path; the Service otherwise
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// PEM file of the certificate authority, where nothing injects it
    #[arg(long, value_name = "FILE")]
    ca_bundle: Option<PathBuf>,
}

/// The first lines of the output: what it is, and how it is made again.
const HEADER: &str = "\
# Made by `goldkeeper webhook-config --policies policies`; a test fails when it is stale.
# What is registered follows the policies: requests that no policy looks at never leave the API server.
";

impl WebhookConfig {
    /// Prints both configurations as YAML.
    pub(super) fn run(self) -> Result<Verdict> {
        let Self {
            policies,
            url,
            ca_bundle,
        } = self;
        let policies = policies.compile()?;
        let pem = ca_bundle.as_deref().map(store::read_manifest).transpose()?;
        let client = ClientConfig {
            url,
            ca_bundle: pem.map(|pem| STANDARD.encode(pem)),
        };
        let configurations = [
            mutating_configuration(&policies, &client),
            validating_configuration(&policies, &client),
        ];
        let mut text = HEADER.to_owned();
        for configuration in configurations.into_iter().flatten() {
            text.push_str("---\n");
            text.push_str(&serde_saphyr::to_string(&configuration)?);
        }
        print(&text)?;
        Ok(Verdict::Clean)
    }
}
