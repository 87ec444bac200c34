//! Which API server a command speaks to.

use std::path::PathBuf;

use clap::Args;

use crate::watch;

/// Which API server is spoken to, and as whom.
#[derive(Debug, Args)]
pub(super) struct ApiArgs {
    /// Kubeconfig of the cluster; in a pod, and without it, the pod's own cluster
    #[arg(long, env = "GOLDKEEPER_KUBECONFIG", value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, env = "GOLDKEEPER_CONTEXT", value_name = "NAME")]
    context: Option<String>,
}

impl ApiArgs {
    /// The arguments as they would be typed.
    pub(super) fn typed(&self) -> String {
        let kubeconfig = self.kubeconfig.as_ref();
        let kubeconfig = kubeconfig.map(|path| format!(" --kubeconfig {}", path.display()));
        let context = self.context.as_ref();
        let context = context.map(|name| format!(" --context {name}"));
        kubeconfig.into_iter().chain(context).collect()
    }

    /// A client for it. Nothing is asked of it yet.
    pub(super) async fn client(&self) -> Result<kube::Client, watch::Error> {
        watch::client(self.kubeconfig.as_deref(), self.context.as_deref()).await
    }
}
