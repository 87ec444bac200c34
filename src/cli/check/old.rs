//! The objects as they were before a change.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::admission::Resource;
use crate::manifest::{self, Manifest};
use crate::store;

use super::ask::namespace_of;
use super::judge::resource_of;
use super::{is_stdin, label};

/// What is judged of `--old`, by what identifies an object.
#[derive(Debug, Default)]
pub(super) struct OldObjects(HashMap<Key, Value>);

type Key = (Resource, String, String);

impl OldObjects {
    /// Reads them. What can't be read would make an update look like a creation, so any fault ends it.
    pub(super) fn read(paths: &[PathBuf], namespace: &str) -> Result<Self> {
        let mut objects = HashMap::new();
        for path in paths {
            if is_stdin(path) {
                bail!("--old can't be standard input");
            }
            for file in store::manifest_files(path)? {
                let text = store::read_manifest(&file)?;
                for document in manifest::documents(&text) {
                    let document = document.map_err(|fault| {
                        let place = fault.place;
                        anyhow::anyhow!("{}:{}: {}", place.line, place.column, fault.message)
                    });
                    let document = document.with_context(|| label(&file).to_string())?;
                    manifest::objects(
                        &document.node,
                        &mut |manifest| {
                            if let Some(key) = key(&manifest, namespace) {
                                objects.insert(key, manifest.object);
                            }
                        },
                        &mut |_| {},
                    );
                }
            }
        }
        Ok(Self(objects))
    }

    /// The object as it was.
    pub(super) fn find(&self, manifest: &Manifest<'_>, namespace: &str) -> Option<&Value> {
        self.0.get(&key(manifest, namespace)?)
    }
}

/// What has only a `generateName` is new each time.
fn key(manifest: &Manifest<'_>, namespace: &str) -> Option<Key> {
    let resource = resource_of(manifest)?;
    let name = manifest.metadata("name");
    let namespace = namespace_of(manifest, resource, namespace);
    (!name.is_empty()).then(|| (resource, namespace.to_owned(), name.to_owned()))
}
