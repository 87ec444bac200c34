//! Metrics of boot sources, so that an alert can tell before a user does.

use jiff::Timestamp;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use crate::cluster::{BootSource, ClusterView, Standing};

/// How many boot sources have series of their own: anyone who may write into a golden namespace can make more.
const MAX_SOURCES: usize = 500;

/// One gauge of a boot source; `None` where it is not known, which is neither good nor bad.
type Value<'v> = Box<dyn Fn(&BootSource<'v>) -> Option<f64> + 'v>;

/// Writes the gauges of all golden images. A name that only points at an image has none.
pub(super) fn encode(
    view: &ClusterView,
    now: Timestamp,
    encoder: &mut DescriptorEncoder<'_>,
) -> Result<(), std::fmt::Error> {
    let mut sources = view.boot_sources();
    sources.retain(|source| source.pointer.is_none());
    sources.truncate(MAX_SOURCES);
    let defaults = view.default_classes();
    let families: [(&str, &str, Option<&Unit>, Value<'_>); 3] = [
        (
            "boot_source_stale",
            "Whether a boot source is on another storage class than the one on which it would be imported today",
            None,
            Box::new(move |source| match source.standing(defaults) {
                Standing::Unknown => None,
                standing => Some(f64::from(u8::from(standing.is_stale()))),
            }),
        ),
        (
            "boot_source_ready",
            "Whether a boot source can be cloned",
            None,
            Box::new(|source| Some(f64::from(u8::from(source.ready()?.is_ok())))),
        ),
        (
            "boot_source_age",
            "Time since a boot source was last imported",
            Some(&Unit::Seconds),
            Box::new(move |source| {
                let imported: Timestamp = source.last_import()?.parse().ok()?;
                Some((now - imported).total(jiff::Unit::Second).ok()?.max(0.0))
            }),
        ),
    ];
    for (name, help, unit, value) in families {
        let mut family = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for source in &sources {
            if let Some(value) = value(source) {
                let labels = [("namespace", source.namespace), ("image", source.name)];
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Builder;
    use prometheus_client::collector::Collector;
    use prometheus_client::registry::Registry;
    use serde_json::json;
    use std::sync::Arc;

    #[derive(Debug)]
    struct Only(Arc<ClusterView>, Timestamp);

    impl Collector for Only {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
            super::encode(&self.0, self.1, &mut encoder)
        }
    }

    #[test]
    fn what_is_not_known_has_no_value() {
        let mut builder = Builder::complete();
        let cdi = "cdi.kubevirt.io/v1beta1";
        let class = |name: &str, default: &str| {
            json!({"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": name,
                "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}}})
        };
        let source = |name: &str, ready: &str, cron: bool| {
            json!({"apiVersion": cdi, "kind": "DataSource",
                "metadata": {"name": name, "namespace": "kubevirt-os-images",
                    "labels": if cron { json!({"cdi.kubevirt.io/dataImportCron": name}) } else { json!({}) }},
                "spec": {"source": {"pvc": {"name": name, "namespace": "kubevirt-os-images"}}},
                "status": {"conditions": [{"type": "Ready", "status": ready}]}})
        };
        let items = json!([
            class("old", "false"), class("new", "true"),
            source("fedora", "True", true), source("empty", "False", false),
            {"apiVersion": cdi, "kind": "DataImportCron", "metadata": {"name": "fedora", "namespace": "kubevirt-os-images"},
                "spec": {"managedDataSource": "fedora"}, "status": {"lastImportTimestamp": "2026-01-01T00:00:00Z"}},
            {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"storageClassName": "old"},
                "metadata": {"name": "fedora", "namespace": "kubevirt-os-images"}},
        ]);
        builder.fold(&json!({"items": items}));
        let mut registry = Registry::with_prefix("goldkeeper");
        let now = "2026-01-01T00:01:30Z".parse().unwrap();
        registry.register_collector(Box::new(Only(builder.build(), now)));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let samples: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "goldkeeper_boot_source_stale{namespace=\"kubevirt-os-images\",image=\"empty\"} 0.0",
                "goldkeeper_boot_source_stale{namespace=\"kubevirt-os-images\",image=\"fedora\"} 1.0",
                "goldkeeper_boot_source_ready{namespace=\"kubevirt-os-images\",image=\"empty\"} 0.0",
                "goldkeeper_boot_source_ready{namespace=\"kubevirt-os-images\",image=\"fedora\"} 1.0",
                "goldkeeper_boot_source_age_seconds{namespace=\"kubevirt-os-images\",image=\"fedora\"} 90.0",
            ]
        );
    }
}
