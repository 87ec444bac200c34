//! The vocabulary of one admission request.
//!
//! [`AdmissionRequest`] is decoded once, at the border, in a single pass over the bytes that the API server sent, and
//! borrows from them. Of the objects in it only the fields that a rule looks at are read ([`Object`]); everything else
//! is skipped, never copied and never serialised again.
//!
//! The envelope (uid, kind, operation, user) is strict: without it there is no request to judge. The objects are
//! tolerant: a field of the wrong type reads as absent, because refusing malformed objects is the work of the API
//! server, `KubeVirt` and CDI.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod boot_reference;
mod edit;
pub mod json;
mod object;
mod path;
mod request;
mod resource;
mod settings;
pub mod tolerant;

pub use boot_reference::{BootReference, Machine, VolumeRequest};
pub use edit::Edit;
pub use object::{
    Annotations, Claim, ClaimName, DataVolumeSpec, DataVolumeTemplate, Labels, Matcher, Metadata,
    Named, NamespacedName, Object, OwnerReference, ServiceAccountName, Source, SourceRef, Spec,
    Template, TemplateMetadata, TemplateSpec, TypedReference, VirtualMachineTemplate,
    VirtualMachineTemplateSpec, Volume,
};
pub use path::FieldPath;
pub use request::{
    AdmissionRequest, Body, GroupVersionKind, GroupVersionResource, Groups, Operation,
    ServiceAccount, UserInfo,
};
pub use resource::{Resource, ResourceInfo};
pub use settings::{
    ImageAnnotations, ImageMetadata, ImageSettings, ImageSpec, ImageTemplate, WorkloadSources,
};
