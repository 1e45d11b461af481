//! A report put together for its reader.

use std::collections::BTreeMap;

use api::{Report as ReportAnswer, ReportCase, ReportFiling, ReportReply};
use policy::Operation;
use regime::{Answer, Attachment, Reply, Verdict, duties, findings};
use stix::Id;
use store::reports::Filed;
use store::{Reader, StoreError, cases, people, reports};

use crate::REALM;
use crate::principal::Caller;
use crate::reports::abroad::words_of;
use crate::reports::contents::listed;
use crate::reports::{InHand, told};
use crate::state::AppState;

/// The report as the caller may see it: all of one's own; of another one's, the copies that one was given, and their thread.
pub(super) fn report(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    found: &InHand,
) -> Result<ReportAnswer, StoreError> {
    let (now, own) = (reader.now(), found.is_of(&caller.principal.organisation));
    let record = found.report.record();
    let mut names = Names::new(reader, caller);
    let mut filings = Vec::new();
    for filed in &found.filed {
        if found.copy_for(&caller.principal.organisation, &filed.event.to_string()).is_some() {
            let by_name = names.of(Some(&filed.actor))?;
            filings.push(filing(reader, filed, by_name, (state, &found.head.id))?);
        }
    }
    let given: Vec<&Filed> = found
        .filed
        .iter()
        .filter(|filed| filed.given_to.as_ref() == Some(&caller.principal.organisation))
        .collect();
    let mut thread = Vec::new();
    for reply in &record.replies {
        let answers = |filed: &&Filed| {
            filed.regime == reply.regime && filed.stage == reply.stage && filed.recipient == reply.recipient
        };
        if own || given.iter().any(answers) {
            thread.push(told_reply(reader, state, (caller, &mut names), (found, reply))?);
        }
    }
    let mut answer = ReportAnswer {
        summary: told::summary(&found.head, &caller.principal.organisation),
        version: u64::try_from(record.versions().len()).unwrap_or(u64::MAX),
        moments: Vec::new(),
        fields: Vec::new(),
        files: Vec::new(),
        duties: Vec::new(),
        filings,
        thread,
        findings: Vec::new(),
        events: Vec::new(),
        as_of: now.to_string(),
    };
    if !own {
        // As the copies say, as long as the organisation has not taken it back.
        let listed: Vec<Attachment> = given.iter().flat_map(|filed| listed(&filed.copy)).collect();
        answer.files =
            record.attachments.iter().filter(|file| listed.contains(file)).map(told::file).collect();
        return Ok(answer);
    }
    answer.moments = told::moments(&record);
    answer.fields = told::stated(&record);
    answer.files = record.attachments.iter().map(told::file).collect();
    answer.findings = findings(&found.report, &state.regimes, now).iter().map(told::finding).collect();
    let all = duties(&found.report, &found.profile, &state.regimes, now);
    let concerns = |duty: &&regime::Duty| {
        matches!(duty.verdict, Verdict::Applies | Verdict::MayApply | Verdict::NeedsConsent)
    };
    let shown = all.iter().filter(concerns);
    answer.duties = shown.map(|duty| told::duty(&found.head.id, &found.head.title, duty)).collect();
    told::by_urgency(&mut answer.duties);
    let withdrawn = told::withdrawn(&found.events);
    for logged in &found.events {
        let by_name = names.of(logged.event.by.as_deref())?;
        answer.events.push(told::event(logged, by_name, &withdrawn));
    }
    Ok(answer)
}

/// A filing, with what is known of an organisation of another hub that was given it.
pub(super) fn filing(
    reader: &Reader<'_>,
    filed: &Filed,
    by_name: Option<String>,
    (state, report): (&AppState, &Id),
) -> Result<ReportFiling, StoreError> {
    let mut told = told::filing(filed, by_name, &state.regimes);
    if let Some(to) = &filed.given_to
        && let Some(words) = words_of(reader, to)?
    {
        told.given_to_name = Some(words);
        let given = reports::abroad::given(reader, &REALM, report)?;
        let of_this = given.iter().find(|given| given.event == filed.event);
        told.object = of_this.map(|given| given.object.to_string());
    }
    Ok(told)
}

fn told_reply(
    reader: &Reader<'_>,
    state: &AppState,
    (caller, names): (&Caller, &mut Names<'_, '_>),
    (found, reply): (&InHand, &Reply),
) -> Result<ReportReply, StoreError> {
    let by = found.report.events().get(&reply.event).and_then(|event| event.by.clone());
    let by_name = names.of(by.as_deref())?;
    let similar = similar(reader, state, caller, &reply.answer)?;
    Ok(told::reply(reply, (by, by_name), similar))
}

/// The cases that an answer names, as far as the reader may see them: of one that it may not see not even the number is told.
pub(super) fn similar(
    reader: &Reader<'_>,
    state: &AppState,
    caller: &Caller,
    answer: &Answer,
) -> Result<Vec<ReportCase>, StoreError> {
    let mut similar = Vec::new();
    if let Answer::SimilarCases { ids } = answer
        && caller.may(state, Operation::WorkCases)
    {
        let visible = state.door.visible(reader, &caller.principal)?;
        for id in ids {
            if let Some((case, _)) = cases::get(reader, caller.realm(), &visible, id)? {
                similar.push(ReportCase { id: id.to_string(), number: case.number, title: case.title });
            }
        }
    }
    Ok(similar)
}

/// Names of people, each looked up once.
struct Names<'a, 'c> {
    reader: &'a Reader<'c>,
    caller: &'a Caller,
    known: BTreeMap<String, Option<String>>,
}

impl<'a, 'c> Names<'a, 'c> {
    fn new(reader: &'a Reader<'c>, caller: &'a Caller) -> Self {
        Self { reader, caller, known: BTreeMap::new() }
    }

    fn of(&mut self, account: Option<&str>) -> Result<Option<String>, StoreError> {
        let Some(account) = account else { return Ok(None) };
        if let Some(known) = self.known.get(account) {
            return Ok(known.clone());
        }
        let name = people::get(self.reader, self.caller.realm(), account)?.map(|person| person.name);
        self.known.insert(account.to_owned(), name.clone());
        Ok(name)
    }
}
