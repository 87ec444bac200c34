//! YAML that somebody else wrote, as JSON.

use serde_json::Value;

/// All documents of a text, as Kubernetes reads them: YAML 1.1 octal numbers, empty documents skipped.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>, String> {
    let options = serde_saphyr::options! { legacy_octal_numbers: true };
    let documents: Vec<Value> = serde_saphyr::from_multiple_with_options(text, options)
        .map_err(|error| error.without_snippet().to_string())?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect())
}
