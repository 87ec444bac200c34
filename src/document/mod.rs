//! YAML documents with places: a tree that knows the line and column of every node, and typed reading of it that
//! reports every fault it meets and goes on.
//!
//! Policy files are read with this ([`crate::policy`]), and each rule reads its own `parameters` with it
//! ([`crate::rules`]). Nothing here touches a file: text comes in, diagnostics come out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod decode;
mod diagnostic;
mod documents;
mod field;
mod globs;
mod names;
mod node;
mod values;
mod yaml_fault;

pub use decode::{Decode, Decoder, Fields, nearest, suggest};
pub use diagnostic::{Diagnostic, Severity};
pub use documents::parse_each;
pub use field::{Field, Shape};
pub use globs::Globs;
pub use names::is_dns_label;
pub use node::{Node, Place, Value, parse};
pub use values::{LabelValue, MAX_ITEMS};
