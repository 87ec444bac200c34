//! Metrics, counted without a lock on the request path and collected when they are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::cluster::{ClusterView, Kind};
use crate::engine::{Action, Decided, Observer};
use crate::policy::{PolicySet, Standing};
use crate::rules::{RULES, Stage};

use super::certificates::TlsPulse;
use super::decisions::DecisionLog;
use super::events::EventCounts;
use super::latency::Latency;
use super::per_thread::PerThread;

/// The statuses that an answer can have.
const STATUSES: [u16; 9] = [200, 400, 404, 405, 408, 413, 415, 429, 500];
const STAGES: [Stage; 2] = [Stage::Fill, Stage::Validate];
/// How many exemptions have a series of their own.
const MAX_EXEMPTIONS: usize = 50;

/// Everything that is counted while answering.
#[derive(Debug, Default)]
pub struct Metrics {
    log: Option<DecisionLog>,
    counts: PerThread<Counts>,
}

/// What one thread has counted.
#[derive(Debug, Default)]
struct Counts {
    answers: [[AtomicU64; STATUSES.len()]; STAGES.len()],
    latency: [Latency; STAGES.len()],
    findings: Findings,
}

impl Counts {
    /// Counts what another thread has counted.
    fn add(&self, other: &Self) {
        let answers = self.answers.iter().flatten();
        let findings = self.findings.0.iter().flatten();
        let other_findings = other.findings.0.iter().flatten();
        let pairs = answers.zip(other.answers.iter().flatten());
        for (own, other) in pairs.chain(findings.zip(other_findings)) {
            own.fetch_add(other.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        for (own, other) in self.latency.iter().zip(&other.latency) {
            own.add(other);
        }
    }
}

/// One counter for each rule and action. Not an array of the catalogue's length: a type that depends on the rules makes
/// the compiler go in circles when it optimises (E0391).
#[derive(Debug)]
struct Findings(Vec<[AtomicU64; Action::ALL.len()]>);

impl Default for Findings {
    fn default() -> Self {
        Self(RULES.iter().map(|_| Default::default()).collect())
    }
}

/// Asks the live cluster's watch: outcomes of live reads by name, and seconds since each kind was last heard of.
pub type Pulse = Box<dyn Fn() -> (Vec<(&'static str, u64)>, Vec<(Kind, f64)>) + Send + Sync>;

/// What is looked at when metrics are read.
pub struct Sources {
    /// Everything that is counted while answering.
    pub metrics: Arc<Metrics>,
    /// The policies in force.
    pub policies: Arc<ArcSwap<PolicySet>>,
    /// How the policy files have fared since the start.
    pub standing: Arc<Standing>,
    /// What is known of the cluster.
    pub view: Arc<ArcSwap<ClusterView>>,
    /// What the live cluster's watch tells; nothing where the view comes from files.
    pub pulse: Pulse,
    /// What is served over TLS.
    pub tls: TlsPulse,
    /// What became of Events, where they are asked for.
    pub events: Option<Arc<EventCounts>>,
}

impl Metrics {
    /// Counts, and logs each decision.
    pub fn logging(log: DecisionLog) -> Self {
        Self {
            log: Some(log),
            ..Self::default()
        }
    }

    /// What all threads have counted so far.
    fn total(&self) -> Counts {
        let total = Counts::default();
        for counts in self.counts.all() {
            total.add(counts);
        }
        total
    }
}

impl Observer for Metrics {
    fn decided(&self, decided: &Decided<'_>) {
        for tally in &decided.decision.tally {
            let rule = RULES.iter().position(|rule| rule.kind == tally.rule);
            let action = Action::ALL
                .iter()
                .position(|action| *action == tally.action);
            if let Some(counter) = rule
                .and_then(|rule| self.counts.own()?.findings.0.get(rule))
                .and_then(|actions| actions.get(action?))
            {
                counter.fetch_add(1, Ordering::Relaxed);
            }
        }
        if let Some(log) = &self.log {
            log.write(decided);
        }
    }

    fn answered(&self, stage: Stage, status: u16, elapsed: Duration) {
        let position = STAGES.iter().position(|known| *known == stage);
        let (Some(position), Some(counts)) = (position, self.counts.own()) else {
            return;
        };
        let code = STATUSES
            .iter()
            .position(|code| *code == status)
            .unwrap_or(STATUSES.len() - 1);
        if let Some(counter) = counts
            .answers
            .get(position)
            .and_then(|codes| codes.get(code))
        {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(latency) = counts.latency.get(position) {
            latency.observe(elapsed);
        }
    }
}

impl Sources {
    /// All metrics in the text format of OpenMetrics.
    ///
    /// # Errors
    /// None that a metric can cause; the type is the formatter's.
    pub fn render(self: &Arc<Self>) -> Result<String, std::fmt::Error> {
        let mut registry = Registry::with_prefix("goldkeeper");
        let version = vec![("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "What is running", Info::new(version));
        let digest = vec![("digest", self.policies.load().digest().to_owned())];
        registry.register("policy_set", "The policies in force", Info::new(digest));
        registry.register_collector(Box::new(Pulled(self.clone())));
        let mut text = String::with_capacity(8 * 1024);
        encode(&mut text, &registry)?;
        Ok(text)
    }
}

/// Reads the counters at the moment of the scrape, so that no metric can drift from what it tells of.
struct Pulled(Arc<Sources>);

impl std::fmt::Debug for Pulled {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Pulled")
    }
}

/// No exemplars are kept.
type NoLabels = [(&'static str, &'static str); 0];

type Encoded = Result<(), std::fmt::Error>;

impl Collector for Pulled {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Encoded {
        let counts = self.0.metrics.total();
        answers(&counts, &mut encoder)?;
        latency(&counts, &mut encoder)?;
        findings(&counts, &mut encoder)?;
        self.policies(&mut encoder)?;
        self.undelivered(&mut encoder)?;
        self.exemptions(&mut encoder)?;
        self.view(&mut encoder)?;
        let now = jiff::Timestamp::now();
        super::boot_sources::encode(&self.0.view.load(), now, &mut encoder)?;
        self.pulse(&mut encoder)?;
        if let Some(events) = &self.0.events {
            events.encode(&mut encoder)?;
        }
        (self.0.tls)().encode(&mut encoder)
    }
}

impl Pulled {
    fn policies(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let standing = &self.0.standing;
        let help = "Changes of the policy files by outcome; after a rejected one the last good set stays in force";
        let mut family =
            encoder.encode_descriptor("policy_reloads", help, None, MetricType::Counter)?;
        let outcomes = [
            ("loaded", standing.count_loaded()),
            ("rejected", standing.count_rejected()),
        ];
        for (outcome, count) in outcomes {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        let help = "Faults that keep the policy files as they are now from being in force";
        let encoder = encoder.encode_descriptor("policy_faults", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(standing.faults()).unwrap_or(i64::MAX)).encode(encoder)
    }

    /// Nothing where the registered webhooks can't be read: unknown is not none.
    fn undelivered(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let Some(undelivered) = self.0.standing.undelivered() else {
            return Ok(());
        };
        let help = "Requests that policies want to see and no registered webhook delivers";
        let encoder =
            encoder.encode_descriptor("policies_undelivered", help, None, MetricType::Gauge)?;
        ConstGauge::new(i64::try_from(undelivered.len()).unwrap_or(i64::MAX)).encode(encoder)
    }

    /// The exemptions that end first, so that the number of series is bounded.
    fn exemptions(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let policies = self.0.policies.load();
        let now = jiff::Timestamp::now();
        let mut endings: Vec<_> = policies.endings().collect();
        endings.sort_by_key(|ending| ending.last);
        let help = "Time until an exemption ends; below 0 when it is over";
        let unit = Some(&Unit::Seconds);
        let mut family =
            encoder.encode_descriptor("exemption_expiry", help, unit, MetricType::Gauge)?;
        for ending in endings.iter().take(MAX_EXEMPTIONS) {
            let labels = [
                ("kind", ending.policy.rule.kind.to_owned()),
                ("policy", ending.policy.name.clone()),
                ("line", ending.exemption.place.line.to_string()),
            ];
            if let Some(left) = seconds_left(ending.last, now) {
                ConstGauge::new(left).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }

    fn view(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let view = self.0.view.load();
        let help = "Objects in the view of the cluster by kind";
        let mut family =
            encoder.encode_descriptor("view_objects", help, None, MetricType::Gauge)?;
        for kind in Kind::ALL {
            let count = i64::try_from(view.count(kind)).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(family.encode_family(&[("kind", kind.info().kind)])?)?;
        }
        let help = "Whether every object of a kind was seen";
        let mut family = encoder.encode_descriptor("view_known", help, None, MetricType::Gauge)?;
        for kind in Kind::ALL {
            let known = i64::from(view.coverage(kind).is_known());
            ConstGauge::new(known).encode(family.encode_family(&[("kind", kind.info().kind)])?)?;
        }
        Ok(())
    }

    fn pulse(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let (live_reads, ages) = (self.0.pulse)();
        let help = "Time since a kind was last heard of";
        let unit = Some(&Unit::Seconds);
        let mut family = encoder.encode_descriptor("view_age", help, unit, MetricType::Gauge)?;
        for (kind, age) in ages {
            ConstGauge::new(age).encode(family.encode_family(&[("kind", kind.info().kind)])?)?;
        }
        let help = "Reads of the live cluster by outcome";
        let mut family =
            encoder.encode_descriptor("live_reads", help, None, MetricType::Counter)?;
        for (outcome, count) in live_reads {
            ConstCounter::new(count).encode(family.encode_family(&[("outcome", outcome)])?)?;
        }
        Ok(())
    }
}

fn answers(counts: &Counts, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let help = "Admission requests by stage and HTTP status";
    let mut family =
        encoder.encode_descriptor("admission_requests", help, None, MetricType::Counter)?;
    for (stage, codes) in STAGES.iter().zip(&counts.answers) {
        for (code, count) in STATUSES.iter().zip(codes) {
            let labels = [
                ("stage", stage.as_str().to_owned()),
                ("code", code.to_string()),
            ];
            counter(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn latency(counts: &Counts, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let help = "Time from the head of a request to its answer";
    let mut family = encoder.encode_descriptor(
        "admission_request_duration",
        help,
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    for (stage, latency) in STAGES.iter().zip(&counts.latency) {
        let (sum, count, buckets) = latency.snapshot();
        let labels = [("stage", stage.as_str())];
        let mut metric = family.encode_family(&labels)?;
        metric.encode_histogram::<NoLabels>(sum, count, &buckets, None)?;
    }
    Ok(())
}

fn findings(counts: &Counts, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let help = "What was done on behalf of policies by rule and action";
    let mut family = encoder.encode_descriptor("decisions", help, None, MetricType::Counter)?;
    for (rule, actions) in RULES.iter().zip(&counts.findings.0) {
        for (action, count) in Action::ALL.iter().zip(actions) {
            let labels = [("rule", rule.kind), ("action", action.as_str())];
            counter(count).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// Seconds until the last day is over, in UTC.
fn seconds_left(last: jiff::civil::Date, now: jiff::Timestamp) -> Option<i64> {
    let end = last
        .tomorrow()
        .ok()?
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()?;
    Some(end.timestamp().as_second() - now.as_second())
}

fn counter(count: &AtomicU64) -> ConstCounter<u64> {
    ConstCounter::new(count.load(Ordering::Relaxed))
}
