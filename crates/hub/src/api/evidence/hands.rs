//! From hand to hand: an item is offered, and is in other hands once whoever was offered it has taken it.

use std::collections::BTreeSet;

use api::{Evidence, EvidenceOfferAnswer, NewEvidenceOffer};
use axum::Json;
use axum::extract::{Path, State};
use oversight::custody::CustodyAct;
use policy::Operation;
use store::evidence::{self as rows, Offer};
use store::{StoreError, Tx, people};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{REASON_CHARS_MAX, basis, item_id, shown};
use crate::api::session::second_look;
use crate::evidence::custody::{Book, Said, custodian, named, party};
use crate::evidence::{in_hand, label, may_see, seen};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{answered, member, tell, text, unfit};
use crate::state::AppState;

/// The kind of notice that tells an organisation that an item is offered to it.
const OFFERED: &str = "evidence-offered";
/// The kind of notice that tells who offered what became of it.
const ANSWERED: &str = "evidence-offer-answered";

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(offer)).routes(routes!(answer))
}

/// Offer an item to other hands: of another organisation, or of another person of one's own.
///
/// It stays where it is until it is accepted. Whoever is offered it must be able to see it.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/offer", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the item")), request_body = NewEvidenceOffer,
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn offer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<NewEvidenceOffer>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::HandleEvidence)?;
    second_look(&state, &caller).await?;
    let id = item_id(&id)?;
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let basis = basis(body.legal_basis.as_deref())?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let realm = asker.realm().clone();
        let mut item = in_hand(tx, &work, &asker, id)?.item;
        if item.offer.is_some() {
            return Err(unfit("offered", "the item is offered to somebody already; take that back first"));
        }
        let to = member(tx, &realm, &body.organisation)?;
        if to == item.custodian && body.person.is_none() {
            return Err(unfit("hand-over-to", "person: within your organisation, say to whom"));
        }
        if let Some(person) = &body.person {
            let known = people::get(tx, &realm, person)?;
            if !known.is_some_and(|known| known.organisation == to && !known.disabled) {
                return Err(unfit("no-such-person", "person: there is no such account in that organisation"));
            }
        }
        let label = label::get(tx, &asker, item.new.label)?;
        if !may_see(tx, &work, &to, &label)? {
            return Err(unfit(
                "item-not-visible",
                format!("{to} may not see this item; change who may see it first"),
            ));
        }
        let offer = Offer {
            organisation: to.clone(),
            person: body.person.clone(),
            by: asker.id().to_owned(),
            at: tx.now(),
            request: None,
        };
        rows::set_offer(tx, &realm, id, Some(&offer))?;
        let said = Said::new(CustodyAct::Offered, reason)
            .on(basis.as_deref())
            .from(custodian(tx, &realm, &item)?)
            .to(named(tx, &realm, &to, body.person.as_deref())?);
        let mut book = Book::open(tx)?;
        book.write(tx, &realm, &mut item, (Some(&asker), said))?;
        if to != asker.principal.organisation {
            let (case, name) = (&item.new.case, &item.new.name);
            tell(tx, &realm, BTreeSet::from([to]), (OFFERED, &id.to_string()), (Some(case), name))?;
        }
        Ok(book.done((), &realm))
    };
    answered(state.store.write(write).await)?;
    shown(&state, &caller, id).await.map(Json)
}

/// Answer an offer: whoever was offered the item accepts or declines it, whoever has it withdraws the offer.
#[utoipa::path(post, path = "/api/v1/evidence/{id}/answer", tag = "evidence", security(("session" = []), ("token" = [])),
    params(("id" = String, Path, description = "the item")), request_body = EvidenceOfferAnswer,
    responses((status = 200, body = Evidence), crate::api::CallerRefusal))]
async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EvidenceOfferAnswer>,
) -> Answer<Json<Evidence>> {
    caller.demand(&state, Operation::HandleEvidence)?;
    second_look(&state, &caller).await?;
    let id = item_id(&id)?;
    let act = match body.answer.as_str() {
        "accept" => CustodyAct::Accepted,
        "decline" => CustodyAct::Declined,
        "withdraw" => CustodyAct::Withdrawn,
        _ => {
            let why = "answer: it is `accept`, `decline` or `withdraw`";
            return Err(Failure::rule("not-one-of", why));
        }
    };
    let reason = text("reason", &body.reason, REASON_CHARS_MAX)?;
    let (work, asker) = (state.clone(), caller.clone());
    let write = move |tx: &mut Tx<'_>| {
        let book = answer_in(tx, &work, &asker, id, (act, &reason))?;
        Ok(book.done((), asker.realm()))
    };
    answered(state.store.write(write).await)?;
    shown(&state, &caller, id).await.map(Json)
}

fn answer_in(
    tx: &mut Tx<'_>,
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    (act, reason): (CustodyAct, &str),
) -> Result<Book, StoreError> {
    let realm = caller.realm().clone();
    let mut item = seen(tx, state, caller, id)?.item;
    let offer = item.offer.clone();
    let offer = offer.ok_or_else(|| StoreError::Stale { what: "the offer of this item".to_owned() })?;
    let own = &caller.principal.organisation;
    let is_offered =
        offer.organisation == *own && offer.person.as_ref().is_none_or(|person| person == caller.id());
    let may = if act == CustodyAct::Withdrawn { item.custodian == *own } else { is_offered };
    if !may {
        return Err(unfit(
            "not-allowed-offer",
            "this is for whoever was offered the item, or for whoever offered it",
        ));
    }
    let from = custodian(tx, &realm, &item)?;
    let before = item.custodian.clone();
    let said = Said::new(act, reason).from(from);
    let said = match act {
        CustodyAct::Accepted => said.to(party(tx, caller)?),
        _ => said.to(named(tx, &realm, &offer.organisation, offer.person.as_deref())?),
    };
    let said = match offer.request {
        Some(request) => said.with("request", request.to_string()),
        None => said,
    };
    let mut book = Book::open(tx)?;
    book.write(tx, &realm, &mut item, (Some(caller), said))?;
    if act == CustodyAct::Accepted {
        rows::hand_over(tx, &realm, id, (own, caller.id()))?;
    } else {
        rows::set_offer(tx, &realm, id, None)?;
    }
    let other = if act == CustodyAct::Withdrawn { offer.organisation } else { before };
    if other != *own {
        let text = format!("{act}: {}", item.new.name);
        let subject = id.to_string();
        tell(tx, &realm, BTreeSet::from([other]), (ANSWERED, &subject), (Some(&item.new.case), &text))?;
    }
    Ok(book)
}
