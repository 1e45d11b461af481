use crate::{Label, LabelKey, Principal, Visible};

/// The policies in force, and the only way to a decision. Cedar decides; any error in an evaluation denies.
/// Decisions per (class of principal, operation, label) are cached.
#[derive(Debug)]
pub struct Engine {}

/// What a principal may be allowed to do. `Read` and `Write` are about objects under a label; the others are about the node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// See an object.
    Read,
    /// Publish objects.
    Write,
    /// Withdraw objects from a collection.
    Delete,
    /// See and work cases.
    WorkCases,
    /// Report sightings as an edge.
    ReportSightings,
    /// See edges of one's own organisation (all, for the coordinator).
    SeeEdges,
    /// Register and remove edges, organisations, people, tokens.
    Administer,
    /// Read the audit log.
    Inspect,
}

/// The policies cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct PolicyError(pub String);

impl Engine {
    /// Compiles policies, given as (file name, text); refuses what does not parse or does not fit the schema.
    pub fn compile(_policies: &[(String, String)]) -> Result<Self, PolicyError> {
        Ok(Self {})
    }

    /// The policies that the program brings along (`policies/*.cedar`).
    #[must_use]
    pub fn built_in() -> Vec<(String, String)> {
        Vec::new()
    }

    /// Whether the principal may do something to the node as a whole.
    #[must_use]
    pub fn may(&self, _principal: &Principal, _operation: Operation) -> bool {
        false
    }

    /// Which of the labels the principal may read: what SQL then filters by.
    #[must_use]
    pub fn visible<'a>(&self, _principal: &Principal, _labels: impl IntoIterator<Item = (LabelKey, &'a Label)>) -> Visible {
        Visible::default()
    }

    /// Why the principal may or may not read: the ids of the policies that decided, for the console's "who can see this".
    #[must_use]
    pub fn explain(&self, _principal: &Principal, _label: &Label) -> (bool, Vec<String>) {
        (false, Vec::new())
    }
}
