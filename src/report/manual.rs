//! Manuals, which are Markdown, on a screen.

/// Bold, and back.
const BOLD: [&str; 2] = ["\u{1b}[1m", "\u{1b}[0m"];
/// For code within a line, and back.
const CODE: [&str; 2] = ["\u{1b}[36m", "\u{1b}[0m"];

/// A manual for people: headings stand out on a terminal and are bare elsewhere, code blocks are indented and otherwise
/// kept as they are, the rest is text as it was written. `colour` is for terminals.
pub fn manual(markdown: &str, colour: bool) -> String {
    let mut text = String::new();
    let mut in_code = false;
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let heading = line.trim_start_matches('#').trim_start();
        let line = if in_code {
            format!("    {line}")
        } else if line.starts_with('#') {
            paint(heading, BOLD, colour)
        } else {
            code_spans(line, colour)
        };
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn paint(text: &str, [on, off]: [&str; 2], colour: bool) -> String {
    if colour {
        format!("{on}{text}{off}")
    } else {
        text.to_owned()
    }
}

/// What stands between backticks gets a colour for them. Without colours they stay.
fn code_spans(line: &str, colour: bool) -> String {
    if !colour || !line.matches('`').count().is_multiple_of(2) {
        return line.to_owned();
    }
    let parts = line.split('`').enumerate();
    parts
        .map(|(number, part)| paint(part, CODE, number % 2 == 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANUAL: &str = "# Kind\nWhat `it` is.\n\n## Refused\n```yaml\n# kept: `as` it is\na:\n  - b\n```\nan `odd one\n";

    #[test]
    fn code_is_kept_and_headings_are_bare() {
        let plain = "Kind\nWhat `it` is.\n\nRefused\n    # kept: `as` it is\n    a:\n      - b\nan `odd one\n";
        assert_eq!(manual(MANUAL, false), plain);
    }

    #[test]
    fn headings_stand_out_on_a_terminal() {
        let coloured = "\u{1b}[1mKind\u{1b}[0m\nWhat \u{1b}[36mit\u{1b}[0m is.\n\n\u{1b}[1mRefused\u{1b}[0m\n    # kept: `as` it is\n    a:\n      - b\nan `odd one\n";
        assert_eq!(manual(MANUAL, true), coloured);
    }
}
