//! Objects that say in an ACS marking what their TLP and PAP levels say, where their originator asks for it.
//!
//! The marking is put on the object by its originator, when it is published or marked anew: what leaves is never altered on its way
//! (STIX 2.1 §3.6).

use std::collections::BTreeMap;

use bytes::Bytes;
use oversight::{OrganisationId, Realm};
use policy::{AcsStatement, AcsStatements, Label, Marking};
use serde_json::{Map, Value, json};
use stix::bundle::BundleError;
use stix::{Id, Marks, Object};
use store::collections::CollectionKey;
use store::{StoreError, Tx};

use super::{add_object, unfit};

/// The code of what no ACS marking says.
const UNSAYABLE: &str = "acs-unsayable";

/// The objects of a body, each with the statement that its markings come to; behind them the definitions, once each.
///
/// # Errors
/// Something in the markings of one of them cannot be said: then nothing is published.
pub(crate) fn put_on(mut members: Vec<Bytes>, custodian: &OrganisationId) -> Result<Vec<Bytes>, BundleError> {
    let statements = AcsStatements::by(custodian);
    let mut definitions = BTreeMap::new();
    for (place, member) in members.iter_mut().enumerate() {
        // What cannot be read is refused where every object is read.
        let Ok(object) = Object::parse(member.clone()) else { continue };
        if object.object_type() == "marking-definition" {
            continue;
        }
        let refused = |why: String| BundleError {
            code: UNSAYABLE,
            message: format!("objects[{place}] `{}`: {why}", object.id()),
        };
        let statement = said(&statements, &object).map_err(refused)?;
        let marks = Marks { others: vec![statement.id.clone()], over_others: true, ..Marks::default() };
        *member = marks.put_on(member);
        definitions.entry(&statement.id).or_insert(&statement.definition);
    }
    members.extend(definitions.into_values().map(|definition| Bytes::from(definition.clone())));
    Ok(members)
}

/// The statement that an object's markings come to, or why there is none.
fn said<'a>(statements: &'a AcsStatements, object: &Object) -> Result<&'a AcsStatement, String> {
    let terms = statements.terms(object).and_then(|terms| statements.say(terms));
    let statement = terms.map_err(|error| format!("an ACS marking {error}"))?;
    let markings = stix::marking::object_marking_refs(object);
    let mut others = markings.iter().filter(|marking| statements.hold(marking) && **marking != statement.id);
    match others.next() {
        None => Ok(statement),
        Some(other) => {
            Err(format!("it bears the ACS marking `{other}`, which says something else; take it out"))
        }
    }
}

/// Takes an organisation's statements out of the markings of an object's next version; whether there was one.
pub(crate) fn take_out(text: &mut Map<String, Value>, custodian: &OrganisationId) -> bool {
    let Some(markings) = text.get_mut("object_marking_refs").and_then(Value::as_array_mut) else {
        return false;
    };
    let (before, statements) = (markings.len(), AcsStatements::by(custodian));
    let id = |marking: &Value| marking.as_str().and_then(|text| Id::parse(text).ok());
    markings.retain(|marking| id(marking).is_none_or(|id| !statements.hold(&id)));
    markings.len() != before
}

/// Puts the statement on the next version that its markings come to.
///
/// # Errors
/// They cannot be said.
pub(crate) fn put_in(
    text: &mut Map<String, Value>,
    custodian: &OrganisationId,
) -> Result<AcsStatement, StoreError> {
    let object = Object::parse(Value::Object(text.clone()).to_string().into())
        .map_err(|error| unfit("not-stix", error.message))?;
    let statements = AcsStatements::by(custodian);
    let statement = said(&statements, &object).map_err(|why| unfit(UNSAYABLE, why))?;
    if let Some(markings) = text.get_mut("object_marking_refs").and_then(Value::as_array_mut) {
        markings.push(json!(statement.id));
    }
    Ok(statement.clone())
}

/// Brings the definition of a statement into the log, unless it is there.
///
/// # Errors
/// Those of the database.
pub(crate) fn define(
    tx: &mut Tx<'_>,
    realm: &Realm,
    (collection, originator): (CollectionKey, &OrganisationId),
    statement: &AcsStatement,
) -> Result<(), StoreError> {
    let text: Value = serde_json::from_str(&statement.definition)
        .map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let meaning = |id: &Id| (*id == statement.id).then_some(Marking::Acs(statement.acs));
    let label = |definition: &Object| Label::of(definition, originator, realm, meaning);
    match add_object(tx, realm, (collection, originator), &text, label) {
        Ok(_) | Err(StoreError::Abandoned { code: "duplicate", .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
