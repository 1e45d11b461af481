//! Which entries come in: those that are written in a room here, and those that a hub brings for the organisations that it speaks for.
//!
//! Whatever is in the log as an entry is from whom it says. So nothing has to be asked of it again when a room is read.

use case::room::{entry_from_stix, is_of_a_room, stub_from_stix};
use stix::Object;
use store::collections::CollectionKey;
use store::peers::{self, Peer};
use store::{StoreError, Tx};

use super::names::speaks_for;
use super::{Names, circles};
use crate::REALM;
use crate::ingest::Outcome;

/// Why an object that is brought by a member may not come in: entries are written in their rooms, where it is known who writes.
pub(crate) fn refusal(object: &Object) -> Option<Outcome> {
    is_of_a_room(object).then(|| Outcome::Refused {
        code: "reserved".to_owned(),
        message: format!("`{}` is an entry of a case room; write it in the room", object.id()),
    })
}

/// What becomes of an object that a hub brings, as far as case rooms are concerned.
pub(crate) enum Admission {
    /// Nothing here speaks against it.
    Granted {
        /// Organisations were drawn a circle for it: policies are to be renewed once it is committed.
        has_new_circle: bool,
    },
    /// It is kept out.
    Refused(Outcome),
}

/// An entry that a hub brings is kept out where the hub does not speak for whom it names, or is handing on what another peer of this hub
/// says itself. What comes in for some organisations only has their circle drawn first.
///
/// # Errors
/// Those of the database.
pub(crate) fn by_peer(
    tx: &mut Tx<'_>,
    (own_hub, collection): (&str, CollectionKey),
    (peer, origin): (&Peer, &str),
    object: &Object,
) -> Result<Admission, StoreError> {
    let as_it_is = Admission::Granted { has_new_circle: false };
    if !is_of_a_room(object) {
        return Ok(as_it_is);
    }
    let entry = entry_from_stix(object).ok();
    let whose = match &entry {
        Some(entry) => Some(entry.organisation.clone()),
        None => stub_from_stix(object).map(|stub| stub.organisation),
    };
    // What a newer version wrote is kept and means nothing here.
    let Some(whose) = whose else { return Ok(as_it_is) };
    let speaks_itself = origin != peer.hub && peers::by_hub(tx, &REALM, origin)?.is_some();
    if speaks_itself || !speaks_for(origin, &whose) {
        let code = "not-creator".to_owned();
        let message =
            format!("`{}` is an entry of an organisation that its hub does not speak for", object.id());
        return Ok(Admission::Refused(Outcome::Refused { code, message }));
    }
    if let Some(only) = entry.and_then(|entry| entry.label.only) {
        let names = Names::read(tx, &REALM, own_hub)?;
        match circles::draw(tx, &names, (&REALM, collection), &only) {
            Ok((_, has_new_circle)) => return Ok(Admission::Granted { has_new_circle }),
            // Without its circle it is for nobody here.
            Err(StoreError::Limit { limit, .. }) => {
                let message = format!("there are {limit} circles of organisations here already");
                let code = "too-many-circles".to_owned();
                return Ok(Admission::Refused(Outcome::Refused { code, message }));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(as_it_is)
}
