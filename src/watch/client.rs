//! How the API server is reached.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::Client;
use kube::config::{Config, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError};

/// Longest that a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The given kubeconfig can't be used.
    #[error("kubeconfig {}: can't be used", path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KubeconfigError,
    },
    /// No kubeconfig was given, and the default one can't be used.
    #[error(
        "no usable kubeconfig (looked at $KUBECONFIG and ~/.kube/config), and not in a cluster; name one with --kubeconfig"
    )]
    DefaultKubeconfig(#[source] KubeconfigError),
    /// In a pod, and its service account can't be used.
    #[error("the pod's service account can't be used")]
    InCluster(#[source] InClusterError),
    /// The settings were read, and no client can be made of them.
    #[error("no client for {url}")]
    Client {
        /// Address of the API server.
        url: String,
        /// What is wrong.
        source: kube::Error,
    },
}

/// A client for the API server.
///
/// The kubeconfig and the context that are named, else the pod's service account where there is one, else the default
/// kubeconfig. Nothing is asked of the API server yet.
///
/// There is no read timeout, which would cut watches short; whoever reads sets a deadline. Nothing is retried inside
/// the client: the followers back off, and a live read has no time for it.
pub async fn client(kubeconfig: Option<&Path>, context: Option<&str>) -> Result<Client, Error> {
    let options = KubeConfigOptions {
        context: context.map(str::to_owned),
        ..KubeConfigOptions::default()
    };
    let in_cluster = std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    let mut config = match kubeconfig {
        Some(path) => from_file(path, &options).await?,
        None if context.is_none() && in_cluster => Config::incluster().map_err(Error::InCluster)?,
        None => Config::from_kubeconfig(&options)
            .await
            .map_err(Error::DefaultKubeconfig)?,
    };
    config.connect_timeout = Some(CONNECT);
    config.read_timeout = None;
    config.default_retry = false;
    let url = config.cluster_url.to_string();
    Client::try_from(config).map_err(|source| Error::Client { url, source })
}

async fn from_file(path: &Path, options: &KubeConfigOptions) -> Result<Config, Error> {
    let failed = |source| Error::Kubeconfig {
        path: path.to_owned(),
        source,
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(failed)?;
    Config::from_custom_kubeconfig(kubeconfig, options)
        .await
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    #[tokio::test]
    async fn a_missing_kubeconfig_is_named() {
        let Err(error) = client(Some(Path::new("/does/not/exist")), None).await else {
            panic!("there is no such file");
        };
        assert!(error.to_string().contains("/does/not/exist"), "{error}");
        assert!(error.source().is_some());
    }

    #[tokio::test]
    async fn a_missing_context_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("config");
        std::fs::write(
            &path,
            "apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\nusers: []\n",
        )
        .unwrap();
        let error = client(Some(&path), Some("nowhere")).await.err().unwrap();
        assert!(matches!(error, Error::Kubeconfig { .. }), "{error}");
    }
}
