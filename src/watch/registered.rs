//! What is registered for goldkeeper at the API server.

use std::time::Duration;

use kube::api::{ApiResource, DynamicObject};
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::timeout;

use super::failure::describe;

/// Longest that one reading may take.
const DEADLINE: Duration = Duration::from_secs(5);

/// A webhook configuration: its kind, its plural, its name.
pub type Configuration = (&'static str, &'static str, &'static str);

/// Reads webhook configurations by name; one that is not there is left out.
///
/// # Errors
/// Why they can't be read: most often the right to `get` them is missing.
pub async fn webhook_configurations(
    client: &Client,
    wanted: &[Configuration],
) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for (kind, plural, name) in wanted {
        let resource = ApiResource {
            group: "admissionregistration.k8s.io".to_owned(),
            version: "v1".to_owned(),
            api_version: "admissionregistration.k8s.io/v1".to_owned(),
            kind: (*kind).to_owned(),
            plural: (*plural).to_owned(),
        };
        let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
        let read = timeout(DEADLINE, api.get_opt(name)).await;
        let object = read
            .map_err(|_| format!("no answer within {} s", DEADLINE.as_secs()))?
            .map_err(|error| describe(&error).to_string())?;
        if let Some(object) = object {
            let mut value = object.data;
            if let Some(fields) = value.as_object_mut() {
                fields.insert("kind".to_owned(), Value::from(*kind));
            }
            found.push(value);
        }
    }
    Ok(found)
}
