//! `JUnit` XML, as CI servers read it.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaseOutcome {
    /// It is as it should be.
    Passed,
    /// It is not.
    Failed {
        /// One line.
        message: String,
        /// The rest.
        text: String,
    },
    /// It could not be told, and why.
    Errored(String),
    /// It was not looked at, and why.
    Skipped(String),
}

/// One case of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// What CI servers list it by.
    pub name: String,
    /// What became of it.
    pub outcome: CaseOutcome,
}

/// Cases that belong together: those of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suite {
    /// The file.
    pub name: String,
    /// Its cases, in their order.
    pub cases: Vec<Case>,
}

/// A report as XML. Characters that XML can't hold are left out.
///
/// # Errors
/// None that a text can cause; the type is the writer's.
pub fn junit(name: &str, suites: &[Suite]) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new(name);
    for suite in suites {
        let mut written = TestSuite::new(suite.name.as_str());
        for case in &suite.cases {
            let mut one = TestCase::new(case.name.as_str(), status(&case.outcome));
            one.set_classname(suite.name.as_str());
            written.add_test_case(one);
        }
        report.add_test_suite(written);
    }
    report.to_string()
}

fn status(outcome: &CaseOutcome) -> TestCaseStatus {
    let unlucky = |kind, message: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(message);
        status
    };
    match outcome {
        CaseOutcome::Passed => TestCaseStatus::success(),
        CaseOutcome::Failed { message, text } => {
            let mut status = unlucky(NonSuccessKind::Failure, message);
            status.set_description(text.as_str());
            status
        }
        CaseOutcome::Errored(reason) => unlucky(NonSuccessKind::Error, reason),
        CaseOutcome::Skipped(reason) => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            status
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_counted_and_texts_are_escaped() {
        let case = |name: &str, outcome| Case {
            name: name.to_owned(),
            outcome,
        };
        let failed = CaseOutcome::Failed {
            message: "a < b & \"c\"\u{1b}".to_owned(),
            text: "]]>\nrest".to_owned(),
        };
        let suite = Suite {
            name: "vms/web.yaml".to_owned(),
            cases: vec![
                case("one", CaseOutcome::Passed),
                case("two", failed),
                case("three", CaseOutcome::Skipped("no policy".to_owned())),
                case("four", CaseOutcome::Errored("no cluster".to_owned())),
            ],
        };
        let xml = junit("goldkeeper check", &[suite]).unwrap();
        assert!(
            xml.contains("tests=\"4\" skipped=\"1\"")
                && xml.contains("errors=\"1\" failures=\"1\""),
            "{xml}"
        );
        assert!(
            xml.contains("message=\"a &lt; b &amp; &quot;c&quot;\""),
            "{xml}"
        );
        assert!(xml.contains("classname=\"vms/web.yaml\""), "{xml}");
    }
}
