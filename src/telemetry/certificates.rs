//! What is told of TLS: the certificate served, and how its files have fared.

use std::fmt::Write;

use jiff::Timestamp;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

/// TLS as it is now.
#[derive(Clone, Debug)]
pub struct TlsState {
    /// SHA-256 of the certificate served, as `9b:41:…`.
    pub fingerprint: String,
    /// The certificates served, base64 of DER, that of the server first.
    pub chain: Vec<String>,
    /// When the certificate ends.
    pub until: Timestamp,
    /// Versions and cipher suites in words.
    pub profile: String,
    /// What was asked for and can't be had, one sentence each.
    pub notes: Vec<String>,
    /// The files that are followed.
    pub files: Vec<TlsFile>,
}

/// A file, or a pair of them, that is followed.
#[derive(Clone, Debug)]
pub struct TlsFile {
    /// `serving` or `client-ca`.
    pub name: &'static str,
    /// How often a new one came into use.
    pub loaded: u64,
    /// How often a new one was refused.
    pub rejected: u64,
    /// Why the file as it is now is not in use.
    pub reason: Option<String>,
}

/// Asks what is served now.
pub type TlsPulse = Box<dyn Fn() -> TlsState + Send + Sync>;

impl TlsState {
    /// Lines for `/readyz?verbose`.
    pub(super) fn lines(&self) -> String {
        let mut text = format!(
            "certificate sha256:{}, ends {}\n",
            self.fingerprint, self.until
        );
        let _ = writeln!(text, "certificate chain {}", self.chain.join(" "));
        for file in &self.files {
            if let Some(reason) = &file.reason {
                let name = file.name;
                let _ = writeln!(
                    text,
                    "{name} certificate files not loaded; the last good ones stay in use: {reason}"
                );
            }
        }
        let _ = writeln!(text, "tls {}", self.profile);
        for note in &self.notes {
            let _ = writeln!(text, "tls notice: {note}");
        }
        text
    }

    pub(super) fn encode(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
    ) -> Result<(), std::fmt::Error> {
        let help =
            "Seconds from now until the certificate that is served ends; below 0 when it has";
        let unit = Some(&Unit::Seconds);
        let left = self.until.as_second() - Timestamp::now().as_second();
        let gauge =
            encoder.encode_descriptor("certificate_expiry", help, unit, MetricType::Gauge)?;
        ConstGauge::new(left).encode(gauge)?;
        let help = "Changes of certificate files by file and outcome; after a rejected one the last good one stays in use";
        let mut family =
            encoder.encode_descriptor("certificate_reloads", help, None, MetricType::Counter)?;
        for file in &self.files {
            for (outcome, count) in [("loaded", file.loaded), ("rejected", file.rejected)] {
                let labels = [("certificate", file.name), ("outcome", outcome)];
                ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Whether certificate files as they are now are not in use because of a fault";
        let mut family =
            encoder.encode_descriptor("certificate_faults", help, None, MetricType::Gauge)?;
        for file in &self.files {
            let fault = i64::from(file.reason.is_some());
            let labels = [("certificate", file.name)];
            ConstGauge::new(fault).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
