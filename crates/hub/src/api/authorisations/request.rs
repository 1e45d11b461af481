//! Asking the commission.

use std::collections::BTreeSet;

use api::{AuthorisationInfo, NewAuthorisation, NewPrivateMatching};
use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use oprf::Seed;
use oversight::authorisation::{
    Category, Field, IndicatorList, Kind, PrivateList, PrivateMode, PrivateTerms, State as Stand, Terms,
};
use oversight::{Action, OrganisationId, OrganisationRole, Purpose};
use policy::Operation;
use stix::pattern::Pattern;
use store::authorisations;
use store::{Act, Reader, StoreError, Tx, organisations, secrets};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;
use uuid::Uuid;

use super::{event, one};
use crate::api::session::fresh_proof;
use crate::commission::{self, Standing};
use crate::principal::Caller;
use crate::problem::{Answer, Failure};
use crate::request::JsonBody;
use crate::sharing::{answered, unfit};
use crate::state::AppState;

/// Largest request, in bytes: a list and what is around it.
const BODY_BYTES_MAX: usize = authorisations::LIST_BYTES_MAX + 256 * 1024;
/// The most values of an operator's set where a request for private matching does not say.
const FILTER_VALUES: u32 = 1_572_864;
/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 16 * 1024;

pub(super) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(request).layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// Ask the commission for an authorisation.
///
/// The node draws the salt of the list, computes its root, and takes the article from the frame in force. An emergency is told to the
/// whole commission at once. The last sign-in must be no older than 15 minutes (`fresh-proof-needed`).
#[utoipa::path(post, path = "/api/v1/authorisations", tag = "oversight", security(("session" = [])),
    request_body = NewAuthorisation, responses((status = 200, body = AuthorisationInfo), crate::api::CallerRefusal))]
async fn request(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewAuthorisation>,
) -> Answer<Json<AuthorisationInfo>> {
    caller.demand(&state, Operation::RequestAuthorisation)?;
    fresh_proof(&state, &caller).await?;
    let salt = secrets::random()?;
    let wanted = Wanted::read(&caller, body, salt)?;
    let id = wanted.terms.id;
    let (asker, is_configured) = (caller.clone(), state.frame.is_some());
    answered(state.store.write(move |tx| wanted.carry_out(tx, &asker, is_configured)).await)?;
    one(&state, &caller, id).await.map(Json)
}

/// What is asked for, but for the article, which the frame in force names.
struct Wanted {
    terms: Terms,
    list: IndicatorList,
    sealed: bool,
}

impl Wanted {
    fn read(caller: &Caller, body: NewAuthorisation, salt: [u8; 32]) -> Answer<Self> {
        for (number, pattern) in (1_usize..).zip(&body.indicators) {
            let wrong = |reason: &'static str, why: String| {
                Failure::rule(reason, format!("indicators: number {number}: {why}"))
            };
            if pattern.len() > PATTERN_BYTES_MAX {
                return Err(wrong("indicator-length", format!("it has at most {PATTERN_BYTES_MAX} bytes")));
            }
            Pattern::parse(pattern).map_err(|error| wrong("indicator-pattern", error.to_string()))?;
        }
        let list = IndicatorList { salt: hex::encode(salt), patterns: body.indicators };
        let private = body.private.map(|wanted| private(&wanted, &list, &Seed::new(salt))).transpose()?;
        let sealed = body.sealed || private.is_some();
        let (root, private) = match private {
            Some((root, private)) => (root, Some(private)),
            None => (list.root().map_err(Failure::internal)?, None),
        };
        let terms = Terms {
            id: Uuid::new_v4(),
            kind: one_of("kind", &body.kind, Kind::parse, Kind::ALL.iter().map(|kind| kind.name()))?,
            category: one_of(
                "category",
                &body.category,
                Category::parse,
                Category::ALL.iter().map(|category| category.name()),
            )?,
            article: String::new(),
            requested_by: caller.principal.organisation.clone(),
            operators: body
                .operators
                .iter()
                .map(|name| OrganisationId::parse(name))
                .collect::<Option<BTreeSet<_>>>()
                .ok_or_else(|| {
                    Failure::rule("short-name", "operators: they are organisations' short names")
                })?,
            list_root: hex::encode(root),
            list_size: u32::try_from(list.patterns.len()).unwrap_or(u32::MAX),
            fields: body
                .fields
                .iter()
                .map(|name| one_of("fields", name, Field::parse, Field::ALL.iter().map(|field| field.name())))
                .collect::<Answer<_>>()?,
            queries_per_day: body.queries_per_day,
            from: time("from", &body.from)?,
            until: time("until", &body.until)?,
            retention: body.retention,
            purpose: one_of(
                "purpose",
                &body.purpose,
                Purpose::parse,
                Purpose::ALL.iter().map(|purpose| purpose.name()),
            )?,
            reason: body.reason.trim().to_owned(),
            narrows: body.narrows,
            private,
        };
        Ok(Self { terms, list, sealed })
    }

    fn carry_out(self, tx: &mut Tx<'_>, caller: &Caller, is_configured: bool) -> Result<Act<()>, StoreError> {
        let standing = Standing::demand(tx, caller.realm(), is_configured)?;
        let Self { mut terms, list, sealed } = self;
        let rule = standing.frame.text.categories.get(&terms.category);
        terms.article = rule.map(|rule| rule.article.clone()).unwrap_or_default();
        terms.check(&standing.frame.text).map_err(|error| unfit("terms", error.to_string()))?;
        if terms.until <= tx.now() {
            return Err(unfit("terms-over", "until: it lies in the past"));
        }
        check_operators(tx, &terms)?;
        check_wider(tx, caller, &terms)?;
        let id = terms.id;
        let is_emergency = terms.kind == Kind::Emergency;
        let event = event(caller, Action::AuthorisationRequested, id)
            .with("category", terms.category.name())
            .with("kind", terms.kind.name())
            .with("operators", terms.operators.len().to_string())
            .with("indicators", terms.list_size.to_string())
            .with("terms", hex::encode(terms.digest()));
        let new = authorisations::NewAuthorisation { terms, person: caller.id().to_owned(), list, sealed };
        let leaf = authorisations::request(tx, caller.realm(), &new)?;
        let kind = if is_emergency { "authorisation-emergency" } else { "authorisation-requested" };
        commission::tell(tx, caller.realm(), [&standing.commission.organisation], kind, &id.to_string())?;
        Ok(Act::audited((), caller.realm(), event.with("leaf", leaf.to_string())))
    }
}

/// How a list is matched privately, and its root for that. The salt of the list is the seed of its rounds: whoever is given the one to
/// check the root is given the other to audit rounds.
fn private(
    wanted: &NewPrivateMatching,
    list: &IndicatorList,
    seed: &Seed,
) -> Answer<(oprf::Hash, PrivateTerms)> {
    let read = PrivateList::read(&list.patterns);
    let read = read.map_err(|error| Failure::rule("indicator-private", format!("indicators: {error}")))?;
    let mode = one_of(
        "private.mode",
        &wanted.mode,
        PrivateMode::parse,
        PrivateMode::ALL.iter().map(|mode| mode.name()),
    )?;
    let listed = u32::try_from(list.patterns.len()).unwrap_or(u32::MAX);
    let terms = PrivateTerms {
        mode,
        elements: wanted.elements.unwrap_or(listed),
        filter_values_max: wanted.filter_values_max.unwrap_or(FILTER_VALUES),
        seed_commitment: hex::encode(seed.commitment()),
    };
    Ok((read.root(seed), terms))
}

/// Each is an operator of this hub: nobody else has edges for this.
fn check_operators(reader: &Reader<'_>, terms: &Terms) -> Result<(), StoreError> {
    for operator in &terms.operators {
        let known = organisations::get(reader, &crate::REALM, operator)?;
        if known.is_none_or(|known| known.role != OrganisationRole::Operator) {
            return Err(unfit(
                "no-such-operator",
                format!("operators: `{operator}` is no operator of this hub"),
            ));
        }
    }
    Ok(())
}

/// A narrower form is one of an authorisation of the same organisation that counts.
fn check_wider(reader: &Reader<'_>, caller: &Caller, terms: &Terms) -> Result<(), StoreError> {
    let Some(wider) = terms.narrows else { return Ok(()) };
    let found = authorisations::get(reader, caller.realm(), wider)?;
    let found =
        found.filter(|found| found.terms.requested_by == terms.requested_by && found.state == Stand::Granted);
    let found = found.ok_or_else(|| {
        let why = format!("narrows: `{wider}` is no granted authorisation of your organisation");
        unfit("narrows-unknown", why)
    })?;
    terms.narrows(&found.terms).map_err(|error| unfit("narrows-not", error.to_string()))
}

fn one_of<T>(
    field: &str,
    text: &str,
    parse: impl FnOnce(&str) -> Option<T>,
    known: impl Iterator<Item = &'static str>,
) -> Answer<T> {
    parse(text).ok_or_else(|| {
        let known: Vec<String> = known.map(|name| format!("`{name}`")).collect();
        Failure::rule("not-one-of", format!("{field}: `{text}` is not one of {}", known.join(", ")))
    })
}

fn time(field: &str, text: &str) -> Answer<Timestamp> {
    let wrong = || Failure::rule("time", format!("{field}: it is a time as in RFC 3339"));
    text.parse().map_err(|_| wrong())
}
