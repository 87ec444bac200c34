//! Whether the API server trusts what the pods serve, and for how long.

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::VALIDATING;

use super::evidence::{Evidence, Live, Served, items, text, told};
use super::line::{Line, Lines};
use super::order;

const TOPIC: &str = "certificate";
/// From so many days on it is told: cert-manager and service-ca have replaced it long before.
const SOON: i64 = 14;

/// What the API server checks when it calls a webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trusting {
    /// Name of the webhook.
    pub webhook: String,
    /// The name that the certificate has to be for.
    pub server: String,
    /// `clientConfig.caBundle`: PEM in base64; empty if there is none.
    pub bundle: String,
}

/// Every webhook of goldkeeper that is registered.
pub fn trusting(live: &Live) -> Vec<Trusting> {
    let webhooks = configurations(live).flat_map(|own| items(own, "/webhooks"));
    webhooks
        .map(|webhook| Trusting {
            webhook: text(webhook, "/name").to_owned(),
            server: server(webhook),
            bundle: text(webhook, "/clientConfig/caBundle").to_owned(),
        })
        .collect()
}

/// What was read live, or why the configurations could not be.
pub(super) fn with_configurations<'e>(
    evidence: &Evidence<'e>,
    topic: &'static str,
) -> Result<&'e Live, Vec<Line>> {
    let live = evidence.live(topic)?;
    told(&live.mutating, topic)?;
    told(&live.validating, topic)?;
    Ok(live)
}

/// The configurations of goldkeeper, mutating first.
pub(super) fn configurations(live: &Live) -> impl Iterator<Item = &Value> {
    let mutating = live
        .mutating
        .iter()
        .flatten()
        .filter(|own| order::is_ours(own));
    let validating = live.validating.iter().flatten();
    mutating.chain(validating.filter(|own| text(own, "/metadata/name") == VALIDATING))
}

/// The API server asks for `<service>.<namespace>.svc` (`pkg/util/webhook/client.go` in k8s.io/apiserver).
fn server(webhook: &Value) -> String {
    let url = text(webhook, "/clientConfig/url");
    if url.is_empty() {
        let (name, namespace) = (
            "/clientConfig/service/name",
            "/clientConfig/service/namespace",
        );
        return format!("{}.{}.svc", text(webhook, name), text(webhook, namespace));
    }
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
    {
        Some((address, _)) => address.to_owned(),
        None => authority.split(':').next().unwrap_or_default().to_owned(),
    }
}

pub(super) fn check(evidence: &Evidence<'_>) -> Lines {
    let live = evidence.live(TOPIC)?;
    told(&live.pods, TOPIC)?;
    let source = source(live);
    let registered = trusting(live);
    if let Some(without) = registered.iter().find(|own| own.bundle.is_empty()) {
        let sentence = format!(
            "the webhook {} has no caBundle, so that the API server trusts no certificate of it",
            without.webhook
        );
        return Err(vec![Line::failed(TOPIC, sentence).cure(cure(source))]);
    }
    if let Some(wrong) = evidence.trust.iter().find(|trust| trust.outcome.is_err()) {
        let reason = wrong.outcome.as_ref().err().map_or("", |reason| reason);
        let sentence = format!(
            "pod {} serves a certificate that the caBundle of {} does not vouch for: {reason}",
            wrong.pod, wrong.webhook
        );
        return Err(vec![Line::failed(TOPIC, sentence).cure(cure(source))]);
    }
    let mut lines = Vec::new();
    let mut first: Option<&Served> = None;
    for certificate in &evidence.certificates {
        match certificate {
            Err(reason) => lines.push(Line::skipped(TOPIC, reason)),
            Ok(served) if first.is_none_or(|own| served.expires < own.expires) => {
                first = Some(served);
            }
            Ok(_) => {}
        }
    }
    let Some(first) = first else {
        if lines.is_empty() {
            lines.push(Line::skipped(TOPIC, "no pod tells what it serves"));
        }
        return Err(lines);
    };
    lines.push(expiry(first, evidence.now, source, !registered.is_empty()));
    Ok(lines)
}

fn expiry(first: &Served, now: Timestamp, source: Source, is_registered: bool) -> Line {
    let days = (first.expires.as_second() - now.as_second()).div_euclid(24 * 60 * 60);
    let by = match source {
        Source::ServiceCa => "service-ca".to_owned(),
        Source::CertManager => "cert-manager".to_owned(),
        Source::Own => format!("issued by {}", first.issuer),
    };
    let pod = &first.pod;
    if days < 0 {
        return Line::failed(
            TOPIC,
            format!("the certificate of pod {pod} ended {} days ago", -days),
        )
        .cure(cure(source));
    }
    if days < SOON {
        return Line::warning(
            TOPIC,
            format!("{by}, the certificate of pod {pod} expires in {days} days"),
        )
        .cure(cure(source));
    }
    let fits = if is_registered {
        ", matches caBundle"
    } else {
        ", and no webhook is registered to compare it with"
    };
    Line::ok(TOPIC, format!("{by}, expires in {days} days{fits}"))
}

/// Who makes the certificate, as the configurations say.
#[derive(Clone, Copy)]
enum Source {
    ServiceCa,
    CertManager,
    Own,
}

fn source(live: &Live) -> Source {
    let has = |key: &str| {
        configurations(live).any(|own| {
            let annotations = own.pointer("/metadata/annotations");
            annotations.is_some_and(|annotations| annotations.get(key).is_some())
        })
    };
    if has("service.beta.openshift.io/inject-cabundle") {
        Source::ServiceCa
    } else if has("cert-manager.io/inject-ca-from") {
        Source::CertManager
    } else {
        Source::Own
    }
}

fn cure(source: Source) -> &'static str {
    match source {
        Source::ServiceCa => {
            "kubectl get pods -n openshift-service-ca: its operator writes certificate and caBundle"
        }
        Source::CertManager => {
            "kubectl describe certificate -n goldkeeper, and kubectl logs -n cert-manager deploy/cert-manager-cainjector"
        }
        Source::Own => {
            "goldkeeper webhook-config --policies DIR --ca-bundle ca.crt | kubectl apply -f -"
        }
    }
}
