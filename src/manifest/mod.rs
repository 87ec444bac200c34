//! Manifests: the objects in a file that people keep, each with its places, and edits of such a file that touch nothing
//! else.
//!
//! A text is read document by document ([`documents`]), as `kubectl` reads it: YAML 1.1 scalars, several documents, a
//! stream of JSON objects, anchors and merge keys. A [`Node`] knows where it stands, so that a finding has a line and an
//! edit has a place. [`objects`] unfolds `List`s and `Template`s. Nothing here touches a file: text comes in, objects,
//! faults and new texts come out.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod edit;
mod hyper_converged;
mod node;
mod object;
mod read;
mod scalar;
mod split;
mod template;

#[cfg(test)]
mod edit_tests;

pub use edit::{Change, Declined, Filled, Insertion, apply, fill};
pub use hyper_converged::{UnknownField, unknown_field};
pub use node::{Content, Entry, Node, Place};
pub use object::{Manifest, Untold, objects};
pub use read::{Document, Fault, documents};
