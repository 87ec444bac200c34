//! `goldkeeper certs`

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::document::is_dns_label;
use crate::store::write_whole_as;
use crate::tls::{Made, Names, make};

use super::Verdict;
use super::screen::print;

/// Arguments of `goldkeeper certs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  goldkeeper certs --out certs      for the Service goldkeeper in the namespace goldkeeper
  goldkeeper certs --out certs --name localhost --name 127.0.0.1 && \\
    goldkeeper serve --tls-cert certs/tls.crt --tls-key certs/tls.key
  goldkeeper certs --out certs -o secret | kubectl apply -f - && \\
    goldkeeper webhook-config --ca-bundle certs/ca.crt | kubectl apply -f -

The authority's own key is thrown away: nothing else can be made in its name. To renew, run it again with
--force and put the new caBundle into the webhook configurations. On OpenShift, service-ca does all this by
itself, and elsewhere cert-manager does.")]
pub(super) struct Certs {
    /// Folder to write tls.crt, tls.key and ca.crt to
    #[arg(long, value_name = "DIR", required_unless_present = "output")]
    out: Option<PathBuf>,
    /// DNS name or IP address; may be repeated
    #[arg(long, value_name = "NAME")]
    name: Vec<String>,
    /// Service, NAME.NAMESPACE; may be repeated; goldkeeper.goldkeeper where neither this nor --name is given
    #[arg(long, value_name = "SERVICE", value_parser = service)]
    service: Vec<String>,
    /// Days for which both are valid
    #[arg(long, default_value_t = 365, value_name = "DAYS")]
    days: u32,
    /// Replace files that are there
    #[arg(long, requires = "out")]
    force: bool,
    /// Print a Secret for kubectl, and the caBundle
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A `kubernetes.io/tls` Secret as YAML, with the caBundle in a comment.
    Secret,
}

/// Where goldkeeper's manifests put it.
const SERVICE: &str = "goldkeeper.goldkeeper";
/// The Secret that the Deployment mounts.
const SECRET: &str = "goldkeeper-tls";

impl Certs {
    /// Makes them, and writes or prints what is asked for.
    pub(super) fn run(self) -> Result<Verdict> {
        let Self {
            out,
            name,
            mut service,
            days,
            force,
            output,
        } = self;
        if name.is_empty() && service.is_empty() {
            service.push(SERVICE.to_owned());
        }
        let names = Names::new(&name, &service).context("no name for the certificate")?;
        let made = make(&names, days, SystemTime::now())?;
        if let Some(folder) = &out {
            write(folder, &made, force)?;
        }
        let text = match (output, &out) {
            (Some(Output::Secret), _) => secret(&made, namespace(&service))?,
            (None, Some(folder)) => summary(folder, &names, days, &made),
            (None, None) => String::new(),
        };
        print(&text)?;
        Ok(Verdict::Clean)
    }
}

/// The three files. None is written if one of them is there and must not be replaced.
fn write(folder: &Path, made: &Made, force: bool) -> Result<()> {
    let files = [
        ("tls.crt", &made.certificate, 0o644),
        ("tls.key", &made.key, 0o600),
        ("ca.crt", &made.ca, 0o644),
    ];
    for (name, ..) in files {
        let path = folder.join(name);
        let there = path.symlink_metadata().is_ok();
        ensure!(
            force || !there,
            "{} is there already; with --force it is replaced",
            path.display()
        );
    }
    std::fs::create_dir_all(folder)
        .with_context(|| format!("can't make the folder {}", folder.display()))?;
    for (name, text, mode) in files {
        write_whole_as(&folder.join(name), text, mode)?;
    }
    Ok(())
}

/// A Secret that the Deployment can mount, and the caBundle where kubectl does not look.
fn secret(made: &Made, namespace: &str) -> Result<String> {
    let data = |text: &str| STANDARD.encode(text);
    let secret = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET, "namespace": namespace},
        "type": "kubernetes.io/tls",
        "data": {
            "ca.crt": data(&made.ca),
            "tls.crt": data(&made.certificate),
            "tls.key": data(&made.key),
        },
    });
    Ok(format!(
        "{}# caBundle: {}\n",
        serde_saphyr::to_string(&secret)?,
        data(&made.ca)
    ))
}

fn summary(folder: &Path, names: &Names, days: u32, made: &Made) -> String {
    format!(
        "tls.crt, tls.key and ca.crt are in {}, for {} days and\n  {}\ncaBundle: {}\n",
        folder.display(),
        days,
        names.all().join("\n  "),
        STANDARD.encode(&made.ca)
    )
}

/// The namespace of the first Service.
fn namespace(services: &[String]) -> &str {
    let first = services.first().map_or(SERVICE, String::as_str);
    let rest = first.split('.').nth(1);
    rest.unwrap_or("goldkeeper")
}

/// `NAME.NAMESPACE`, with or without `.svc`.
fn service(text: &str) -> Result<String, String> {
    let short = text.strip_suffix(".svc").unwrap_or(text);
    let labels: Vec<&str> = short.split('.').collect();
    match labels.as_slice() {
        [name, namespace] if is_dns_label(name) && is_dns_label(namespace) => Ok(short.to_owned()),
        _ => Err("write NAME.NAMESPACE, such as goldkeeper.goldkeeper".to_owned()),
    }
}
