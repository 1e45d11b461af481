//! What an alert says.

use api::ObjectSummary;
use jiff::Timestamp;
use serde::Serialize;
use store::saved_searches::SavedSearch;

use crate::state::AppState;

/// An alert, ready to be sent: the body of a webhook's message. Mail uses the name, the number and the link alone.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Message {
    /// `saved-search.hits`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it was sent.
    timestamp: String,
    data: Data,
}

#[derive(Debug, Clone, Serialize)]
struct Data {
    notice: String,
    search: String,
    pub(super) name: String,
    pub(super) link: String,
    pub(super) objects: Vec<ObjectSummary>,
}

impl Message {
    pub(super) fn name(&self) -> &str {
        &self.data.name
    }

    pub(super) fn link(&self) -> &str {
        &self.data.link
    }

    pub(super) fn hits(&self) -> usize {
        self.data.objects.len()
    }
}

pub(super) fn of(
    state: &AppState,
    search: &SavedSearch,
    notice: &str,
    objects: Vec<ObjectSummary>,
    now: Timestamp,
) -> Message {
    let link = state.address.join("/searches").map_or_else(|_| String::new(), |link| link.to_string());
    Message {
        kind: "saved-search.hits",
        timestamp: now.to_string(),
        data: Data {
            notice: notice.to_owned(),
            search: search.id.clone(),
            name: search.name.clone(),
            link,
            objects,
        },
    }
}
