//! Objects that no view keeps, one page after another: there may be a hundred thousand of them.

use kube::Client;
use kube::api::ListParams;
use kube::core::Request;
use serde_json::Value;

use super::resource::Page;
use crate::inventory::Listing;

/// Objects asked for at once: few requests, and a page is what such a list costs at its peak.
const PAGE: u32 = 250;

/// Why a list is not whole.
#[derive(Debug, thiserror::Error)]
#[error("{kind} can't be listed: {reason}")]
pub struct ListError {
    /// The kind.
    pub kind: &'static str,
    /// Why, in one line.
    pub reason: String,
}

/// Lists all objects of a kind, in all namespaces.
pub struct Pager {
    client: Client,
    listing: Listing,
    /// The version that is served, once a page has come.
    version: Option<&'static str>,
    continue_token: Option<String>,
    ended: bool,
}

impl std::fmt::Debug for Pager {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Pager")
            .field("listing", &self.listing)
            .finish_non_exhaustive()
    }
}

impl Pager {
    /// Begins at the first object. Nothing is asked yet.
    pub const fn new(client: Client, listing: Listing) -> Self {
        Self {
            client,
            listing,
            version: None,
            continue_token: None,
            ended: false,
        }
    }

    /// The next page; `None` after the last, and at once if the cluster does not serve the kind. Objects say what they
    /// are, as those of built-in lists do not.
    ///
    /// # Errors
    /// [`ListError`] if the page can't be had. The list can't be gone on with then: it may have outlived its position.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, ListError> {
        if self.ended {
            return Ok(None);
        }
        let versions: Vec<&'static str> = match self.version {
            Some(version) => vec![version],
            None => self.listing.versions.to_vec(),
        };
        for version in versions {
            match self.fetch(version).await {
                Ok(page) => {
                    self.version = Some(version);
                    self.ended = page.continue_token.is_none();
                    self.continue_token = page.continue_token;
                    return Ok(Some(page.objects));
                }
                // This version is not served.
                Err(failure) if self.version.is_none() && failure.absent => {}
                Err(failure) => {
                    self.ended = true;
                    return Err(ListError {
                        kind: self.listing.kind,
                        reason: failure.reason.to_string(),
                    });
                }
            }
        }
        self.ended = true;
        Ok(None)
    }

    async fn fetch(&self, version: &'static str) -> Result<Page<Value>, super::failure::Failure> {
        let Listing {
            group,
            plural,
            kind,
            ..
        } = self.listing;
        let (root, api_version) = match group {
            "" => (format!("/api/{version}"), version.to_owned()),
            group => (
                format!("/apis/{group}/{version}"),
                format!("{group}/{version}"),
            ),
        };
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.continue_token.clone_from(&self.continue_token);
        let named = |mut object: Value| {
            let fields = object.as_object_mut()?;
            fields.insert("apiVersion".to_owned(), api_version.as_str().into());
            fields.insert("kind".to_owned(), kind.into());
            Some(object)
        };
        let request = Request::new(format!("{root}/{plural}"));
        Page::fetch_from(&self.client, &request, &parameters, named).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake::FakeApi;
    use super::*;
    use crate::cluster::Kind;
    use serde_json::json;

    const MACHINES: Listing = Listing::VIRTUAL_MACHINES;

    async fn count(pager: &mut Pager) -> Result<usize, ListError> {
        let mut count = 0;
        while let Some(page) = pager.next().await? {
            assert!(page.iter().all(|object| object["kind"] == "VirtualMachine"));
            count += page.len();
        }
        Ok(count)
    }

    #[tokio::test(start_paused = true)]
    async fn all_pages_come_once() {
        let api = FakeApi::complete();
        for number in 0..600 {
            let name = format!("vm-{number}");
            api.put(
                Kind::VirtualMachine,
                json!({"metadata": {"namespace": "a", "name": name}}),
            );
        }
        let mut pager = Pager::new(api.client(), MACHINES);
        assert_eq!(count(&mut pager).await.unwrap(), 600);
        assert!(pager.next().await.unwrap().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_served_is_none_and_what_is_refused_is_told() {
        let api = FakeApi::complete();
        api.unserve(Kind::VirtualMachine);
        assert_eq!(
            count(&mut Pager::new(api.client(), MACHINES))
                .await
                .unwrap(),
            0
        );
        let api = FakeApi::complete();
        api.refuse("virtualmachines", 403);
        let error = count(&mut Pager::new(api.client(), MACHINES))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "VirtualMachine can't be listed: 403 Refused: it is Refused"
        );
        api.accept_all();
        api.set_down(true);
        let away = count(&mut Pager::new(api.client(), MACHINES)).await;
        assert!(away.unwrap_err().reason.contains("refused"));
    }
}
