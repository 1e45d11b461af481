//! What edges found under authorisations, on its way in. Nothing of it is written as it came: it is sealed first.
//!
//! 1. Each is judged for itself: form, signature, and whether the grant lets it leave ([`judge`]).
//! 2. What may be taken is sealed, and compared with what is there under its id, which has to be opened for that.
//! 3. In one transaction, where stops and bounds are looked at again: rows, what the commission is told, and the leaf.

mod form;
mod judge;

use std::collections::BTreeMap;

use api::{Code, SelectionOutcome, SelectionsAccepted, SelectionsPosted};
use axum::Json;
use axum::extract::{DefaultBodyLimit, State};
use oversight::authorisation::Selection;
use oversight::{Action, AuditEvent};
use policy::Operation;
use store::authorisations::selections::{self, Kept, NewSelection};
use store::charters;
use store::{Act, Reader, StoreError, Tx};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;
use vault::{LedgerError, VaultError};

use super::act;
use crate::commission;
use crate::principal::{Caller, EdgeCaller};
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::retention::{Retention, Unopened};
use crate::state::AppState;

use judge::{Judge, Placed, Refusal};

/// Selections of one request.
const SELECTIONS_MAX: usize = 500;
/// Largest body, in bytes: so many selections of the largest form each.
const BODY_BYTES_MAX: usize = SELECTIONS_MAX * form::SELECTION_BYTES_MAX;
/// What one edge may hand in under one authorisation of one day (UTC): more than people can look at in a day is no selection any more, and
/// a list has hardly more patterns.
pub(crate) const OF_EDGE_MAX: u64 = 10_000;
/// What all edges together may. The ids of a day stand in memory when its class key ends.
pub(crate) const OF_DAY_MAX: u64 = 200_000;
/// How often a request is begun anew because something changed while it was carried out.
const TRIES: usize = 4;

const OFF: &str = "this node keeps nothing that is found under authorisations: its operator has not configured `[retention]`";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(take).layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// Hand in what was found under authorisations.
///
/// Each is taken in once, however often it is sent, and answered one by one; with more records than before it replaces what is there.
/// What is answered as accepted is durable, and sealed under the retention class of its authorisation.
#[utoipa::path(post, path = "/edge/v1/selections", tag = "edge link", security(("edge" = [])), request_body = SelectionsPosted,
    responses((status = 200, body = SelectionsAccepted), crate::api::CallerRefusal))]
async fn take(
    State(state): State<AppState>,
    EdgeCaller(caller): EdgeCaller,
    JsonBody(posted): JsonBody<SelectionsPosted>,
) -> Answer<Json<SelectionsAccepted>> {
    caller.demand(&state, Operation::UseAuthorisations)?;
    state.demand_witnesses()?;
    let posted = posted.selections;
    if posted.len() > SELECTIONS_MAX {
        return Err(Failure::new(
            Code::Unprocessable,
            format!("selections: at most {SELECTIONS_MAX} at a time"),
        ));
    }
    let Some(retention) = &state.retention else {
        let refused = |_| SelectionOutcome::Refused { why: OFF.to_owned() };
        return Ok(Json(SelectionsAccepted { outcomes: posted.into_iter().map(refused).collect() }));
    };
    for _ in 0..TRIES {
        let (asker, all) = (caller.clone(), posted.clone());
        let judged = state.store.read(move |reader| Judge::new(reader, &asker)?.all(all)).await?;
        let mut prepared = Vec::with_capacity(judged.len());
        for judged in judged {
            prepared.push(match judged {
                Ok(placed) => prepare(retention, placed).await?,
                Err(refusal) => Prepared::Refused(refusal),
            });
        }
        let asker = caller.clone();
        match state.store.write(move |tx| keep(tx, &asker, prepared)).await {
            // Another request, or the end of a class key, came between.
            Err(StoreError::Stale { .. } | StoreError::Exists { .. }) => {}
            kept => return Ok(Json(SelectionsAccepted { outcomes: kept? })),
        }
    }
    Err(Failure::new(Code::Unavailable, "what is kept was changed all the while; try again later"))
}

/// What is to be done with a selection.
enum Prepared {
    Refused(Refusal),
    Duplicate,
    Add(Selection, NewSelection),
    Replace(Selection, Box<Kept>, Vec<u8>),
}

/// Seals what may be taken.
///
/// # Errors
/// 503 where the key service does not do its work.
async fn prepare(retention: &Retention, placed: Placed) -> Answer<Prepared> {
    let Placed { found, class_key, before } = placed;
    let selection = found.signed.selection.clone();
    if let Some(before) = &before {
        match retention.open_row(before).await {
            Ok(known) if !is_same_find(&known.signed.selection, &selection) => {
                return Ok(Prepared::Refused(Refusal::moved(selection.authorisation)));
            }
            Ok(known) if !is_more(&known.signed.selection, &selection) => return Ok(Prepared::Duplicate),
            // What was altered is not put right by whoever sends it again: it stays as evidence.
            Ok(_) => {}
            Err(Unopened::Altered) => return Ok(Prepared::Duplicate),
            Err(Unopened::Over) => return Ok(Prepared::Refused(Refusal::over())),
            Err(Unopened::Unavailable(cause)) => return Err(away(&cause)),
        }
    }
    let content = serde_json::to_vec(&found).map_err(Failure::internal)?;
    let sealed = match retention.seal(class_key.clone(), selection.id, &content).await {
        Ok(sealed) => sealed,
        Err(VaultError::UnknownClass(name)) => {
            return Ok(Prepared::Refused(Refusal::unconfigured(name.as_str())));
        }
        Err(VaultError::Expired { .. } | VaultError::Ledger(LedgerError::Over(_))) => {
            return Ok(Prepared::Refused(Refusal::over()));
        }
        Err(error) => return Err(away(&error)),
    };
    Ok(match before {
        Some(before) => Prepared::Replace(selection, Box::new(before), sealed),
        None => {
            let new = NewSelection {
                id: selection.id,
                authorisation: selection.authorisation,
                operator: selection.operator.clone(),
                edge: selection.edge.clone(),
                class_key: class_key.to_string(),
                sealed,
            };
            Prepared::Add(selection, new)
        }
    })
}

fn away(cause: &impl std::fmt::Display) -> Failure {
    let detail = "the node's key service is away: nothing was taken in; try again later";
    Failure::new(Code::Unavailable, detail).caused_by(cause)
}

/// Whether two of one id are about the same: everything but how often and how much.
fn is_same_find(known: &Selection, new: &Selection) -> bool {
    let mut other = new.clone();
    other.at_least = known.at_least;
    other.information.bytes = known.information.bytes;
    *known == other
}

fn is_more(known: &Selection, new: &Selection) -> bool {
    (new.at_least, new.information.bytes) > (known.at_least, known.information.bytes)
}

/// Carries out what was prepared. What may have changed since it was judged is looked at again.
fn keep(
    tx: &mut Tx<'_>,
    caller: &Caller,
    prepared: Vec<Prepared>,
) -> Result<Act<Vec<SelectionOutcome>>, StoreError> {
    let standing = standing(tx, caller, &prepared)?;
    let mut book = Book::default();
    let mut outcomes = Vec::with_capacity(prepared.len());
    for (prepared, standing) in prepared.into_iter().zip(standing) {
        let refusal = match (prepared, standing) {
            (Prepared::Refused(refusal), _) | (_, Err(refusal)) => Some(refusal),
            (Prepared::Duplicate, Ok(())) => {
                outcomes.push(SelectionOutcome::Duplicate);
                continue;
            }
            (Prepared::Add(_, new), Ok(())) => book.add(tx, caller, &new)?,
            (Prepared::Replace(selection, before, sealed), Ok(())) => {
                selections::replace(tx, caller.realm(), &before, &sealed)?;
                book.count(selection.authorisation);
                None
            }
        };
        outcomes.push(match refusal {
            Some(refusal) => book.refuse(tx, caller, refusal)?,
            None => SelectionOutcome::Accepted,
        });
    }
    let taken = book.taken.iter().map(|(id, taken)| {
        act(caller, Action::SelectionsReceived)
            .with("authorisation", id.to_string())
            .with("at_least", selections::bucket(*taken).to_string())
    });
    let events: Vec<AuditEvent> = taken.chain(book.anomalies).collect();
    Ok(if events.is_empty() {
        Act::bookkeeping(outcomes)
    } else {
        Act::audited_all(outcomes, caller.realm(), events)
    })
}

/// Whether each still counts, in the transaction that writes it down.
fn standing(
    reader: &Reader<'_>,
    caller: &Caller,
    prepared: &[Prepared],
) -> Result<Vec<Result<(), Refusal>>, StoreError> {
    let judge = Judge::new(reader, caller)?;
    let each = prepared.iter().map(|prepared| match prepared {
        Prepared::Add(selection, _) | Prepared::Replace(selection, ..) => judge.standing(selection),
        Prepared::Duplicate | Prepared::Refused(_) => Ok(Ok(())),
    });
    each.collect()
}

/// What a request came to so far.
#[derive(Default)]
struct Book {
    /// How many were taken under each authorisation.
    taken: BTreeMap<Uuid, u64>,
    /// How many are under each class key: of this edge, and of all.
    under: BTreeMap<String, (u64, u64)>,
    anomalies: Vec<AuditEvent>,
}

impl Book {
    fn count(&mut self, authorisation: Uuid) {
        *self.taken.entry(authorisation).or_default() += 1;
    }

    /// Keeps a selection where there is room for one more.
    fn add(
        &mut self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        new: &NewSelection,
    ) -> Result<Option<Refusal>, StoreError> {
        let (own, all) = match self.under.get(&new.class_key) {
            Some(known) => *known,
            None => selections::under(tx, &new.class_key, &new.edge)?,
        };
        if own >= OF_EDGE_MAX || all >= OF_DAY_MAX {
            self.under.insert(new.class_key.clone(), (own, all));
            return Ok(Some(Refusal::flood(new.authorisation)));
        }
        selections::add(tx, caller.realm(), new)?;
        self.under.insert(new.class_key.clone(), (own.saturating_add(1), all.saturating_add(1)));
        self.count(new.authorisation);
        Ok(None)
    }

    /// Refuses, and writes down for the commission what an edge that keeps to its grants never sends: a leaf and a notice for the first of
    /// its kind on a day, a count for each more, so that nobody fills the log with it.
    fn refuse(
        &mut self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        refusal: Refusal,
    ) -> Result<SelectionOutcome, StoreError> {
        if let Some((authorisation, kind)) = refusal.anomaly {
            let edge = (&caller.principal.organisation, caller.id());
            if selections::note_anomaly(tx, caller.realm(), authorisation, edge, kind)? {
                let event = act(caller, Action::SelectionAnomaly);
                self.anomalies
                    .push(event.with("authorisation", authorisation.to_string()).with("kind", kind));
                if let Some(standing) = charters::commission(tx, caller.realm())? {
                    let to = [&standing.organisation];
                    commission::tell(
                        tx,
                        caller.realm(),
                        to,
                        "authorisation-anomaly",
                        &authorisation.to_string(),
                    )?;
                }
            }
        }
        Ok(SelectionOutcome::Refused { why: refusal.why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection() -> Selection {
        serde_json::from_value(serde_json::json!({
            "id": Uuid::from_u128(1), "authorisation": Uuid::from_u128(2), "grant": 3, "operator": "harbour", "edge": "e", "member": 0,
            "hour": "2026-11-01T00:00:00Z", "at_least": 10, "information": { "ports": [443], "bytes": 100 },
        }))
        .unwrap()
    }

    #[test]
    fn more_of_the_same_is_told_from_something_else() {
        let known = selection();
        let changed = |change: fn(&mut Selection)| {
            let mut other = known.clone();
            change(&mut other);
            (is_same_find(&known, &other), is_more(&known, &other))
        };
        assert_eq!(changed(|_| {}), (true, false));
        assert_eq!(changed(|other| other.at_least = 100), (true, true));
        assert_eq!(changed(|other| other.at_least = 1), (true, false));
        assert_eq!(changed(|other| other.information.bytes = Some(101)), (true, true));
        assert_eq!(changed(|other| other.information.bytes = None), (true, false));
        assert!(!changed(|other| other.information.ports = vec![80]).0);
        assert!(!changed(|other| other.member = 1).0);
        assert!(!changed(|other| other.grant = 4).0);
    }
}
