//! What goldkeeper is asked while something is broken, and what its answers are.

use std::thread::sleep;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::super::bench::{Bench, CUSTOM, DEFAULT, LONG, RUNTIME};
use crate::support::load::{self, Load, Question};
use crate::support::serving::example;

/// A boot source that is there at first, and is deleted while goldkeeper can't see it.
pub(super) const VANISHING: &str = "vanishing";

/// The clients of a run.
const CLIENTS: usize = 8;
/// The time between two reviews of a client.
const PACE: Duration = Duration::from_millis(40);

// What answers may be; warnings by how they begin.
pub(super) const REFUSED: &str = "protected: refused";
pub(super) const FILLED: &str = "unnamed: filled with openshift-virtualization-os-images";
pub(super) const FOLLOWED: &str = "unnamed: filled with gold-images";
pub(super) const LEFT_ALONE: &str = "unnamed: left alone";
/// The missing namespace is known, and told.
pub(super) const TOLD: &str =
    "unfilled: allowed and warned of: boot source rhel9 is named without its namespace";
/// It is not known, and that is told.
pub(super) const TOLD_UNSURE: &str = "unfilled: allowed and warned of: boot source rhel9 is named without a namespace and could not be looked up";
/// There is no golden image of that name, and no other; a user who lost his rights is not told which.
pub(super) const NOT_FOUND: &str =
    "unfilled: allowed and warned of: boot source rhel9 in demo was not found";
pub(super) const NAMED: &str = "named: allowed";
const NAMED_UNSURE: &str = "named: allowed and warned of: could not tell whether";
/// After the setting has changed.
pub(super) const NAMED_RETIRED: &str = "named: allowed and warned of: sourceRef names openshift-virtualization-os-images where rhel9 is no longer kept";
pub(super) const THERE: &str = "vanishing: allowed";
const THERE_UNSURE: &str = "vanishing: allowed and warned of: could not tell whether";
pub(super) const GONE: &str =
    "vanishing: allowed and warned of: no boot source vanishing in gold-images";

/// What they are once images, settings and grants are gone.
pub(super) const LOST: &[&str] = &[
    LEFT_ALONE,
    NOT_FOUND,
    "unfilled: allowed and warned of: no boot source rhel9 in demo",
    "named: allowed and warned of: service account default of demo may not clone",
    "named: allowed and warned of: no boot source rhel9",
    "named: allowed and warned of: boot source rhel9 in openshift-virtualization-os-images was not found",
    "vanishing: allowed and warned of: service account default of demo may not clone",
    "vanishing: allowed and warned of: boot source vanishing in gold-images was not found",
    GONE,
];

/// What answers may be at any time, and are while the API server can't be asked.
pub(super) const UNSURE: &[&str] = &[LEFT_ALONE, TOLD_UNSURE, NAMED_UNSURE, THERE_UNSURE];

/// A virtual machine in a protected namespace.
pub(super) fn protected() -> Question {
    Question {
        path: "/validate?timeout=5s",
        body: Bytes::from(example("vm-in-openshift.json")),
        judge: |status, body| judge("protected", status, body),
    }
}

/// One that does not say where its boot source is.
pub(super) fn unnamed() -> Question {
    Question {
        path: "/mutate?timeout=5s",
        body: Bytes::from(example("vm-without-namespace.json")),
        judge: |status, body| judge("unnamed", status, body),
    }
}

/// The same as it is stored where it could not be filled in.
pub(super) fn unfilled() -> Question {
    Question {
        path: "/validate?timeout=5s",
        body: unnamed().body,
        judge: |status, body| judge("unfilled", status, body),
    }
}

/// One that says it rightly.
pub(super) fn named() -> Question {
    Question {
        path: "/validate?timeout=5s",
        body: review(DEFAULT, "rhel9"),
        judge: |status, body| judge("named", status, body),
    }
}

/// One that names what will be gone.
pub(super) fn vanishing() -> Question {
    Question {
        path: "/validate?timeout=5s",
        body: review(CUSTOM, VANISHING),
        judge: |status, body| judge("vanishing", status, body),
    }
}

fn review(namespace: &str, name: &str) -> Bytes {
    let mut review: Value = serde_json::from_slice(&example("vm-without-namespace.json")).unwrap();
    let templates = &mut review["request"]["object"]["spec"]["dataVolumeTemplates"];
    templates[0]["spec"]["sourceRef"] =
        json!({"kind": "DataSource", "namespace": namespace, "name": name});
    Bytes::from(review.to_string())
}

/// What an answer is, in words; a warning is told in full.
fn judge(name: &str, status: u16, body: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(body);
    let wrong = || format!("{name}: {status} {text}");
    let review: Value = serde_json::from_slice(body).map_err(|_| wrong())?;
    let response = &review["response"];
    let Some(allowed) = response["allowed"].as_bool().filter(|_| status == 200) else {
        return Err(wrong());
    };
    if !allowed {
        let refused = response["status"]["code"] == 403;
        return if refused {
            Ok(format!("{name}: refused"))
        } else {
            Err(wrong())
        };
    }
    let filled = response["patch"].as_str().map(|patch| {
        let patch: Value = serde_json::from_slice(&STANDARD.decode(patch).unwrap()).unwrap();
        patch[0]["value"].as_str().unwrap().to_owned()
    });
    let what = match filled {
        Some(namespace) => format!("filled with {namespace}"),
        None if name == "unnamed" => "left alone".to_owned(),
        None => "allowed".to_owned(),
    };
    let warnings = response["warnings"].as_array().map(|warnings| {
        let warnings: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
        format!(" and warned of: {}", warnings.join(" | "))
    });
    Ok(format!("{name}: {what}{}", warnings.unwrap_or_default()))
}

/// What the answer is now.
pub(super) fn answer_now(bench: &Bench, question: &Question) -> String {
    let answer = RUNTIME.block_on(async {
        let mut sender = load::connect(bench.address()).await?;
        load::ask(&mut sender, question).await
    });
    answer.unwrap().unwrap()
}

/// Reviews of all sorts, sent on and on.
pub(super) struct Run {
    load: Load,
    /// What answers may be in each phase.
    rightly: Vec<(&'static str, Vec<&'static str>)>,
}

impl Run {
    /// Begins in a phase in which answers are these, and waits until each was seen.
    #[track_caller]
    pub(super) fn start(bench: &Bench, phase: &'static str, rightly: &[&'static str]) -> Self {
        let _runtime = RUNTIME.enter();
        let questions = [protected(), unnamed(), unfilled(), named(), vanishing()];
        let run = Self {
            load: Load::of(&questions, phase, bench.address(), CLIENTS, PACE),
            rightly: vec![(phase, rightly.to_vec())],
        };
        run.until_all_seen(phase, rightly);
        run
    }

    /// From now on answers may be these, and those that were asked for before this also what they might be then. That the
    /// cluster could not be asked in time may always be said.
    pub(super) fn enter(&mut self, phase: &'static str, rightly: &[&[&'static str]]) {
        self.rightly.push((phase, rightly.concat()));
        self.load.outcome.enter(phase);
    }

    /// From now on answers are these; waits until each was seen.
    #[track_caller]
    pub(super) fn settle(&mut self, phase: &'static str, rightly: &[&'static str]) {
        self.enter(phase, &[rightly]);
        self.until_all_seen(phase, rightly);
        sleep(Duration::from_millis(500));
    }

    /// Whether there was such an answer in a phase.
    pub(super) fn has_seen(&self, phase: &str, what: &str) -> bool {
        let seen = self.load.outcome.seen();
        seen.keys().any(|(asked_in, came_in, seen)| {
            *asked_in == phase && *came_in == phase && is(seen, what)
        })
    }

    /// Waits for such an answer in a phase.
    #[track_caller]
    pub(super) fn until_seen(&self, phase: &str, what: &str) {
        let started = Instant::now();
        while !self.has_seen(phase, what) {
            let seen = self.load.outcome.seen();
            assert!(
                started.elapsed() < LONG,
                "in vain: {what}; there was {seen:#?}"
            );
            sleep(Duration::from_millis(5));
        }
    }

    #[track_caller]
    fn until_all_seen(&self, phase: &str, all: &[&str]) {
        for what in all {
            self.until_seen(phase, what);
        }
    }

    /// Ends it: all answers were right. Says what there was.
    pub(super) fn end(self, name: &str) {
        let outcome = self.load.outcome.clone();
        RUNTIME.block_on(self.load.end(name));
        let may_be = |phase: &str, what: &str| {
            let mut phases = self.rightly.iter().filter(|(own, _)| *own == phase);
            phases.any(|(_, rightly)| rightly.iter().chain(UNSURE).any(|own| is(what, own)))
        };
        let mut wrong = Vec::new();
        for ((asked_in, came_in, what), count) in outcome.seen() {
            let phase = if asked_in == came_in {
                asked_in.to_owned()
            } else {
                format!("{asked_in} -> {came_in}")
            };
            let line = format!("{name}, {phase}: {count} x {what:.130}");
            eprintln!("{line}");
            if !may_be(asked_in, &what) && !may_be(came_in, &what) {
                wrong.push(line);
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}

/// Whether an answer is of a sort.
fn is(what: &str, sort: &str) -> bool {
    what == sort || (sort.contains("warned of") && what.starts_with(sort))
}
