//! `goldkeeper test`: cases of the project and of administrators.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::files;
use crate::support::seen::Seen;

fn try_out(arguments: &[&str]) -> Seen {
    Seen::goldkeeper(&[&["test"], arguments].concat())
}

const POLICY: &str = "\
# Kept.
policies:
- apiVersion: goldkeeper.io/v1
  kind: ProtectedNamespaces
  metadata: {name: none-here}
  spec: {validationActions: [Deny], parameters: {namespaces: [closed]}}
";

/// A case whose request is refused.
fn refused() -> String {
    format!(
        "{POLICY}request:   # kept too\n  operation: CREATE\n  \
         object: {{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {{name: a, namespace: closed}}}}\n"
    )
}

#[test]
fn the_cases_of_the_project_are_cases_for_anybody() {
    let seen = try_out(&["tests/cases"]);
    let all = files::below("tests/cases", "yaml").len();
    assert_eq!(seen.stdout, format!("{all} cases: {all} passed\n"));
    assert_eq!(seen.code, 0, "{}", seen.stderr);
}

#[test]
fn the_examples_pass_and_a_filter_takes_some() {
    let seen = try_out(&["examples/policy-tests"]);
    assert_eq!((seen.code, &*seen.stdout), (0, "3 cases: 3 passed\n"));
    let seen = try_out(&["examples/policy-tests", "--filter", "exemption"]);
    assert_eq!((seen.code, &*seen.stdout), (0, "1 case: 1 passed\n"));
    let seen = try_out(&["examples/policy-tests", "--filter", "nothing-like-it"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.stderr
            .contains("none of 3 cases has `nothing-like-it`"),
        "{}",
        seen.stderr
    );
}

#[test]
fn an_update_writes_what_came_out_and_keeps_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/case.yaml");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, refused()).unwrap();
    let root = folder.path().to_str().unwrap();
    assert_eq!(
        try_out(&[root]).code,
        2,
        "a case that expects nothing can't fail"
    );

    let seen = try_out(&[root, "--update"]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    assert!(
        seen.stdout.ends_with("1 case: 1 passed, 1 updated\n"),
        "{}",
        seen.stdout
    );
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.starts_with(&refused()), "{written}");
    assert!(
        written.contains("expect:\n  validate:\n    allowed: false\n    message: |\n"),
        "{written}"
    );
    assert_eq!(try_out(&[root, "--update"]).stdout, "1 case: 1 passed\n");

    // A link stays one: the file that it leads to is updated.
    fs::write(&path, refused()).unwrap();
    let link = folder.path().join("link.yaml");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let seen = try_out(&[link.to_str().unwrap(), "--update"]);
    assert_eq!(seen.code, 0, "{}", seen.stderr);
    assert!(link.symlink_metadata().unwrap().is_symlink());
    let updated = fs::read_to_string(&path).unwrap();
    assert_eq!(updated.replace("link.yaml", "case.yaml"), written);
    fs::remove_file(&link).unwrap();

    let wrong = written.replace("allowed: false", "allowed: true");
    fs::write(&path, &wrong).unwrap();
    let line = wrong.lines().position(|line| line == "expect:").unwrap() + 1;
    let seen = try_out(&[root]);
    assert_eq!(seen.code, 1, "{}", seen.stderr);
    assert!(
        seen.stdout
            .starts_with(&format!("FAILED  {}:{line}\n", path.display())),
        "{}",
        seen.stdout
    );
    assert!(
        seen.stdout
            .contains("-    allowed: true\n+    allowed: false\n"),
        "{}",
        seen.stdout
    );
    assert_eq!(try_out(&[root, "--update"]).code, 0);
    assert_eq!(fs::read_to_string(&path).unwrap(), written);

    fs::write(&path, format!("{written}now: 2026-11-25\n")).unwrap();
    let seen = try_out(&[root, "--update"]);
    assert_eq!(seen.code, 2);
    assert!(
        seen.stdout.contains("`now` stands after `expect`"),
        "{}",
        seen.stdout
    );
}

#[test]
fn several_requests_are_tried_in_one_world() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("case.yaml");
    let object = |namespace: &str| {
        format!(
            "{{apiVersion: kubevirt.io/v1, kind: VirtualMachine, metadata: {{name: a, namespace: {namespace}}}}}"
        )
    };
    let requests = format!(
        "{POLICY}requests:\n- {{operation: CREATE, object: {}}}\n- {{name: shut, operation: CREATE, object: {}}}\n",
        object("open"),
        object("closed")
    );
    fs::write(&path, &requests).unwrap();
    let path = path.to_str().unwrap();
    assert_eq!(try_out(&[path, "--update"]).code, 0);
    assert_eq!(try_out(&[path]).stdout, "1 case: 1 passed\n");
    let seen = try_out(&[path, "-o", "json"]);
    let report: Value = serde_json::from_str(&seen.stdout).unwrap();
    let requests = &report["cases"][0]["requests"];
    assert_eq!(requests[0]["name"], "request 1 of 2");
    assert_eq!(
        (&requests[1]["name"], &requests[1]["passed"]),
        (&"shut".into(), &true.into())
    );

    let text = fs::read_to_string(path).unwrap();
    fs::write(path, text.replace("allowed: false", "allowed: true")).unwrap();
    let seen = try_out(&[path, "-o", "junit"]);
    assert_eq!(seen.code, 1);
    assert!(
        seen.stdout
            .contains("tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"1\""),
        "{}",
        seen.stdout
    );
    assert!(
        seen.stdout.contains("<testcase name=\"shut\""),
        "{}",
        seen.stdout
    );
    let line = text.lines().position(|line| line == "expect:").unwrap() + 1;
    let seen = try_out(&[path]);
    assert!(
        seen.stdout.contains(&format!(":{} (shut)\n", line + 3)),
        "{}",
        seen.stdout
    );
}

/// File, what is told, and the line it is told of.
fn faults() -> Vec<(&'static str, String, &'static str, usize)> {
    let refused = refused();
    let fault = |name, text, told, line| (name, text, told, line);
    vec![
        fault("no-yaml", "policies: [\n".to_owned(), "not a case:", 1),
        fault(
            "another-file",
            "apiVersion: v1\nkind: Pod\n".to_owned(),
            "unknown field",
            1,
        ),
        fault(
            "no-policies",
            "request: {operation: CREATE}\n".to_owned(),
            "policies",
            1,
        ),
        fault(
            "unknown-field",
            refused.replace("operation:", "operatoin:"),
            "operatoin",
            8,
        ),
        fault("no-request", POLICY.to_owned(), "there is no request", 0),
        fault(
            "no-such-policy",
            refused.replace("policies:\n", "policies:\n- none.yaml\n"),
            "can't read",
            3,
        ),
        fault(
            "broken-policy",
            refused.replace("[Deny]", "[Dney]"),
            "Dney",
            3,
        ),
        fault(
            "no-such-cluster",
            format!("cluster: none.yaml\n{refused}"),
            "can't read",
            1,
        ),
        fault("bad-day", format!("now: tomorrow\n{refused}"), "now: ", 1),
        fault(
            "no-kind",
            refused.replace("kind: VirtualMachine, ", ""),
            "names no kind",
            7,
        ),
        fault(
            "list-for-one",
            format!("{refused}expect:\n- {{}}\n"),
            "`expect` is a list",
            10,
        ),
        fault(
            "wrong-type",
            format!("{refused}expect: 7\n"),
            "expected",
            10,
        ),
        fault(
            "both",
            format!("{refused}requests: [{{operation: CREATE}}]\n"),
            "side by side",
            10,
        ),
        fault(
            "expects-nothing",
            refused,
            "does not say what it expects",
            0,
        ),
    ]
}

#[test]
fn what_is_no_case_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (name, text, told, line) in faults() {
        let path = folder.path().join(format!("{name}.yaml"));
        fs::write(&path, text).unwrap();
        let Seen { code, stdout, .. } = try_out(&[path.to_str().unwrap()]);
        let place = match line {
            0 => format!("{}\n", path.display()),
            line => format!("{}:{line}:", path.display()),
        };
        let last = "1 case: 0 passed, 1 could not be run\n";
        if code != 2
            || !stdout.contains(told)
            || !stdout.contains(&place)
            || !stdout.ends_with(last)
        {
            wrong.push(format!(
                "{name}: {told:?} in {place:?}, 2; found {code}\n{stdout}"
            ));
        }
        fs::remove_file(&path).unwrap();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let none = try_out(&[folder.path().to_str().unwrap()]);
    assert_eq!(none.code, 2);
    assert!(none.stderr.contains("holds no *.yaml"), "{}", none.stderr);
    assert!(!Path::new("policy-tests").exists());
    assert_eq!(try_out(&[]).code, 2);
}
