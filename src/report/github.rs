//! Workflow commands of GitHub Actions, which become annotations at the lines of a pull request
//! (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>).

use std::fmt::Write;

use super::{Level, Remark};

/// One workflow command a remark, each on a line of its own.
pub fn github(remarks: &[Remark]) -> String {
    let mut text = String::new();
    for remark in remarks {
        let command = match remark.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let _ = write!(text, "::{command} file={}", property(&remark.file));
        let places = [
            ("line", remark.line),
            ("col", remark.column),
            ("endColumn", remark.end_column.unwrap_or_default()),
        ];
        for (name, number) in places.into_iter().filter(|(_, number)| *number > 0) {
            let _ = write!(text, ",{name}={number}");
        }
        let title = property(&remark.rule);
        let _ = writeln!(text, ",title={title}::{}", data(&remark.text()));
    }
    text
}

/// As `escapeData` of `actions/toolkit` (`packages/core/src/command.ts`).
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// As `escapeProperty` there.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::remark::tests::remark;
    use super::*;

    #[test]
    fn a_remark_is_one_line_that_nothing_can_leave() {
        let told = github(&[remark()]);
        assert_eq!(
            told,
            "::error file=./policies/a%2C b.yaml,line=5,col=3,endColumn=9,title=ProtectedNamespaces::spec: 100 %25 wrong, \
             truly: yes%0Asecond line%0Ahelp: write it right\n"
        );
        let whole = Remark {
            level: Level::Note,
            line: 0,
            column: 0,
            end_column: None,
            help: String::new(),
            message: "x".to_owned(),
            rule: "a:b".to_owned(),
            ..remark()
        };
        assert_eq!(
            github(&[whole]),
            "::notice file=./policies/a%2C b.yaml,title=a%3Ab::x\n"
        );
    }
}
