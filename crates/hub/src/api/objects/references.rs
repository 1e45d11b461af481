//! What an object refers to, and what refers to it.

use api::{ObjectReferences, Reference};
use axum::Json;
use axum::extract::{Path, State};
use policy::Operation;
use stix::Id;
use store::objects::Mention;
use store::{StoreError, objects};

use crate::api::summaries::{Teller, leaving, parse};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::release::{Leaving, Recipient};
use crate::state::AppState;

/// Each list is cut here.
const REFERENCES_MAX: usize = 200;

/// An object's references, both ways.
///
/// A relationship is shown with the object at its far end, where the caller may see that one.
#[utoipa::path(get, path = "/api/v1/objects/{id}/references", tag = "objects", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "STIX identifier")),
    responses((status = 200, body = ObjectReferences), crate::api::CallerRefusal))]
pub(super) async fn get(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Answer<Json<ObjectReferences>> {
    caller.demand(&state, Operation::Read)?;
    let id = Id::parse(&id).map_err(|_| Failure::not_found())?;
    let (work, asker) = (state.clone(), caller.clone());
    let found = state.store.read(move |reader| {
        let mut teller = Teller::new(reader, &work.door, &asker.principal)?;
        let Some(row) = objects::get(reader, asker.realm(), &teller.visible, &id)? else { return Ok(None) };
        let mut told = Told { teller: &mut teller, leaving: Vec::new() };
        let (refers_to, more_out) = told.refers_to(&parse(&row)?.references())?;
        let mut mentions =
            objects::referring_to(reader, asker.realm(), &told.teller.visible, &id, REFERENCES_MAX + 1)?;
        let more_in = mentions.len() > REFERENCES_MAX;
        mentions.truncate(REFERENCES_MAX);
        let mut referred_by = Vec::new();
        for mention in &mentions {
            referred_by.extend(told.referred_by(&id, mention)?);
        }
        let mut leaving = told.leaving;
        leaving.extend(teller.take_named());
        Ok(Some((
            ObjectReferences { refers_to, referred_by, more: more_out || more_in },
            leaving,
            teller.visible,
        )))
    });
    let (references, leaving, visible) = found.await?.ok_or_else(Failure::not_found)?;
    let recipient = Recipient { caller, door: "references" };
    let references =
        state.door.release(&state.store, &state.metrics, &recipient, &visible, &leaving, references).await?;
    Ok(Json(references.into_inner()))
}

struct Told<'t, 'a, 'c> {
    teller: &'t mut Teller<'a, 'c>,
    leaving: Vec<Leaving>,
}

impl Told<'_, '_, '_> {
    /// The visible ones of the objects that an object names; whether there are more.
    fn refers_to(&mut self, references: &[(String, Id)]) -> Result<(Vec<Reference>, bool), StoreError> {
        let mut told = Vec::new();
        for (property, id) in references.iter().filter(|(property, _)| !property.contains("marking_ref")) {
            let Some((row, object)) = self.teller.object_by_id(id)? else { continue };
            if told.len() == REFERENCES_MAX {
                return Ok((told, true));
            }
            self.leaving.push(leaving(&row));
            told.push(Reference { property: property.clone(), object, far: None });
        }
        Ok((told, false))
    }

    /// One line for each property in which an object names `id`.
    fn referred_by(&mut self, id: &Id, mention: &Mention) -> Result<Vec<Reference>, StoreError> {
        let summary = self.teller.object(&mention.row)?;
        self.leaving.push(leaving(&mention.row));
        if mention.row.id.object_type() != "relationship" {
            let line = |property: &String| Reference {
                property: property.clone(),
                object: summary.clone(),
                far: None,
            };
            return Ok(mention.properties.iter().map(line).collect());
        }
        let object = parse(&mention.row)?;
        let ends = [object.text("source_ref"), object.text("target_ref")];
        if !ends.contains(&Some(id.as_str())) {
            let line = |property: &String| Reference {
                property: property.clone(),
                object: summary.clone(),
                far: None,
            };
            return Ok(mention.properties.iter().map(line).collect());
        }
        let far =
            ends.into_iter().flatten().find(|end| *end != id.as_str()).and_then(|end| Id::parse(end).ok());
        let far = far.map(|far| self.teller.object_by_id(&far)).transpose()?.flatten();
        let far = far.map(|(row, object)| {
            self.leaving.push(leaving(&row));
            Box::new(object)
        });
        let property = object.text("relationship_type").unwrap_or("related-to").to_owned();
        Ok(vec![Reference { property, object: summary, far }])
    }
}
