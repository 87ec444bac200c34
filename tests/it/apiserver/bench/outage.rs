//! A bench whose control plane may be broken: it is not the one that all the other tests share.

use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use serde_json::{Value, json};

use super::{Bench, LONG, Policies, Version, assets, until};

static BENCH: Mutex<Option<Bench>> = Mutex::new(None);

/// Does something to the control plane of a bench of its own. A test that fails leaves none behind for the next.
pub(in super::super) fn with_own_bench(test: impl FnOnce(&mut Bench)) {
    let mut own = BENCH.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(mut bench) = own
        .take()
        .or_else(|| assets::control_plane().map(Bench::start))
    else {
        return;
    };
    test(&mut bench);
    *own = Some(bench);
}

impl Bench {
    /// Kills the API server.
    pub(in super::super) fn kill_apiserver(&mut self) {
        self.plane.kill_apiserver();
    }

    /// Starts it again, with more arguments if need be, and waits until it is ready. Returns since when it is.
    pub(in super::super) fn start_apiserver(&mut self, more: &[&str]) -> Instant {
        self.plane.start_apiserver(&self.processes, more);
        let ready = Instant::now();
        // A connection that is kept may still be one to the old one.
        until("the API server answers", LONG, || {
            let asked = super::RUNTIME.block_on(self.client.send("GET", "/version", None));
            asked.is_ok_and(|answer| answer.is_success())
        });
        ready
    }

    /// etcd comes back with nothing in it, while the API server is away.
    pub(in super::super) fn empty_etcd(&mut self) {
        self.plane.empty_etcd(&self.processes);
    }

    /// Takes everything out of etcd while the API server is there.
    pub(in super::super) fn delete_all_keys(&self) {
        // From the byte 0, to the end.
        let all = json!({"key": "AA==", "range_end": "AA=="});
        self.plane.etcd("/v3/kv/deleterange", &all);
    }

    /// etcd forgets what was before now.
    pub(in super::super) fn compact_etcd(&self) {
        let revision = self.etcd_revision().to_string();
        let now = json!({"revision": revision, "physical": true});
        self.plane.etcd("/v3/kv/compaction", &now);
    }

    /// etcd comes so much further, by something that nobody looks at.
    pub(in super::super) fn bump_etcd(&self, revisions: usize) {
        // The key "tests", and no value.
        let put = json!({"key": "dGVzdHM="});
        for _ in 0..revisions {
            self.plane.etcd("/v3/kv/put", &put);
        }
    }

    /// How far etcd has come.
    pub(in super::super) fn etcd_revision(&self) -> u64 {
        let first = json!({"key": "AA==", "limit": "1"});
        let answer = self.plane.etcd("/v3/kv/range", &first);
        let revision = answer["header"]["revision"].as_str().unwrap();
        revision.parse().unwrap()
    }

    /// CRDs and an example cluster again, where there is nothing any more.
    pub(in super::super) fn refill(&mut self) {
        self.furnish();
    }

    /// Starts goldkeeper, and does not wait for more than that it listens.
    pub(in super::super) fn begin(&mut self) -> Instant {
        self.goldkeeper = None;
        let started = Instant::now();
        let policies = Policies::shipped();
        self.goldkeeper = Some(
            self.identity
                .begin(&self.processes, &self.proxied, &policies, &[]),
        );
        until("goldkeeper listens", LONG, || {
            TcpStream::connect(self.address()).is_ok()
        });
        started
    }

    /// Whether goldkeeper says that it is ready.
    pub(in super::super) fn is_ready(&self) -> bool {
        self.identity.is_ready()
    }

    /// Seconds since goldkeeper last heard of a kind; `None` if it follows none.
    pub(in super::super) fn view_age(&self, kind: &str) -> Option<f64> {
        let metrics = self.metrics();
        let beginning = format!("goldkeeper_view_age_seconds{{kind=\"{kind}\"}} ");
        let age = metrics
            .lines()
            .find_map(|line| line.strip_prefix(&*beginning));
        age.map(|age| age.parse().unwrap())
    }

    /// Has the cluster serve both versions of the `HyperConverged` and keep it in the old one, through which it is set from
    /// now on. Returns the CRD.
    pub(in super::super) fn store_hyper_converged_in_v1beta1(&mut self) -> Value {
        let mut crd = self.hyper_converged_crd();
        for version in crd["spec"]["versions"].as_array_mut().unwrap() {
            version["storage"] = json!(version["name"] == "v1beta1");
        }
        self.replace_hyper_converged(&crd, Version::V1beta1);
        crd
    }
}
