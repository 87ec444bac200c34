//! What moves on the screen of people who wait, and nowhere else.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar for so many steps.
pub(super) fn bar(steps: usize, template: &str) -> ProgressBar {
    shown(template, ProgressStyle::default_bar(), || {
        ProgressBar::new(steps as u64)
    })
}

/// A line for what nobody knows the end of.
pub(super) fn line(template: &str) -> ProgressBar {
    shown(
        template,
        ProgressStyle::default_spinner(),
        ProgressBar::new_spinner,
    )
}

/// Nothing at all.
pub(super) fn none() -> ProgressBar {
    ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
}

fn shown(
    template: &str,
    otherwise: ProgressStyle,
    made: impl FnOnce() -> ProgressBar,
) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return none();
    }
    let style = ProgressStyle::with_template(template);
    made().with_style(style.unwrap_or(otherwise))
}
