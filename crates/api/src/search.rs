use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How what a search finds is spread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Facets {
    /// By STIX type, most first.
    pub types: Vec<FacetCount>,
    /// By the organisation that brought it in.
    pub originators: Vec<FacetCount>,
    /// By TLP level; `unmarked` where there is none.
    pub tlp: Vec<FacetCount>,
    /// By confidence: `high` (70–100), `medium` (30–69), `low` (0–29), `none`. Empty where nothing is searched for.
    pub confidence: Vec<FacetCount>,
    /// How many were counted.
    pub counted: u64,
    /// Counting stops here; `counted == count_max` means that the newest so many were counted.
    pub count_max: u64,
    /// When this was true: RFC 3339.
    pub as_of: String,
}

/// One value of a facet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FacetCount {
    /// The value; give it back as the filter of the same name.
    pub value: String,
    /// How many.
    pub count: u64,
}

/// What is searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SearchTerms {
    /// Words in Japanese or English, or one exact value.
    pub query: String,
    /// Only these STIX types; empty: all.
    pub types: Vec<String>,
    /// Only these TLP levels (`clear` … `red`, `unmarked`); empty: all.
    pub tlp: Vec<String>,
    /// Only what these organisations brought in; empty: all.
    pub originators: Vec<String>,
    /// Only with at least this `confidence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Whether revoked objects are found.
    pub revoked: bool,
}

/// A search to keep.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSavedSearch {
    /// What you call it, at most 200 characters.
    pub name: String,
    /// What is searched for.
    pub terms: SearchTerms,
    /// Whether you are told of new hits: on the stream, and where `mail` and `webhook` say.
    #[serde(default)]
    pub alerts: bool,
    /// An address of a domain that the hub's configuration allows. Mail says how many hits there are and nothing of their content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// `https://…`; messages are signed after Standard Webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
}

/// A saved search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedSearch {
    /// Its id.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// What is searched for.
    pub terms: SearchTerms,
    /// Whether its owner is told of new hits.
    pub alerts: bool,
    /// Where mail goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Where the webhook is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// When it was saved: RFC 3339.
    pub created: String,
    /// Its newest alerts, newest first.
    pub notices: Vec<SearchAlert>,
}

/// A search that was just saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedSearchAdded {
    /// It.
    pub search: SavedSearch,
    /// What the webhook's messages are signed with, `whsec_…`: shown now and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// One alert of a saved search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SearchAlert {
    /// Its id; a webhook sees it as `webhook-id`.
    pub id: String,
    /// `stream`, `mail` or `webhook`.
    pub way: String,
    /// `waiting`, `sent`, `failed`, `withheld` (nothing was left that you may see when it was to be sent).
    pub state: String,
    /// How many hits it was about when it arose.
    pub hits: u64,
    /// How often sending was tried.
    pub attempts: u64,
    /// When it arose: RFC 3339.
    pub created: String,
    /// What went wrong last, as a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

/// An alert, as the stream tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamAlert {
    /// The saved search.
    pub search: String,
    /// What its owner calls it.
    pub name: String,
    /// How many new hits.
    pub hits: u64,
    /// When: RFC 3339.
    pub at: String,
}
