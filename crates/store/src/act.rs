use oversight::{AuditEvent, Realm};

/// What a write was: its result and the audit events that are committed with it.
///
/// There is no write without one, so a commit cannot forget to say who did what. A search for `bookkeeping` finds
/// every write that is nobody's act.
#[derive(Debug)]
pub struct Act<T> {
    pub(crate) value: T,
    pub(crate) events: Vec<(Realm, AuditEvent)>,
}

impl<T> Act<T> {
    /// One act.
    #[must_use]
    pub fn audited(value: T, realm: &Realm, event: AuditEvent) -> Self {
        Self { value, events: vec![(realm.clone(), event)] }
    }

    /// Several acts in one transaction, in this order; at least one, else it is [`Act::bookkeeping`].
    #[must_use]
    pub fn audited_all(value: T, realm: &Realm, events: Vec<AuditEvent>) -> Self {
        Self { value, events: events.into_iter().map(|event| (realm.clone(), event)).collect() }
    }

    /// Several acts in one transaction, in this order, each in its realm; at least one, else it is [`Act::bookkeeping`].
    #[must_use]
    pub fn audited_in(value: T, events: Vec<(Realm, AuditEvent)>) -> Self {
        Self { value, events }
    }

    /// Rows that are nobody's act: a session was seen, an edge's heartbeat, a status resource, a cursor.
    #[must_use]
    pub fn bookkeeping(value: T) -> Self {
        Self { value, events: Vec::new() }
    }

    /// The same acts with another result.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Act<U> {
        Act { value: f(self.value), events: self.events }
    }
}
