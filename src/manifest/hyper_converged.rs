//! Where the `HyperConverged` names the golden namespace. The product documentation shows version `v1` with the path of
//! `v1beta1`; the API server refuses that, or drops it without a word where validation is not strict. No webhook ever
//! sees it. Paths: `api/v1/hyperconverged_types.go` and `api/v1beta1/hyperconverged_types.go` in
//! kubevirt/hyperconverged-cluster-operator.

use json_patch::jsonptr::PointerBuf;

use super::Manifest;

/// A field that the version of the object does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownField {
    /// Where it stands in the object.
    pub pointer: PointerBuf,
    /// The same, as people write it.
    pub field: &'static str,
    /// One sentence on one line: what is wrong and what to write.
    pub message: String,
}

const SPEC: &str = "spec.commonBootImageNamespace";
const WORKLOADS: &str = "spec.workloadSources.commonBootImageNamespace";

/// What a `HyperConverged` sets in vain.
pub fn unknown_field(manifest: &Manifest<'_>) -> Option<UnknownField> {
    if manifest.group() != "hco.kubevirt.io" || manifest.kind != "HyperConverged" {
        return None;
    }
    let (pointer, field, right) = match manifest.version() {
        "v1" => ("/spec/commonBootImageNamespace", SPEC, WORKLOADS),
        "v1beta1" => ("/spec/workloadSources", "spec.workloadSources", SPEC),
        _ => return None,
    };
    manifest.object.pointer(pointer)?;
    let message = format!(
        "{field} is not a field of {}: it is refused or dropped without a word; the golden namespace belongs in {right}",
        manifest.api_version
    );
    Some(UnknownField {
        pointer: PointerBuf::parse(pointer).ok()?,
        field,
        message,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{documents, objects};
    use super::*;

    fn told(text: &str) -> Option<String> {
        let document = documents(text).next()?.ok()?;
        let mut told = None;
        objects(
            &document.node,
            &mut |manifest| told = unknown_field(&manifest).map(|it| it.message),
            &mut |_| {},
        );
        told
    }

    #[test]
    fn each_version_has_its_own_path() {
        let object = |version: &str, spec: &str| {
            format!("apiVersion: hco.kubevirt.io/{version}\nkind: HyperConverged\nspec: {spec}\n")
        };
        let short = "{commonBootImageNamespace: gold}";
        let long = "{workloadSources: {commonBootImageNamespace: gold}}";
        assert_eq!(told(&object("v1beta1", short)), None);
        assert_eq!(told(&object("v1", long)), None);
        assert_eq!(told(&object("v1", "{}")), None);
        assert_eq!(
            told(&object("v1", short)).unwrap(),
            "spec.commonBootImageNamespace is not a field of hco.kubevirt.io/v1: it is refused or dropped without a word; \
             the golden namespace belongs in spec.workloadSources.commonBootImageNamespace"
        );
        let other = told(&object("v1beta1", long)).unwrap();
        assert!(
            other.ends_with("belongs in spec.commonBootImageNamespace"),
            "{other}"
        );
        assert_eq!(
            told("apiVersion: x/v1\nkind: HyperConverged\nspec: {commonBootImageNamespace: a}\n"),
            None
        );
    }
}
