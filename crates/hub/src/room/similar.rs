//! Cases that have something in common with one, and what: for one reader, out of what it may see and nothing else.
//!
//! A thing that a case names counts where the reader may see the thing, the case, and whatever says that the case names it; a tie between two
//! things where it may see the tie and both of its ends. So a case that is hidden from the reader is not told of, not even by a
//! number; nor is a case that it sees told to have something in common that only others know of.

use std::collections::{BTreeMap, BTreeSet};

use api::{SimilarBecause, SimilarCase, SimilarCases};
use case::CaseId;
use case::room::{Says, entry_from_stix, is_of_a_room};
use oversight::Realm;
use policy::Visible;
use stix::observable::{ValueKind, values};
use stix::{Id, Object};
use store::objects::{self, Row};
use store::{Reader, StoreError};

use super::Seen;
use super::told::Telling;
use crate::api::summaries::{leaving, parse};
use crate::principal::Caller;
use crate::release::Leaving;

/// Things of the case that are looked at.
const THINGS_MAX: usize = 100;
/// Values of them.
const VALUES_MAX: usize = 200;
/// Values of one thing.
const VALUES_OF_ONE_MAX: usize = 10;
/// Actors, campaigns, malware, techniques that they are tied to.
const THREADS_MAX: usize = 30;
/// Objects that refer to one thing.
const REFERRING_MAX: usize = 200;
/// Objects that mention one value.
const MENTIONING_MAX: usize = 20;
/// Look-ups of one answer: what refers to a thing, or mentions a value.
const LOOKUPS_MAX: usize = 600;
/// Cases that are told of.
const CASES_MAX: usize = 20;
/// Things in common that are told of for one case.
const BECAUSE_MAX: usize = 20;

/// What ties things together that look different.
const THREADS: [&str; 7] =
    ["attack-pattern", "campaign", "infrastructure", "intrusion-set", "malware", "threat-actor", "tool"];

/// Something in common; what comes first counts for most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Common {
    Object(Id),
    Value(ValueKind, String),
    Thread(Id),
}

/// By case: what there is in common, each with the objects that say so.
type Found = BTreeMap<CaseId, BTreeMap<Common, Vec<Leaving>>>;

/// Looks around for one reader.
struct Looking<'a, 'c> {
    reader: &'a Reader<'c>,
    realm: &'a Realm,
    visible: &'a Visible,
    own: CaseId,
    lookups: usize,
    more: bool,
    found: Found,
}

/// The cases that have something in common with one, for whoever reads it.
///
/// # Errors
/// Those of the database.
pub(crate) fn similar(
    caller: &Caller,
    seen: &Seen,
    telling: &mut Telling<'_, '_, '_>,
    now: jiff::Timestamp,
) -> Result<SimilarCases, StoreError> {
    let (reader, visible) = telling.snapshot();
    let mut looking = Looking {
        reader,
        realm: caller.realm(),
        visible: &visible,
        own: seen.room.case().clone(),
        lookups: 0,
        more: false,
        found: Found::new(),
    };
    looking.look(&things(seen))?;
    let more = looking.more;
    let mut cases: Vec<(Row, BTreeMap<Common, Vec<Leaving>>)> = Vec::new();
    for (case, common) in looking.found {
        // What says that a case names something can be seen where the case itself cannot.
        if let Some(row) = objects::get(reader, caller.realm(), &visible, &case)? {
            cases.push((row, common));
        }
    }
    cases.sort_by_key(|(row, common)| (std::cmp::Reverse((weight(common), row.sequence)), row.id.clone()));
    let more = more || cases.len() > CASES_MAX;
    let joined = seen.neighbours();
    let similar = cases.into_iter().take(CASES_MAX).map(|(row, common)| {
        telling.also(leaving(&row));
        let is_joined = joined.contains(&row.id);
        let count = common.len();
        let mut because = Vec::new();
        for (one, says_so) in common.into_iter().take(BECAUSE_MAX) {
            says_so.into_iter().for_each(|leaving| telling.also(leaving));
            because.extend(told(telling, &one)?);
        }
        let case = telling.case_of(caller, &row, &parse(&row)?)?;
        Ok(SimilarCase { case, because, common: count, joined: is_joined })
    });
    let cases = similar.collect::<Result<_, StoreError>>()?;
    Ok(SimilarCases { cases, more, as_of: now.to_string() })
}

/// What a case and its room name. A sighting is of one case alone; what was sighted is named beside it.
fn things(seen: &Seen) -> BTreeSet<Id> {
    let own = case::from_stix(&seen.object).map(|case| case.objects).unwrap_or_default();
    let all = own.into_iter().chain(seen.situation.objects.iter().cloned());
    all.filter(|id| !matches!(id.object_type(), "sighting" | "incident" | "note" | "identity")).collect()
}

/// The same thing or value tells more than that the same actor is about.
fn weight(common: &BTreeMap<Common, Vec<Leaving>>) -> usize {
    common.keys().map(|one| if matches!(one, Common::Thread(_)) { 1 } else { 3 }).sum()
}

fn told(telling: &mut Telling<'_, '_, '_>, common: &Common) -> Result<Option<SimilarBecause>, StoreError> {
    Ok(match common {
        Common::Object(id) | Common::Thread(id) => {
            let kind = if matches!(common, Common::Object(_)) { "object" } else { "thread" };
            let thing = telling.thing(id)?;
            thing.map(|thing| SimilarBecause { kind: kind.to_owned(), id: Some(thing.id), name: thing.name })
        }
        Common::Value(_, value) => {
            Some(SimilarBecause { kind: "value".to_owned(), id: None, name: value.clone() })
        }
    })
}

impl Looking<'_, '_> {
    fn look(&mut self, things: &BTreeSet<Id>) -> Result<(), StoreError> {
        self.more |= things.len() > THINGS_MAX;
        let (mut values_of, mut threads) = (BTreeMap::new(), BTreeMap::new());
        for id in things.iter().take(THINGS_MAX) {
            // What the reader may not see is not there.
            let Some(row) = self.get(id)? else { continue };
            let object = parse(&row)?;
            for value in values(&object).into_iter().take(VALUES_OF_ONE_MAX) {
                values_of.entry(value).or_insert_with(|| leaving(&row));
            }
            if THREADS.contains(&id.object_type()) {
                threads.insert(id.clone(), Vec::new());
            }
            for (thread, says_so) in self.tied(id, &Common::Object(id.clone()))? {
                threads.entry(thread).or_insert(says_so);
            }
        }
        self.more |= values_of.len() > VALUES_MAX || threads.len() > THREADS_MAX;
        for ((kind, value), said_by) in values_of.into_iter().take(VALUES_MAX) {
            self.by_value(things, (kind, value), &said_by)?;
        }
        for (thread, says_so) in threads.into_iter().take(THREADS_MAX) {
            self.by_thread(things, &thread, &says_so)?;
        }
        Ok(())
    }

    /// The cases that name a thing are found; gives the threads that it is tied to, each with the ties.
    fn tied(&mut self, id: &Id, common: &Common) -> Result<Vec<(Id, Vec<Leaving>)>, StoreError> {
        let mut threads = Vec::new();
        for row in self.referring(id)? {
            if let Some(far) = far_end(&row, id)? {
                if THREADS.contains(&far.object_type()) && self.get(&far)?.is_some() {
                    threads.push((far, vec![leaving(&row)]));
                }
            } else {
                self.count(&row, common, &[])?;
            }
        }
        Ok(threads)
    }

    /// What else mentions a value, and the cases that name that.
    fn by_value(
        &mut self,
        things: &BTreeSet<Id>,
        (kind, value): (ValueKind, String),
        said_by: &Leaving,
    ) -> Result<(), StoreError> {
        if !self.may_look() {
            return Ok(());
        }
        let rows = objects::mentioning(self.reader, self.realm, self.visible, kind, &value, MENTIONING_MAX)?;
        self.more |= rows.len() == MENTIONING_MAX;
        let common = Common::Value(kind, value);
        for row in rows.into_iter().filter(|row| !things.contains(&row.id)) {
            let says_so = [said_by.clone(), leaving(&row)];
            for referring in self.referring(&row.id)? {
                self.count(&referring, &common, &says_so)?;
            }
        }
        Ok(())
    }

    /// What else is tied to a thread, and the cases that name it or that.
    fn by_thread(
        &mut self,
        things: &BTreeSet<Id>,
        thread: &Id,
        says_so: &[Leaving],
    ) -> Result<(), StoreError> {
        // Where the case names the thread itself, whoever names it too was found already.
        let is_own = things.contains(thread);
        let common = Common::Thread(thread.clone());
        for row in self.referring(thread)? {
            let Some(far) = far_end(&row, thread)? else {
                if !is_own {
                    self.count(&row, &common, says_so)?;
                }
                continue;
            };
            if things.contains(&far) || self.get(&far)?.is_none() {
                continue;
            }
            let says_so: Vec<Leaving> = says_so.iter().cloned().chain([leaving(&row)]).collect();
            for referring in self.referring(&far)? {
                self.count(&referring, &common, &says_so)?;
            }
        }
        Ok(())
    }

    /// Counts that a case names something, where an object says so: the case itself, or an entry of its room.
    fn count(&mut self, row: &Row, common: &Common, says_so: &[Leaving]) -> Result<(), StoreError> {
        let Some(case) = case_of(row)?.filter(|case| *case != self.own) else { return Ok(()) };
        let known = self.found.entry(case).or_default();
        known
            .entry(common.clone())
            .or_insert_with(|| says_so.iter().cloned().chain([leaving(row)]).collect());
        Ok(())
    }

    fn get(&self, id: &Id) -> Result<Option<Row>, StoreError> {
        objects::get(self.reader, self.realm, self.visible, id)
    }

    fn referring(&mut self, id: &Id) -> Result<Vec<Row>, StoreError> {
        if !self.may_look() {
            return Ok(Vec::new());
        }
        let found = objects::referring_to(self.reader, self.realm, self.visible, id, REFERRING_MAX)?;
        self.more |= found.len() == REFERRING_MAX;
        Ok(found.into_iter().map(|mention| mention.row).filter(|row| !row.revoked).collect())
    }

    /// Whether there is a look-up left.
    fn may_look(&mut self) -> bool {
        self.lookups += 1;
        self.more |= self.lookups > LOOKUPS_MAX;
        self.lookups <= LOOKUPS_MAX
    }
}

/// The other end of a relationship; nothing where the object is none that has the thing at one end.
fn far_end(row: &Row, id: &Id) -> Result<Option<Id>, StoreError> {
    if row.id.object_type() != "relationship" {
        return Ok(None);
    }
    let object = parse(row)?;
    let end = |name: &str| object.text(name).and_then(|text| Id::parse(text).ok());
    Ok(match (end("source_ref"), end("target_ref")) {
        (Some(near), Some(far)) | (Some(far), Some(near)) if near == *id => Some(far),
        _ => None,
    })
}

/// The case that an object says something is named by: its own, or that of the room that it is an entry of.
fn case_of(row: &Row) -> Result<Option<CaseId>, StoreError> {
    Ok(match row.id.object_type() {
        "incident" => Some(row.id.clone()),
        "note" => entry_case(&parse(row)?),
        _ => None,
    })
}

fn entry_case(object: &Object) -> Option<CaseId> {
    let entry = Some(object).filter(|object| is_of_a_room(object)).map(entry_from_stix)?.ok()?;
    matches!(entry.says, Says::Objects { .. }).then_some(entry.case)
}
